//! Everything about one job, line by line.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::{
    jobs,
    notice::Tone,
    text,
    wording::{self, bytes, clock, date_and_time, seconds},
};
use crate::{
    catalog::Catalog,
    model::{
        CleanText, Job, JobId, JobState, Timestamp,
        job::{Cost, FileKind},
    },
};

/// A line of the detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DetailRow {
    /// Stands before the text; empty on a line that goes on.
    pub(crate) label: CleanText,
    pub(crate) text: CleanText,
    pub(crate) tone: Tone,
    /// Whether the label takes the whole line: a heading, a line of JSON.
    pub(crate) is_full: bool,
}

/// Columns of the labels.
pub(crate) const LABEL: usize = 13;

/// The most lines of an output: what is longer is for `job.json`.
const MOST_OUTPUT: usize = 400;

/// The detail of one job, scrolled.
#[derive(Debug, Default)]
pub(crate) struct Detail {
    pub(crate) id: Option<JobId>,
    pub(crate) rows: Vec<DetailRow>,
    pub(crate) top: usize,
    width: usize,
    height: usize,
}

impl Detail {
    pub(crate) fn resize(&mut self, width: usize, height: usize) -> bool {
        let changed = self.width != width;
        (self.width, self.height) = (width, height);
        self.scroll(0);
        changed
    }

    /// Scrolls by `rows`.
    pub(crate) fn scroll(&mut self, rows: isize) {
        let last = self.rows.len().saturating_sub(self.height);
        self.top = self.top.saturating_add_signed(rows).min(last);
    }

    pub(crate) fn half_page(&mut self, down: bool) {
        let rows = isize::try_from(self.height.div_ceil(2)).unwrap_or(1);
        self.scroll(if down { rows } else { -rows });
    }

    pub(crate) const fn height(&self) -> usize {
        self.height
    }

    /// Writes the detail of `job` anew; of another job from its top.
    pub(crate) fn show(&mut self, job: &Job, catalog: &Catalog, now: Timestamp, zone: &TimeZone) {
        if self.id.as_ref() != Some(&job.id) {
            self.top = 0;
            self.id = Some(job.id.clone());
        }
        let mut writer = Writer {
            rows: Vec::new(),
            width: self.width.saturating_sub(LABEL + 1).max(16),
        };
        writer.job(job, catalog, now, zone);
        self.rows = writer.rows;
        self.scroll(0);
    }
}

struct Writer {
    rows: Vec<DetailRow>,
    width: usize,
}

impl Writer {
    fn line(&mut self, label: &str, value: &str, tone: Tone) {
        let mut label = CleanText::line(label);
        for line in value.split('\n') {
            for bytes in text::wrap(line, self.width) {
                self.rows.push(DetailRow {
                    label: std::mem::take(&mut label),
                    text: CleanText::line(&line[bytes]),
                    tone,
                    is_full: false,
                });
            }
        }
    }

    fn heading(&mut self, title: &str) {
        let blank = DetailRow {
            label: CleanText::default(),
            text: CleanText::default(),
            tone: Tone::Plain,
            is_full: false,
        };
        self.rows.push(blank.clone());
        self.rows.push(DetailRow {
            label: CleanText::line(title),
            tone: Tone::Strong,
            is_full: true,
            ..blank
        });
    }

    fn job(&mut self, job: &Job, catalog: &Catalog, now: Timestamp, zone: &TimeZone) {
        self.line("name", jobs::name(job).as_str(), Tone::Strong);
        let (state, tone) = state(job);
        self.line("state", &state, tone);
        if let Some(notice) = &job.notice {
            self.line("", notice.as_str(), Tone::Warning);
        }
        if job.cancel_requested && job.state.is_live() {
            let note = if job.account.server.is_preview() {
                "cancel requested"
            } else {
                "cancel requested; it may still finish and be billed"
            };
            self.line("", note, Tone::Warning);
        }
        self.error(job);
        self.files(job);
        self.line("endpoint", job.endpoint.as_str(), Tone::Plain);
        self.line("server", job.account.server.as_str(), Tone::Plain);
        let request = job.request_id.as_ref().map(ToString::to_string);
        self.line(
            "request id",
            request.as_deref().unwrap_or("none so far"),
            if request.is_some() {
                Tone::Plain
            } else {
                Tone::Dim
            },
        );
        self.line("job id", job.id.as_str(), Tone::Plain);
        if let Some(parent) = &job.parent {
            self.line("copy of", parent.short(), Tone::Plain);
        }
        self.cost(job, catalog);
        self.times(job, now, zone);
        self.arguments(job);
        self.output(job);
    }

    fn error(&mut self, job: &Job) {
        let Some(error) = &job.error else { return };
        self.line("error", error.message.as_str(), Tone::Failed);
        for field in &error.fields {
            self.line(
                "",
                &format!("{}: {}", field.name, field.message),
                Tone::Failed,
            );
        }
        if !error.kind.is_empty() {
            self.line("", &format!("({})", error.kind), Tone::Dim);
        }
    }

