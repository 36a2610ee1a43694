//! The steps of a job's life, each one transaction that compares before it sets.
//!
//! Each returns the job as it now stands, or `None` when nothing changed: the job is unknown, has ended, or has moved on
//! so that the step came too late. Late answers are normal and are no errors.

use std::{collections::HashSet, time::Duration};

use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use super::{
    Error, OwnerId, Store,
    row::{COLUMNS, Record},
};
use crate::model::{
    CleanText, Job, JobError, JobId, JobState, RequestId, Timestamp, job::SavedFile,
    request::RequestUrls,
};

/// What a status told; what it did not tell stays as it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// In queue, in progress or saving.
    pub state: Option<JobState>,
    /// A status word that we do not know; `None` clears it.
    pub remote_status: Option<CleanText>,
    /// How far the job is.
    pub percent: Option<u8>,
    /// When a runner was seen working on it; the first such moment stays.
    pub started_at: Option<Timestamp>,
    /// The server's figure.
    pub inference: Option<Duration>,
}

pub(super) type Changed = Result<Option<Job>, Error>;

impl Store {
    /// queued-locally → uploading, by its owner.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn begin_upload(&self, id: &JobId, owner: &OwnerId) -> Changed {
        // The notice of the last try stays: it is true until this one gets further.
        self.change(id, |record| {
            record.is_unsent_and_of(owner) && record.job.state.advance(JobState::Uploading)
        })
    }

    /// uploading → queued-locally, or no change of state: it has to wait, and `notice` says for what.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn wait_here(&self, id: &JobId, owner: &OwnerId, notice: &CleanText) -> Changed {
        self.change(id, |record| {
            record.job.notice = Some(notice.clone());
            if record.job.state == JobState::Uploading {
                record.job.state = JobState::QueuedLocally;
            }
            record.is_unsent_and_of(owner)
        })
    }

    /// submitting → queued-locally, because the POST is known not to have been taken.
    ///
    /// The one way back from a state that may have been sent. It needs proof: the connection never stood, or the server
    /// refused. The body is cleared; the owner stays, for it is alive and about to try again.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn prove_unsent(&self, id: &JobId, owner: &OwnerId) -> Changed {
        self.change(id, |record| {
            let proven = record.job.state == JobState::Submitting
                && record.wire.owner.as_ref() == Some(owner);
            if proven {
                record.job.state = JobState::QueuedLocally;
                record.wire.body = None;
            }
            proven
        })
    }

    /// queued-locally or uploading → draft, by its owner: it will not be sent, and nothing of it is lost.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn withdraw(&self, id: &JobId, owner: &OwnerId, why: Option<JobError>) -> Changed {
        self.change(id, |record| {
            let unsent = record.is_unsent_and_of(owner);
            if unsent {
                record.job.state = JobState::Draft;
                record.job.error = why;
                record.job.notice = None;
                record.wire.owner = None;
            }
            unsent
        })
    }

    /// queued-locally or uploading → cancelled: it was never sent.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn cancel_unsent(&self, id: &JobId, at: Timestamp) -> Changed {
        self.change(id, |record| {
            record.is_unsent() && record.end(JobState::Cancelled, at)
        })
    }

    /// submitting or unconfirmed → in-queue: the server answered the POST.
    ///
    /// The request id is kept whatever the state is, even of a job that has ended: it names something that was paid for.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn accept(
        &self,
        id: &JobId,
        request_id: &RequestId,
        urls: &RequestUrls,
        queue_position: Option<u32>,
        at: Timestamp,
    ) -> Changed {
        self.change_even_ended(id, |record| {
            record.job.request_id = Some(request_id.clone());
            record.wire.urls = Some(urls.clone());
            record.job.submitted_at.get_or_insert(at);
            record.enter_queue(queue_position);
            true
        })
    }

    /// unconfirmed → in-queue: the server's own list has the request, or the user named it.
    ///
    /// A request that belongs to another job is not adopted.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn adopt(&self, id: &JobId, request_id: &RequestId, at: Timestamp) -> Changed {
        self.main().write(|db| {
            let taken = db
                .prepare_cached("SELECT 1 FROM jobs WHERE request_id = ?1 AND id <> ?2")?
                .exists([request_id.as_str(), id.as_str()])?;
            change_in(db, id, |record| {
                let adopts = !taken
                    && record.job.request_id.is_none()
                    && matches!(record.job.state, JobState::Unconfirmed { .. });
                if adopts {
                    record.job.request_id = Some(request_id.clone());
                    record.job.submitted_at.get_or_insert(at);
                    record.enter_queue(None);
                }
                Ok(adopts)
            })
        })
    }

    /// submitting → unconfirmed: the answer to the POST is lost.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn unconfirmed(&self, id: &JobId, since: Timestamp) -> Changed {
        self.change(id, |record| {
            record.job.state == JobState::Submitting
                && record.job.state.advance(JobState::Unconfirmed { since })
        })
    }

    /// Takes over what a status told of a job that is in queue or in progress; saving is never left again this way.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn observe(&self, id: &JobId, seen: &Observation) -> Changed {
        self.change(id, |record| {
            let job = &mut record.job;
            if !matches!(job.state, JobState::InQueue { .. } | JobState::InProgress) {
                return false;
            }
            if let Some(state) = &seen.state {
                job.state.advance(state.clone());
            }
            job.remote_status.clone_from(&seen.remote_status);
            if seen.percent.is_some_and(|now| Some(now) < job.percent) {
                // It was begun anew, as after a restart of the runner: what is left is told from here.
                job.started_at = seen.started_at;
            }
            job.percent = seen.percent.or(job.percent);
            job.started_at = job.started_at.or(seen.started_at);
            job.inference_time = seen.inference.or(job.inference_time);
            job.notice = None;
            true
        })
    }

    /// Keeps the server's result; the job is saving now.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn store_result(&self, id: &JobId, output: &Value, billed: Option<f64>) -> Changed {
        self.change(id, |record| {
            record.job.state.advance(JobState::Saving);
            record.job.output = Some(output.clone());
            record.job.billed_units = billed.or(record.job.billed_units);
            record.job.notice = None;
            true
        })
    }

    /// saving → saving, with one more file in its place, so that it is not fetched again.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn add_file(&self, id: &JobId, file: &SavedFile) -> Changed {
        self.change(id, |record| {
            record.job.files.retain(|known| known.path != file.path);
            record.job.files.push(file.clone());
            record.job.notice = None;
            true
        })
    }

    /// → completed: everything is on disk.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn complete(&self, id: &JobId, files: &[SavedFile], at: Timestamp) -> Changed {
        self.change(id, |record| {
            let done = record.end(JobState::Completed, at);
            record.job.files = files.to_vec();
            record.job.percent = None;
            done
        })
    }

    /// → failed, in the server's words or ours.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn fail(&self, id: &JobId, error: &JobError, at: Timestamp) -> Changed {
        self.change(id, |record| {
            let done = record.end(JobState::Failed, at);
            record.job.error = Some(error.clone());
            done
        })
    }

    /// unconfirmed → failed, because the user knows that it was never sent. An answer that came meanwhile wins.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn fail_unconfirmed(&self, id: &JobId, error: &JobError, at: Timestamp) -> Changed {
        self.change(id, |record| {
            let fails = matches!(record.job.state, JobState::Unconfirmed { .. })
                && record.end(JobState::Failed, at);
            record.job.error = Some(error.clone());
            fails
        })
    }

    /// → cancelled, by the server's word.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn cancelled(&self, id: &JobId, at: Timestamp) -> Changed {
        self.change(id, |record| record.end(JobState::Cancelled, at))
    }

    /// → expired: it ran, but its result is gone.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn expired(&self, id: &JobId, at: Timestamp) -> Changed {
        self.change(id, |record| record.end(JobState::Expired, at))
    }

    /// Remembers that the user wants it cancelled.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn request_cancel(&self, id: &JobId) -> Changed {
        self.change(id, |record| {
            record.job.cancel_requested = true;
            true
        })
    }

    /// Says what is going on right now, or that nothing is.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_notice(&self, id: &JobId, notice: Option<CleanText>) -> Changed {
        self.change(id, |record| {
            record.job.notice = notice;
            true
        })
    }

    /// Hands a job from `old_owner` to `new_owner`; only one of several that try gets it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn claim(
        &self,
        id: &JobId,
        old_owner: Option<&OwnerId>,
        new_owner: &OwnerId,
    ) -> Result<bool, Error> {
        let claimed = self.change(id, |record| {
            let fits = record.wire.owner.as_ref() == old_owner;
            if fits {
                record.wire.owner = Some(new_owner.clone());
            }
            fits
        })?;
        Ok(claimed.is_some())
    }

    /// As [`Store::claim`] for many jobs at once, each with the owner it is to have so far; returns those that were got.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn claim_all(
        &self,
        jobs: &[(JobId, Option<OwnerId>)],
        new_owner: &OwnerId,
    ) -> Result<HashSet<JobId>, Error> {
        self.main().write(|db| {
            let mut claim = db.prepare_cached(
                "UPDATE jobs SET owner = ?1 WHERE id = ?2 AND owner IS ?3
                 AND state NOT IN ('completed', 'failed', 'cancelled', 'expired')",
            )?;
            let mut claimed = HashSet::new();
            for (id, old_owner) in jobs {
                let old_owner = old_owner.as_ref().map(OwnerId::as_str);
                if claim.execute(params![new_owner.as_str(), id.as_str(), old_owner])? > 0 {
                    claimed.insert(id.clone());
                }
            }
            Ok(claimed)
        })
    }

    /// Takes `owner` off the jobs that any process may follow: those at the server, or perhaps there.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn let_go(&self, owner: &OwnerId) -> Result<(), Error> {
        self.main().write(|db| {
            db.execute(
                "UPDATE jobs SET owner = NULL
                 WHERE owner = ?1 AND state IN ('unconfirmed', 'in-queue', 'in-progress', 'saving')",
                [owner.as_str()],
            )
        })?;
        Ok(())
    }

    /// Runs `edit` on the record of a job that has not ended and stores what it made, if it says so.
    pub(super) fn change(&self, id: &JobId, edit: impl FnOnce(&mut Record) -> bool) -> Changed {
        self.change_even_ended(id, |record| !record.job.state.is_terminal() && edit(record))
    }

    fn change_even_ended(&self, id: &JobId, edit: impl FnOnce(&mut Record) -> bool) -> Changed {
        self.main()
            .write(|db| change_in(db, id, |record| Ok(edit(record))))
    }
}

