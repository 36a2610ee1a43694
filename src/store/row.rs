//! A job and its row.

use std::{fmt, time::Duration};

use rusqlite::{
    Connection, Row, named_params,
    types::{FromSqlError, Type},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::model::{
    CleanText, Job, JobState, RequestId, ServerId, SweepId, Timestamp, Usd,
    job::Account,
    request::{Consent, RequestUrls},
    server::KeyFingerprint,
};

/// The process that works on a job: the name of the lock file that it holds as long as it lives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnerId(String);

impl OwnerId {
    /// Takes the name as it is.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        CleanText::line(&self.0).fmt(f)
    }
}

/// What a job has on the wire, beside what is shown of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WireRecord {
    /// The exact text of the one POST, from the moment before it is sent.
    pub body: Option<String>,
    /// Where the server said that the request is followed, raw.
    pub urls: Option<RequestUrls>,
    /// Which process works on it.
    pub owner: Option<OwnerId>,
    /// Which process sent it, whoever works on it now: its cost belongs to that session.
    pub sender: Option<OwnerId>,
    /// When it was about to be sent: the day that its cost belongs to.
    pub sent_at: Option<Timestamp>,
}

/// A whole row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) job: Job,
    pub(super) wire: WireRecord,
}

/// The columns that [`Record::read`] expects, by name.
pub(super) const COLUMNS: &str = "id, request_id, endpoint, name, parent, sweep, server, key, state, unconfirmed_since,
    queue_position, remote_status, cancel_requested, percent, created_at, submitted_at, started_at, completed_at,
    inference_ms, estimated_micros, unit_micros, billed_units, arguments, seed_drawn,
    request_hash, over_cap_agreed, repeat_agreed, cut_off_agreed, output, files, error, notice, body, urls, owner, sender,
    sent_at";

/// The states of jobs that nothing is under way for.
pub(super) const ENDED: &str = "'draft', 'completed', 'failed', 'cancelled', 'expired'";

const INSERT: &str = "INSERT INTO jobs (id, request_id, endpoint, name, parent, sweep, server, key, state, unconfirmed_since,
    queue_position, remote_status, cancel_requested, percent, created_at, submitted_at, started_at, completed_at,
    inference_ms, estimated_micros, unit_micros, billed_units, arguments, seed_drawn,
    request_hash, over_cap_agreed, repeat_agreed, cut_off_agreed, output, files, error, notice, body, urls, owner, sender,
    sent_at)
VALUES (:id, :request_id, :endpoint, :name, :parent, :sweep, :server, :key, :state, :unconfirmed_since,
    :queue_position, :remote_status, :cancel_requested, :percent, :created_at, :submitted_at, :started_at, :completed_at,
    :inference_ms, :estimated_micros, :unit_micros, :billed_units, :arguments, :seed_drawn, :request_hash,
    :over_cap_agreed, :repeat_agreed, :cut_off_agreed, :output, :files, :error, :notice, :body, :urls, :owner, :sender, :sent_at)";

const UPDATE: &str = "UPDATE jobs SET request_id = :request_id, endpoint = :endpoint, name = :name, parent = :parent,
    sweep = :sweep, server = :server, key = :key, state = :state, unconfirmed_since = :unconfirmed_since,
    queue_position = :queue_position, remote_status = :remote_status, cancel_requested = :cancel_requested,
    percent = :percent, created_at = :created_at, submitted_at = :submitted_at, started_at = :started_at,
    completed_at = :completed_at, inference_ms = :inference_ms, estimated_micros = :estimated_micros,
    unit_micros = :unit_micros, billed_units = :billed_units, arguments = :arguments, seed_drawn = :seed_drawn,
    request_hash = :request_hash, over_cap_agreed = :over_cap_agreed, repeat_agreed = :repeat_agreed,
    cut_off_agreed = :cut_off_agreed,
    output = :output, files = :files, error = :error, notice = :notice, body = :body, urls = :urls, owner = :owner,
    sender = :sender, sent_at = :sent_at
WHERE id = :id";

impl Record {
    /// A job of which nothing is on the wire so far.
    pub(super) fn new(job: &Job, owner: Option<&OwnerId>) -> Self {
        Self {
            job: job.clone(),
            wire: WireRecord {
                owner: owner.cloned(),
                ..WireRecord::default()
            },
        }
    }

    pub(super) fn insert(&self, db: &Connection) -> rusqlite::Result<()> {
        self.execute(db, INSERT)
    }

    pub(super) fn update(&self, db: &Connection) -> rusqlite::Result<()> {
        self.execute(db, UPDATE)
    }

