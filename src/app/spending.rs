//! Money: what stands between a wish and its submit.

use std::sync::Arc;

use super::{
    App, Effect, Gate,
    action::Action,
    geometry::Pane,
    jobs,
    modal::{Answer, Ask, Modal, Outcome},
    notice::Tone,
    wording::estimate,
};
use crate::{
    catalog::{Catalog, Endpoint},
    model::{CleanText, EndpointId, Job, JobId, JobState, Usd, budget::OverCap, request::Wish},
};

impl App {
    // ---- caps ----

    /// The cap that sending something of `cost` now would go beyond, as far as it is known here.
    ///
    /// Under a cap only a price counts that the server itself has told.
    pub(super) fn over_cap(&self, endpoint: &EndpointId, cost: Option<Usd>) -> Option<OverCap> {
        let is_told = self
            .catalog
            .get(endpoint)
            .is_some_and(Endpoint::price_is_told);
        let cost = cost.filter(|_| is_told);
        self.budget.check(self.spent.unwrap_or_default(), cost)
    }

    /// Whether `job` waits here because it costs more than the user has agreed to.
    pub(super) fn waits_for_consent(&self, job: &Job) -> bool {
        let waits = job.state == JobState::QueuedLocally
            && !job.account.server.is_preview()
            && !job.consent.over_cap;
        waits
            && (self.over_cap(&job.endpoint, job.estimated_cost).is_some()
                || self.has_become_dearer(job))
    }

    fn has_become_dearer(&self, job: &Job) -> bool {
        let endpoint = self.catalog.get(&job.endpoint);
        let cost = endpoint.and_then(|endpoint| endpoint.estimate(&job.arguments));
        job.estimated_cost
            .is_some_and(|agreed| cost.is_none_or(|cost| cost > agreed))
    }

    /// Asks whether a job that waits for a cap is to be sent all the same.
    pub(super) fn ask_to_agree(&mut self, job: &Job) -> Vec<Effect> {
        let mut lines = vec![(Tone::Strong, jobs::name(job))];
        if let Some(notice) = &job.notice {
            lines.push((Tone::Warning, notice.clone()));
        }
        let cost = estimate(job.estimated_cost);
        lines.push((Tone::Money, cost.into()));
        let yes = Answer {
            key: 'o',
            label: "send it all the same",
            outcome: Outcome::Agree(job.id.clone()),
        };
        let title = format!("Send {} over the cap?", job.id.short());
        self.ask_safely(title, lines, yes, "let it wait");
        vec![]
    }

    // ---- the same once more ----

    pub(super) fn already_have(&mut self, mut wish: Wish, job: &Job) -> Vec<Effect> {
        self.sending = None;
        // No longer: it is not being sent.
        self.notices.pass();
        let cost = job
            .cost()
            .map_or_else(|| "cost unknown".to_owned(), |cost| cost.to_string());
        let in_doubt = matches!(
            job.state,
            JobState::Submitting | JobState::Unconfirmed { .. }
        );
        let before = if in_doubt {
            "Nobody knows so far whether this one arrived; it may be made and billed:"
        } else {
            "The same picture, words and seed were sent before:"
        };
        let mut lines = vec![
            (Tone::Plain, before.into()),
            (
                Tone::Strong,
                format!("{}  {}", job.id.short(), jobs::name(job)).into(),
            ),
            (Tone::Plain, format!("{}  {cost}", job.state.name()).into()),
        ];
        if let Some(video) = job.video() {
            lines.push((Tone::Dim, CleanText::line(&video.path.to_string_lossy())));
        }
        let consequence = if in_doubt {
            "Sent again, it may be paid for twice. Settle the first one before."
        } else {
            "Sent again, it makes the same video and costs as much again."
        };
        lines.push((Tone::Warning, consequence.into()));
        wish.consent.repeat = true;
        let answers = vec![
            Answer {
                key: 'w',
                label: "show it",
                outcome: Outcome::Show(job.id.clone()),
            },
            Answer {
                key: 'o',
                label: "send once more",
                outcome: Outcome::Send(Box::new(wish)),
            },
            Answer {
                key: 'n',
                label: "back",
                outcome: Outcome::Nothing,
            },
        ];
        self.modals.push(Modal::Ask(Ask {
            title: if in_doubt {
                "You may already have this".into()
            } else {
                "You already have this".into()
            },
            lines,
            answers,
            selected: 0,
            is_unasked: false,
        }));
        vec![]
    }

