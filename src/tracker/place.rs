//! Where saved files go: under names of our own making, inside the directory that is meant, in nobody's place.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

pub(super) use crate::store::make_dir;
use crate::{
    model::Job,
    store::{is_same, sync_dir},
};

/// Characters of a name of ours, before its number and extension.
const LONGEST_STEM: usize = 60;
/// Names that Windows keeps for devices; the files may be copied there.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];

/// The directory of the job's results.
pub(super) fn dir_of(job: &Job, results: &Path) -> PathBuf {
    results
        .join(job.created_at.strftime("%Y-%m-%d").to_string())
        .join(format!("{}-{}", stem(job.name.as_str()), job.id))
}

/// `text` as a name that is a plain file name everywhere; never empty.
pub(super) fn stem(text: &str) -> String {
    let mapped: String = text
        .chars()
        .map(|c| match c {
            // A name that a shell takes without quotes.
            ' ' => '-',
            '-' | '_' | '.' | '+' => c,
            c if c.is_alphanumeric() => c,
            _ => '_',
        })
        .collect();
    let mut name = String::new();
    // A name's bytes are limited, not its characters.
    for c in mapped.trim_start_matches(['.', '-']).chars() {
        if name.len() + c.len_utf8() > LONGEST_STEM {
            break;
        }
        name.push(c);
    }
    let name = name.trim_end_matches(['.', '-']);
    if name.chars().all(|c| matches!(c, '_' | '-')) {
        return "job".to_owned();
    }
    let base = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let is_port = |prefix: &str| {
        base.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    if RESERVED.contains(&base.as_str()) || is_port("com") || is_port("lpt") {
        return format!("_{name}");
    }
    name.to_owned()
}

/// A file that is being written under a temporary name in the directory where it will stay. It vanishes unless placed.
pub(super) struct Unfinished {
    path: PathBuf,
    placed: bool,
}

impl Unfinished {
    /// Makes an empty one named after `tag`, in place of one that a crash has left.
    pub(super) fn create(dir: &Path, tag: &str) -> io::Result<(Self, File)> {
        let path = dir.join(format!(".talkdeck-{tag}.part"));
        let open = || {
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
        };
        let file = match open() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(&path)?;
                open()?
            }
            opened => opened?,
        };
        let unfinished = Self {
            path,
            placed: false,
        };
        Ok((unfinished, file))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file the name `stem.extension`, or the next free one, and makes that last through a power cut.
    ///
    /// Nothing that exists is replaced. Where a file with the same bytes stands already, such as one placed right before
    /// a crash, that one is taken.
    pub(super) fn place(mut self, stem: &str, extension: &str) -> io::Result<PathBuf> {
        let dir = self.path.parent().unwrap_or(Path::new(".")).to_owned();
        for number in 1.. {
            let name = if number == 1 {
                format!("{stem}.{extension}")
            } else {
                format!("{stem}-{number}.{extension}")
            };
            let path = dir.join(name);
            match link(&self.path, &path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if !is_same(&self.path, &path).unwrap_or(false) {
                        continue;
                    }
                }
                Err(error) => return Err(error),
            }
            // Gone already where the file system cannot link and it was renamed.
            let _ = fs::remove_file(&self.path);
            self.placed = true;
            sync_dir(&dir)?;
            return Ok(path);
        }
        unreachable!("there are more numbers than files")
    }
}

impl Unfinished {
    /// Gives the file the name `path`, in place of what stands there.
    pub(super) fn replace(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.placed = true;
        sync_dir(path.parent().unwrap_or(Path::new(".")))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.placed {
            // A left-over one is replaced by the next try.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A second name for `from`, or a new one, which fails when `to` exists, whatever it is.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    let has_no_links = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
        )
    };
    match fs::hard_link(from, to) {
        Err(error) if has_no_links(&error) => rename(from, to),
        linked => linked,
    }
}

/// Renames unless `to` exists.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

