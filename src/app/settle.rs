//! Unconfirmed jobs that the server's list does not explain: the user decides.

use super::{
    App, Effect, jobs,
    modal::{Answer, Chosen, Entry, Modal, Outcome, Pick},
    notice::Tone,
    wording::date_and_time,
};
use crate::model::{CleanText, JobId, request::Candidate};

impl App {
    /// Offers what could have become of the job.
    pub(super) fn unsettled(&mut self, id: &JobId, candidates: &[Candidate]) -> Vec<Effect> {
        let Some(job) = self.jobs.get(id) else {
            return vec![];
        };
        let is_it = candidates.iter().map(|candidate| {
            let at = candidate.sent_at.map_or_else(
                || "time unknown".to_owned(),
                |at| date_and_time(at, &self.zone),
            );
            Entry {
                label: format!("it is {}", candidate.id).into(),
                aside: at.into(),
                chosen: Chosen::Confirm(id.clone(), candidate.id.clone()),
            }
        });
        let mut entries: Vec<_> = is_it.collect();
        entries.push(Entry {
            label: "leave it; the server is asked again by and by".into(),
            aside: CleanText::default(),
            chosen: Chosen::Nothing,
        });
        entries.push(Entry {
            label: "it was not sent: allow a resubmit".into(),
            aside: CleanText::default(),
            chosen: Chosen::AskNotSent(id.clone()),
        });
        let found = match candidates.len() {
            0 => "the server's list does not have it",
            _ => "several requests could be it",
        };
        let title = format!("{} {}: {found}", id.short(), jobs::name(job));
        self.modals
            .push(Modal::Pick(Box::new(Pick::new(title, entries, 0))));
        vec![]
    }

    /// Whoever says so wrongly pays twice: asked about once more.
    pub(super) fn ask_not_sent(&mut self, id: &JobId) -> Vec<Effect> {
        let lines = vec![
            (
                Tone::Warning,
                "If the server has it all the same, it is billed, and so is the next submit."
                    .into(),
            ),
            (
                Tone::Plain,
                "Look at the list of requests on the server's own pages first.".into(),
            ),
        ];
        let yes = Answer {
            key: 'y',
            label: "it was not sent",
            outcome: Outcome::NotSent(id.clone()),
        };
        let title = format!("Was {} never sent?", id.short());
        self.ask_safely(title, lines, yes, "back");
        vec![]
    }
}

#[cfg(test)]
mod tests;
