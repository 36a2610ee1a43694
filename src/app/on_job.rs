//! What can be done with the selected job.

use serde_json::Value;

use super::{
    App, Effect,
    action::Action,
    endpoints::Wanted,
    geometry::Pane,
    jobs,
    modal::{Answer, Ask, Chosen, Entry, Modal, Outcome, Pick},
    notice::Tone,
    submit::draft_of,
    wording::{count, estimate},
};
use crate::model::{CleanText, Draft, Job, JobState, inert_json};

impl App {
    pub(super) fn act_on_job(&mut self, action: Action) -> Vec<Effect> {
        let Some(job) = self.jobs.selected().cloned() else {
            self.notices.tell(Tone::Warning, "no job is selected");
            return vec![];
        };
        if let Some(group) = self.jobs.selected_group() {
            return self.act_on_group(action, &group);
        }
        match action {
            Action::OpenDetail => {
                self.detail_open = true;
                self.detail_stale = true;
                self.go_to(Pane::Lower)
            }
            Action::EditJob => self.edit_copy(&job),
            Action::ResubmitJob => self.resubmit(&job),
            Action::CancelJob => self.cancel(&job),
            Action::DownloadJob => self.download(&job),
            Action::CopyFromJob => self.copy_menu(&job),
            Action::DeleteJob => self.delete(&job),
            Action::SendHeld => self.send_held(&job),
            _ => self.ask_server(&job),
        }
    }

    fn say(&mut self, text: String) -> Vec<Effect> {
        self.notices.tell(Tone::Warning, text);
        vec![]
    }

    fn edit_copy(&mut self, job: &Job) -> Vec<Effect> {
        if self.catalog.get(&job.endpoint).is_none() {
            return self.want(Wanted::Load(Box::new(draft_of(job))));
        }
        let effects = self.load_draft(draft_of(job));
        if self.modals.is_empty() {
            let key = self.keys_of(Action::Undo);
            let text = format!(
                "a copy of {} · {key} brings the draft before back",
                job.id.short()
            );
            self.notices.tell(Tone::Done, text);
        }
        effects
    }

    /// Puts a draft into the editor, after asking where one would be lost from sight.
    pub(super) fn load_draft(&mut self, draft: Draft) -> Vec<Effect> {
        if !self.editor.is_unsent() {
            return self.replace_draft(&draft);
        }
        let key = self.keys_of(Action::Undo);
        let lines = vec![
            (
                Tone::Plain,
                "The draft in the editor has changes that were not sent.".into(),
            ),
            (
                Tone::Dim,
                format!("{key} in the editor brings it back.").into(),
            ),
        ];
        let yes = Answer {
            key: 'y',
            label: "replace it",
            outcome: Outcome::Replace(Box::new(draft)),
        };
        let ask = Ask::yes_or_no("Replace the draft?", lines, yes, "keep it");
        self.modals.push(Modal::Ask(ask));
        vec![]
    }

    pub(super) fn replace_draft(&mut self, draft: &Draft) -> Vec<Effect> {
        let Some(endpoint) = self.catalog.get(&draft.endpoint).cloned() else {
            return self.say(format!("{} is not in the catalog", draft.endpoint));
        };
        let unknown: Vec<_> = draft
            .arguments
            .iter()
            .filter(|(name, _)| !endpoint.open && endpoint.field(name).is_none())
            .map(|(name, _)| name.to_owned())
            .collect();
        let mut draft = draft.clone();
        if !unknown.is_empty() {
            for name in &unknown {
                draft.arguments.remove(name);
            }
            let names = unknown.join(", ");
            self.notices.warn(
                Tone::Warning,
                format!("left out, {} has no such field: {names}", endpoint.id),
            );
        }
        self.focus = Pane::Request;
        let effects = self.editor.replace(endpoint, &draft);
        self.find_origin();
        effects
    }

    // ---- cancel, delete ----

    pub(super) fn can_cancel(&self, job: &Job) -> bool {
        self.jobs.is_held(&job.id)
            || (job.state.is_live() && !job.cancel_requested && !is_unconfirmed(job))
    }

