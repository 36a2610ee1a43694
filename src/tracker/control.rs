//! What the user does to a job that is under way.

use super::{Error, Shared, Tracker, now, settle::client_of};
use crate::{
    fal::CancelReply,
    model::{JobError, JobId, JobState, request::Consent},
    store,
};

/// What came of a wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelOutcome {
    /// It was never sent, and never will be.
    NeverSent,
    /// The server took it out of its queue.
    Cancelled,
    /// The server knows; the job is followed until it says what became of it.
    Requested,
    /// It had ended already; its result is fetched all the same.
    TooLate,
    /// The server does not know the request.
    NotFound,
}

impl Tracker {
    /// Cancels a job, or asks the server to. Whether it was billed, nobody says.
    ///
    /// # Errors
    /// When the server cannot be asked; the wish is kept, and told to the server when the job is next followed.
    pub async fn cancel(&self, id: &JobId) -> Result<CancelOutcome, Error> {
        let shared = &self.shared;
        let job = shared.job(id).await?;
        if job.state.is_terminal() {
            return Ok(CancelOutcome::TooLate);
        }
        let unsent = id.clone();
        let cancelled = shared
            .change(move |store| store.cancel_unsent(&unsent, now()))
            .await?;
        if cancelled.is_some() {
            shared.wake(id);
            return Ok(CancelOutcome::NeverSent);
        }
        let wanted = id.clone();
        shared
            .change(move |store| store.request_cancel(&wanted))
            .await?;
        let job = shared.job(id).await?;
        let Some(request_id) = &job.request_id else {
            // The follower tells the server as soon as there is something to name.
            return Ok(CancelOutcome::Requested);
        };
        let client = client_of(shared, &job.account)?;
        let urls = self.urls(id).await?;
        let at = client.follow(&job.endpoint, request_id, urls.as_ref());
        let reply = client.cancel(&at).await;
        let outcome = match reply {
            Ok(CancelReply::Cancelled) => taken_out(shared, id).await?,
            Ok(CancelReply::Requested) => CancelOutcome::Requested,
            Ok(CancelReply::AlreadyCompleted) => CancelOutcome::TooLate,
            Ok(CancelReply::NotFound) => CancelOutcome::NotFound,
            Err(error) => {
                shared.refuses(&client, &error);
                // The follower begins anew, and then asks once more.
                shared.wake(id);
                return Err(error.into());
            }
        };
        if outcome == CancelOutcome::Cancelled {
            shared.wake(id);
        }
        Ok(outcome)
    }

    async fn urls(
        &self,
        id: &JobId,
    ) -> Result<Option<crate::model::request::RequestUrls>, store::Error> {
        let id = id.clone();
        let wire = self.shared.store(move |store| store.wire(&id)).await?;
        Ok(wire.and_then(|wire| wire.urls))
    }

    /// Agrees to what a job waits for that is not sent unasked: a cap, or a price that rose. It is kept with the job.
    ///
    /// # Errors
    /// When the job does not wait here any more, or the store cannot be written.
    pub async fn agree(&self, id: &JobId, consent: Consent) -> Result<(), Error> {
        let job = self.shared.job(id).await?;
        let catalog = self.shared.catalog(&job.account.server);
        let cost = catalog
            .get(&job.endpoint)
            .and_then(|endpoint| endpoint.estimate(&job.arguments));
        let wanted = id.clone();
        let agreed = self
            .shared
            .change(move |store| store.agree(&wanted, consent, cost))
            .await?;
        self.shared.wake(id);
        if agreed.is_none() {
            let job = self.shared.job(id).await?;
            return Err(Error::WrongState {
                id: id.clone(),
                state: job.state.name(),
                reason: "only a job that waits here to be sent can be agreed to",
            });
        }
        Ok(())
    }

    /// Makes a draft of a job of this process that was not sent so far, for the reason `why`; says whether it was in time.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn withdraw(&self, id: &JobId, why: JobError) -> Result<bool, Error> {
        let (wanted, me) = (id.clone(), self.shared.owners.me().clone());
        let withdrawn = self
            .shared
            .change(move |store| store.withdraw(&wanted, &me, Some(why)))
            .await?;
        self.shared.wake(id);
        Ok(withdrawn.is_some())
    }

    /// Forgets a job and its log; its files stay. Says whether it did: a job that is under way is kept.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn forget(&self, id: &JobId) -> Result<bool, Error> {
        let id = id.clone();
        Ok(self.shared.store(move |store| store.delete(&id)).await?)
    }

    /// Lets jobs go out again after [`super::Report::AccountLocked`].
    pub fn resume_outbox(&self) {
        self.shared.servers.unlock();
    }
}

/// The server says `OK`, which it says of requests that wait. One that runs is followed on.
pub(super) async fn taken_out(shared: &Shared, id: &JobId) -> Result<CancelOutcome, store::Error> {
    let wanted = id.clone();
    let stands = shared
        .store(move |store| Ok(store.get(&wanted)?.map(|job| job.state)))
        .await?;
    match stands {
        Some(JobState::InQueue { .. }) => {}
        Some(JobState::Cancelled) => return Ok(CancelOutcome::Cancelled),
        _ => return Ok(CancelOutcome::Requested),
    }
    let id = id.clone();
    shared
        .change(move |store| store.cancelled(&id, now()))
        .await?;
    Ok(CancelOutcome::Cancelled)
}