/// Renames unless `to` exists.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    // Creating the name first keeps others from taking it.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    fs::rename(from, to)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn written(dir: &Path, text: &str) -> Unfinished {
        let (unfinished, mut file) = Unfinished::create(dir, "x-0").unwrap();
        file.write_all(text.as_bytes()).unwrap();
        unfinished
    }

    #[test]
    fn a_name_stays_inside_its_directory_and_is_plain_everywhere() {
        let cases = [
            ("anna intro", "anna-intro"),
            ("a..b", "a..b"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("/abs", "_abs"),
            ("..", "job"),
            (".", "job"),
            ("", "job"),
            ("   ", "job"),
            (".foo", "foo"),
            ("-rf", "rf"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("COM1", "_COM1"),
            ("community", "community"),
            ("trailing. ", "trailing"),
            ("a\0b\nc\u{1b}d\u{202e}e", "a_b_c_d_e"),
            ("naïve 日本", "naïve-日本"),
            ("a:b*c?d\"e<f>g|h\\i", "a_b_c_d_e_f_g_h_i"),
        ];
        for (text, want) in cases {
            assert_eq!(stem(text), want, "{text:?}");
        }
        assert!(stem(&"日".repeat(5000)).len() <= LONGEST_STEM);
    }

    #[test]
    fn what_exists_is_never_replaced_nor_followed() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        fs::write(dir.join("v.mp4"), "old").unwrap();
        fs::create_dir(dir.join("v-2.mp4")).unwrap();
        std::os::unix::fs::symlink(dir.join("nowhere"), dir.join("v-3.mp4")).unwrap();
        let placed = written(dir, "new").place("v", "mp4").unwrap();
        assert_eq!(placed, dir.join("v-4.mp4"));
        assert_eq!(fs::read_to_string(placed).unwrap(), "new");
        assert_eq!(fs::read_to_string(dir.join("v.mp4")).unwrap(), "old");
        assert!(!dir.join("nowhere").exists());
    }

    #[test]
    fn nothing_in_a_directory_is_followed_waited_for_or_removed() {
        let dir = tempfile::tempdir().unwrap();
        let (dir, outside) = (dir.path(), tempfile::tempdir().unwrap());
        let same = outside.path().join("same");
        fs::write(&same, "new").unwrap();
        // A link to the same bytes, a place where an open would wait, one that cannot be opened, and one that is full.
        std::os::unix::fs::symlink(&same, dir.join("v.mp4")).unwrap();
        let mut fifo = std::process::Command::new("mkfifo");
        assert!(fifo.arg(dir.join("v-2.mp4")).status().unwrap().success());
        std::os::unix::net::UnixListener::bind(dir.join("v-3.mp4")).unwrap();
        std::os::unix::fs::symlink("/dev/full", dir.join("v-4.mp4")).unwrap();
        // The temporary name leads elsewhere as well.
        std::os::unix::fs::symlink(&same, dir.join(".talkdeck-x-0.part")).unwrap();
        let placed = written(dir, "new").place("v", "mp4").unwrap();
        assert_eq!(placed, dir.join("v-5.mp4"));
        assert_eq!(fs::read_to_string(placed).unwrap(), "new");
        assert_eq!(fs::read_to_string(&same).unwrap(), "new");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);

        fs::create_dir(dir.join(".talkdeck-x-0.part")).unwrap();
        assert!(Unfinished::create(dir, "x-0").is_err());
        assert!(dir.join(".talkdeck-x-0.part").is_dir());
    }

    #[test]
    fn a_record_takes_the_place_of_a_link_and_not_of_what_it_leads_to() {
        let dir = tempfile::tempdir().unwrap();
        let (dir, theirs) = (dir.path(), dir.path().join("theirs"));
        fs::write(&theirs, "theirs").unwrap();
        let record = dir.join("job.json");
        std::os::unix::fs::symlink(&theirs, &record).unwrap();
        written(dir, "{}").replace(&record).unwrap();
        assert_eq!(fs::read_to_string(&record).unwrap(), "{}");
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
        fs::remove_file(&record).unwrap();
        fs::create_dir(&record).unwrap();
        assert!(written(dir, "{}").replace(&record).is_err());
        assert_eq!(
            fs::read_dir(dir).unwrap().count(),
            2,
            "nothing half is left"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn without_links_a_name_is_taken_all_the_same_and_none_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        let error = rename(&from, &to).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&to).unwrap(), "old");
        rename(&from, &dir.path().join("free")).unwrap();
        assert!(!from.exists());
    }

    #[test]
    fn a_file_that_a_crash_placed_is_not_placed_twice() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let first = written(dir, "same").place("v", "mp4").unwrap();
        assert_eq!(written(dir, "same").place("v", "mp4").unwrap(), first);
        assert_eq!(fs::read_dir(dir).unwrap().count(), 1);
    }

    #[test]
    fn what_is_not_placed_leaves_nothing_and_a_leftover_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        std::mem::forget(written(dir.path(), "crashed"));
        drop(written(dir.path(), "given up"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
