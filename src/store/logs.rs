//! Log lines, numbered from 0 within each job.

use rusqlite::params;

use super::{Error, Store};
use crate::model::{CleanText, JobId, Level, LogLine, Timestamp, log_line::MOST_LINES};

impl Store {
    /// Adds `lines` at the end of the job's log; returns how many it now has.
    ///
    /// Of a log that grows past [`MOST_LINES`] the beginning is kept, and its last line says so.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn append_logs(&self, id: &JobId, lines: &[LogLine]) -> Result<u64, Error> {
        let next = self.log_lines().write(|db| {
            let mut next: i64 = db
                .prepare_cached("SELECT coalesce(max(seq) + 1, 0) FROM lines WHERE job = ?1")?
                .query_row([id.as_str()], |row| row.get(0))?;
            let mut insert = db.prepare_cached(
                "INSERT INTO lines (job, seq, time, level, message) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            let last = i64::try_from(MOST_LINES - 1).unwrap_or(i64::MAX);
            let room = usize::try_from(last - next).unwrap_or_default();
            let over = lines
                .get(room)
                .filter(|_| next <= last)
                .map(|first| LogLine {
                    level: Level::Warn,
                    message: CleanText::line(&format!(
                        "the log goes on; {MOST_LINES} lines are kept"
                    )),
                    ..first.clone()
                });
            for line in lines.iter().take(room).chain(&over) {
                insert.execute(params![
                    id.as_str(),
                    next,
                    line.time.as_microsecond(),
                    line.level.as_str(),
                    line.message.as_str()
                ])?;
                next += 1;
            }
            Ok(next)
        })?;
        Ok(u64::try_from(next).unwrap_or_default())
    }

    /// Lines of the job from number `from_seq` on, at most `limit`; the first of them has that number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn logs(&self, id: &JobId, from_seq: u64, limit: u32) -> Result<Vec<LogLine>, Error> {
        let from = i64::try_from(from_seq).unwrap_or(i64::MAX);
        self.log_lines().read(|db| {
            db.prepare_cached(
                "SELECT time, level, message FROM lines WHERE job = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
            )?
            .query_map(params![id.as_str(), from, limit], |row| {
                Ok(LogLine {
                    time: Timestamp::from_microsecond(row.get(0)?).unwrap_or(Timestamp::UNIX_EPOCH),
                    level: Level::from_wire(&row.get::<_, String>(1)?),
                    message: CleanText::line(&row.get::<_, String>(2)?),
                })
            })?
            .collect()
        })
    }

    /// How many lines the job's log has.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn log_count(&self, id: &JobId) -> Result<u64, Error> {
        let count: i64 = self.log_lines().read(|db| {
            db.prepare_cached("SELECT coalesce(max(seq) + 1, 0) FROM lines WHERE job = ?1")?
                .query_row([id.as_str()], |row| row.get(0))
        })?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    pub(super) fn delete_logs(&self, id: &JobId) -> Result<(), Error> {
        self.log_lines()
            .write(|db| db.execute("DELETE FROM lines WHERE job = ?1", [id.as_str()]))?;
        Ok(())
    }
}
