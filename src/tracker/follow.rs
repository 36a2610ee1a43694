//! Follows a job at the server: by the stream, by polling where there is none, and through every interruption.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use tokio::time::Instant;

use super::{
    CancelOutcome, Shared, Step, control,
    log::{Log, Source},
    now, result,
    task::{Next, Retry, Stepped, Turn, in_words},
};
use crate::{
    fal::{self, CancelReply, Client, Followed, wire},
    model::{CleanText, Job, JobError, JobState, request::RequestUrls},
    store::{self, Observation},
};

/// Streams that break in a row without a word before they are left alone for a while.
const MOST_SILENT_STREAMS: u32 = 3;
/// How long, in seconds, streams are then left alone.
const STREAM_REST: f64 = 60.0;
/// How long, in seconds, a stream may bring no status before it is asked for by a poll.
const LONGEST_SILENCE: f64 = 120.0;
/// Waits between polls grow up to so many seconds.
const SLOWEST_POLL: f64 = 5.0;
/// Longest wait after a failure, in seconds.
const LONGEST_WAIT: u64 = 30;
/// So many answers in a row that the server knows no such request are believed.
const MOST_UNKNOWN: u32 = 3;
/// What the log of a job says whose addresses are not used.
const FOREIGN: &str =
    "the server named addresses that the key must not go to; the job is followed at the usual ones";
/// A change of nothing but the percentage is written at most so often, in seconds: each write waits for the disk.
const PERCENT_REST: f64 = 1.0;

/// Step 6 of the protocol, for a job in the queue or in progress.
pub(super) async fn follow(
    shared: &Arc<Shared>,
    turn: &Turn,
    job: Job,
    urls: Option<RequestUrls>,
) -> Stepped {
    let mut follower = Follower {
        shared,
        turn,
        percent_due: Instant::now(),
        log: Log::of(shared, &job).await?,
        job,
        urls,
    };
    follower.run().await
}

struct Follower<'a> {
    shared: &'a Arc<Shared>,
    turn: &'a Turn,
    job: Job,
    urls: Option<RequestUrls>,
    log: Log,
    percent_due: Instant,
}

/// What a piece of news means for the follower.
enum Seen {
    GoesOn,
    Over,
}

/// How a stream ended.
enum Ended {
    /// The job has moved on, or the task is to look.
    Over,
    /// It broke or was closed, after so many events.
    Broken {
        events: u32,
        error: Option<fal::Error>,
    },
    /// The server has none for this request.
    NotThere,
}

