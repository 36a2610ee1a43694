//! One line on a terminal's standard error that is drawn over and over.

use std::{
    collections::BTreeMap,
    env,
    io::{self, IsTerminal, Write},
};

use super::{job_text, output::notice, text};
use crate::model::{CleanText, Job, JobId, JobState, Timestamp};

/// Goes to the start of the line and empties it.
const REWIND: &str = "\r\u{1b}[2K";

/// Columns that are used; a line that wraps could not be drawn over.
const ROOM: usize = 78;

/// What goes on right now. Where standard error is no terminal, only what stands in a job's way is told, line by line.
#[derive(Debug)]
pub(super) struct Progress {
    enabled: bool,
    shown: String,
    /// What was last told of each job where nothing can be drawn over.
    told: BTreeMap<JobId, CleanText>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            enabled: io::stderr().is_terminal() && !dumb,
            shown: String::new(),
            told: BTreeMap::new(),
        }
    }

    /// Shows where `job` stands.
    pub(super) fn show(&mut self, job: &Job) {
        if !self.enabled {
            self.tell(job);
            return;
        }
        let uploads = format!("{}  uploading, ", job.id);
        if job.state == JobState::Uploading && self.shown.starts_with(&uploads) {
            return;
        }
        let time = text::clock(job.elapsed(Timestamp::now()));
        let in_the_way = job
            .notice
            .as_ref()
            .map_or_else(String::new, |notice| format!("  {notice}"));
        let state = job_text::state(job);
        self.draw(format!("{}  {state}  {time}{in_the_way}", job.id));
    }

    fn tell(&mut self, job: &Job) {
        let Some(text) = &job.notice else {
            return;
        };
        if self.told.get(&job.id) != Some(text) {
            notice(format!("{}: {text}", job.id));
            self.told.insert(job.id.clone(), text.clone());
        }
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
