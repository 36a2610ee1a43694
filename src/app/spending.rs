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

    /// The same for several that would go out together.
    pub(super) fn over_cap_of(&self, wishes: &[Wish]) -> Option<OverCap> {
        let cost = |wish: &Wish| {
            let endpoint = self.catalog.get(&wish.endpoint)?;
            wish.estimated_cost.filter(|_| endpoint.price_is_told())
        };
        self.budget.check(
            self.spent.unwrap_or_default(),
            wishes.iter().map(cost).sum(),
        )
    }

    // ---- the same once more ----

    /// Some of what was wished for was asked for before; nothing of it was sent.
    pub(super) fn already_have(
        &mut self,
        wishes: Vec<Wish>,
        twins: &[(usize, Job)],
    ) -> Vec<Effect> {
        self.sending = None;
        // No longer: it is not being sent.
        self.notices.pass();
        let Some((_, job)) = twins.first() else {
            return vec![];
        };
        let (number, all) = (twins.len(), wishes.len());
        let in_doubt = matches!(
            job.state,
            JobState::Submitting | JobState::Unconfirmed { .. }
        );
        let before = match (in_doubt, number) {
            (true, _) => "Nobody knows so far whether this one arrived; it may be made and billed:"
                .to_owned(),
            (false, 1) => "The same picture, words and seed were sent before:".to_owned(),
            (false, _) => {
                format!("{number} of {all} were sent before, or are the same, such as:")
            }
        };
        let mut lines = vec![(Tone::Plain, before.into())];
        lines.extend(about(job));
        let consequence = if in_doubt {
            "Sent again, it may be paid for twice. Settle the first one before."
        } else {
            "Sent again, it makes the same video and costs as much again."
        };
        lines.push((Tone::Warning, consequence.into()));
        let is_twin = |at: usize| twins.iter().any(|(of, _)| *of == at);
        let others: Vec<_> = wishes
            .iter()
            .enumerate()
            .filter(|(at, _)| !is_twin(*at))
            .map(|(_, wish)| wish.clone())
            .collect();
        let repeat = |mut wish: Wish| {
            wish.consent.repeat = true;
            wish
        };
        let answer = |key, label, outcome| Answer {
            key,
            label,
            outcome,
        };
        let mut answers = vec![answer('w', "show it", Outcome::Show(job.id.clone()))];
        if !others.is_empty() {
            answers.push(answer('s', "send the others", Outcome::Send(others)));
        }
        let all = wishes.into_iter().map(repeat).collect();
        answers.push(answer('o', "send once more", Outcome::Send(all)));
        answers.push(answer('n', "back", Outcome::Nothing));
        let title = match (in_doubt, number) {
            (true, _) => "You may already have this",
            (false, 1) => "You already have this",
            (false, _) => "You already have some of these",
        };
        self.modals.push(Modal::Ask(Ask {
            title: title.into(),
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
            Outcome::Send(wishes) => wishes.iter().any(|wish| {
                let endpoint = catalog.get(&wish.endpoint);
                let cost = endpoint.and_then(|endpoint| endpoint.estimate(&wish.arguments));
                !wish.server.is_preview() && cost != wish.estimated_cost
            }),
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

/// What a question shows of a job.
fn about(job: &Job) -> Vec<(Tone, CleanText)> {
    let cost = job
        .cost()
        .map_or_else(|| "cost unknown".to_owned(), |cost| cost.to_string());
    let name = format!("{}  {}", job.id.short(), jobs::name(job));
    let mut lines = vec![
        (Tone::Strong, name.into()),
        (Tone::Plain, format!("{}  {cost}", job.state.name()).into()),
    ];
    if let Some(video) = job.video() {
        lines.push((Tone::Dim, CleanText::line(&video.path.to_string_lossy())));
    }
    lines
}

#[cfg(test)]
mod tests;
