//! What can still be read of databases that are not opened for work, because they are damaged.

use std::path::Path;

use rusqlite::{
    Connection, OpenFlags, Row, params_from_iter,
    types::{Value, ValueRef},
};

use super::{Error, schema};

/// No row of the job table is shorter, in bytes: it has two ids, a server and arguments.
const SHORTEST_ROW: i64 = 60;

/// A copy, in memory, of every job that can be read in the database at `path`; and how many cannot.
///
/// Each row is looked up by itself, so that a damaged page hides no more than what is on it. The file is not changed.
pub(super) fn jobs(path: &Path) -> Result<(Connection, usize), Error> {
    let of_sqlite = |error: rusqlite::Error| Error::of_sqlite(path, &error);
    let damaged = schema::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    // Also a look at whether there is such a table at all.
    damaged.prepare("SELECT seq FROM jobs").map_err(of_sqlite)?;
    copy_jobs(&damaged).map_err(of_sqlite)
}

fn copy_jobs(damaged: &Connection) -> rusqlite::Result<(Connection, usize)> {
    let number = schema::version(damaged)?.min(schema::MAIN.len());
    let last = last_row(damaged)?;
    let mut copy = Connection::open_in_memory()?;
    schema::migrate(&mut copy, &schema::MAIN[..number])?;
    let mut unreadable = 0;
    for seq in 1..=last {
        let copied = row(damaged, seq).and_then(|row| match row {
            Some(values) => insert(&copy, values),
            None => Ok(()),
        });
        unreadable += usize::from(copied.is_err());
    }
    schema::migrate(&mut copy, schema::MAIN)?;
    Ok((copy, unreadable))
}

fn row(damaged: &Connection, seq: i64) -> rusqlite::Result<Option<Vec<Value>>> {
    let mut select = damaged.prepare_cached("SELECT * FROM jobs WHERE seq = ?1")?;
    let columns = select.column_count();
    let mut rows = select.query([seq])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    (0..columns)
        .map(|at| value(row, at))
        .collect::<Result<_, _>>()
        .map(Some)
}

fn insert(copy: &Connection, values: Vec<Value>) -> rusqlite::Result<()> {
    let marks = vec!["?"; values.len()].join(", ");
    copy.prepare_cached(&format!("INSERT INTO jobs VALUES ({marks})"))?
        .execute(params_from_iter(values))?;
    Ok(())
}

/// The number of the newest row, or one that it cannot exceed.
fn last_row(damaged: &Connection) -> rusqlite::Result<i64> {
    let number = |sql: &str| damaged.query_row(sql, [], |row| row.get::<_, i64>(0));
    let most = number("PRAGMA page_count")? * number("PRAGMA page_size")? / SHORTEST_ROW;
    let known = [
        number("SELECT max(seq) FROM jobs"),
        number("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'"),
    ];
    Ok(known.into_iter().flatten().max().unwrap_or(most).min(most))
}

fn value(row: &Row<'_>, at: usize) -> rusqlite::Result<Value> {
    Ok(match row.get_ref(at)? {
        // The rest of a text with a broken character is as good as before.
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Blob(bytes) => bytes.to_vec().into(),
    })
}

/// The log database at `path` as it is, or an empty one where there is none.
pub(super) fn logs(path: &Path) -> Result<Connection, Error> {
    let of_sqlite = |error: rusqlite::Error| Error::of_sqlite(path, &error);
    if path.exists() {
        return schema::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    }
    let mut empty = Connection::open_in_memory().map_err(of_sqlite)?;
    schema::migrate(&mut empty, schema::LOGS).map_err(of_sqlite)?;
    Ok(empty)
}