    pub(super) fn show_job(&mut self, id: &JobId) -> Vec<Effect> {
        self.jobs.set_filter("");
        self.jobs.select(id);
        self.go_to(Pane::Jobs)
    }

    // ---- prices ----

    pub(super) fn reprice(&mut self, catalog: Catalog) {
        self.catalog = Arc::new(catalog);
        self.editor.reprice(&self.catalog);
        self.detail_stale = true;
        // A question about a cost that has changed would be answered in error.
        let catalog = Arc::clone(&self.catalog);
        let is_outdated = |outcome: &Outcome| match outcome {
            Outcome::Send(wish) if !wish.server.is_preview() => {
                let endpoint = catalog.get(&wish.endpoint);
                endpoint.and_then(|endpoint| endpoint.estimate(&wish.arguments))
                    != wish.estimated_cost
            }
            _ => false,
        };
        let outdated = matches!(self.modals.last(), Some(Modal::Ask(ask))
            if ask.answers.iter().any(|answer| is_outdated(&answer.outcome)));
        if outdated {
            self.modals.pop();
            let key = self.keys_of(Action::Submit);
            let text = format!("the price has changed · {key} asks anew");
            self.notices.warn(Tone::Warning, text);
        }
    }

    /// How old the price of the draft's endpoint is, in words; nothing where no price is known.
    pub(crate) fn price_age(&self) -> Option<String> {
        Some(self.editor.endpoint.price?.age(self.now))
    }

    // ---- a locked account, a refused key ----

    /// Nothing is sent any more: tells it once, and offers the way on.
    pub(super) fn shut(&mut self, gate: Gate, reason: CleanText) -> Vec<Effect> {
        let is_news = self.gate != gate;
        self.gate = gate;
        if !is_news {
            return vec![];
        }
        let key = self.keys_of(Action::ResumeOutbox);
        let (title, what, way_out, label) = match self.gate {
            Gate::KeyRefused => (
                "The key was refused",
                "Nothing is asked with it any more, and nothing is sent. No job is lost.",
                "Put another key where this one came from; one from the environment needs a new start.",
                "read the key again",
            ),
            _ => (
                "The account is locked",
                "Nothing more is sent; what is sent goes on. No job is lost.",
                "See fal.ai/dashboard/billing.",
                "resume sending",
            ),
        };
        let lines = vec![
            (Tone::Failed, reason),
            (Tone::Plain, what.into()),
            (
                Tone::Dim,
                format!("{way_out} {key} does this later.").into(),
            ),
        ];
        let yes = Answer {
            key: 'y',
            label,
            outcome: Outcome::Resume,
        };
        self.ask_unasked(Ask::yes_or_no(title, lines, yes, "later"));
        vec![]
    }

    pub(super) fn resume_outbox(&mut self) -> Vec<Effect> {
        vec![match self.gate {
            Gate::KeyRefused => Effect::ReloadKey,
            Gate::Open | Gate::AccountLocked => Effect::ResumeOutbox,
        }]
    }

    /// Asks once nothing else is being answered or typed.
    pub(super) fn ask_unasked(&mut self, ask: Ask) {
        self.later.push(Ask {
            is_unasked: true,
            ..ask
        });
    }

    /// Brings up a question that waited, if the moment is right.
    pub(super) fn bring_up(&mut self) {
        let is_busy = !self.modals.is_empty() || self.editor.typing || self.prompt.is_some();
        if !is_busy && !self.later.is_empty() {
            let ask = self.later.remove(0);
            self.modals.push(Modal::Ask(ask));
        }
    }

    /// Asks with the answer that costs nothing marked.
    pub(super) fn ask_safely(
        &mut self,
        title: impl Into<CleanText>,
        lines: Vec<(Tone, CleanText)>,
        yes: Answer,
        no: &'static str,
    ) {
        let mut ask = Ask::yes_or_no(title, lines, yes, no);
        ask.selected = 1;
        self.modals.push(Modal::Ask(ask));
    }
}

#[cfg(test)]
mod tests;
