//! Jobs: written down once, looked up in many ways.

use std::{
    collections::{BTreeMap, HashSet},
    sync::atomic::Ordering,
};

use rusqlite::{
    Connection, OptionalExtension, Transaction, params, params_from_iter, types::Value as Sql,
};

use super::{
    Error, FindError, OwnerId, Store, WireRecord,
    row::{COLUMNS, ENDED, Record},
    spending,
};
use crate::model::{CleanText, Job, JobId, JobState, RequestId, job::Account};

/// Which jobs to list; everything left empty takes them all.
#[derive(Clone, Debug, Default)]
pub struct JobQuery {
    /// Only jobs in one of these states; what a state carries beside its name does not matter.
    pub states: Vec<JobState>,
    /// Only jobs with this text in their name, ids, endpoint or arguments; case is ignored in Latin letters.
    pub text: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
    /// Only jobs that are older than this one, for the next page.
    pub before: Option<JobId>,
}

/// A job that is there already.
#[derive(Clone, Debug, PartialEq)]
pub struct Twin {
    /// The place of the new one among those that were to be stored.
    pub number: usize,
    /// The one that may be what it asks for; another of the new ones, where two of them are the same.
    pub job: Job,
}

/// How many jobs stand in which state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<String, u64>);

impl Counts {
    /// Jobs in `state`, by its name alone.
    #[must_use]
    pub fn of(&self, state: &JobState) -> u64 {
        self.0.get(state.name()).copied().unwrap_or_default()
    }

    /// All jobs.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

impl Store {
    /// Writes a new job down, worked on by `owner`; when this returns, the disk has it.
    ///
    /// # Errors
    /// When it could not be stored; nothing may be sent then.
    pub fn insert(&self, job: &Job, owner: Option<&OwnerId>) -> Result<(), Error> {
        let record = Record::new(job, owner);
        self.main().write(|db| record.insert(db))
    }

    /// Writes new jobs down together as [`Store::insert`] does, unless some were asked for already: then those are
    /// returned, and nothing is stored.
    ///
    /// Asked for already means that a job with the same hash at a server that takes money is done, or may yet be done; or
    /// that the job it is a copy of is in doubt, so that it may be what the copy is wanted for. Jobs of the preview engine
    /// are and have no twins, and neither have those that came to nothing: they failed, were cancelled or expired without
    /// a result. A job that agrees to be a repetition has none either.
    ///
    /// # Errors
    /// When they could not be stored; nothing may be sent then.
    pub fn insert_unless_twins(&self, jobs: &[Job], owner: &OwnerId) -> Result<Vec<Twin>, Error> {
        let mut twins = Vec::new();
        let insert = |db: &Transaction<'_>| {
            for (number, job) in jobs.iter().enumerate() {
                let looks = !job.consent.repeat && !job.account.server.is_preview();
                match looks.then(|| twin_of(db, job)).transpose()?.flatten() {
                    Some(job) => twins.push(Twin { number, job }),
                    None => Record::new(job, Some(owner)).insert(db)?,
                }
            }
            Ok(twins.is_empty())
        };
        self.main().write_if(insert)?;
        Ok(twins)
    }

