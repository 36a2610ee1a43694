//! Files that were uploaded or rendered, under names that cannot be guessed.
//!
//! `files/<id>/content` and `files/<id>/about.json`. A file arrives in a folder whose name begins with a dot and gets
//! its own name when it is whole; nothing is ever deleted or changed afterwards.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::disk;

/// The folder of all files.
#[derive(Clone, Debug)]
pub(super) struct Files {
    dir: PathBuf,
}

/// What is known of a file beside its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) name: String,
    pub(super) content_type: String,
}

impl About {
    /// Of what a client says; the name is made harmless, a type that is none becomes `application/octet-stream`.
    pub(super) fn new(name: &str, content_type: &str) -> Self {
        let is_type = content_type.contains('/')
            && content_type.len() <= 100
            && content_type.bytes().all(|b| matches!(b, b' '..=b'~'));
        Self {
            name: plain_name(name),
            content_type: if is_type {
                content_type.to_owned()
            } else {
                "application/octet-stream".to_owned()
            },
        }
    }

    /// The path at which the file is served.
    pub(super) fn path(&self, id: Uuid) -> String {
        format!("/files/b/{}/{}", id.simple(), self.name)
    }
}

/// Letters, digits, dots, dashes and underscores of the last part of `name`.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') => c,
            _ => '_',
        })
        .take(100)
        .collect();
    if plain.trim_matches(['.', '_']).is_empty() {
        "file".to_owned()
    } else {
        plain
    }
}

/// The id in the path or address of one of our files, whatever port it was made under.
pub(super) fn id_in_path(path: &str) -> Option<Uuid> {
    let mut segments = path.strip_prefix("/files/b/")?.split('/');
    let id = Uuid::try_parse(segments.next()?).ok()?;
    (segments.next().is_some() && segments.next().is_none()).then_some(id)
}

impl Files {
    /// Opens the folder, creating it if need be, and clears away what a dead process left half received.
    pub(super) fn open(dir: PathBuf) -> io::Result<Self> {
        disk::create_dir(&dir)?;
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Self { dir })
    }

    /// A place for a file to arrive in.
    pub(super) fn incoming(&self) -> io::Result<Incoming> {
        let dir = self.dir.join(format!(".{}", Uuid::new_v4().simple()));
        disk::create_dir(&dir)?;
        Ok(Incoming { dir })
    }

    /// Gives a file that has arrived its name; when it returns, the file survives a crash. Blocks on the disk.
    pub(super) fn keep(&self, incoming: &Incoming, id: Uuid, about: &About) -> io::Result<()> {
        disk::write_json(&incoming.dir.join("about.json"), about)?;
        fs::File::open(incoming.content())?.sync_all()?;
        fs::rename(&incoming.dir, self.of(id))?;
        disk::sync_dir(&self.dir)
    }

    /// Keeps `bytes` as a new file. Blocks on the disk.
    pub(super) fn save(&self, bytes: &[u8], about: &About) -> io::Result<Uuid> {
        let incoming = self.incoming()?;
        disk::write_atomic(&incoming.content(), bytes)?;
        let id = Uuid::new_v4();
        self.keep(&incoming, id, about)?;
        Ok(id)
    }

    /// A file by its id: what is known of it, and where its content lies. Blocks on the disk.
    pub(super) fn find(&self, id: Uuid) -> io::Result<Option<(About, PathBuf)>> {
        let dir = self.of(id);
        let about = disk::read_json(&dir.join("about.json"))?;
        Ok(about.map(|about| (about, dir.join("content"))))
    }

    fn of(&self, id: Uuid) -> PathBuf {
        self.dir.join(id.simple().to_string())
    }
}

/// A file that is arriving; dropped before it is kept, it is gone.
#[derive(Debug)]
pub(super) struct Incoming {
    dir: PathBuf,
}

impl Incoming {
    /// Where its bytes go.
    pub(super) fn content(&self) -> PathBuf {
        self.dir.join("content")
    }

    /// Where the bytes of one part go.
    pub(super) fn part(&self, number: u32) -> PathBuf {
        self.dir.join(format!("part-{number}"))
    }

    /// Puts parts together, in this order. Blocks on the disk.
    pub(super) fn join(&self, parts: &[u32]) -> io::Result<()> {
        let mut whole = disk::private()
            .write(true)
            .create_new(true)
            .open(self.content())?;
        for &number in parts {
            io::copy(&mut fs::File::open(self.part(number))?, &mut whole)?;
        }
        for &number in parts {
            fs::remove_file(self.part(number))?;
        }
        Ok(())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // Gone already when the file was kept.
        let _ = remove(&self.dir);
    }
}

fn remove(dir: &Path) -> io::Result<()> {
    fs::remove_dir_all(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_inside_and_harmless_ones_stay_whole() {
        let cases = [
            ("face.png", "face.png"),
            ("../../etc/passwd", "passwd"),
            (r"C:\x\a b.png", "a_b.png"),
            ("..", "file"),
            ("", "file"),
            (".foo", ".foo"),
            ("a..b", "a..b"),
            ("x\0\u{1b}.mp4", "x__.mp4"),
        ];
        for (name, want) in cases {
            assert_eq!(plain_name(name), want, "{name:?}");
        }
        assert_eq!(plain_name(&"x".repeat(5000)).len(), 100);
    }

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path().join("files")).unwrap();
        let about = About::new("a.txt", "text/plain\r\nx: y");
        assert_eq!(about.content_type, "application/octet-stream");
        let id = files.save(b"hello", &about).unwrap();
        let (found, content) = files.find(id).unwrap().unwrap();
        assert_eq!(
            (found, fs::read(content).unwrap()),
            (about.clone(), b"hello".to_vec())
        );
        assert_eq!(id_in_path(&about.path(id)), Some(id));
        let half = files.incoming().unwrap();
        fs::write(half.content(), "ha").unwrap();
        drop(half);
        assert_eq!(fs::read_dir(&files.dir).unwrap().count(), 1);
        std::mem::forget(files.incoming().unwrap());
        let again = Files::open(files.dir).unwrap();
        assert_eq!(
            fs::read_dir(&again.dir).unwrap().count(),
            1,
            "a dead process's rest is gone"
        );
    }

    #[test]
    fn only_paths_of_files_name_one() {
        let id = Uuid::new_v4();
        assert_eq!(id_in_path(&format!("/files/b/{}/x", id.simple())), Some(id));
        for path in [
            "/files/b/".to_owned(),
            format!("/files/b/{}", id.simple()),
            format!("/files/b/{}/x/y", id.simple()),
            format!("/other/b/{}/x", id.simple()),
            "/files/b/../x".to_owned(),
        ] {
            assert_eq!(id_in_path(&path), None, "{path}");
        }
    }
}
