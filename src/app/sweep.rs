//! One draft with several values: the form that asks for them, and the question before they go out.

use super::{
    App, Effect,
    action::Action,
    editor::text_field::TextField,
    modal::{Answer, Ask, Modal, Outcome},
    notice::Tone,
    wording::{count, estimate},
};
use crate::{
    catalog::{Endpoint, FieldKind},
    model::{
        CleanText, Draft, Job, Sweep, Usd,
        request::{SUBMITS_AT_ONCE, Wish},
    },
};

/// The values that are typed, field by field.
pub(crate) struct SweepForm {
    pub(crate) endpoint: Endpoint,
    pub(crate) draft: Draft,
    pub(crate) rows: Vec<SweepRow>,
    pub(crate) selected: usize,
}

/// The values of one field.
pub(crate) struct SweepRow {
    pub(crate) name: String,
    /// The value of the draft, which stands where none are typed.
    pub(crate) now: CleanText,
    pub(crate) text: TextField,
    /// How many values there are, or what is wrong with them; nothing where none are typed.
    pub(crate) read: Option<Result<usize, CleanText>>,
}

/// What a form comes to.
pub(crate) struct Total {
    pub(crate) jobs: usize,
    /// Of all of them; `None` where a price is unknown.
    pub(crate) cost: Option<Usd>,
}

impl SweepForm {
    fn new(endpoint: &Endpoint, draft: Draft) -> Self {
        // What is tried out comes first; files last.
        let order = |kind: &FieldKind, name: &str| match kind {
            _ if name == "seed" => 1,
            FieldKind::Choice(_) => 0,
            FieldKind::Integer { .. } => 2,
            FieldKind::Text { .. } => 3,
            _ => 4,
        };
        let mut fields: Vec<_> = endpoint.fields.iter().collect();
        fields.sort_by_key(|field| order(&field.kind, &field.name));
        let rows = fields.into_iter().map(|field| SweepRow {
            name: field.name.clone(),
            now: match draft.arguments.get(&field.name) {
                Some(serde_json::Value::String(text)) => {
                    CleanText::line(&text.chars().take(80).collect::<String>())
                }
                Some(value) => CleanText::line(&value.to_string()),
                None => CleanText::default(),
            },
            text: TextField::new("", false),
            read: None,
        });
        Self {
            rows: rows.collect(),
            endpoint: endpoint.clone(),
            draft,
            selected: 0,
        }
    }

    /// Takes over what was typed into another form.
    fn recall(&mut self, typed: &[(String, String)]) {
        for row in &mut self.rows {
            if let Some((_, text)) = typed.iter().find(|(name, _)| *name == row.name) {
                row.text.replace(text);
            }
        }
        self.read();
    }

    fn typed(&self) -> Vec<(String, String)> {
        let text = |row: &SweepRow| (row.name.clone(), row.text.text());
        self.rows.iter().map(text).collect()
    }

    pub(super) fn step(&mut self, by: isize) {
        let last = self.rows.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }

    pub(super) fn current_text(&mut self) -> Option<&mut TextField> {
        self.rows.get_mut(self.selected).map(|row| &mut row.text)
    }

    /// Looks at what was typed anew.
    pub(super) fn read(&mut self) {
        for row in &mut self.rows {
            let text = row.text.text();
            row.read = if text.trim().is_empty() {
                None
            } else {
                let axis = self.endpoint.axis(&row.name, &text);
                Some(
                    axis.map(|axis| axis.values.len())
                        .map_err(|fault| fault.message),
                )
            };
        }
    }

    /// The values, or what is wrong with them.
    fn sweep(&self) -> Result<Sweep, CleanText> {
        let typed = self.rows.iter().filter(|row| row.read.is_some());
        let read = |row: &SweepRow| self.endpoint.axis(&row.name, &row.text.text());
        let axes: Result<Vec<_>, _> = typed.map(read).collect();
        let sweep = Sweep {
            axes: axes.map_err(|fault| CleanText::from(fault.to_string()))?,
        };
        sweep
            .count()
            .map_err(|error| CleanText::from(error.to_string()))?;
        Ok(sweep)
    }

    /// What it comes to, or what is wrong with it.
    pub(crate) fn total(&self) -> Result<Total, CleanText> {
        let sweep = self.sweep()?;
        let jobs = sweep.count().unwrap_or_default();
        Ok(Total {
            jobs,
            cost: self.endpoint.estimate_all(&self.draft.arguments, &sweep),
        })
    }

