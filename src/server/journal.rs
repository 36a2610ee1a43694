//! Requests on disk, one folder each, every file written once:
//!
//! ```text
//! requests/<id>/request.json   accepted: endpoint, arguments, time; synced before the submit is answered
//!               started.json   a runner took it; without a result it was interrupted
//!               cancel         the client wants it cancelled
//!               log.jsonl      its log, a line each
//!               result.json    ended; what stands here is what the client gets
//! ```
//! Nothing is ever deleted here.

use std::{
    fs,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{disk, reply::Reply};
use crate::{
    fal::wire::LogEntry,
    model::{EndpointId, Timestamp},
};

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Accepted {
    pub(super) endpoint: EndpointId,
    pub(super) sent_at: Timestamp,
    /// When it is given up if no runner has taken it by then.
    pub(super) start_by: Option<Timestamp>,
    pub(super) arguments: Map<String, Value>,
}

/// That a runner took it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Started {
    pub(super) started_at: Timestamp,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ending {
    pub(super) started_at: Option<Timestamp>,
    pub(super) ended_at: Timestamp,
    /// Seconds that the runner worked; `None` when none took it.
    pub(super) inference_time: Option<f64>,
    #[serde(flatten)]
    pub(super) reply: Reply,
}

/// All that is known of one request at the start of the server.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: Uuid,
    pub(super) accepted: Accepted,
    pub(super) started: Option<Started>,
    pub(super) is_cancelled: bool,
    pub(super) ended: Option<Ending>,
}

/// A request whose files cannot be read, and why.
pub(super) type Unreadable = (Uuid, io::Error);

/// The folder of all requests.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    dir: PathBuf,
}

impl Journal {
    /// Opens the folder, creating it if need be.
    pub(super) fn open(dir: PathBuf) -> io::Result<Self> {
        disk::create_dir(&dir)?;
        Ok(Self { dir })
    }

