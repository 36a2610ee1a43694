//! Sends a job: uploads its files, puts the exact body on disk, and POSTs it once.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Shared, Step, inputs, now, rescue,
    task::{Next, Retry, Stepped, Turn, in_words},
    uploads::upload,
};
use crate::{
    fal::{self, Accepted, Client, Rejection, SubmitOutcome},
    model::{Arguments, CleanText, Job, JobError, JobState, job::FieldError},
    store::{self, Begun},
};

/// The kind of error of a draft that would have gone beyond a cap.
pub const OVER_CAP: &str = "talkdeck_over_cap";
/// The kind of error of a draft that has become dearer than the user was told.
pub const PRICE_ROSE: &str = "talkdeck_price_rose";
/// Seconds until a job that waits for a cap is held against it again.
const CAP_PAUSE: f64 = 60.0;
/// Longest wait between two tries, in seconds.
const LONGEST_WAIT: u64 = 30;

/// How a try ended that sent nothing.
enum Unsent {
    /// It may go better later; the wait is the server's wish, if it has one.
    Later { why: String, wait: Option<Duration> },
    /// The key was refused or the account is locked: the next try waits for that by itself.
    Blocked(String),
    /// It costs more than the user has agreed to.
    TooDear { kind: &'static str, why: String },
    /// It never will.
    Never(JobError),
}

/// Steps 1 to 4 of the protocol, for a job that is queued locally or was interrupted while uploading.
pub(super) async fn send(shared: &Arc<Shared>, turn: &Turn, job: Job) -> Stepped {
    shared.crash.point(Step::IntentStored).await;
    let mut retry = Retry::up_to(LONGEST_WAIT);
    let began = Instant::now();
    loop {
        let Some(client) = shared.servers.to_send(&job.account.server, turn).await else {
            return Ok(woken(turn));
        };
        if super::servers::account_of(&client) != job.account {
            // Another account would pay for it, or learn of it: whoever confirmed it did not say so.
            let notice = "waits: it was confirmed with another key; drop it and send a copy";
            wait_here(shared, &job, notice).await?;
            turn.wait(shared.seconds(CAP_PAUSE)).await;
            return Ok(woken(turn));
        }
        let unsent = match turn.unless_woken(upload_all(shared, &client, &job)).await {
            None => return Ok(woken(turn)),
            Some(Ok(None)) => return Ok(Next::Done),
            Some(Ok(Some(arguments))) => {
                shared.crash.point(Step::Uploaded).await;
                match post(shared, turn, &client, &job, &arguments).await? {
                    Some(unsent) => unsent,
                    None => return Ok(Next::Look),
                }
            }
            Some(Err(UploadError::Store(error))) => return Err(error),
            Some(Err(UploadError::Fal { field, error })) => {
                upload_failed(shared, &client, &field, error)
            }
        };
        let (why, asked) = match unsent {
            Unsent::Blocked(notice) => {
                wait_here(shared, &job, &notice).await?;
                continue;
            }
            Unsent::Never(error) => {
                let id = job.id.clone();
                shared
                    .change(move |store| store.fail(&id, &error, now()))
                    .await?;
                return Ok(Next::Look);
            }
            Unsent::TooDear { kind, why } => {
                if shared.retry_not_sent.is_some() {
                    return give_up(shared, &job, failure(kind, &why)).await;
                }
                wait_here(shared, &job, &format!("waits: {why}")).await?;
                // What was agreed to wakes it; a new day, or a job that came to nothing, does not.
                turn.wait(shared.seconds(CAP_PAUSE)).await;
                return Ok(woken(turn));
            }
            Unsent::Later { why, wait } => (why, wait),
        };
        // Jitter on top of what the server asks for, which may be nothing: it must not be stormed.
        let wait = asked.unwrap_or_default().as_secs_f64() + retry.next();
        let patience = shared.retry_not_sent;
        if patience.is_some_and(|patience| began.elapsed() + shared.seconds(wait) > patience) {
            return give_up(shared, &job, failure("talkdeck_not_sent", &why)).await;
        }
        let notice = format!("not sent: {why}; trying again in {}", in_words(wait));
        wait_here(shared, &job, &notice).await?;
        if !turn.wait(shared.seconds(wait)).await {
            return Ok(woken(turn));
        }
    }
}

fn woken(turn: &Turn) -> Next {
    if turn.is_stopped() {
        Next::Done
    } else {
        Next::Look
    }
}

async fn wait_here(shared: &Shared, job: &Job, notice: &str) -> Result<(), store::Error> {
    let (id, me) = (job.id.clone(), shared.owners.me().clone());
    let notice = CleanText::line(notice);
    shared
        .change(move |store| store.wait_here(&id, &me, &notice))
        .await?;
    Ok(())
}

/// Makes a draft of a job that could not be sent in time, or is not to be sent unasked.
async fn give_up(shared: &Shared, job: &Job, error: JobError) -> Stepped {
    let (id, me) = (job.id.clone(), shared.owners.me().clone());
    shared
        .change(move |store| store.withdraw(&id, &me, Some(error)))
        .await?;
    Ok(Next::Look)
}

enum UploadError {
    Store(store::Error),
    Fal { field: String, error: fal::Error },
}

impl From<store::Error> for UploadError {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// The job's arguments with an address in place of every local file; `None` when the job is no longer ours to send.
async fn upload_all(
    shared: &Arc<Shared>,
    client: &Client,
    job: &Job,
) -> Result<Option<Arguments>, UploadError> {
    // Without its fields nobody could tell which arguments are files of this machine.
    let (server, endpoint) = (&job.account.server, &job.endpoint);
    if shared.catalog(server).get(endpoint).is_none() {
        let asked = shared.refresh_endpoint(server, endpoint).await;
        asked.map_err(|error| UploadError::Fal {
            field: "endpoint".to_owned(),
            error: not_described(error),
        })?;
    }
    let files = inputs::local_files(
        &shared.catalog(&job.account.server),
        &job.endpoint,
        &job.arguments,
    );
    let mut arguments = job.arguments.clone();
    if files.is_empty() {
        return Ok(Some(arguments));
    }
    let (id, me) = (job.id.clone(), shared.owners.me().clone());
    shared
        .change(move |store| store.begin_upload(&id, &me))
        .await?;
    let id = job.id.clone();
    let still = shared.store(move |store| store.get(&id)).await?;
    if still.is_none_or(|job| job.state != JobState::Uploading) {
        return Ok(None);
    }
    for (file, path) in files {
        let url = upload(shared, client, job, &file, &path)
            .await
            .map_err(|error| UploadError::Fal {
                field: file.name.clone(),
                error,
            })?;
        arguments.set_at(&file.pointer, url);
    }
    Ok(Some(arguments))
}

fn not_described(error: super::Error) -> fal::Error {
    match error {
        super::Error::Fal(error) | super::Error::UnknownEndpoint { source: error, .. } => error,
        other => fal::Error::NotFound {
            host: "the server".to_owned(),
            message: CleanText::line(&other.to_string()),
        },
    }
}

fn upload_failed(shared: &Shared, client: &Client, field: &str, error: fal::Error) -> Unsent {
    match error {
        fal::Error::Unauthorized { message, .. } => refused(shared, client, message),
        fal::Error::Locked { message, .. } => locked(shared, client, message),
        fal::Error::RateLimited { wait, .. } => Unsent::Later {
            why: error.to_string(),
            wait,
        },
        fal::Error::Refused { error, .. } => Unsent::Never(*error),
        error if error.is_transient() => {
            shared
                .reports
                .reachable(&client.server().id, !error.is_silence());
            Unsent::Later {
                why: error.to_string(),
                wait: None,
            }
        }
        error => Unsent::Never(JobError {
            kind: CleanText::line("talkdeck_upload"),
            message: CleanText::line(&error.to_string()),
            fields: vec![FieldError::new(field, error.to_string())],
        }),
    }
}

fn refused(shared: &Shared, client: &Client, message: CleanText) -> Unsent {
    let notice = format!("waits for another key: {message}");
    if shared.servers.refuse_key(client) {
        shared.reports.unauthorized(&client.server().id, message);
    }
    Unsent::Blocked(notice)
}

fn locked(shared: &Shared, client: &Client, message: CleanText) -> Unsent {
    let notice = format!("waits for the account: {message}");
    if shared.servers.lock_account(client) {
        shared.reports.locked(&client.server().id, message);
    }
    Unsent::Blocked(notice)
}

/// Stores the body, sends it once, and stores what came of it; `None` when the job has moved on.
///
/// From the moment the row says `submitting`, this is not cut short by anything but the end of the process.
async fn post(
    shared: &Arc<Shared>,
    turn: &Turn,
    client: &Client,
    job: &Job,
    arguments: &Arguments,
) -> Result<Option<Unsent>, store::Error> {
    let _place = shared.limits.submits.acquire().await;
    if turn.is_stopped() {
        return Ok(None);
    }
    if let Some(rise) = price_rise(shared, job) {
        return Ok(Some(rise));
    }
    let body = arguments.to_json();
    let (id, me, key) = (
        job.id.clone(),
        shared.owners.me().clone(),
        client.server().fingerprint(),
    );
    let (text, cap) = (body.clone(), shared.cap(job));
    let begun = shared
        .store(move |store| store.begin_submit(&id, &text, &key, &me, &cap))
        .await?;
    match begun {
        Begun::Won(job) => shared.reports.job(*job),
        Begun::Lost => return Ok(None),
        Begun::OverCap(over) => {
            return Ok(Some(Unsent::TooDear {
                kind: OVER_CAP,
                why: over.to_string(),
            }));
        }
    }
    shared.crash.point(Step::SubmitBegun).await;
    let outcome = client.submit(&job.endpoint, &body).await;
    shared.crash.point(Step::Answered).await;
    let unsent = match outcome {
        SubmitOutcome::Accepted(accepted) => {
            shared.reports.reachable(&client.server().id, true);
            accept(shared, turn, job, &accepted).await;
            None
        }
        SubmitOutcome::Unknown(_) => {
            super::task::lost_answer(shared, job).await?;
            None
        }
        SubmitOutcome::NotSent(error) => {
            prove_unsent(shared, job).await?;
            shared
                .reports
                .reachable(&client.server().id, !error.is_silence());
            let why = error.to_string();
            Some(if error.is_transient() {
                Unsent::Later { why, wait: None }
            } else {
                Unsent::Never(failure("talkdeck_not_sent", &why))
            })
        }
        SubmitOutcome::Rejected(rejection) => rejected(shared, client, job, rejection).await?,
    };
    shared.crash.point(Step::AnswerStored).await;
    Ok(unsent)
}

/// Whether the job has become dearer since the user saw its price, as may happen to one that waits.
fn price_rise(shared: &Shared, job: &Job) -> Option<Unsent> {
    let server = &job.account.server;
    let agreed = job.estimated_cost?;
    if server.is_preview() {
        return None;
    }
    let catalog = shared.catalog(server);
    let cost = catalog.get(&job.endpoint)?.estimate(&job.arguments);
    let why = match cost {
        Some(cost) if cost <= agreed => return None,
        Some(cost) => format!("the price rose from ≈{agreed} to ≈{cost}"),
        None => format!("the price was ≈{agreed} and is unknown by now"),
    };
    Some(Unsent::TooDear {
        kind: PRICE_ROSE,
        why,
    })
}

async fn rejected(
    shared: &Shared,
    client: &Client,
    job: &Job,
    rejection: Rejection,
) -> Result<Option<Unsent>, store::Error> {
    let unsent = match rejection {
        Rejection::Unauthorized { message } => {
            prove_unsent(shared, job).await?;
            refused(shared, client, message)
        }
        Rejection::Locked { message } => {
            prove_unsent(shared, job).await?;
            locked(shared, client, message)
        }
        Rejection::RateLimited { wait, message } => {
            prove_unsent(shared, job).await?;
            let why = message.to_string();
            Unsent::Later { why, wait }
        }
        // Failed straight from submitting: the row never looks sendable again.
        Rejection::Arguments(error) | Rejection::Other { error, .. } => Unsent::Never(error),
    };
    Ok(Some(unsent))
}

fn failure(kind: &str, message: &str) -> JobError {
    JobError {
        kind: CleanText::line(kind),
        message: CleanText::line(message),
        fields: Vec::new(),
    }
}

async fn prove_unsent(shared: &Shared, job: &Job) -> Result<(), store::Error> {
    let (id, me) = (job.id.clone(), shared.owners.me().clone());
    shared
        .change(move |store| store.prove_unsent(&id, &me))
        .await?;
    Ok(())
}

/// Puts the request id on disk before anything else happens, however long that takes.
async fn accept(shared: &Shared, turn: &Turn, job: &Job, accepted: &Accepted) {
    let mut retry = Retry::up_to(LONGEST_WAIT);
    loop {
        let (id, answer) = (job.id.clone(), accepted.clone());
        let stored = shared
            .change(move |store| {
                store.accept(
                    &id,
                    &answer.request_id,
                    &answer.urls,
                    answer.queue_position,
                    now(),
                )
            })
            .await;
        let Err(error) = stored else {
            if retry.failures() > 0 {
                shared.rescue.forget(&job.id).await;
            }
            return;
        };
        let noted = shared.rescue.keep(&job.id, accepted).await;
        let told = rescue::unsaved(&job.id, &accepted.request_id, &error, &noted);
        shared.reports.trouble(&told);
        // A stopping program does not wait for room on the disk: the id was told, and the row says submitting.
        if turn.is_stopped() {
            return;
        }
        tokio::time::sleep(shared.seconds(0.5 + retry.next())).await;
    }
}
