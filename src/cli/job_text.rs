//! Jobs as people read them.

use std::time::Duration;

use serde_json::Value;

use super::{
    Fault, Output,
    endpoints::plain,
    output::{Cell, Tone},
    text,
};
use crate::{
    catalog::{Endpoint, Field},
    model::{CleanText, Job, JobState, Timestamp, Usd, request::Wish},
};

/// Writes the job as it is now: a JSON object, or one line for people.
pub(super) fn state_line(job: &Job, output: &mut Output) -> Result<(), Fault> {
    if output.is_json() {
        return output.json(&job.to_object());
    }
    let id = CleanText::line(&format!("{}  ", job.id));
    let (glyph, tone) = glyph(job);
    let state = CleanText::line(&format!("{glyph} {}", state(job)));
    let detail = match job.state {
        JobState::Completed => done(job),
        _ => job.error.as_ref().map(|error| error.message.clone()),
    };
    let detail = detail.map_or_else(CleanText::default, |text| CleanText::line("  ").join(&text));
    output.line(&[(Tone::Dim, &id), (tone, &state), (Tone::Plain, &detail)])
}

/// The time and the video of a completed job.
fn done(job: &Job) -> Option<CleanText> {
    let time = text::clock(job.elapsed(job.completed_at?));
    let video = job.video().map_or_else(String::new, |file| {
        format!("  {}  {}", file.path.display(), text::size(file.bytes))
    });
    Some(CleanText::line(&format!("{time}{video}")))
}

/// The state in words, with what is known beyond its name.
pub(super) fn state(job: &Job) -> CleanText {
    let mut words = match (&job.state, &job.remote_status) {
        (JobState::InQueue { position: Some(0) }, None) => "in queue, next".to_owned(),
        (
            JobState::InQueue {
                position: Some(ahead),
            },
            None,
        ) => format!("in queue, {ahead} ahead"),
        (JobState::InQueue { .. } | JobState::InProgress, Some(remote)) => remote.to_string(),
        (JobState::InProgress, None) => match job.percent {
            Some(percent) => format!("in progress, {percent} %"),
            None => "in progress".to_owned(),
        },
        (state, _) => state.name().replace('-', " "),
    };
    if job.cancel_requested && !job.state.is_terminal() {
        words.push_str(", cancel requested");
    }
    CleanText::line(&words)
}

fn glyph(job: &Job) -> (char, Tone) {
    match job.state {
        JobState::Completed => ('✓', Tone::Good),
        JobState::Failed | JobState::Expired => ('✗', Tone::Bad),
        JobState::Cancelled => ('−', Tone::Dim),
        JobState::Draft => ('·', Tone::Dim),
        JobState::Unconfirmed { .. } => ('?', Tone::Warning),
        _ => ('▸', Tone::Running),
    }
}

/// Writes jobs as a table.
pub(super) fn table(jobs: &[Job], now: Timestamp, output: &mut Output) -> Result<(), Fault> {
    let heading = ["id", "state", "time", "cost", "created", "name"];
    let head = |title: &str| {
        let cell = Cell::new(title).tone(Tone::Dim);
        if matches!(title, "time" | "cost") {
            cell.right()
        } else {
            cell
        }
    };
    let mut rows = vec![heading.map(head).to_vec()];
    rows.extend(jobs.iter().map(|job| {
        let (glyph, tone) = glyph(job);
        let time = match job.state {
            JobState::Draft => String::new(),
            _ => text::clock(job.elapsed(now)),
        };
        let name = match &job.error {
            Some(error) => format!("{}: {}", job.name, error.message),
            None => job.name.to_string(),
        };
        vec![
            Cell::new(job.id.as_str()),
            Cell::new(format!("{glyph} {}", state(job))).tone(tone),
            Cell::new(time).right(),
            Cell::new(cost(job)).right(),
            Cell::new(text::local(job.created_at)).tone(Tone::Dim),
            Cell::new(name),
        ]
    }));
    output.table(&rows)
}

fn cost(job: &Job) -> String {
    if job.account.server.is_preview() {
        return "free".to_owned();
    }
    job.cost().map_or_else(String::new, |cost| cost.to_string())
}

