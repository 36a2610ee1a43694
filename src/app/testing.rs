//! Pieces that the tests of the state share.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};
use jiff::tz::TimeZone;
use serde_json::json;

use super::{
    Action, App, Command, Context, Effect, Message, ServerBadge, Setup,
    modal::{Ask, Modal},
};
use crate::{
    catalog::Catalog,
    model::{
        Arguments, Budget, Draft, Job, JobId, JobState, ServerId, Timestamp, Usd,
        job::Account,
        request::{Confirm, Consent},
        server::KeyFingerprint,
    },
};

pub(crate) fn arguments() -> Arguments {
    serde_json::from_value(json!({
        "image_url": "face.png", "text_input": "Hello there.", "voice": "Bill", "prompt": "A man talks.",
        "num_frames": 145, "resolution": "480p", "seed": 42, "acceleration": "regular"
    }))
    .unwrap()
}

pub(crate) fn draft() -> Draft {
    Draft {
        endpoint: Catalog::builtin().first().id.clone(),
        arguments: arguments(),
        name: "".into(),
        parent: None,
    }
}

/// A job at fal in `state`; of two, the one with the greater number is newer.
pub(crate) fn job(number: u16, state: JobState) -> Job {
    let created_at = Timestamp::from_second(1_800_000_000 + i64::from(number)).unwrap();
    Job {
        id: format!("{number:04x}00000000").parse().unwrap(),
        request_id: None,
        endpoint: draft().endpoint,
        name: format!("job {number}").into(),
        parent: None,
        sweep: None,
        account: Account {
            server: ServerId::fal(),
            key: KeyFingerprint::from_stored("00".to_owned()),
        },
        state,
        remote_status: None,
        cancel_requested: false,
        percent: None,
        created_at,
        submitted_at: Some(created_at),
        started_at: None,
        completed_at: None,
        inference_time: None,
        estimated_cost: Some(Usd::from_dollars(1.16)),
        unit_price: None,
        billed_units: None,
        arguments: arguments(),
        seed_drawn: false,
        request_hash: None,
        consent: Consent::default(),
        output: None,
        files: vec![],
        error: None,
        notice: None,
    }
}

pub(crate) fn id(number: u16) -> JobId {
    job(number, JobState::Draft).id
}

pub(crate) fn app_at(server: ServerId, confirm: Confirm) -> App {
    let (mut app, effects) = app_that_measures(server, confirm);
    answer_measures(&mut app, effects);
    app
}

/// A deck whose script was not measured so far, and its first effects.
pub(crate) fn app_that_measures(server: ServerId, confirm: Confirm) -> (App, Vec<Effect>) {
    let setup = Setup {
        catalog: Arc::new(Catalog::builtin()),
        server: ServerBadge {
            label: server.as_str().into(),
            id: server,
            hint: "".into(),
        },
        preview_available: true,
        draft: draft(),
        slot: crate::model::draft::Slot::Editor,
        confirm,
        budget: Budget::default(),
        now: Timestamp::from_second(1_800_001_000).unwrap(),
        time_zone: TimeZone::UTC,
        size: (120, 36),
        commands: vec![
            command(Context::Deck, Action::Submit, "^S"),
            command(Context::Jobs, Action::CancelJob, "x"),
            command(Context::Jobs, Action::DownloadJob, "d"),
        ],
        notices: vec![],
    };
    App::new(setup)
}

/// Answers what asks for the length of a script, as where nothing can speak, and adds what follows.
fn answer_measures(app: &mut App, mut effects: Vec<Effect>) -> Vec<Effect> {
    let asked = effects
        .iter()
        .position(|effect| matches!(effect, Effect::MeasureSpeech(_)));
    if let Some(Effect::MeasureSpeech(words)) = asked.map(|at| effects.remove(at)) {
        let answer = words.into_iter().map(|words| (words, None)).collect();
        effects.extend(app.update(Message::SpeechMeasured(answer)));
    }
    effects
}

fn command(context: Context, action: Action, keys: &str) -> Command {
    Command {
        context,
        action,
        keys: keys.to_owned(),
        description: "does something",
        hint: "",
    }
}

/// A deck where submits cost money.
pub(crate) fn app() -> App {
    app_at(ServerId::fal(), Confirm::Paid)
}

/// A deck that has these jobs, the jobs pane focused.
pub(crate) fn app_with(jobs: Vec<Job>) -> App {
    let mut app = app();
    app.update(Message::JobsLoaded(jobs));
    act(&mut app, Action::FocusJobs);
    app
}

pub(crate) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let effects = app.update(Message::Action(action));
    answer_measures(app, effects)
}

pub(crate) fn press(app: &mut App, code: KeyCode) -> Vec<Effect> {
    let effects = app.update(Message::Key(KeyEvent::from(code)));
    answer_measures(app, effects)
}

pub(crate) fn type_text(app: &mut App, text: &str) {
    for c in text.chars() {
        press(app, KeyCode::Char(c));
    }
}

/// What the notice line says.
pub(crate) fn notice(app: &App) -> &str {
    app.notices
        .current()
        .map_or("", |(notice, _)| notice.text.as_str())
}

pub(crate) fn usd(dollars: f64) -> Usd {
    Usd::from_dollars(dollars)
}

pub(crate) fn question(app: &App) -> &Ask {
    match app.modals.last() {
        Some(Modal::Ask(ask)) => ask,
        _ => panic!("nothing is asked"),
    }
}

pub(crate) fn text(ask: &Ask) -> String {
    let lines: Vec<_> = ask.lines.iter().map(|(_, line)| line.as_str()).collect();
    format!("{}\n{}", ask.title, lines.join("\n"))
}