    fn cancel(&mut self, job: &Job) -> Vec<Effect> {
        let short = job.id.short();
        if self.jobs.is_held(&job.id) {
            let lines = vec![(Tone::Plain, "It was not sent; nothing was billed.".into())];
            let yes = Answer {
                key: 'y',
                label: "drop it",
                outcome: Outcome::DropHeld(vec![job.id.clone()]),
            };
            let ask = Ask::yes_or_no(format!("Drop {short}?"), lines, yes, "keep it");
            self.modals.push(Modal::Ask(ask));
            return vec![];
        }
        if is_unconfirmed(job) {
            let key = self.keys_of(Action::SettleJob);
            return self.say(format!(
                "{short} has no request id to cancel by · {key} asks the server for it"
            ));
        }
        if !job.state.is_live() {
            return self.say(format!("{short} has ended; there is nothing to cancel"));
        }
        if job.cancel_requested {
            return self.say(format!("the cancel of {short} is requested already"));
        }
        let consequence = if !job.state.may_be_sent() {
            "It was not sent so far."
        } else if job.account.server.is_preview() {
            "It is made on this machine and costs nothing."
        } else if matches!(job.state, JobState::InQueue { .. }) {
            "It waits in the queue. If it starts meanwhile, it may finish and be billed."
        } else {
            "A running job may still finish and be billed."
        };
        let lines = vec![
            (Tone::Strong, jobs::name(job)),
            (Tone::Warning, consequence.into()),
        ];
        let yes = Answer {
            key: 'y',
            label: "cancel the job",
            outcome: Outcome::Cancel(vec![job.id.clone()]),
        };
        let ask = Ask::yes_or_no(format!("Cancel {short}?"), lines, yes, "let it run");
        self.modals.push(Modal::Ask(ask));
        vec![]
    }

    fn delete(&mut self, job: &Job) -> Vec<Effect> {
        let short = job.id.short();
        if !can_delete(job) {
            return self.say(format!(
                "{short} is not finished; its record cannot be deleted yet"
            ));
        }
        let files = match job.files.len() {
            0 => "There are no files.".to_owned(),
            number => format!("Its {} on disk stay.", count(number, "file")),
        };
        let lines = vec![(Tone::Strong, jobs::name(job)), (Tone::Plain, files.into())];
        let yes = Answer {
            key: 'y',
            label: "delete the record",
            outcome: Outcome::Delete(job.id.clone()),
        };
        let title = format!("Delete the record of {short}?");
        self.modals
            .push(Modal::Ask(Ask::yes_or_no(title, lines, yes, "keep it")));
        vec![]
    }

    // ---- the rest ----

    fn download(&mut self, job: &Job) -> Vec<Effect> {
        if !can_download(job) {
            return self.say(format!("{} has no result to save", job.id.short()));
        }
        self.notices.tell(
            Tone::Running,
            format!("saving the result of {}…", job.id.short()),
        );
        vec![Effect::Download(job.id.clone())]
    }

    fn send_held(&mut self, job: &Job) -> Vec<Effect> {
        if self.waits_for_consent(job) {
            return self.ask_to_agree(job);
        }
        if !self.jobs.is_held(&job.id) {
            let key = self.keys_of(Action::ResubmitJob);
            return self.say(format!(
                "{} is not held back · {key} sends a copy of it",
                job.id.short()
            ));
        }
        let cost = match job.estimated_cost {
            _ if job.account.server.is_preview() => "free · local preview".to_owned(),
            cost => estimate(cost),
        };
        let lines = vec![(Tone::Strong, jobs::name(job)), (Tone::Money, cost.into())];
        let yes = Answer {
            key: 'y',
            label: "send",
            outcome: Outcome::SendHeld(vec![job.id.clone()]),
        };
        let title = format!("Send {} to {}?", job.id.short(), job.account.server);
        self.modals
            .push(Modal::Ask(Ask::yes_or_no(title, lines, yes, "back")));
        vec![]
    }

    fn ask_server(&mut self, job: &Job) -> Vec<Effect> {
        if !is_unconfirmed(job) {
            return self.say(format!("{} is not unconfirmed", job.id.short()));
        }
        self.notices.tell(
            Tone::Running,
            format!("asking the server about {}…", job.id.short()),
        );
        vec![Effect::Settle(job.id.clone())]
    }

