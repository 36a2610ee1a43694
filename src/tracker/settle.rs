//! Finds out what became of a submit whose answer was lost, by the server's own list of requests.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Error, Shared, Step, Tracker, now,
    task::{Next, Stepped, Turn, in_words},
};
use crate::{
    fal::{Client, RequestsQuery, wire::RequestItem},
    model::{
        Arguments, Job, JobError, JobId, JobState, RequestId, Timestamp, job::Account,
        request::Candidate,
    },
};

/// The list is asked for from so long before the confirmation to so long after now: clocks differ.
const MARGIN: Duration = Duration::from_mins(10);

/// When the request of a job must have come to the server. The clock may have been set in either direction meanwhile.
pub(super) fn window(created: Timestamp, now: Timestamp) -> (Timestamp, Timestamp) {
    (created.min(now) - MARGIN, created.max(now) + MARGIN)
}

/// What the server's list says about an unconfirmed job.
#[derive(Clone, Debug, PartialEq)]
pub enum Settlement {
    /// The job is known by now and goes on.
    Settled(Box<Job>),
    /// The list does not have it, so far.
    Missing,
    /// More than one request could be it, or more than one job; only the user can tell.
    Several(Vec<Candidate>),
}

/// Seconds to wait before question number `asked`: at 2, 5, 10 and 20 s, then each minute ten times, then each ten.
fn pause(asked: u32) -> f64 {
    match asked {
        0 => 2.0,
        1 => 3.0,
        2 => 5.0,
        3 => 10.0,
        4..14 => 60.0,
        _ => 600.0,
    }
}

/// Step 5 of the protocol, for an unconfirmed job.
pub(super) async fn wait(shared: &Arc<Shared>, turn: &Turn, job: Job) -> Stepped {
    let began = Instant::now();
    let mut asked = 0;
    let mut finding = "the answer to the submit was lost".to_owned();
    loop {
        let mut pause = pause(asked);
        if let Some(patience) = shared.settle_for {
            let left = patience.saturating_sub(began.elapsed());
            if left.is_zero() {
                let notice = format!("{finding}; no longer asked");
                shared.notice(&job.id, Some(notice)).await?;
                return Ok(Next::Done);
            }
            // The last question comes at the end of the time.
            pause = pause.min(left.div_duration_f64(shared.second));
        }
        let notice = format!("{finding}; asking the server again in {}", in_words(pause));
        shared.notice(&job.id, Some(notice)).await?;
        if !turn.wait(shared.seconds(pause)).await {
            return Ok(Next::Look);
        }
        let Some(client) = shared.servers.to_follow(&job.account, turn).await else {
            return Ok(Next::Look);
        };
        finding = match ask(shared, &client, &job).await {
            Ok(Settlement::Settled(_)) => return Ok(Next::Look),
            Ok(Settlement::Missing) if asked > 13 => format!(
                "the server's list does not have it; if it was never sent: talkdeck confirm {} --not-sent",
                job.id.short()
            ),
            Ok(Settlement::Missing) => "the server's list does not have it so far".to_owned(),
            Ok(Settlement::Several(ids)) => {
                let could_be = match ids.len() {
                    1 => "a request could be it or another job".to_owned(),
                    number => format!("{number} requests could be it"),
                };
                let id = job.id.short();
                format!("{could_be}; choose: talkdeck confirm {id} REQUEST_ID")
            }
            Err(Error::Store(error)) => return Err(error),
            Err(error) => {
                if let Error::Fal(error) = &error {
                    shared.refuses(&client, error);
                }
                error.to_string()
            }
        };
        asked += 1;
    }
}

/// Asks once, and adopts the request if exactly one can be the job's.
async fn ask(shared: &Arc<Shared>, client: &Client, job: &Job) -> Result<Settlement, Error> {
    // The answer may have been noted where the store could not take it.
    shared.rescue.take_up(shared).await;
    let known = shared.job(&job.id).await?;
    if !matches!(known.state, JobState::Unconfirmed { .. }) {
        return Ok(Settlement::Settled(Box::new(known)));
    }
    let id = job.id.clone();
    let account = job.account.clone();
    let (wire, in_doubt) = shared
        .store(move |store| Ok((store.wire(&id)?, store.in_doubt(&account)?)))
        .await?;
    let body = wire.and_then(|wire| wire.body).unwrap_or_default();
    let Some(body) = canonical(&body) else {
        return Ok(Settlement::Missing);
    };
    let (start, end) = window(job.created_at, now());
    let query = RequestsQuery {
        endpoint: job.endpoint.clone(),
        start,
        end,
        request_id: None,
    };
    shared.paced().await;
    let mut seen = HashSet::new();
    let mut candidates = client.requests(&query, |item| is_of(item, &body)).await?;
    candidates.retain(|item| seen.insert(item.request_id.clone()));
    let ids: Vec<_> = candidates
        .iter()
        .map(|item| RequestId::new(&item.request_id))
        .collect();
    let owned = shared
        .store(move |store| store.owned_requests(&ids))
        .await?;
    candidates.retain(|item| !owned.contains(&RequestId::new(&item.request_id)));
    // Another job with the same body that is in doubt, too, may just as well be the one that the server has.
    let rivals = in_doubt
        .iter()
        .filter(|(id, text)| *id != job.id && canonical(text).as_ref() == Some(&body))
        .count();
    match candidates.as_slice() {
        [] => Ok(Settlement::Missing),
        [only] if rivals == 0 => {
            let only = candidate(only);
            adopt(shared, job, only.id, only.sent_at).await
        }
        several => Ok(Settlement::Several(several.iter().map(candidate).collect())),
    }
}