    /// What the selected field takes.
    pub(crate) fn hint(&self) -> String {
        let field = self
            .rows
            .get(self.selected)
            .and_then(|row| self.endpoint.field(&row.name));
        match field.map(|field| &field.kind) {
            Some(FieldKind::Choice(options)) => format!("* for all of: {}", options.join(", ")),
            Some(FieldKind::Integer { .. }) => {
                "1,5,9 or a range 1..5, or random:5 for five drawn ones".to_owned()
            }
            Some(FieldKind::Text { .. }) => r"texts, separated by commas; \, is a comma".to_owned(),
            _ => "values, separated by commas".to_owned(),
        }
    }
}

impl App {
    pub(super) fn open_sweep(&mut self) -> Vec<Effect> {
        let effects = self.editor.stop_typing();
        let mut form = SweepForm::new(&self.editor.endpoint, self.editor.draft());
        form.recall(&self.sweep_typed);
        self.modals.push(Modal::Sweep(Box::new(form)));
        effects
    }

    /// The form is done: everything is looked at before anything is asked or sent.
    pub(super) fn submit_sweep(&mut self) -> Vec<Effect> {
        let Some(Modal::Sweep(form)) = self.modals.last() else {
            return vec![];
        };
        let sweep = match form.sweep() {
            Ok(sweep) => sweep,
            Err(why) => {
                self.notices.tell(Tone::Failed, format!("not sent · {why}"));
                return vec![];
            }
        };
        let (typed, draft) = (form.typed(), form.draft.clone());
        if sweep.axes.is_empty() {
            self.notices
                .tell(Tone::Warning, "no values so far; type some for a field");
            return vec![];
        }
        let base = self.wish(&draft, self.server.id.clone());
        let name = if draft.name.is_empty() {
            self.editor.endpoint.name_for(&draft.arguments)
        } else {
            draft.name.clone()
        };
        let Ok(mut wishes) = sweep.wishes(&base, &name) else {
            return vec![];
        };
        for wish in &mut wishes {
            if !wish.server.is_preview() {
                wish.estimated_cost = self.editor.endpoint.estimate(&wish.arguments);
            }
        }
        self.sweep_typed = typed;
        self.modals.pop();
        self.notices.tell(Tone::Running, "checking…");
        vec![Effect::Weigh(wishes)]
    }

    /// All of them are in order; some may be cut off.
    pub(super) fn weighed(&mut self, wishes: Vec<Wish>) -> Vec<Effect> {
        self.notices.pass();
        let cut_off = wishes.iter().any(|wish| wish.consent.cut_off);
        if cut_off {
            // Never sent unasked.
            let ask = self.question_about(wishes);
            self.modals.push(Modal::Ask(ask));
            return vec![];
        }
        self.ask_or_send(wishes)
    }

    /// The question before several jobs go out.
    pub(super) fn question_about(&self, wishes: Vec<Wish>) -> Ask {
        let number = wishes.len();
        let free = wishes.iter().all(|wish| wish.server.is_preview());
        let mut lines = Vec::new();
        let Some(first) = wishes.first() else {
            return Ask::yes_or_no("Nothing to send", lines, back(), "back");
        };
        lines.push((Tone::Plain, CleanText::line(first.endpoint.as_str())));
        lines.push((Tone::Strong, varying(&wishes).into()));
        lines.push((Tone::Plain, CleanText::default()));
        let total: Option<Usd> = wishes.iter().map(|wish| wish.estimated_cost).sum();
        if free {
            lines.push((Tone::Money, "free · local preview".into()));
        } else {
            let costs = || wishes.iter().filter_map(|wish| wish.estimated_cost);
            let each = match (costs().min(), costs().max()) {
                (Some(least), Some(most)) if least == most => format!(", {least} each"),
                (Some(least), Some(most)) => format!(", {least} to {most} each"),
                _ => String::new(),
            };
            let age = self
                .catalog
                .get(&first.endpoint)
                .and_then(|endpoint| endpoint.price)
                .map_or_else(String::new, |price| format!(", {}", price.age(self.now)));
            lines.push((
                Tone::Money,
                format!("{} at {}{each}{age}", estimate(total), self.server.label).into(),
            ));
            if let Some(spent) = self.spent {
                let of =
                    |cap: Option<Usd>| cap.map_or_else(String::new, |cap| format!(" of {cap}"));
                let today = format!("today so far ≈{}{}", spent.day, of(self.budget.day));
                lines.push((Tone::Dim, today.into()));
            }
        }
        let queue =
            format!("{SUBMITS_AT_ONCE} are sent at a time; the server queues what it cannot run");
        lines.push((Tone::Dim, queue.into()));
        let cut_off = wishes.iter().filter(|wish| wish.consent.cut_off).count();
        if cut_off > 0 {
            let text = format!("the speech of {cut_off} of them will be cut off");
            lines.push((Tone::Warning, text.into()));
        }
        if let Some(over) = self.over_cap_of(&wishes).filter(|_| !free) {
            let text = format!("{over}: what fits goes out, the rest waits here");
            lines.push((Tone::Warning, text.into()));
        }
        let title = if free {
            format!("Send {} to the local preview?", count(number, "job"))
        } else {
            format!("Send {} to {}?", count(number, "job"), self.server.label)
        };
        let yes = Answer {
            key: 'y',
            label: "send",
            outcome: Outcome::Send(wishes),
        };
        Ask::yes_or_no(title, lines, yes, "back")
    }
}

