//! What the first start leaves behind: a portrait and a draft that is ready to be sent.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::{Exit, Fault};
use crate::{
    catalog::Catalog,
    model::{CleanText, Draft},
    studio,
};

/// Speaks for about five of the 5.8 seconds that the default number of frames gives.
const SCRIPT: &str =
    "Hello! This is talkdeck. You write the words, I say them, and you see it all before you pay.";

/// The voice of the first draft.
const VOICE: &str = "Jessica";

/// What the first draft's scene is.
const PROMPT: &str =
    "A friendly person looks into the camera and talks calmly, with small natural movements.";

/// Writes the sample portrait if it is not there; one that is there is never replaced, whatever it is by now.
pub(super) fn write_portrait(path: &Path) -> Result<(), Fault> {
    // Whole or not at all: written beside its place and linked there, which fails where something already is.
    let written = || {
        if path.symlink_metadata().is_ok() {
            return Ok(());
        }
        let beside = path.with_extension(format!("{}.part", std::process::id()));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        let placed = file
            .write_all(studio::SAMPLE_PORTRAIT)
            .and_then(|()| fs::hard_link(&beside, path));
        fs::remove_file(&beside)?;
        match placed {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    };
    written().map_err(|error| {
        Fault::new(
            Exit::Store,
            format!("cannot write {}: {error}", path.display()),
        )
    })
}

/// The draft that the editor holds when there is none from before.
pub(super) fn draft(catalog: &Catalog, portrait: &Path) -> Draft {
    let endpoint = catalog.first();
    let mut arguments = endpoint.defaults();
    arguments.set("image_url", portrait.to_string_lossy());
    arguments.set("text_input", SCRIPT);
    arguments.set("voice", VOICE);
    arguments.set("prompt", PROMPT);
    Draft {
        endpoint: endpoint.id.clone(),
        arguments: endpoint.complete(&arguments),
        name: CleanText::line("first take"),
        parent: None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::model::frames;

    #[test]
    fn the_first_draft_may_be_sent_as_it_is() {
        let catalog = Catalog::builtin();
        let draft = draft(&catalog, Path::new("/data/sample-portrait.png"));
        let endpoint = catalog.get(&draft.endpoint).unwrap();
        assert_eq!(endpoint.check(&draft.arguments), []);
        assert_eq!(draft.arguments.integer("num_frames"), Some(145));
    }

    #[test]
    #[cfg(feature = "speech")]
    fn the_first_script_fits_its_frames_without_leaving_half_of_them_silent() {
        let length = studio::measure(SCRIPT, VOICE).unwrap().length;
        let room = frames::duration_of(145);
        assert!(length < room && length > room / 2, "{length:?}");
    }

    #[test]
    fn the_portrait_is_written_once_and_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sample-portrait.png");
        write_portrait(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), studio::SAMPLE_PORTRAIT);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "the user's own").unwrap();
        write_portrait(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"the user's own");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