fn candidate(item: &RequestItem) -> Candidate {
    Candidate {
        id: RequestId::new(&item.request_id),
        sent_at: item.sent_at.as_deref().and_then(|text| text.parse().ok()),
    }
}

fn is_of(item: &RequestItem, body: &str) -> bool {
    item.json_input
        .as_ref()
        .and_then(|input| serde_json::from_value::<Arguments>(input.clone()).ok())
        .is_some_and(|arguments| arguments.canonical_json() == body)
}

fn canonical(body: &str) -> Option<String> {
    let arguments: Arguments = serde_json::from_str(body).ok()?;
    Some(arguments.canonical_json())
}

async fn adopt(
    shared: &Shared,
    job: &Job,
    request_id: RequestId,
    sent_at: Option<Timestamp>,
) -> Result<Settlement, Error> {
    let id = job.id.clone();
    let at = sent_at.unwrap_or_else(now);
    shared.crash.point(Step::FoundInList).await;
    let adopted = shared
        .change(move |store| store.adopt(&id, &request_id, at))
        .await?;
    if let Some(job) = adopted {
        shared.crash.point(Step::Adopted).await;
        return Ok(Settlement::Settled(Box::new(job)));
    }
    // It was settled meanwhile, or the request was: the next look tells.
    let job = shared.job(&job.id).await?;
    Ok(match job.state {
        JobState::Unconfirmed { .. } => Settlement::Missing,
        _ => Settlement::Settled(Box::new(job)),
    })
}

impl Tracker {
    /// Asks the server's list now what became of an unconfirmed job, and adopts the request if it is the only one.
    ///
    /// # Errors
    /// When the server cannot be asked, or its key is not in use here.
    pub async fn settle(&self, id: &JobId) -> Result<Settlement, Error> {
        let shared = &self.shared;
        let job = shared.job(id).await?;
        if !matches!(job.state, JobState::Unconfirmed { .. }) {
            return Ok(Settlement::Settled(Box::new(job)));
        }
        let client = client_of(shared, &job.account)?;
        let settlement = ask(shared, &client, &job).await?;
        shared.wake(id);
        Ok(settlement)
    }

    /// Settles an unconfirmed job by hand: it is this request of the server's, which must be in the server's list.
    ///
    /// # Errors
    /// When the job is not unconfirmed, the request belongs to another job, or the server does not know it or cannot be
    /// asked.
    pub async fn confirm(&self, id: &JobId, request_id: RequestId) -> Result<Job, Error> {
        let shared = &self.shared;
        let job = shared.job(id).await?;
        let client = client_of(shared, &job.account)?;
        let (start, end) = window(job.created_at, now());
        let query = RequestsQuery {
            endpoint: job.endpoint.clone(),
            start,
            end,
            request_id: Some(request_id.clone()),
        };
        let is_it = |item: &RequestItem| item.request_id == request_id.as_str();
        shared.paced().await;
        if client.requests(&query, is_it).await?.is_empty() {
            return Err(Error::WrongState {
                id: id.clone(),
                state: job.state.name(),
                reason: "the server's list has no such request of that time",
            });
        }
        let wanted = id.clone();
        let adopted = shared
            .change(move |store| store.adopt(&wanted, &request_id, now()))
            .await?;
        shared.wake(id);
        adopted.ok_or_else(|| Error::WrongState {
            id: id.clone(),
            state: job.state.name(),
            reason: "only an unconfirmed job takes a request, and only one that no other job has",
        })
    }

    /// Settles an unconfirmed job by hand: the server never got it. It fails, and may be submitted anew.
    ///
    /// # Errors
    /// When the job is not unconfirmed.
    pub async fn confirm_not_sent(&self, id: &JobId) -> Result<Job, Error> {
        let shared = &self.shared;
        let job = shared.job(id).await?;
        let wrong = || Error::WrongState {
            id: id.clone(),
            state: job.state.name(),
            reason: "only an unconfirmed job can be told to be unsent",
        };
        if !matches!(job.state, JobState::Unconfirmed { .. }) {
            return Err(wrong());
        }
        let error = JobError {
            kind: "talkdeck_not_sent".into(),
            message: "told to be unsent by hand".into(),
            fields: Vec::new(),
        };
        let wanted = id.clone();
        let failed = shared
            .change(move |store| store.fail_unconfirmed(&wanted, &error, now()))
            .await?;
        shared.wake(id);
        failed.ok_or_else(wrong)
    }
}

pub(super) fn client_of(shared: &Shared, account: &Account) -> Result<Client, Error> {
    shared
        .servers
        .client(account)
        .ok_or_else(|| Error::OtherAccount {
            server: account.server.clone(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_has_a_beginning_and_an_end_whichever_way_the_clock_was_set() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (monday, tuesday) = (at("2026-11-23T09:00:00Z"), at("2026-11-24T09:00:00Z"));
        let want = (at("2026-11-23T08:50:00Z"), at("2026-11-24T09:10:00Z"));
        assert_eq!(window(monday, tuesday), want);
        assert_eq!(window(tuesday, monday), want);
    }

    #[test]
    fn the_list_is_asked_soon_then_each_minute_then_each_ten() {
        let at = |asked: u32| (0..=asked).map(pause).sum::<f64>();
        let soon: Vec<_> = (0..4).map(|asked| at(asked).to_string()).collect();
        assert_eq!(soon, ["2", "5", "10", "20"]);
        let rest: Vec<_> = (4..16).map(|asked| pause(asked).to_string()).collect();
        assert_eq!(rest[..10], vec!["60"; 10]);
        assert_eq!(rest[10..], ["600", "600"]);
    }
}