    /// Where the requests lie.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    fn of(&self, id: Uuid) -> PathBuf {
        self.dir.join(id.to_string())
    }

    /// Stores a new request; when it returns, the request survives a crash.
    pub(super) fn accept(&self, id: Uuid, accepted: &Accepted) -> io::Result<()> {
        let dir = self.of(id);
        disk::create_dir(&dir)?;
        disk::write_json(&dir.join("request.json"), accepted)?;
        disk::sync_dir(&self.dir)
    }

    /// What the client asked for.
    pub(super) fn accepted(&self, id: Uuid) -> io::Result<Accepted> {
        disk::read_json(&self.of(id).join("request.json"))?
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Stores that a runner took it.
    pub(super) fn start(&self, id: Uuid, started: Started) -> io::Result<()> {
        disk::write_json(&self.of(id).join("started.json"), &started)
    }

    /// Stores that the client wants it cancelled.
    pub(super) fn cancel(&self, id: Uuid) -> io::Result<()> {
        disk::write_atomic(&self.of(id).join("cancel"), b"")
    }

    /// Stores how it ended.
    pub(super) fn end(&self, id: Uuid, ended: &Ending) -> io::Result<()> {
        disk::write_json(&self.of(id).join("result.json"), ended)
    }

    /// How it ended, if it has.
    pub(super) fn ended(&self, id: Uuid) -> io::Result<Option<Ending>> {
        disk::read_json(&self.of(id).join("result.json"))
    }

    /// Opens its log for more lines.
    pub(super) fn log(&self, id: Uuid) -> io::Result<LogFile> {
        let mut file = disk::private()
            .create(true)
            .read(true)
            .append(true)
            .open(self.of(id).join("log.jsonl"))?;
        // A line that a crash cut short must not swallow the next one.
        let mut last = [b'\n'];
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        if last != [b'\n'] {
            file.write_all(b"\n")?;
        }
        Ok(LogFile(file))
    }

    /// Its log so far; lines that cannot be read are left out.
    pub(super) fn logs(&self, id: Uuid) -> io::Result<Vec<LogEntry>> {
        match fs::read(self.of(id).join("log.jsonl")) {
            Ok(bytes) => Ok(bytes
                .split(|&byte| byte == b'\n')
                .filter_map(|line| serde_json::from_slice::<StoredLine>(line).ok())
                .map(LogEntry::from)
                .collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Every request of the folder in the order of arrival, and the folders that cannot be read, with the reason.
    ///
    /// A folder without `request.json` is a submit that was never answered; nobody waits for it.
    ///
    /// # Errors
    /// When the folder of all requests cannot be listed.
    pub(super) fn find_all(&self) -> io::Result<(Vec<Found>, Vec<Unreadable>)> {
        let (mut found, mut broken) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse::<Uuid>().ok()) else {
                continue;
            };
            match self.find(id) {
                Ok(request) => found.extend(request),
                Err(error) => broken.push((id, error)),
            }
        }
        found.sort_by_key(|request: &Found| (request.accepted.sent_at, request.id));
        Ok((found, broken))
    }

    fn find(&self, id: Uuid) -> io::Result<Option<Found>> {
        let dir = self.of(id);
        let Some(accepted) = disk::read_json(&dir.join("request.json"))? else {
            return Ok(None);
        };
        Ok(Some(Found {
            id,
            accepted,
            started: disk::read_json(&dir.join("started.json"))?,
            is_cancelled: dir.join("cancel").try_exists()?,
            ended: self.ended(id)?,
        }))
    }
}

/// A log being written.
#[derive(Debug)]
pub(super) struct LogFile(fs::File);

impl LogFile {
    /// Adds a line; it is not synced, a log is not worth a wait.
    pub(super) fn add(&mut self, entry: &LogEntry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.0.write_all(&line)
    }
}

/// [`LogEntry`] as its own writer wrote it.
#[derive(Deserialize)]
struct StoredLine {
    message: String,
    level: Option<String>,
    source: Option<String>,
    timestamp: Option<String>,
}

impl From<StoredLine> for LogEntry {
    fn from(line: StoredLine) -> Self {
        Self {
            message: line.message,
            level: line.level,
            source: line.source,
            timestamp: line.timestamp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> (tempfile::TempDir, Journal) {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path().join("requests")).unwrap();
        (dir, journal)
    }

    fn accepted(second: i64) -> Accepted {
        Accepted {
            endpoint: "a/b".parse().unwrap(),
            sent_at: Timestamp::from_second(second).unwrap(),
            start_by: None,
            arguments: Map::new(),
        }
    }

    fn line(message: &str) -> LogEntry {
        LogEntry {
            message: message.to_owned(),
            ..LogEntry::default()
        }
    }

    #[test]
    fn requests_come_back_in_the_order_of_arrival_with_all_that_is_known() {
        let (_dir, journal) = journal();
        let [late, early, unanswered] = [Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()];
        journal.accept(late, &accepted(9)).unwrap();
        journal.accept(early, &accepted(3)).unwrap();
        fs::create_dir(journal.of(unanswered)).unwrap();
        let started = Started {
            started_at: Timestamp::from_second(4).unwrap(),
        };
        journal.start(early, started).unwrap();
        journal.cancel(late).unwrap();
        let ended = Ending {
            started_at: None,
            ended_at: Timestamp::from_second(10).unwrap(),
            inference_time: None,
            reply: Reply::cancelled(),
        };
        journal.end(late, &ended).unwrap();
        let (found, broken) = journal.find_all().unwrap();
        assert!(broken.is_empty());
        let ids: Vec<_> = found.iter().map(|request| request.id).collect();
        assert_eq!(ids, [early, late]);
        assert_eq!(
            (found[0].started, found[0].is_cancelled),
            (Some(started), false)
        );
        assert_eq!(
            (&found[1].ended, found[1].is_cancelled),
            (&Some(ended), true)
        );
    }

    #[test]
    fn a_request_that_cannot_be_read_does_not_hide_the_others() {
        let (_dir, journal) = journal();
        let [good, bad] = [Uuid::new_v4(), Uuid::new_v4()];
        journal.accept(good, &accepted(1)).unwrap();
        journal.accept(bad, &accepted(2)).unwrap();
        fs::write(journal.of(bad).join("request.json"), "{").unwrap();
        let (found, broken) = journal.find_all().unwrap();
        assert_eq!((found.len(), found[0].id), (1, good));
        assert_eq!((broken.len(), broken[0].0), (1, bad));
    }

    #[test]
    fn a_torn_line_costs_only_itself() {
        let (_dir, journal) = journal();
        let id = Uuid::new_v4();
        journal.accept(id, &accepted(1)).unwrap();
        journal.log(id).unwrap().add(&line("one")).unwrap();
        let path = journal.of(id).join("log.jsonl");
        let mut torn = fs::read(&path).unwrap();
        torn.extend(br#"{"message":"tw"#);
        fs::write(&path, torn).unwrap();
        journal.log(id).unwrap().add(&line("three")).unwrap();
        assert_eq!(journal.logs(id).unwrap(), [line("one"), line("three")]);
    }
}
