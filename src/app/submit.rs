//! Sending: the draft, a job once more, and what comes back.

use super::{
    App, Confirm, Effect,
    action::Action,
    geometry::Pane,
    jobs,
    modal::{Answer, Ask, Modal, Outcome},
    notice::Tone,
    wording::{count, estimate, seconds},
};
use crate::model::{
    CleanText, Draft, Job, ServerId, Usd,
    job::FieldError,
    request::{Consent, Wish},
};

impl App {
    /// Checks the draft and sends it, after asking where that is wanted.
    pub(super) fn submit_draft(&mut self, to_preview: bool) -> Vec<Effect> {
        if to_preview && !self.preview_available && !self.server.id.is_preview() {
            self.notices
                .warn(Tone::Failed, "the preview engine is not available here");
            return vec![];
        }
        let mut effects = self.editor.stop_typing();
        if let Err((number, first)) = self.editor.check_all() {
            self.focus = Pane::Request;
            let more = if number > 1 {
                format!(" · {} more", number - 1)
            } else {
                String::new()
            };
            self.notices
                .tell(Tone::Failed, format!("not sent · {first}{more}"));
            return effects;
        }
        if self.editor.is_measuring() {
            // A moment: what is said about it decides whether it goes out.
            self.waits_for_measure = Some(to_preview);
            return effects;
        }
        let draft = self.editor.draft();
        let mut consent = Consent::default();
        if let Some(cut_off) = self.editor.cut_off() {
            if self.told_cut_off.as_ref() != Some(&draft) {
                let again = self.keys_of(if to_preview {
                    Action::TryInPreview
                } else {
                    Action::Submit
                });
                let way_out = self.way_out_of_cut();
                let text = format!("{cut_off} · {again} again sends it so, {way_out}");
                self.told_cut_off = Some(draft);
                self.notices.tell(Tone::Warning, text);
                return effects;
            }
            consent.cut_off = true;
        }
        self.told_cut_off = None;
        let server = if to_preview {
            ServerId::preview()
        } else {
            self.server.id.clone()
        };
        let wish = Wish {
            consent,
            ..self.wish(&draft, server)
        };
        self.sending = Some(draft);
        effects.extend(self.ask_or_send(vec![wish]));
        effects
    }

    /// The length of the script is known by now.
    pub(super) fn submit_once_measured(&mut self) -> Vec<Effect> {
        match self.waits_for_measure.take() {
            Some(to_preview) => self.submit_draft(to_preview),
            None => vec![],
        }
    }

    /// What sending `draft` to `server` means.
    pub(super) fn wish(&self, draft: &Draft, server: ServerId) -> Wish {
        let estimate = self
            .catalog
            .get(&draft.endpoint)
            .and_then(|endpoint| endpoint.estimate(&draft.arguments));
        Wish {
            endpoint: draft.endpoint.clone(),
            arguments: draft.arguments.clone(),
            name: draft.name.clone(),
            parent: draft.parent.clone(),
            sweep: None,
            estimated_cost: if server.is_preview() {
                Some(Usd::ZERO)
            } else {
                estimate
            },
            consent: Consent::default(),
            server,
        }
    }

    /// Sends a job once more as it was; a seed that was drawn is drawn anew.
    pub(super) fn resubmit(&mut self, job: &Job) -> Vec<Effect> {
        let mut draft = draft_of(job);
        if job.seed_drawn {
            draft.arguments.remove("seed");
        }
        if let Some(endpoint) = self.catalog.get(&job.endpoint)
            && let Some(fault) = endpoint.check(&draft.arguments).first()
        {
            let key = self.keys_of(Action::EditJob);
            let text = format!("not sent · {fault} · {key} edits a copy");
            self.notices.tell(Tone::Failed, text);
            return vec![];
        }
        let wish = self.wish(&draft, self.server.id.clone());
        self.ask_or_send(vec![wish])
    }