/// Writes everything that is known of a job.
pub(super) fn details(job: &Job, now: Timestamp, output: &mut Output) -> Result<(), Fault> {
    let (glyph, tone) = glyph(job);
    let mut rows = vec![
        pair("job", job.id.as_str()),
        (
            "state".into(),
            tone,
            format!("{glyph} {}", state(job)).into(),
        ),
        pair("name", job.name.as_str()),
        pair("endpoint", job.endpoint.as_str()),
        pair("server", job.account.server.as_str()),
    ];
    let mut add = |title: &str, value: Option<String>| {
        rows.extend(value.map(|value| pair(title, &value)));
    };
    add(
        "request id",
        job.request_id.as_ref().map(ToString::to_string),
    );
    add("copy of", job.parent.as_ref().map(ToString::to_string));
    add("created", Some(text::local(job.created_at)));
    add("sent", job.submitted_at.map(text::local));
    add("started", job.started_at.map(text::local));
    add("ended", job.completed_at.map(text::local));
    let time = job.submitted_at.map(|_| text::clock(job.elapsed(now)));
    add("time", time);
    add("inference", job.inference_time.map(text::clock));
    let is_preview = job.account.server.is_preview();
    let cost = match cost(job) {
        cost if cost.is_empty() => None,
        cost => Some(cost),
    };
    add("cost", cost);
    add(
        "billed",
        job.billed_units.filter(|_| !is_preview).map(units),
    );
    add("now", job.notice.as_ref().map(ToString::to_string));
    for file in &job.files {
        let size = text::size(file.bytes);
        add("file", Some(format!("{}  {size}", file.path.display())));
    }
    output.pairs(&rows)?;
    output.line(&[])?;
    output.pairs(&arguments(job))?;
    if let Some(result) = &job.output {
        output.line(&[])?;
        output.pairs(&[value_pair("output", result)])?;
    }
    if let Some(error) = &job.error {
        output.line(&[])?;
        // Our own words for it are for scripts.
        let kind = if error.kind.as_str().starts_with("talkdeck_") {
            "error".into()
        } else {
            error.kind.clone()
        };
        let mut rows = vec![(kind, Tone::Bad, error.message.clone())];
        rows.extend(
            error
                .fields
                .iter()
                .map(|field| (field.name.clone(), Tone::Plain, field.message.clone())),
        );
        output.pairs(&rows)?;
    }
    Ok(())
}

/// Writes what would be asked for; a `seed` that is open is drawn only then.
pub(super) fn request(job: &Job, seed: Option<&Field>, output: &mut Output) -> Result<(), Fault> {
    let mut rows = arguments(job);
    let open = seed.filter(|seed| job.arguments.get(&seed.name).is_none());
    rows.extend(open.map(|seed| pair(&seed.name, "drawn when the request is sent")));
    output.pairs(&rows)
}

fn arguments(job: &Job) -> Vec<Pair> {
    let arguments = job.arguments.iter();
    arguments
        .map(|(name, value)| value_pair(name, value))
        .collect()
}

type Pair = (CleanText, Tone, CleanText);

fn pair(title: &str, value: &str) -> Pair {
    (title.into(), Tone::Plain, value.into())
}

fn value_pair(name: &str, value: &Value) -> Pair {
    let value = CleanText::multiline(&plain(value));
    (name.into(), Tone::Plain, value)
}

fn units(number: f64) -> String {
    let one = (number - 1.0).abs() < f64::EPSILON;
    format!("{number} {}", if one { "unit" } else { "units" })
}

/// What a request will cost, in a line for standard error.
pub(super) fn estimate(wishes: &[Wish], endpoint: Option<&Endpoint>) -> String {
    let length = |wish: &Wish| endpoint?.video_length(&wish.arguments);
    let length: Option<Duration> = wishes.iter().map(length).sum();
    let length = length.map_or_else(String::new, |length| {
        format!(" for {:.2} s of video", length.as_secs_f64())
    });
    let jobs = match wishes.len() {
        1 => String::new(),
        number => format!("{number} jobs: "),
    };
    if wishes.iter().all(|wish| wish.server.is_preview()) {
        return format!("{jobs}free{length}: rendered on this machine by the preview engine");
    }
    let age = endpoint
        .and_then(|endpoint| endpoint.price)
        .map_or_else(String::new, |price| {
            format!(", {}", price.age(Timestamp::now()))
        });
    let costs = || wishes.iter().filter_map(|wish| wish.estimated_cost);
    let each = match (costs().min(), costs().max()) {
        _ if wishes.len() == 1 => String::new(),
        (Some(least), Some(most)) if least == most => format!(" ({least} each)"),
        (Some(least), Some(most)) => format!(" ({least} to {most} each)"),
        _ => String::new(),
    };
    let total: Option<Usd> = wishes.iter().map(|wish| wish.estimated_cost).sum();
    match total {
        Some(cost) => format!("{jobs}≈ {cost}{each}{length}{age}"),
        None => format!("{jobs}cost unknown{length}"),
    }
}
