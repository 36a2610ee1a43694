//! What has been spent, by the server's word where it is known and by our estimates where not.

use rusqlite::{Connection, params};

use super::{Error, OwnerId, Store, row::ENDED};
use crate::model::{JobId, Timestamp, Usd, budget::Spent};

/// Jobs that cost money, or may: sent, or with their submit in doubt. Preview jobs cost nothing. One that was refused, or
/// given up before it was sent, does not count.
const COUNTED: &str =
    "server <> 'preview' AND (request_id IS NOT NULL OR state IN ('submitting', 'unconfirmed'))";

/// Millionths of a dollar. A job of unknown price counts as nothing here; a cap lets none through unasked.
const COST: &str = "CASE WHEN billed_units IS NOT NULL AND unit_micros IS NOT NULL
    THEN CAST(round(billed_units * unit_micros) AS INTEGER) ELSE coalesce(estimated_micros, 0) END";

/// The moment whose day a cost belongs to; jobs of an older schema do not know when they were sent.
const DAY: &str = "coalesce(sent_at, submitted_at, created_at)";

impl Store {
    /// What was spent since `today` by all, and by the process `session` since it began.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn spent(&self, today: Timestamp, session: &OwnerId) -> Result<Spent, Error> {
        self.main().read(|db| spent_in(db, today, session))
    }
}

pub(super) fn spent_in(
    db: &Connection,
    today: Timestamp,
    session: &OwnerId,
) -> rusqlite::Result<Spent> {
    let (day, session) = db
        .prepare_cached(&format!(
            "WITH costs (at, micros, sender) AS (
                 SELECT {DAY}, {COST}, sender FROM jobs
                 WHERE {COUNTED} AND ({DAY} >= ?1 OR sender = ?2)
                 UNION ALL SELECT at, micros, sender FROM deleted_costs WHERE at >= ?1 OR sender = ?2)
             SELECT coalesce(sum(micros) FILTER (WHERE at >= ?1), 0),
                    coalesce(sum(micros) FILTER (WHERE sender = ?2), 0) FROM costs"
        ))?
        .query_row(params![today.as_millisecond(), session.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(Spent {
        session: Usd::from_micros(session),
        day: Usd::from_micros(day),
    })
}

/// Keeps what an ended job cost, before its record is deleted: a cap is not got around that way.
pub(super) fn keep_cost_of(db: &Connection, id: &JobId) -> rusqlite::Result<()> {
    db.execute(
        &format!(
            "INSERT INTO deleted_costs (at, micros, sender)
             SELECT {DAY}, {COST}, sender FROM jobs
             WHERE id = ?1 AND state IN ({ENDED}) AND {COUNTED} AND {COST} > 0"
        ),
        [id.as_str()],
    )?;
    Ok(())
}