    /// Sends wishes that all go to one server, after asking where that is wanted.
    pub(super) fn ask_or_send(&mut self, wishes: Vec<Wish>) -> Vec<Effect> {
        let free = wishes.iter().all(|wish| wish.server.is_preview());
        let asks = match self.confirm {
            Confirm::Always => true,
            Confirm::Paid => !free,
            // Going beyond a cap is never understood.
            Confirm::Never => !free && self.over_cap_of(&wishes).is_some(),
        };
        if !asks {
            return self.send(wishes);
        }
        let ask = match <[Wish; 1]>::try_from(wishes) {
            Ok([wish]) => self.question(wish),
            Err(wishes) => self.question_about(wishes),
        };
        self.modals.push(Modal::Ask(ask));
        // A price that is older than a day is asked for once more; a new one takes the question back.
        if free {
            vec![]
        } else {
            vec![Effect::LoadPrices]
        }
    }

    /// Hands wishes over; the draft stays where it is.
    pub(super) fn send(&mut self, wishes: Vec<Wish>) -> Vec<Effect> {
        self.notices.tell(Tone::Running, "sending…");
        vec![Effect::Submit(wishes)]
    }

    fn question(&self, wish: Wish) -> Ask {
        let free = wish.server.is_preview();
        let mut lines = vec![(Tone::Plain, CleanText::line(wish.endpoint.as_str()))];
        if !wish.name.is_empty() {
            lines.push((Tone::Strong, wish.name.clone()));
        }
        let mut facts: Vec<String> = Vec::new();
        if let Some(voice) = wish.arguments.text("voice") {
            facts.push(voice.to_owned());
        }
        let endpoint = self.catalog.get(&wish.endpoint);
        if let Some(length) = endpoint.and_then(|endpoint| endpoint.video_length(&wish.arguments)) {
            facts.push(format!("{} of video", seconds(length)));
        }
        if let Some(resolution) = wish.arguments.text("resolution") {
            facts.push(resolution.to_owned());
        }
        facts.push(match wish.arguments.integer("seed") {
            Some(seed) => format!("seed {seed}"),
            None => "seed drawn at submit".to_owned(),
        });
        lines.push((Tone::Plain, facts.join(" · ").into()));
        if let Some(script) = endpoint
            .and_then(|endpoint| endpoint.script_field())
            .and_then(|field| wish.arguments.text(&field.name))
        {
            let start: String = script.chars().take(200).collect();
            lines.push((Tone::Dim, format!("“{}”", start.trim()).into()));
        }
        lines.push((Tone::Plain, CleanText::default()));
        let price_age = endpoint
            .and_then(|endpoint| endpoint.price)
            .map_or_else(String::new, |price| format!(", {}", price.age(self.now)));
        let cost = match wish.estimated_cost {
            _ if free => "free · local preview".to_owned(),
            Some(cost) => format!("≈ {cost} at {}{price_age}", self.server.label),
            None => format!("cost unknown at {}", self.server.label),
        };
        lines.push((Tone::Money, cost.into()));
        if let Some(spent) = self.spent.filter(|_| !free) {
            let of = |cap: Option<Usd>| cap.map_or_else(String::new, |cap| format!(" of {cap}"));
            let today = format!("today so far ≈{}{}", spent.day, of(self.budget.day));
            lines.push((Tone::Dim, today.into()));
        }
        let title = if free {
            CleanText::from("Send to the local preview?")
        } else {
            CleanText::from(format!("Send to {}?", self.server.label))
        };
        if wish.consent.cut_off {
            lines.push((Tone::Warning, "its speech will be cut off".into()));
        }
        let over = self
            .over_cap(&wish.endpoint, wish.estimated_cost)
            .filter(|_| !free);
        let Some(over) = over else {
            let yes = Answer {
                key: 'y',
                label: "send",
                outcome: Outcome::Send(vec![wish]),
            };
            return Ask::yes_or_no(title, lines, yes, "back");
        };
        lines.push((Tone::Warning, over.to_string().into()));
        let consent = Consent {
            over_cap: true,
            ..wish.consent
        };
        let yes = Answer {
            key: 'o',
            label: "send over the cap",
            outcome: Outcome::Send(vec![Wish { consent, ..wish }]),
        };
        let mut ask = Ask::yes_or_no(title, lines, yes, "back");
        ask.selected = 1;
        ask
    }

