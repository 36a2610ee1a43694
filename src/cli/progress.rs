//! One line on a terminal's standard error that is drawn over and over.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use super::{job_text, text};
use crate::model::{Job, JobId, Timestamp};

/// Goes to the start of the line and empties it.
const REWIND: &str = "\r\u{1b}[2K";

/// Columns that are used; a line that wraps could not be drawn over.
const ROOM: usize = 78;

/// What goes on right now; silent where standard error is no terminal.
#[derive(Debug)]
pub(super) struct Progress {
    enabled: bool,
    shown: String,
}

impl Progress {
    pub(super) fn new() -> Self {
        let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            enabled: io::stderr().is_terminal() && !dumb,
            shown: String::new(),
        }
    }

    /// Shows where `job` stands.
    pub(super) fn show(&mut self, job: &Job) {
        let time = text::clock(job.elapsed(Timestamp::now()));
        let notice = job
            .notice
            .as_ref()
            .map_or_else(String::new, |notice| format!("  {notice}"));
        let state = job_text::state(job);
        self.draw(format!("{}  {state}  {time}{notice}", job.id));
    }

    /// Shows how far an upload is.
    pub(super) fn upload(&mut self, id: &JobId, sent: u64, total: u64) {
        let (sent, total) = (text::size(sent), text::size(total));
        self.draw(format!("{id}  uploading, {sent} of {total}"));
    }

    /// Empties the line, so that something else can be written there.
    pub(super) fn clear(&mut self) {
        if !self.shown.is_empty() {
            self.write(REWIND);
            self.shown.clear();
        }
    }

    fn draw(&mut self, line: String) {
        if self.enabled && self.shown != line {
            self.write(&format!("{REWIND}{}", text::cut(&line, ROOM)));
            self.shown = line;
        }
    }

    #[expect(
        clippy::unused_self,
        reason = "only who holds the line may write to it"
    )]
    fn write(&mut self, text: &str) {
        // Where standard error is gone there is nobody left to tell.
        let _ = write!(io::stderr(), "{text}");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
