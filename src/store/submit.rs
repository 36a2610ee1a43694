//! The step that decides who sends a job, and whether its cost fits.

use super::{
    Error, OwnerId, Store,
    spending::spent_in,
    transitions::{Changed, change_in},
};
use crate::model::{
    Budget, Job, JobId, JobState, Timestamp, Usd, budget::OverCap, request::Consent,
    server::KeyFingerprint,
};

/// What a submit is held against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cap {
    /// The caps.
    pub budget: Budget,
    /// When the user's day began.
    pub today: Timestamp,
    /// The present.
    pub now: Timestamp,
    /// The server itself has told the price: under a cap no other counts.
    pub price_is_known: bool,
}

/// How the race for a submit ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// The caller may send, once.
    Won(Box<Job>),
    /// The job is not the caller's to send, or not any more.
    Lost,
    /// It would go beyond a cap, and nobody has agreed to that.
    OverCap(OverCap),
}

impl Store {
    /// queued-locally or uploading → submitting: stores the exact body, the key it goes out with and who sends it, and
    /// reserves its cost.
    ///
    /// Only the caller that gets the job back may send, exactly once. All submits of all processes pass here one by
    /// one, so no two of them can fit into the same rest of a cap.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing may be sent.
    pub fn begin_submit(
        &self,
        id: &JobId,
        body: &str,
        key: &KeyFingerprint,
        owner: &OwnerId,
        cap: &Cap,
    ) -> Result<Begun, Error> {
        self.main().write(|db| {
            let mut over = None;
            let begun = change_in(db, id, |record| {
                if !record.is_unsent_and_of(owner) {
                    return Ok(false);
                }
                let job = &record.job;
                if cap.budget.is_capped()
                    && !job.account.server.is_preview()
                    && !job.consent.over_cap
                {
                    let spent = spent_in(db, cap.today, owner)?;
                    let cost = job.estimated_cost.filter(|_| cap.price_is_known);
                    over = cap.budget.check(spent, cost);
                    if over.is_some() {
                        return Ok(false);
                    }
                }
                record.job.state = JobState::Submitting;
                record.job.account.key = key.clone();
                record.job.notice = None;
                record.wire.body = Some(body.to_owned());
                record.wire.owner = Some(owner.clone());
                record.wire.sender = Some(owner.clone());
                record.wire.sent_at = Some(cap.now);
                Ok(true)
            })?;
            Ok(match (begun, over) {
                (Some(job), _) => Begun::Won(Box::new(job)),
                (None, Some(over)) => Begun::OverCap(over),
                (None, None) => Begun::Lost,
            })
        })
    }

    /// Keeps what the user has agreed to for a job that was not sent so far, and the cost that was agreed to.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn agree(&self, id: &JobId, consent: Consent, cost: Option<Usd>) -> Changed {
        self.change(id, |record| {
            // What was agreed to is what is asked now.
            record.job.estimated_cost = cost.or(record.job.estimated_cost);
            record.job.consent.over_cap |= consent.over_cap;
            record.job.consent.repeat |= consent.repeat;
            record.job.consent.cut_off |= consent.cut_off;
            record.is_unsent()
        })
    }
}