    /// The intents are on disk.
    pub(super) fn submitted(&mut self, jobs: Vec<Job>) -> Vec<Effect> {
        if let Some(draft) = self.sending.take() {
            self.editor.sent(draft);
        }
        let Some(last) = jobs.last().map(|job| job.id.clone()) else {
            return vec![];
        };
        self.notices.tell(Tone::Done, on_its_way(&jobs));
        for job in jobs {
            // The tracker may have told more of it by now; this is how it was at its beginning.
            if self.jobs.get(&job.id).is_none() {
                self.jobs.apply(job);
            }
        }
        self.jobs.show_newest();
        if self.focus == Pane::Request {
            // Who has just sent something wants to see what becomes of it; who reads a log goes on reading.
            self.jobs.select_row_of(&last);
        }
        vec![Effect::LoadSpent]
    }

    /// The checks that need the disk, or the server, found something.
    pub(super) fn refused(&mut self, wishes: &[Wish], faults: &[FieldError]) -> Vec<Effect> {
        self.sending = None;
        let Some(first) = faults.first() else {
            return vec![];
        };
        let more = match faults.len() - 1 {
            0 => String::new(),
            more => format!(" · {more} more"),
        };
        let text = format!("not sent · {first}{more}");
        let is_draft = matches!(wishes, [wish] if wish.endpoint == self.editor.endpoint.id
            && self.editor.refuse(&wish.arguments, faults));
        if is_draft {
            // The fields say it, as long as it is so.
            self.notices.tell(Tone::Failed, text);
        } else {
            self.notices.warn(Tone::Failed, text);
        }
        vec![]
    }

    /// Asks once about jobs that an earlier run did not send.
    pub(super) fn held_found(&mut self, held: Vec<Job>) -> Vec<Effect> {
        const NAMED: usize = 5;
        if held.is_empty() {
            return vec![];
        }
        let (title, them) = match held.len() {
            1 => ("1 job was not sent".to_owned(), "it"),
            number => (format!("{} were not sent", count(number, "job")), "them"),
        };
        let why = format!("An earlier run ended before it sent {them}. Nothing was billed.");
        let mut lines = vec![(Tone::Plain, CleanText::from(why))];
        for job in held.iter().take(NAMED) {
            let name = jobs::name(job);
            let name = super::text::pad(name.as_str(), 28);
            let cost = match job.estimated_cost {
                _ if job.account.server.is_preview() => "free".to_owned(),
                cost => estimate(cost),
            };
            lines.push((
                Tone::Strong,
                format!("{}  {name} {cost}", job.id.short()).into(),
            ));
        }
        if held.len() > NAMED {
            let more = format!("and {} more", held.len() - NAMED);
            lines.push((Tone::Dim, more.into()));
        }
        let ids: Vec<_> = held.iter().map(|job| job.id.clone()).collect();
        let total: Usd = held.iter().filter_map(|job| job.estimated_cost).sum();
        if total > Usd::ZERO && held.len() > 1 {
            lines.push((Tone::Plain, CleanText::default()));
            lines.push((Tone::Money, format!("≈ {total} together").into()));
        }
        let answer = |key, label, outcome| Answer {
            key,
            label,
            outcome,
        };
        // What costs nothing and loses nothing comes first.
        let answers = vec![
            answer('l', "later", Outcome::Nothing),
            answer('s', "send now", Outcome::SendHeld(ids.clone())),
            answer('d', "drop", Outcome::DropHeld(ids)),
        ];
        for job in held {
            let id = job.id.clone();
            self.jobs.apply(job);
            self.jobs.hold(id);
        }
        self.ask_unasked(Ask {
            title: title.into(),
            lines,
            answers,
            selected: 0,
            is_unasked: true,
        });
        vec![]
    }
}

/// What is told of jobs that are about to be sent.
fn on_its_way(jobs: &[Job]) -> String {
    let free = jobs.iter().all(|job| job.account.server.is_preview());
    let cost = if free {
        "free".to_owned()
    } else {
        estimate(jobs.iter().map(|job| job.estimated_cost).sum())
    };
    match jobs {
        [job] => {
            let name = jobs::name(job);
            let name = super::text::cut(name.as_str(), 32);
            format!("{} {name} is on its way · {cost}", job.id.short())
        }
        _ => format!("{} are on their way · {cost}", count(jobs.len(), "job")),
    }
}

/// A copy of what a job was asked for.
pub(super) fn draft_of(job: &Job) -> Draft {
    Draft {
        endpoint: job.endpoint.clone(),
        arguments: job.arguments.clone(),
        name: job.name.clone(),
        parent: Some(job.id.clone()),
    }
}

#[cfg(test)]
mod tests;