    fn cost(&mut self, job: &Job, catalog: &Catalog) {
        self.heading("Cost");
        if job.account.server.is_preview() {
            self.line("estimate", "free · local preview", Tone::Money);
        } else {
            let estimate = job
                .estimated_cost
                .map_or_else(|| "unknown".to_owned(), |cost| format!("≈ {cost}"));
            self.line("estimate", &estimate, Tone::Money);
        }
        if job.consent.over_cap {
            self.line("", "sent over a cap, as you said", Tone::Warning);
        }
        if job.consent.repeat {
            self.line("", "sent although you had it, as you said", Tone::Warning);
        }
        if job.consent.cut_off {
            self.line(
                "",
                "sent although it is cut off, as you said",
                Tone::Warning,
            );
        }
        let is_paid = !job.account.server.is_preview();
        if let Some(units) = job.billed_units.filter(|_| is_paid) {
            let cost = match job.cost() {
                Some(Cost::Billed(cost)) => format!("{cost}, "),
                _ => String::new(),
            };
            let units = if (units - 1.0).abs() < f64::EPSILON {
                "1 unit".to_owned()
            } else {
                format!("{units} units")
            };
            let text = format!("{cost}{units}, as the server says");
            self.line("billed", &text, Tone::Plain);
        }
        let endpoint = catalog.get(&job.endpoint);
        if let Some(length) = endpoint.and_then(|endpoint| endpoint.video_length(&job.arguments)) {
            self.line("length", &seconds(length), Tone::Plain);
        }
    }

    fn times(&mut self, job: &Job, now: Timestamp, zone: &TimeZone) {
        self.heading("Times");
        let mut at = |label: &str, time: Option<Timestamp>| {
            if let Some(time) = time {
                self.line(label, &date_and_time(time, zone), Tone::Plain);
            }
        };
        at("created", Some(job.created_at));
        at("submitted", job.submitted_at);
        at("started", job.started_at);
        at("ended", job.completed_at);
        let between = |from: Timestamp, to: Timestamp| {
            clock(to.duration_since(from).try_into().unwrap_or_default())
        };
        if let (Some(submitted), Some(started)) = (job.submitted_at, job.started_at) {
            self.line("in queue", &between(submitted, started), Tone::Plain);
        }
        if job.submitted_at.is_some() {
            // Only a job that goes on has a time that goes on.
            let ends = job.state.is_terminal() || job.completed_at.is_some();
            let label = if ends { "took" } else { "so far" };
            self.line(label, &clock(job.elapsed(now)), Tone::Plain);
        }
        if let Some(time) = job.inference_time {
            self.line("inference", &seconds(time), Tone::Plain);
        }
    }

    /// What was saved, and where: what a finished job is looked up for.
    fn files(&mut self, job: &Job) {
        for file in &job.files {
            let kind = match file.kind {
                FileKind::Video => "video",
                FileKind::Job => "record",
                FileKind::Other => "file",
            };
            let path = CleanText::line(&file.path.to_string_lossy());
            self.line(kind, path.as_str(), Tone::Plain);
            self.line("", &bytes(file.bytes), Tone::Dim);
        }
    }

    fn arguments(&mut self, job: &Job) {
        self.heading("Arguments");
        for (name, value) in job.arguments.iter() {
            let text = match value {
                Value::String(text) if text.starts_with("data:") => {
                    format!(
                        "{}… ({})",
                        text.chars().take(40).collect::<String>(),
                        wording::bytes(text.len() as u64)
                    )
                }
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let note = if name == "seed" && job.seed_drawn {
                " (drawn by talkdeck)"
            } else {
                ""
            };
            let text = CleanText::multiline(&format!("{text}{note}"));
            let label = CleanText::line(name);
            self.line(
                &text::cut(label.as_str(), LABEL),
                text.as_str(),
                Tone::Plain,
            );
        }
    }

    fn output(&mut self, job: &Job) {
        let Some(output) = &job.output else { return };
        self.heading("Output");
        let json = serde_json::to_string_pretty(output).unwrap_or_default();
        let json = CleanText::multiline(&json);
        let before = self.rows.len();
        self.width += LABEL + 1;
        self.line("", json.as_str(), Tone::Plain);
        self.width -= LABEL + 1;
        if self.rows.len() - before > MOST_OUTPUT {
            self.rows.truncate(before + MOST_OUTPUT);
            self.line("", "… the rest is in job.json", Tone::Dim);
        }
        for row in &mut self.rows[before..] {
            // Output stands at the left edge, as a label does.
            row.is_full = true;
            row.label = std::mem::take(&mut row.text);
        }
    }
}

/// The state in words.
pub(crate) fn state(job: &Job) -> (String, Tone) {
    let words = match &job.state {
        JobState::Draft => ("draft, not sent", Tone::Dim),
        JobState::QueuedLocally => ("waits here, not sent", Tone::Warning),
        JobState::Uploading => ("uploading files", Tone::Running),
        JobState::Submitting => ("sending", Tone::Running),
        JobState::Unconfirmed { .. } => (
            "unconfirmed: the answer to the submit was lost; it may run and be billed",
            Tone::Warning,
        ),
        JobState::InQueue { position } => {
            return (queue_words(*position), Tone::Plain);
        }
        JobState::InProgress => ("running", Tone::Running),
        JobState::Saving => ("done at the server, being saved", Tone::Running),
        JobState::Completed => ("done", Tone::Done),
        JobState::Failed => ("failed", Tone::Failed),
        JobState::Cancelled => (
            "cancelled by the server; it may have been billed",
            Tone::Dim,
        ),
        JobState::Expired => (
            "expired: the result was gone before it was saved",
            Tone::Failed,
        ),
    };
    (words.0.to_owned(), words.1)
}

/// A place in the queue in words.
pub(crate) fn queue_words(position: Option<u32>) -> String {
    match position {
        None => "in queue".to_owned(),
        Some(0) => "in queue, next".to_owned(),
        Some(ahead) => format!("in queue, {ahead} ahead"),
    }
}
