//! The list of requests: `/v1/models/requests/by-endpoint`.

use std::{cmp::Reverse, sync::Arc, time::Duration};

use jiff::{civil, tz::TimeZone};
use uuid::Uuid;

use super::{
    answer::{self, Answer},
    disk_thread,
    platform::{invalid, limit},
    queue::Row,
    requests::{complete_urls, input_of},
    routes::{Call, Shared},
};
use crate::{
    fal::wire::{RequestItem, Requests},
    model::Timestamp,
};

/// What is asked for.
struct Wanted {
    endpoints: Vec<String>,
    start: Timestamp,
    end: Timestamp,
    request: Option<Uuid>,
    outcome: Option<Outcome>,
    by_duration: bool,
    limit: usize,
    after: Option<Key>,
    with_payloads: bool,
}

/// Orders the list: the newest end, or the longest run, first; the id settles ties.
///
/// A page begins after a key instead of at a count, so that requests that come or end meanwhile shift nothing.
type Key = (Reverse<i64>, Uuid);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Success,
    Error,
    UserError,
}

impl Outcome {
    fn of(code: u16) -> Self {
        match code {
            200..=299 => Self::Success,
            400..=499 => Self::UserError,
            _ => Self::Error,
        }
    }
}

/// Lists requests that have ended, and those that have not, with `ended_at` null.
pub(super) async fn answer(shared: &Arc<Shared>, call: &Call) -> Answer {
    let wanted = match Wanted::read(call) {
        Ok(wanted) => wanted,
        Err(message) => return invalid(message),
    };
    let mut rows: Vec<_> = shared
        .queue
        .rows()
        .into_iter()
        .filter(|row| wanted.fits(row))
        .map(|row| (wanted.key(&row), row))
        .filter(|(key, _)| wanted.after.is_none_or(|after| *key > after))
        .collect();
    rows.sort_by_key(|(key, _)| *key);
    let has_more = rows.len() > wanted.limit;
    rows.truncate(wanted.limit);
    let next_cursor = rows
        .last()
        .filter(|_| has_more)
        .map(|((Reverse(rank), id), _)| format!("{rank}_{id}"));
    let base = call.base.clone();
    let items = disk_thread(shared, move |shared| {
        let item = |(_, row): &(Key, Row)| item(&shared, row, wanted.with_payloads, &base);
        rows.iter().map(item).collect()
    })
    .await;
    answer::ok(&Requests {
        items,
        next_cursor,
        has_more,
    })
}

impl Wanted {
    fn read(call: &Call) -> Result<Self, &'static str> {
        let endpoints: Vec<_> = call
            .list("endpoint_id")
            .into_iter()
            .map(str::to_owned)
            .collect();
        if endpoints.is_empty() {
            return Err("endpoint_id is required");
        }
        let request = match call.parameter("request_id") {
            None => None,
            Some(text) => Some(Uuid::try_parse(text).map_err(|_| "request_id must be a UUID")?),
        };
        let outcome = match call.parameter("status") {
            None => None,
            Some("success") => Some(Outcome::Success),
            Some("error") => Some(Outcome::Error),
            Some("user_error") => Some(Outcome::UserError),
            Some(_) => return Err("status must be success, error or user_error"),
        };
        let by_duration = match call.parameter("sort_by") {
            None | Some("ended_at") => false,
            Some("duration") => true,
            Some(_) => return Err("sort_by must be ended_at or duration"),
        };
        let after = match call.parameter("cursor") {
            None => None,
            Some(text) => Some(read_cursor(text).ok_or("cursor is none of ours")?),
        };
        let days = if request.is_some() { 90 } else { 1 };
        let window = Duration::from_hours(days * 24);
        Ok(Self {
            endpoints,
            start: match call.parameter("start") {
                Some(text) => moment(text)?,
                None => Timestamp::now() - window,
            },
            end: match call.parameter("end") {
                Some(text) => moment(text)?,
                None => Timestamp::MAX,
            },
            request,
            outcome,
            by_duration,
            limit: limit(call)?,
            after,
            with_payloads: call.list("expand").contains(&"payloads"),
        })
    }

    /// Whether a request is listed: it was there at some time between start and end, the end itself excluded.
    fn fits(&self, row: &Row) -> bool {
        self.endpoints.iter().any(|id| id == row.endpoint.as_str())
            && row.sent_at < self.end
            && row.ended_at.is_none_or(|ended| ended >= self.start)
            && self.request.is_none_or(|id| id == row.id)
            && self
                .outcome
                .is_none_or(|wanted| row.code.map(Outcome::of) == Some(wanted))
    }

    fn key(&self, row: &Row) -> Key {
        let rank = if self.by_duration {
            row.duration.map_or(0, |seconds| {
                Duration::try_from_secs_f64(seconds)
                    .map_or(0, |run| i64::try_from(run.as_micros()).unwrap_or(i64::MAX))
            })
        } else {
            // What has not ended stands before everything that has.
            row.ended_at.map_or(i64::MAX, Timestamp::as_microsecond)
        };
        (Reverse(rank), row.id)
    }
}

fn read_cursor(text: &str) -> Option<Key> {
    let (rank, id) = text.split_once('_')?;
    Some((Reverse(rank.parse().ok()?), Uuid::try_parse(id).ok()?))
}

/// A date-time, or a date, which means its midnight in UTC.
fn moment(text: &str) -> Result<Timestamp, &'static str> {
    let of_date = || {
        let date: civil::Date = text.parse().ok()?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    text.parse()
        .ok()
        .or_else(of_date)
        .ok_or("start and end must be ISO 8601 date-times with a zone, or dates")
}

/// One entry. Blocks on the disk for payloads.
fn item(shared: &Shared, row: &Row, with_payloads: bool, base: &str) -> RequestItem {
    let text = |time: Timestamp| time.to_string();
    let output = || {
        let mut body = shared.queue.result(row.id)?.body;
        complete_urls(&mut body, base);
        Some(body)
    };
    RequestItem {
        request_id: row.id.to_string(),
        endpoint_id: Some(row.endpoint.as_str().to_owned()),
        sent_at: Some(text(row.sent_at)),
        started_at: row.started_at.map(text),
        ended_at: row.ended_at.map(text),
        status_code: row.code,
        duration: row.duration,
        json_input: with_payloads
            .then(|| input_of(shared, row.id).map(serde_json::Value::Object))
            .flatten(),
        json_output: with_payloads.then(output).flatten(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_time_or_a_date() {
        let second = |text: &str| moment(text).ok().map(Timestamp::as_second);
        assert_eq!(second("1970-01-02"), Some(86_400));
        assert_eq!(second("1970-01-01T01:00:00Z"), Some(3600));
        assert_eq!(second("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(second("yesterday"), None);
    }
}
