//! What happens while somebody else has the terminal: the shell, or the user's editor.

use std::{io::Write, time::Duration};

use rustix::process::{Signal, kill_current_process_group};
use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
    time::timeout,
};

use crate::{
    app::effect::Written,
    model::{CleanText, secret::KEY_VARIABLES},
};

/// Stops this job of the shell and returns once it is continued.
///
/// The whole process group stops, as with an editor: a wrapper such as `cargo run` must stop with us, or the shell would
/// go on waiting for it. Where no shell could ever continue us the kernel drops the signal, and this returns soon.
pub(super) async fn stop_until_continued() {
    let Ok(mut continued) = signal(SignalKind::from_raw(Signal::CONT.as_raw())) else {
        return;
    };
    if kill_current_process_group(Signal::TSTP).is_ok() {
        // The stop may reach another thread first; the continuation ends the wait at once.
        let _ = timeout(Duration::from_millis(500), continued.recv()).await;
    }
}

/// Lets the user edit `text` in `$VISUAL` or `$EDITOR` (else `vi`), and returns what was saved.
///
/// # Errors
/// One line when the editor cannot be started, fails, or leaves something that is no text. The text is not lost: the
/// caller still has it.
pub(super) async fn edit(what: &Written, text: &str) -> Result<String, CleanText> {
    let set = |name| {
        std::env::var(name)
            .ok()
            .filter(|value| !value.trim().is_empty())
    };
    let editor = set("VISUAL")
        .or_else(|| set("EDITOR"))
        .unwrap_or_else(|| "vi".to_owned());
    let failed = |why: String| {
        CleanText::from(format!(
            "{editor}: {why}; set EDITOR to an editor that works here"
        ))
    };
    let file = write_private(what, text)
        .map_err(|error| failed(format!("cannot write a temporary file: {error}")))?;
    // EDITOR may carry arguments (`code --wait`); no shell is involved, so a path cannot become a command.
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let mut command = Command::new(program);
    command.args(words).arg(file.path());
    for name in KEY_VARIABLES {
        command.env_remove(name);
    }
    match command.status().await {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(failed(format!("ended with {status}"))),
        Err(error) => return Err(failed(format!("cannot be started: {error}"))),
    }
    let edited = std::fs::read(file.path())
        .map_err(|error| failed(format!("cannot read back the text: {error}")))?;
    let edited =
        String::from_utf8(edited).map_err(|_| failed("left text that is not UTF-8".to_owned()))?;
    // Editors end the last line; the script did not have that line end.
    Ok(if text.ends_with('\n') {
        edited
    } else {
        edited.trim_end_matches('\n').to_owned()
    })
}

fn write_private(what: &Written, text: &str) -> std::io::Result<tempfile::NamedTempFile> {
    // Editors colour a text by its ending.
    let ending = match what {
        Written::Field(_) => ".txt",
        Written::Arguments => ".json",
    };
    // Made readable by the user alone.
    let mut file = tempfile::Builder::new()
        .prefix("talkdeck-")
        .suffix(ending)
        .tempfile()?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    Ok(file)
}