    fn copy_menu(&mut self, job: &Job) -> Vec<Effect> {
        let mut entries = Vec::new();
        let mut offer = |what: &'static str, text: CleanText| {
            entries.push(Entry {
                label: what.into(),
                aside: super::text::cut(text.as_str(), 44).into_owned().into(),
                chosen: Chosen::Copy(what, text),
            });
        };
        if let Some(url) = job.output.as_ref().and_then(video_url) {
            offer("video URL", CleanText::line(url));
        }
        if let Some(request) = &job.request_id {
            offer("request id", request.to_string().into());
        }
        if let Some(video) = job.video() {
            offer("path", CleanText::line(&video.path.to_string_lossy()));
        }
        if let Ok(json) = inert_json::to_line(&job.arguments) {
            offer("arguments as JSON", CleanText::line(&json));
        }
        if let Some(error) = &job.error {
            offer("error", error.message.clone());
        }
        offer("job id", CleanText::line(job.id.as_str()));
        let title = format!("Copy from {}", job.id.short());
        self.modals
            .push(Modal::Pick(Box::new(Pick::new(title, entries, 0))));
        vec![]
    }

    // ---- leaving ----

    pub(super) fn quit(&mut self) -> Vec<Effect> {
        let lines = self.before_leaving();
        if lines.is_empty() {
            return vec![Effect::Quit];
        }
        let yes = Answer {
            key: 'y',
            label: "quit",
            outcome: Outcome::Quit,
        };
        self.modals.push(Modal::Ask(Ask::yes_or_no(
            "Quit talkdeck?",
            lines,
            yes,
            "stay",
        )));
        vec![]
    }

    /// Keeps the question true while jobs go on behind it.
    pub(super) fn refresh_quit_question(&mut self) {
        let lines = self.before_leaving();
        if let Some(Modal::Ask(ask)) = self.modals.last_mut()
            && ask
                .answers
                .iter()
                .any(|answer| answer.outcome == Outcome::Quit)
        {
            ask.lines = if lines.is_empty() {
                vec![(Tone::Done, "All jobs have ended.".into())]
            } else {
                lines
            };
        }
    }

    fn before_leaving(&self) -> Vec<(Tone, CleanText)> {
        let lines = self.what_goes_on().into_iter();
        lines.map(|line| (Tone::Plain, line.into())).collect()
    }

    /// The first `^C` says what the second will do.
    pub(super) fn interrupt(&mut self, again: bool) -> Vec<Effect> {
        if again {
            return vec![Effect::Quit];
        }
        self.interrupted = true;
        let key = self.keys_of(Action::Interrupt);
        let mut text = format!("{key} again quits");
        for line in self.what_goes_on() {
            text.push_str(" · ");
            text.push_str(&line);
        }
        self.notices.tell(Tone::Warning, text);
        vec![]
    }

    fn what_goes_on(&self) -> Vec<String> {
        let (mut elsewhere, mut here, mut unsent) = (0, 0, 0);
        for job in self.jobs.live() {
            match job {
                _ if job.account.server.is_preview() => here += 1,
                _ if job.state.may_be_sent() => elsewhere += 1,
                _ => unsent += 1,
            }
        }
        let verb = |number, one: &str, many: &str| {
            if number == 1 {
                one.to_owned()
            } else {
                many.to_owned()
            }
        };
        let mut lines = Vec::new();
        if elsewhere > 0 {
            let goes = verb(elsewhere, "goes", "go");
            lines.push(format!(
                "{} {goes} on at {}",
                count(elsewhere, "job"),
                self.server.label
            ));
        }
        if here > 0 {
            let is = verb(here, "is", "are");
            lines.push(format!(
                "{} {is} rendered again at the next start",
                count(here, "preview job")
            ));
        }
        if unsent > 0 {
            let is = verb(unsent, "is", "are");
            lines.push(format!(
                "{} not sent so far {is} asked about at the next start",
                count(unsent, "job")
            ));
        }
        lines
    }
}

pub(super) const fn is_unconfirmed(job: &Job) -> bool {
    matches!(job.state, JobState::Unconfirmed { .. })
}

pub(super) fn can_delete(job: &Job) -> bool {
    job.state.is_terminal() || job.state == JobState::Draft
}

pub(super) const fn can_download(job: &Job) -> bool {
    job.output.is_some()
}

/// Where the video of an output lies at the server.
fn video_url(output: &Value) -> Option<&str> {
    output["video"]["url"].as_str()
}

#[cfg(test)]
mod tests;