    /// The job named `id`, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn get(&self, id: &JobId) -> Result<Option<Job>, Error> {
        Ok(self.record(id)?.map(|record| record.job))
    }

    /// What the job has on the wire.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn wire(&self, id: &JobId) -> Result<Option<WireRecord>, Error> {
        Ok(self.record(id)?.map(|record| record.wire))
    }

    fn record(&self, id: &JobId) -> Result<Option<Record>, Error> {
        self.main().read(|db| {
            db.prepare_cached(&format!("SELECT {COLUMNS} FROM jobs WHERE id = ?1"))?
                .query_row([id.as_str()], Record::read)
                .optional()
        })
    }

    pub(super) fn records(&self, rest: &str, values: Vec<Sql>) -> Result<Vec<Record>, Error> {
        let unreadable = self.inner.unreadable.as_ref();
        self.main().read(|db| {
            let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM jobs {rest}"))?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                match (Record::read(row), unreadable) {
                    (Ok(record), _) => found.push(record),
                    (Err(_), Some(count)) => _ = count.fetch_add(1, Ordering::Relaxed),
                    (Err(error), None) => return Err(error),
                }
            }
            Ok(found)
        })
    }

    /// The one job that `text` means: its id, a beginning of it that no other has, or the server's request id.
    ///
    /// # Errors
    /// When no job or more than one is meant, or the store cannot be read.
    pub fn find(&self, text: &str) -> Result<Job, FindError> {
        let text = text.trim();
        let prefix = text.to_ascii_lowercase();
        let is_prefix = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_hexdigit());
        let mut found = self.records(
            "WHERE request_id = ?1 OR (?2 AND substr(id, 1, length(?3)) = ?3) ORDER BY created_at DESC, seq DESC",
            vec![
                text.to_owned().into(),
                i64::from(is_prefix).into(),
                prefix.into(),
            ],
        )?;
        let text = CleanText::line(text);
        match found.len() {
            0 => Err(FindError::None { text }),
            1 => Ok(found.remove(0).job),
            _ => Err(FindError::Ambiguous {
                text,
                ids: found.into_iter().map(|record| record.job.id).collect(),
            }),
        }
    }

    /// The jobs that `query` takes, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn list(&self, query: &JobQuery) -> Result<Vec<Job>, Error> {
        let (mut conditions, mut values) = (Vec::new(), Vec::<Sql>::new());
        if !query.states.is_empty() {
            let marks = vec!["?"; query.states.len()].join(", ");
            conditions.push(format!("state IN ({marks})"));
            values.extend(
                query
                    .states
                    .iter()
                    .map(|state| state.name().to_owned().into()),
            );
        }
        if let Some(text) = query.text.as_deref().filter(|text| !text.is_empty()) {
            const PLACES: [&str; 6] =
                ["name", "id", "request_id", "endpoint", "arguments", "error"];
            let places = PLACES.map(|column| format!("{column} LIKE ? ESCAPE '\\'"));
            conditions.push(format!("({})", places.join(" OR ")));
            let pattern = format!("%{}%", escape_like(text));
            values.extend(PLACES.map(|_| pattern.clone().into()));
        }
        if let Some(before) = &query.before {
            conditions.push(
                "(created_at, seq) < (SELECT created_at, seq FROM jobs WHERE id = ?)".to_owned(),
            );
            values.push(before.as_str().to_owned().into());
        }
        let filter = if conditions.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", conditions.join(" AND "))
        };
        values.push(query.limit.map_or(-1, i64::from).into());
        let found = self.records(
            &format!("{filter} ORDER BY created_at DESC, seq DESC LIMIT ?"),
            values,
        )?;
        Ok(found.into_iter().map(|record| record.job).collect())
    }

    /// The jobs that were written down after number `last`, oldest first, and the number to ask with next.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn written_after(&self, last: i64) -> Result<(Vec<Job>, i64), Error> {
        let newest: i64 = self.main().read(|db| {
            db.query_row("SELECT coalesce(max(seq), 0) FROM jobs", [], |row| {
                row.get(0)
            })
        })?;
        let found = self.records(
            "WHERE seq > ?1 AND seq <= ?2 ORDER BY seq",
            vec![last.into(), newest.into()],
        )?;
        Ok((found.into_iter().map(|record| record.job).collect(), newest))
    }

    /// How many jobs there are in each state.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn counts(&self) -> Result<Counts, Error> {
        self.main().read(|db| {
            db.prepare_cached("SELECT state, count(*) FROM jobs GROUP BY state")?
                .query_map([], |row| {
                    let count: i64 = row.get(1)?;
                    Ok((row.get(0)?, u64::try_from(count).unwrap_or_default()))
                })?
                .collect::<rusqlite::Result<_>>()
                .map(Counts)
        })
    }

    /// Every job that has not ended and is not a draft, oldest first, and who works on it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn live(&self) -> Result<Vec<(Job, Option<OwnerId>)>, Error> {
        let found = self.records(
            &format!("WHERE state NOT IN ({ENDED}) ORDER BY created_at, seq"),
            Vec::new(),
        )?;
        Ok(found
            .into_iter()
            .map(|record| (record.job, record.wire.owner))
            .collect())
    }

    /// The jobs of `account` whose POST may be at the server without a request id being known here, with its body.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn in_doubt(&self, account: &Account) -> Result<Vec<(JobId, String)>, Error> {
        let found = self.records(
            "WHERE state IN ('submitting', 'unconfirmed') AND server = ?1 AND key = ?2 ORDER BY created_at, seq",
            vec![
                account.server.as_str().to_owned().into(),
                account.key.as_str().to_owned().into(),
            ],
        )?;
        Ok(found
            .into_iter()
            .filter_map(|record| Some((record.job.id, record.wire.body?)))
            .collect())
    }

    /// Which of `ids` belong to a job of ours.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn owned_requests(&self, ids: &[RequestId]) -> Result<HashSet<RequestId>, Error> {
        self.main().read(|db| {
            let mut statement = db.prepare_cached("SELECT 1 FROM jobs WHERE request_id = ?1")?;
            let mut owned = HashSet::new();
            for id in ids {
                if statement.exists([id.as_str()])? {
                    owned.insert(id.clone());
                }
            }
            Ok(owned)
        })
    }

    /// Forgets a job and its log; its files stay, and what it cost still counts. Says whether it did: a job that is
    /// under way is kept.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn delete(&self, id: &JobId) -> Result<bool, Error> {
        let deleted = self.main().write(|db| {
            spending::keep_cost_of(db, id)?;
            db.execute(
                &format!("DELETE FROM jobs WHERE id = ?1 AND state IN ({ENDED})"),
                [id.as_str()],
            )
        })? > 0;
        if deleted {
            self.delete_logs(id)?;
        }
        Ok(deleted)
    }
}

/// The newest job that may be what `job` asks for.
fn twin_of(db: &Connection, job: &Job) -> rusqlite::Result<Option<Job>> {
    let twin = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM jobs WHERE server <> 'preview' AND (
                 (request_hash = ?1 AND (output IS NOT NULL
                     OR state NOT IN ('draft', 'failed', 'cancelled', 'expired')))
                 OR (id = ?2 AND state IN ('submitting', 'unconfirmed')))
             ORDER BY created_at DESC LIMIT 1"
        ))?
        .query_row(
            params![
                job.request_hash,
                job.parent.as_ref().map(|parent| parent.as_str().to_owned())
            ],
            Record::read,
        )
        .optional()?;
    Ok(twin.map(|twin| twin.job))
}

fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
