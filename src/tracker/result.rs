//! Fetches the result of a finished job, or the error that it is.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Error, Shared, Step, now,
    save::pause,
    settle::window,
    task::{Next, Retry, Stepped, Turn},
};
use crate::{
    fal::{self, Client, RequestsQuery, wire},
    model::{CleanText, Job, JobError, JobId, RequestId, request::RequestUrls},
    store,
};

/// Failures of the server in a row before its list of requests is asked for the result instead.
const MOST_FAILURES: u32 = 5;

/// Fetches the result and stores it; a result that is an error ends the job.
pub(super) async fn fetch(
    shared: &Arc<Shared>,
    turn: &Turn,
    client: &Client,
    job: &Job,
    urls: Option<&RequestUrls>,
) -> Stepped {
    let Some(request_id) = &job.request_id else {
        return super::task::lost_answer(shared, job).await;
    };
    let at = client.follow(&job.endpoint, request_id, urls);
    let mut retry = Retry::up_to(super::save::LONGEST_WAIT);
    loop {
        let asked = async {
            shared.paced().await;
            client.result(&at).await
        };
        let Some(answer) = turn.unless_woken(asked).await else {
            return Ok(Next::Look);
        };
        let error = match answer {
            Ok(reply) => {
                shared.crash.point(Step::ResultFetched).await;
                keep(shared, job, reply.output, reply.billable_units).await?;
                return Ok(Next::Look);
            }
            Err(fal::Error::Refused { status, error }) => {
                let error = if status == 499 { cancelled() } else { *error };
                fail(shared, &job.id, error).await?;
                return Ok(Next::Look);
            }
            Err(error) if shared.refuses(client, &error) => return Ok(Next::Look),
            Err(error) => error,
        };
        let is_gone = matches!(error, fal::Error::Gone { .. } | fal::Error::NotFound { .. });
        let is_stuck =
            matches!(error, fal::Error::Server { .. }) && retry.failures() >= MOST_FAILURES;
        let why = if is_gone || is_stuck {
            match turn.unless_woken(from_list(shared, client, job)).await {
                None | Some(Ok(Listed::Settled)) => return Ok(Next::Look),
                Some(Ok(Listed::Nothing)) if is_gone => {
                    let id = job.id.clone();
                    shared
                        .change(move |store| store.expired(&id, now()))
                        .await?;
                    return Ok(Next::Look);
                }
                Some(Ok(Listed::Nothing)) => error.to_string(),
                Some(Err(Error::Store(error))) => return Err(error),
                Some(Err(Error::Fal(error))) if shared.refuses(client, &error) => {
                    return Ok(Next::Look);
                }
                Some(Err(error)) => error.to_string(),
            }
        // The result of a locked account is paid for; it is there once the account is unlocked.
        } else if error.is_transient() || matches!(error, fal::Error::Locked { .. }) {
            error.to_string()
        } else {
            let error = JobError {
                kind: "talkdeck_result".into(),
                message: CleanText::line(&error.to_string()),
                fields: Vec::new(),
            };
            fail(shared, &job.id, error).await?;
            return Ok(Next::Look);
        };
        let asked = match error {
            fal::Error::RateLimited { wait, .. } => wait,
            _ => None,
        };
        if !pause(shared, turn, &job.id, &why, asked, &mut retry).await? {
            return Ok(Next::Look);
        }
    }
}

async fn keep(
    shared: &Shared,
    job: &Job,
    output: Value,
    billed: Option<f64>,
) -> Result<(), store::Error> {
    let id = job.id.clone();
    shared
        .change(move |store| store.store_result(&id, &output, billed))
        .await?;
    shared.crash.point(Step::ResultStored).await;
    Ok(())
}

enum Listed {
    /// The list had the result, or the failure.
    Settled,
    Nothing,
}

/// Asks the list of requests, which keeps results longer than the queue does.
async fn from_list(shared: &Shared, client: &Client, job: &Job) -> Result<Listed, Error> {
    let (start, end) = window(job.created_at, now());
    let query = RequestsQuery {
        endpoint: job.endpoint.clone(),
        start,
        end,
        request_id: job.request_id.clone(),
    };
    let is_ours = |item: &wire::RequestItem| {
        job.request_id.as_ref().map(RequestId::as_str) == Some(item.request_id.as_str())
    };
    let listed = match client.requests(&query, is_ours).await {
        Ok(listed) => listed,
        Err(error @ fal::Error::Unauthorized { .. }) => return Err(error.into()),
        Err(error) if error.is_transient() => return Err(error.into()),
        // A server without such a list, or a key that may not see it.
        Err(_) => return Ok(Listed::Nothing),
    };
    let Some(item) = listed.into_iter().next() else {
        return Ok(Listed::Nothing);
    };
    let output = item.json_output.filter(|output| !output.is_null());
    match (item.status_code, output) {
        (Some(499), _) => fail(shared, &job.id, cancelled()).await?,
        (Some(status @ 400..), output) => {
            let text = output
                .as_ref()
                .and_then(|output| output.get("detail"))
                .and_then(Value::as_str)
                .unwrap_or("the request failed; its words are no longer kept");
            let error = JobError {
                kind: CleanText::line(&format!("http_{status}")),
                message: client.words(text),
                fields: Vec::new(),
            };
            fail(shared, &job.id, error).await?;
        }
        (_, Some(output)) => keep(shared, job, output, None).await?,
        (_, None) => return Ok(Listed::Nothing),
    }
    Ok(Listed::Settled)
}

fn cancelled() -> JobError {
    JobError {
        kind: "client_cancelled".into(),
        message: "cancelled".into(),
        fields: Vec::new(),
    }
}

/// Ends the job with the server's error, which may be that it was cancelled.
pub(super) async fn fail(shared: &Shared, id: &JobId, error: JobError) -> Result<(), store::Error> {
    let id = id.clone();
    shared
        .change(move |store| {
            if error.kind.as_str() == "client_cancelled" {
                store.cancelled(&id, now())
            } else {
                store.fail(&id, &error, now())
            }
        })
        .await?;
    Ok(())
}