pub(super) fn change_in(
    db: &rusqlite::Connection,
    id: &JobId,
    edit: impl FnOnce(&mut Record) -> rusqlite::Result<bool>,
) -> rusqlite::Result<Option<Job>> {
    let before = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM jobs WHERE id = ?1"))?
        .query_row([id.as_str()], Record::read)
        .optional()?;
    let Some(before) = before else {
        return Ok(None);
    };
    let mut after = before.clone();
    if !edit(&mut after)? || after == before {
        return Ok(None);
    }
    after.update(db)?;
    Ok(Some(after.job))
}

impl Record {
    pub(super) fn is_unsent(&self) -> bool {
        matches!(
            self.job.state,
            JobState::QueuedLocally | JobState::Uploading
        )
    }

    pub(super) fn is_unsent_and_of(&self, owner: &OwnerId) -> bool {
        self.is_unsent() && self.wire.owner.as_ref() == Some(owner)
    }

    fn enter_queue(&mut self, position: Option<u32>) {
        if matches!(
            self.job.state,
            JobState::Submitting | JobState::Unconfirmed { .. }
        ) {
            self.job.state = JobState::InQueue { position };
            self.job.notice = None;
        }
    }

    fn end(&mut self, state: JobState, at: Timestamp) -> bool {
        self.job.completed_at = Some(at);
        self.job.remote_status = None;
        self.job.notice = None;
        self.job.state.advance(state)
    }
}