impl App {
    // ---- the row that stands for a sweep ----

    /// What an action does to a whole sweep.
    pub(super) fn act_on_group(&mut self, action: Action, group: &[Job]) -> Vec<Effect> {
        match action {
            Action::CancelJob => self.cancel_group(group),
            Action::OpenDetail => {
                self.jobs.fold();
                vec![]
            }
            _ => {
                let key = self.keys_of(Action::FoldSweep);
                let text = format!(
                    "a sweep of {} · {key} unfolds it",
                    count(group.len(), "job")
                );
                self.notices.tell(Tone::Warning, text);
                vec![]
            }
        }
    }

    /// Whether an action does something to a whole sweep; `None` where that does not matter.
    pub(super) fn is_available_for(&self, action: Action, group: &[Job]) -> Option<bool> {
        match action {
            Action::CancelJob => Some(group.iter().any(|job| self.can_cancel(job))),
            Action::OpenDetail
            | Action::EditJob
            | Action::ResubmitJob
            | Action::DownloadJob
            | Action::CopyFromJob
            | Action::DeleteJob
            | Action::SendHeld
            | Action::SettleJob => Some(false),
            _ => None,
        }
    }

    fn cancel_group(&mut self, group: &[Job]) -> Vec<Effect> {
        let open: Vec<_> = group.iter().filter(|job| self.can_cancel(job)).collect();
        if open.is_empty() {
            self.notices.tell(
                Tone::Warning,
                "all of them have ended or are being cancelled",
            );
            return vec![];
        }
        let unsent = open.iter().filter(|job| !job.state.may_be_sent()).count();
        let sent = open.len() - unsent;
        let mut lines = vec![(
            Tone::Plain,
            format!("{} of the sweep's {} go on.", open.len(), group.len()).into(),
        )];
        if unsent > 0 {
            let text = format!("{} not sent so far.", count(unsent, "job"));
            lines.push((Tone::Plain, text.into()));
        }
        if sent > 0 && !open.iter().all(|job| job.account.server.is_preview()) {
            let text = format!(
                "{} at the server; what runs may still finish and be billed.",
                count(sent, "job")
            );
            lines.push((Tone::Warning, text.into()));
        }
        let ids: Vec<_> = open.iter().map(|job| job.id.clone()).collect();
        let title = format!("Cancel {}?", count(ids.len(), "job"));
        let yes = Answer {
            key: 'y',
            label: "cancel them",
            outcome: Outcome::Cancel(ids),
        };
        let ask = Ask::yes_or_no(title, lines, yes, "let them run");
        self.modals.push(Modal::Ask(ask));
        vec![]
    }
}

fn back() -> Answer {
    Answer {
        key: 'y',
        label: "back",
        outcome: Outcome::Nothing,
    }
}

/// `voice × 2, seed × 5`: what differs from wish to wish.
fn varying(wishes: &[Wish]) -> String {
    let mut parts = Vec::new();
    for (name, _) in wishes[0].arguments.iter() {
        let mut values: Vec<_> = Vec::new();
        for wish in wishes {
            let value = wish.arguments.get(name);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        if values.len() > 1 {
            parts.push(format!("{name} × {}", values.len()));
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests;