    fn execute(&self, db: &Connection, statement: &str) -> rusqlite::Result<()> {
        let Self { job, wire } = self;
        let (since, position) = match job.state {
            JobState::Unconfirmed { since } => (Some(since), None),
            JobState::InQueue { position } => (None, position),
            _ => (None, None),
        };
        let time = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
        let text = |text: &Option<CleanText>| text.as_ref().map(|text| text.as_str().to_owned());
        db.prepare_cached(statement)?.execute(named_params! {
            ":id": job.id.as_str(),
            ":request_id": job.request_id.as_ref().map(RequestId::as_str),
            ":endpoint": job.endpoint.as_str(),
            ":name": job.name.as_str(),
            ":parent": job.parent.as_ref().map(|parent| parent.as_str().to_owned()),
            ":sweep": job.sweep.as_ref().map(|sweep| sweep.as_str().to_owned()),
            ":server": job.account.server.as_str(),
            ":key": job.account.key.as_str(),
            ":state": job.state.name(),
            ":unconfirmed_since": time(since),
            ":queue_position": position,
            ":remote_status": text(&job.remote_status),
            ":cancel_requested": job.cancel_requested,
            ":percent": job.percent,
            ":created_at": job.created_at.as_millisecond(),
            ":submitted_at": time(job.submitted_at),
            ":started_at": time(job.started_at),
            ":completed_at": time(job.completed_at),
            ":inference_ms": job.inference_time.map(|time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX)),
            ":estimated_micros": job.estimated_cost.map(Usd::micros),
            ":unit_micros": job.unit_price.map(Usd::micros),
            ":billed_units": job.billed_units,
            ":arguments": to_json(&job.arguments),
            ":seed_drawn": job.seed_drawn,
            ":request_hash": job.request_hash,
            ":over_cap_agreed": job.consent.over_cap,
            ":repeat_agreed": job.consent.repeat,
            ":cut_off_agreed": job.consent.cut_off,
            ":output": job.output.as_ref().map(to_json),
            ":files": to_json(&job.files),
            ":error": job.error.as_ref().map(to_json),
            ":notice": text(&job.notice),
            ":body": wire.body,
            ":urls": wire.urls.as_ref().map(to_json),
            ":owner": wire.owner.as_ref().map(OwnerId::as_str),
            ":sender": wire.sender.as_ref().map(OwnerId::as_str),
            ":sent_at": time(wire.sent_at),
        })?;
        Ok(())
    }

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let state = match parsed::<JobState>(row, "state")? {
            JobState::Unconfirmed { .. } => JobState::Unconfirmed {
                since: time(row, "unconfirmed_since")?.unwrap_or(Timestamp::UNIX_EPOCH),
            },
            JobState::InQueue { .. } => JobState::InQueue {
                position: row.get("queue_position")?,
            },
            state => state,
        };
        // What is stored was clean; it is cleaned again because other hands may have edited the file.
        let clean = |name| {
            row.get::<_, Option<String>>(name)
                .map(|text| text.map(CleanText::from))
        };
        let job = Job {
            id: parsed(row, "id")?,
            request_id: row
                .get::<_, Option<String>>("request_id")?
                .map(RequestId::new),
            endpoint: parsed(row, "endpoint")?,
            name: clean("name")?.unwrap_or_default(),
            parent: row
                .get::<_, Option<String>>("parent")?
                .map(|text| text.parse().map_err(|error| damaged("parent", error)))
                .transpose()?,
            sweep: row
                .get::<_, Option<String>>("sweep")?
                .map(SweepId::from_stored),
            account: Account {
                server: ServerId::from_stored(row.get("server")?),
                key: KeyFingerprint::from_stored(row.get("key")?),
            },
            state,
            remote_status: clean("remote_status")?,
            cancel_requested: row.get("cancel_requested")?,
            percent: row.get("percent")?,
            created_at: time(row, "created_at")?.unwrap_or(Timestamp::UNIX_EPOCH),
            submitted_at: time(row, "submitted_at")?,
            started_at: time(row, "started_at")?,
            completed_at: time(row, "completed_at")?,
            inference_time: row
                .get::<_, Option<i64>>("inference_ms")?
                .map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or_default())),
            estimated_cost: row
                .get::<_, Option<i64>>("estimated_micros")?
                .map(Usd::from_micros),
            unit_price: row
                .get::<_, Option<i64>>("unit_micros")?
                .map(Usd::from_micros),
            billed_units: row.get("billed_units")?,
            arguments: json(row, "arguments")?.unwrap_or_default(),
            seed_drawn: row.get("seed_drawn")?,
            request_hash: row.get("request_hash")?,
            consent: Consent {
                over_cap: row.get("over_cap_agreed")?,
                repeat: row.get("repeat_agreed")?,
                cut_off: row.get("cut_off_agreed")?,
            },
            output: json(row, "output")?,
            files: json(row, "files")?.unwrap_or_default(),
            error: json(row, "error")?,
            notice: clean("notice")?,
        };
        let wire = WireRecord {
            body: row.get("body")?,
            urls: json(row, "urls")?,
            owner: row.get::<_, Option<String>>("owner")?.map(OwnerId),
            sender: row.get::<_, Option<String>>("sender")?.map(OwnerId),
            sent_at: time(row, "sent_at")?,
        };
        Ok(Self { job, wire })
    }
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data with text as names")
}

fn damaged(column: &str, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    let error = FromSqlError::Other(format!("column {column}: {error}").into());
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}

pub(super) fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    row.get::<_, String>(column)?
        .parse()
        .map_err(|error| damaged(column, error))
}

pub(super) fn json<T: DeserializeOwned>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<Option<T>> {
    row.get::<_, Option<String>>(column)?
        .map(|text| serde_json::from_str(&text).map_err(|error| damaged(column, error)))
        .transpose()
}

fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?
        .map(|ms| Timestamp::from_millisecond(ms).map_err(|error| damaged(column, error)))
        .transpose()
}
