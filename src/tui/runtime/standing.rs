//! The tasks that run as long as the dashboard does.

use std::time::Duration;

use tokio::sync::watch;

use super::{Hands, blocking};
use crate::{
    app::Message,
    model::{Draft, JobState, draft::Slot, speech::Utterance},
    store::Store,
    studio,
    tracker::{Report, Reports},
};

/// A draft is on disk so long after the last letter at the latest.
const DRAFT_DELAY: Duration = Duration::from_millis(500);

/// A script is measured so long after the last letter at the earliest.
const MEASURE_DELAY: Duration = Duration::from_millis(150);

impl Hands {
    /// Looks for damage where that takes too long to be waited for.
    pub(super) async fn check(self) {
        if let Err(reason) = self.read(Store::check).await {
            self.tell(Message::Trouble(reason)).await;
        }
    }

    pub(super) async fn listen(self, mut reports: Reports) {
        loop {
            let news = reports.next().await;
            if news.is_empty() {
                return;
            }
            let has_ended = |report: &Report| {
                matches!(report, Report::Job(job) if job.state == JobState::Completed
                    && !job.account.server.is_preview())
            };
            let learns = news.iter().any(has_ended);
            for report in news {
                self.tell(match report {
                    Report::Job(job) => Message::JobChanged(job),
                    Report::Logs { id, count } => Message::LogsChanged { id, count },
                    Report::Upload { id, sent, total } => {
                        Message::UploadProgress { id, sent, total }
                    }
                    // The gate that the header shows is of the server that submits go to.
                    Report::AccountLocked { server, message } if server == self.server => {
                        Message::AccountLocked(message)
                    }
                    Report::Unauthorized { server, message } if server == self.server => {
                        Message::KeyRefused(message)
                    }
                    Report::AccountLocked { server, message } => Message::Trouble(
                        format!("{server} has locked the account: {message}").into(),
                    ),
                    Report::Unauthorized { server, message } => Message::Trouble(
                        format!("{server} refuses its key, its jobs are not followed: {message}")
                            .into(),
                    ),
                    // The header speaks of the server that submits go to.
                    Report::Reachable { server, reachable } if server == self.server => {
                        Message::ServerReachable(reachable)
                    }
                    Report::Reachable { .. } => continue,
                    Report::Held(jobs) => Message::HeldFound(jobs),
                    Report::Trouble { message } => Message::Trouble(message),
                })
                .await;
            }
            if learns {
                self.learn().await;
            }
        }
    }

    /// Writes the newest draft a little after it changed; a fast typist costs two writes a second.
    pub(super) async fn keep_drafts(self, mut drafts: watch::Receiver<Option<(Slot, Draft)>>) {
        loop {
            let is_last = drafts.changed().await.is_err();
            if !is_last {
                // A draft that comes while this waits is the one that is written; the end cuts the wait short.
                let ended = async { while drafts.changed().await.is_ok() {} };
                let _ = tokio::time::timeout(DRAFT_DELAY, ended).await;
            }
            let draft = drafts.borrow_and_update().clone();
            if let Some((slot, draft)) = draft
                && let Err(reason) = self.keep_draft(slot, draft).await
            {
                self.tell(Message::EffectFailed {
                    effect: "save draft",
                    reason,
                })
                .await;
            }
            if is_last {
                return;
            }
        }
    }

    /// Measures the newest words; what is overtaken while they are measured is left out.
    pub(super) async fn measure(self, mut newest: watch::Receiver<Vec<Utterance>>) {
        while newest.changed().await.is_ok() {
            // Speaking a script takes a while: not for each letter of a fast typist.
            tokio::time::sleep(MEASURE_DELAY).await;
            let words = newest.borrow_and_update().clone();
            let rates = self.rates().await;
            let known = blocking(move || {
                let mut measured = studio::Measured::at(rates);
                let one = |words: Utterance| {
                    // Only words are asked about; the state knows the files' lengths.
                    let speech = measured.length(std::slice::from_ref(&words), |_| None);
                    (words, speech)
                };
                words.into_iter().map(one).collect()
            });
            self.tell(Message::SpeechMeasured(known.await)).await;
        }
    }
}
