//! The log of a job: what the server sends is merged and stored, and kept here while it cannot be stored.

use super::{Shared, merge::Merge, now};
use crate::{
    fal::{Client, wire},
    model::{Job, JobId, Level, LogLine, Timestamp},
    store,
};

/// Lines that are read from the store at a time.
const PAGE: u32 = 1000;
/// Lines that wait for a log that cannot be written.
const MOST_UNSAVED: usize = 10_000;

#[derive(Clone, Copy)]
pub(super) enum Source {
    Poll,
    Stream,
}

/// A log that is being followed.
pub(super) struct Log {
    id: JobId,
    merge: Merge,
    unsaved: Vec<LogLine>,
    /// Undated lines all get one time that stays the same, so that they are known again.
    undated: Timestamp,
}

impl Log {
    /// The log of `job`, going on where the stored one ends.
    pub(super) async fn of(shared: &Shared, job: &Job) -> Result<Self, store::Error> {
        let mut merge = Merge::default();
        let mut from = 0;
        loop {
            let id = job.id.clone();
            let page = shared
                .store(move |store| store.logs(&id, from, PAGE))
                .await?;
            if page.is_empty() {
                break;
            }
            from += page.len() as u64;
            merge.stored(&page);
        }
        Ok(Self {
            id: job.id.clone(),
            merge,
            unsaved: Vec::new(),
            undated: job.submitted_at.unwrap_or(job.created_at),
        })
    }

    /// A new stream has begun.
    pub(super) fn reconnected(&mut self) {
        self.merge.reconnected();
    }

    /// Stores what is new in the lines of a status; returns the latest progress that they tell.
    pub(super) async fn take(
        &mut self,
        shared: &Shared,
        client: &Client,
        status: &wire::Status,
        source: Source,
    ) -> Option<u8> {
        let entries = status.logs.as_deref().unwrap_or_default();
        let lines = client
            .log_lines(entries, self.undated)
            .into_iter()
            .map(in_microseconds)
            .collect();
        let fresh = match source {
            Source::Poll => self.merge.polled(lines),
            Source::Stream => self.merge.streamed(lines),
        };
        let percent = fresh.iter().rev().find_map(LogLine::percent);
        self.unsaved.extend(fresh);
        self.save(shared).await;
        percent
    }

    /// Adds a line of talkdeck's own, once in the job's life.
    pub(super) async fn remark(&mut self, shared: &Shared, text: &str) {
        let line = in_microseconds(LogLine::new(self.undated, Level::Warn, text));
        let fresh = self.merge.polled(vec![line]);
        self.unsaved.extend(fresh);
        self.save(shared).await;
    }

    async fn save(&mut self, shared: &Shared) {
        if self.unsaved.is_empty() {
            return;
        }
        // A log that cannot be written does not keep the job from being followed.
        if let Err(mut lines) = shared
            .append(&self.id, std::mem::take(&mut self.unsaved))
            .await
        {
            let over = lines.len().saturating_sub(MOST_UNSAVED);
            lines.drain(..over);
            self.unsaved = lines;
        }
    }
}

impl Shared {
    /// Adds a line of talkdeck's own to the log of a job that is not followed any more.
    pub(super) async fn remark(&self, id: &JobId, text: &str) {
        let line = LogLine::new(now(), Level::Warn, text);
        // What cannot be noted was told as trouble, and the job goes on.
        let _ = self.append(id, vec![line]).await;
    }

    /// Stores and reports `lines`, or gives them back.
    async fn append(&self, id: &JobId, lines: Vec<LogLine>) -> Result<(), Vec<LogLine>> {
        let wanted = id.clone();
        let stored = self
            .store(move |store| {
                Ok(store
                    .append_logs(&wanted, &lines)
                    .map_err(|error| (error, lines)))
            })
            .await;
        match stored {
            Ok(Ok(count)) => {
                self.reports.logs(id, count);
                Ok(())
            }
            Ok(Err((error, lines))) => {
                self.reports.trouble(&error.to_string());
                Err(lines)
            }
            Err(error) => {
                self.reports.trouble(&error.to_string());
                Err(Vec::new())
            }
        }
    }
}

/// The time as precise as the store keeps it, so that a stored line and a fresh one are equal.
fn in_microseconds(line: LogLine) -> LogLine {
    let time = Timestamp::from_microsecond(line.time.as_microsecond()).unwrap_or(line.time);
    LogLine { time, ..line }
}