impl Follower<'_> {
    async fn run(&mut self) -> Stepped {
        let mut retry = Retry::up_to(LONGEST_WAIT);
        let mut poll_wait = 1.0_f64;
        let (mut silent, mut unknown) = (0, 0);
        let mut stream_due = Instant::now();
        // Asked again after a restart: whether the first wish arrived, nobody knows. One that comes later is told
        // to the server by whoever has it.
        let mut ask_to_cancel = self.job.cancel_requested;
        let mut told_foreign = false;
        loop {
            let Some(client) = self.client().await? else {
                return Ok(Next::Look);
            };
            let Some(request_id) = self.job.request_id.clone() else {
                return super::task::lost_answer(self.shared, &self.job).await;
            };
            let at = client.follow(&self.job.endpoint, &request_id, self.urls.as_ref());
            if std::mem::take(&mut ask_to_cancel) {
                match self.turn.unless_woken(client.cancel(&at)).await {
                    None => return Ok(Next::Look),
                    Some(Ok(CancelReply::Cancelled)) => {
                        let outcome = control::taken_out(self.shared, &self.job.id).await?;
                        if outcome == CancelOutcome::Cancelled {
                            return Ok(Next::Look);
                        }
                    }
                    // Whatever else it says, the status tells what became of it.
                    Some(_) => {}
                }
            }
            if at.is_foreign() && !std::mem::replace(&mut told_foreign, true) {
                self.log.remark(self.shared, FOREIGN).await;
                let id = self.job.id.short();
                self.shared.reports.trouble(&format!("job {id}: {FOREIGN}"));
            }
            if Instant::now() >= stream_due {
                match self.stream(&client, &at).await? {
                    Ended::Over => return Ok(Next::Look),
                    Ended::NotThere => {
                        stream_due = Instant::now() + self.shared.seconds(10.0 * STREAM_REST);
                    }
                    Ended::Broken { events: 0, error } => {
                        silent += 1;
                        if silent >= MOST_SILENT_STREAMS {
                            silent = 0;
                            stream_due = Instant::now() + self.shared.seconds(STREAM_REST);
                        }
                        if error.is_some_and(|error| self.shared.refuses(&client, &error)) {
                            continue;
                        }
                    }
                    Ended::Broken { .. } => {
                        silent = 0;
                        poll_wait = 1.0;
                    }
                }
            }
            // At once after a stream has broken: what it would have said next must not be missed.
            let polled = {
                let shared = Arc::clone(self.shared);
                let poll = async {
                    shared.paced().await;
                    let _place = shared.limits.polls.acquire().await;
                    client.status(&at).await
                };
                self.turn.unless_woken(poll).await
            };
            let wait = match polled {
                None => return Ok(Next::Look),
                Some(Ok(status)) => {
                    if let Seen::Over = self.see(&client, &at, &status, Source::Poll).await? {
                        return Ok(Next::Look);
                    }
                    retry.reset();
                    unknown = 0;
                    let wait = poll_wait;
                    poll_wait = (poll_wait * 1.5).min(SLOWEST_POLL);
                    wait * (0.75 + 0.5 * fastrand::f64())
                }
                Some(Err(fal::Error::NotFound { .. })) if unknown + 1 >= MOST_UNKNOWN => {
                    // Whatever it was, it is over; the result, or the list of requests, may still have it.
                    self.saving().await?;
                    return Ok(Next::Look);
                }
                Some(Err(error)) => {
                    if matches!(error, fal::Error::NotFound { .. }) {
                        unknown += 1;
                    }
                    if self.shared.refuses(&client, &error) {
                        continue;
                    }
                    self.failed(&error, &mut retry).await?
                }
            };
            if !self.turn.wait(self.shared.seconds(wait)).await {
                return Ok(Next::Look);
            }
        }
    }

    /// The client for the job, said aloud when it has to be waited for.
    async fn client(&self) -> Result<Option<Client>, store::Error> {
        let servers = &self.shared.servers;
        if servers.client(&self.job.account).is_none() {
            let server = &self.job.account.server;
            let notice = format!("waits for the key of {server} that it was sent with");
            self.shared.notice(&self.job.id, Some(notice)).await?;
        }
        Ok(servers.to_follow(&self.job.account, self.turn).await)
    }

    fn tell_reachable(&self, reachable: bool) {
        let server = &self.job.account.server;
        self.shared.reports.reachable(server, reachable);
    }

    /// Says that the server cannot be asked; a failure to ask says nothing about the job.
    async fn failed(&self, error: &fal::Error, retry: &mut Retry) -> Result<f64, store::Error> {
        let wait = match error {
            fal::Error::RateLimited {
                wait: Some(asked), ..
            } => asked.as_secs_f64() + retry.next(),
            // Half of it is fixed: a server in trouble is not asked twice in a moment.
            _ => 0.5 + retry.next(),
        };
        if error.is_silence() {
            self.tell_reachable(false);
        }
        let notice = format!("{error}; trying again in {}", in_words(wait));
        self.shared.notice(&self.job.id, Some(notice)).await?;
        Ok(wait)
    }

    async fn stream(&mut self, client: &Client, at: &Followed) -> Result<Ended, store::Error> {
        let mut events = 0;
        let opened = async {
            self.shared.paced().await;
            client.stream(at).await
        };
        let mut stream = match self.turn.unless_woken(opened).await {
            None => return Ok(Ended::Over),
            Some(Ok(stream)) => stream,
            Some(Err(fal::Error::NotFound { .. } | fal::Error::Refused { .. })) => {
                return Ok(Ended::NotThere);
            }
            Some(Err(error)) => {
                let error = Some(error);
                return Ok(Ended::Broken { events, error });
            }
        };
        self.log.reconnected();
        loop {
            // Comments, or bytes that never become a status, keep a connection open and tell nothing.
            let next = tokio::time::timeout(self.shared.seconds(LONGEST_SILENCE), stream.next());
            let status = match self.turn.unless_woken(next).await {
                None => return Ok(Ended::Over),
                Some(Err(_) | Ok(None)) => {
                    return Ok(Ended::Broken {
                        events,
                        error: None,
                    });
                }
                Some(Ok(Some(Ok(status)))) => status,
                Some(Ok(Some(Err(error)))) => {
                    let error = Some(error);
                    return Ok(Ended::Broken { events, error });
                }
            };
            events += 1;
            if let Seen::Over = self.see(client, at, &status, Source::Stream).await? {
                return Ok(Ended::Over);
            }
        }
    }

    /// Takes over what a status says.
    async fn see(
        &mut self,
        client: &Client,
        at: &Followed,
        status: &wire::Status,
        source: Source,
    ) -> Result<Seen, store::Error> {
        self.tell_reachable(true);
        let percent = self.log.take(self.shared, client, status, source).await;
        let word = status.status.as_deref().unwrap_or_default();
        if word == wire::COMPLETED {
            return self.completed(client, at, status).await;
        }
        let mut seen = Observation {
            percent,
            inference: inference(status),
            ..Observation::default()
        };
        match word {
            wire::IN_QUEUE => {
                seen.state = Some(JobState::InQueue {
                    position: status.queue_position,
                });
            }
            wire::IN_PROGRESS => {
                seen.state = Some(JobState::InProgress);
                seen.started_at = Some(now());
            }
            // Shown as it is. One without any word is no news.
            "" => seen.remote_status.clone_from(&self.job.remote_status),
            unknown => seen.remote_status = Some(short(client, unknown)),
        }
        self.observe(seen).await
    }

    async fn observe(&mut self, seen: Observation) -> Result<Seen, store::Error> {
        let job = &mut self.job;
        let same_but_percent = seen.state.as_ref().is_none_or(|state| *state == job.state)
            && seen.remote_status == job.remote_status
            && job.notice.is_none()
            && (seen.started_at.is_none() || job.started_at.is_some());
        if same_but_percent && Instant::now() < self.percent_due {
            if seen.percent.is_some() && seen.percent != job.percent {
                job.percent = seen.percent;
                self.shared.reports.job(job.clone());
            }
            return Ok(Seen::GoesOn);
        }
        self.percent_due = Instant::now() + self.shared.seconds(PERCENT_REST);
        let id = job.id.clone();
        // What was only reported so far is written along.
        let seen = Observation {
            percent: seen.percent.or(job.percent),
            ..seen
        };
        let changed = self
            .shared
            .change(move |store| store.observe(&id, &seen))
            .await?;
        if let Some(job) = changed {
            self.job = job;
        }
        Ok(Seen::GoesOn)
    }

    async fn completed(
        &mut self,
        client: &Client,
        at: &Followed,
        status: &wire::Status,
    ) -> Result<Seen, store::Error> {
        self.shared.crash.point(Step::SeenCompleted).await;
        let Some(error) = failure(client, status) else {
            let inference = inference(status);
            if inference.is_some() {
                self.percent_due = Instant::now();
                let seen = Observation {
                    inference,
                    ..Observation::default()
                };
                self.observe(seen).await?;
            }
            self.saving().await?;
            return Ok(Seen::Over);
        };
        // Which fields it is about, only the result tells.
        let told = self.turn.unless_woken(client.result(at)).await;
        let error = match told {
            None => return Ok(Seen::Over),
            Some(Err(
                fal::Error::Refused { error, .. }
                | fal::Error::Server {
                    error: Some(error), ..
                },
            )) => *error,
            Some(_) => error,
        };
        result::fail(self.shared, &self.job.id, error).await?;
        Ok(Seen::Over)
    }

    async fn saving(&mut self) -> Result<(), store::Error> {
        let id = self.job.id.clone();
        let seen = Observation {
            state: Some(JobState::Saving),
            percent: self.job.percent,
            ..Observation::default()
        };
        self.shared
            .change(move |store| store.observe(&id, &seen))
            .await?;
        Ok(())
    }
}

/// What a completed status says went wrong, if something did.
fn failure(client: &Client, status: &wire::Status) -> Option<JobError> {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let (message, kind) = (text(&status.error), text(&status.error_type));
    let first = message.as_ref().or(kind.as_ref())?;
    Some(JobError {
        message: short(client, first),
        kind: kind.as_deref().map_or_else(
            || CleanText::line("request_failed"),
            |kind| short(client, kind),
        ),
        fields: Vec::new(),
    })
}

fn inference(status: &wire::Status) -> Option<Duration> {
    let seconds = status.metrics?.inference_time?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Remote text in one line of bounded length.
fn short(client: &Client, raw: &str) -> CleanText {
    const LONGEST: usize = 500;
    let text = client.words(raw);
    match text.as_str().char_indices().nth(LONGEST) {
        Some((at, _)) => CleanText::line(&format!("{}…", &text.as_str()[..at])),
        None => text,
    }
}
