//! The queue: requests wait in order of arrival until one of the runners takes them.
//!
//! What happens is written to the [`Journal`] before it is told to anybody. The lock on the state is held for
//! instants only, never while a file is written, so asynchronous callers may take it.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Map, Value};
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    journal::{Accepted, Ending, Found, Journal, Started},
    reply::Reply,
};
use crate::{
    fal::wire::LogEntry,
    model::{EndpointId, Timestamp},
};

/// The queue and all requests, ended ones too.
pub(super) struct Queue {
    journal: Journal,
    state: Mutex<State>,
    /// Signals the runners that there is work, or that it is time to stop.
    work: Condvar,
    stopping: AtomicBool,
}

#[derive(Default)]
struct State {
    entries: HashMap<Uuid, Entry>,
    waiting: VecDeque<Uuid>,
}

struct Entry {
    endpoint: EndpointId,
    sent_at: Timestamp,
    start_by: Option<Timestamp>,
    phase: Phase,
    /// Whether an earlier process had begun with it.
    is_interrupted: bool,
    /// The log so far while it is live; afterwards it is read from the journal.
    logs: Vec<LogEntry>,
    /// Set when the client wants it cancelled; the runner looks at it.
    cancel: Arc<AtomicBool>,
    /// Told about every change.
    changes: watch::Sender<()>,
}

enum Phase {
    Waiting,
    Running { started_at: Timestamp },
    Ended(Box<Summary>),
}

/// What is kept in memory of a request that has ended.
struct Summary {
    started_at: Option<Timestamp>,
    ended_at: Timestamp,
    inference_time: Option<f64>,
    code: u16,
    error: Option<String>,
    error_type: Option<String>,
    /// The result itself, only where the journal could not take it.
    unsaved: Option<Reply>,
}

/// A request that a runner has to work on.
pub(super) struct Taken {
    pub(super) id: Uuid,
    pub(super) started_at: Timestamp,
    pub(super) is_interrupted: bool,
    pub(super) cancel: Arc<AtomicBool>,
}

/// Where a request stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stand {
    Waiting {
        /// Requests ahead of it.
        position: u32,
    },
    Running,
    Ended {
        inference_time: Option<f64>,
        error: Option<String>,
        error_type: Option<String>,
    },
}

/// A request as it is now.
pub(super) struct View {
    pub(super) endpoint: EndpointId,
    pub(super) stand: Stand,
    /// The log from the asked-for line on; `None` once it has ended: then it is in the journal.
    pub(super) logs: Option<Vec<LogEntry>>,
}

/// A request in the list of past ones.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) endpoint: EndpointId,
    pub(super) sent_at: Timestamp,
    pub(super) started_at: Option<Timestamp>,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) code: Option<u16>,
    pub(super) duration: Option<f64>,
}

/// What a cancel came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cancelled {
    /// It was waiting and is out of the queue.
    Removed,
    /// It is running and has been told to stop.
    Requested,
    /// It had ended before.
    TooLate,
    /// There is no such request.
    Unknown,
}

impl Entry {
    fn new(endpoint: EndpointId, sent_at: Timestamp, phase: Phase) -> Self {
        Self {
            endpoint,
            sent_at,
            start_by: None,
            phase,
            is_interrupted: false,
            logs: Vec::new(),
            cancel: Arc::default(),
            changes: watch::Sender::new(()),
        }
    }

    fn end(&mut self, ended: Ending, is_saved: bool) {
        let Ending {
            started_at,
            ended_at,
            inference_time,
            reply,
        } = ended;
        self.phase = Phase::Ended(Box::new(Summary {
            started_at,
            ended_at,
            inference_time,
            code: reply.code,
            error: reply.error.clone(),
            error_type: reply.error_type.clone(),
            unsaved: (!is_saved).then_some(reply),
        }));
        self.logs = Vec::new();
        self.changes.send_replace(());
    }
}

impl State {
    /// Takes a request out of those that wait; the ones behind it move up.
    fn take_out(&mut self, id: Uuid) -> bool {
        let Some(at) = self.waiting.iter().position(|&other| other == id) else {
            return false;
        };
        self.waiting.remove(at);
        for other in self.waiting.range(at..) {
            if let Some(entry) = self.entries.get(other) {
                entry.changes.send_replace(());
            }
        }
        true
    }
}

impl Queue {
    /// Takes up what the journal holds: ended requests can be asked for, the others wait again in their old order, with
    /// those in front that were interrupted.
    pub(super) fn restore(journal: Journal) -> io::Result<Self> {
        let mut state = State::default();
        let (found, broken) = journal.find_all()?;
        for (id, error) in broken {
            // Still an id that somebody holds: it answers with what is wrong instead of “not found”.
            let reason = format!("The request cannot be read back from disk: {error}");
            let mut entry = Entry::new(unreadable_endpoint(), Timestamp::now(), Phase::Waiting);
            let ended = ended_now(None, Reply::lost(&reason));
            entry.end(ended, false);
            state.entries.insert(id, entry);
        }
        let mut interrupted = Vec::new();
        for request in found {
            let Found {
                id,
                accepted,
                started,
                is_cancelled,
                ended,
            } = request;
            let mut entry = Entry::new(accepted.endpoint, accepted.sent_at, Phase::Waiting);
            entry.start_by = accepted.start_by;
            entry.is_interrupted = started.is_some();
            if let Some(ended) = ended {
                entry.end(ended, true);
            } else if is_cancelled {
                let ended = ended_now(started.map(|s| s.started_at), Reply::cancelled());
                let is_saved = journal.end(id, &ended).is_ok();
                entry.end(ended, is_saved);
            } else {
                // A log that cannot be read does not keep its request from being rendered.
                entry.logs = journal.logs(id).unwrap_or_default();
                if started.is_some() {
                    interrupted.push(id);
                } else {
                    state.waiting.push_back(id);
                }
            }
            state.entries.insert(id, entry);
        }
        for id in interrupted.into_iter().rev() {
            state.waiting.push_front(id);
        }
        Ok(Self {
            journal,
            state: Mutex::new(state),
            work: Condvar::new(),
            stopping: AtomicBool::new(false),
        })
    }

    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done by a panic while the lock is held: every change is one assignment or two.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many requests wait for a runner.
    pub(super) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// Requests that wait and the time by which each must have started.
    pub(super) fn start_limits(&self) -> Vec<(Uuid, Timestamp)> {
        let state = self.state();
        let limit = |id| Some((id, state.entries.get(&id)?.start_by?));
        state.waiting.iter().copied().filter_map(limit).collect()
    }

    /// Accepts a request; when it returns, it is on disk and waits. Blocks on the disk.
    pub(super) fn submit(
        &self,
        endpoint: EndpointId,
        arguments: Map<String, Value>,
        start_by: Option<Timestamp>,
    ) -> io::Result<(Uuid, u32)> {
        let id = Uuid::new_v4();
        let accepted = Accepted {
            endpoint,
            sent_at: Timestamp::now(),
            start_by,
            arguments,
        };
        self.journal.accept(id, &accepted)?;
        let mut entry = Entry::new(accepted.endpoint, accepted.sent_at, Phase::Waiting);
        entry.start_by = start_by;
        let mut state = self.state();
        let position = count(state.waiting.len());
        state.entries.insert(id, entry);
        state.waiting.push_back(id);
        drop(state);
        self.work.notify_one();
        Ok((id, position))
    }

    /// Waits for a request and takes it; `None` when it is time to stop.
    pub(super) fn take(&self) -> Option<Taken> {
        let mut state = self.state();
        loop {
            if self.is_stopping() {
                return None;
            }
            if let Some(&id) = state.waiting.front() {
                state.take_out(id);
                let started_at = Timestamp::now();
                let entry = state.entries.get_mut(&id).expect("what waits has an entry");
                entry.phase = Phase::Running { started_at };
                entry.changes.send_replace(());
                return Some(Taken {
                    id,
                    started_at,
                    is_interrupted: entry.is_interrupted,
                    cancel: Arc::clone(&entry.cancel),
                });
            }
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Stores that a runner began.
    pub(super) fn started(&self, taken: &Taken) -> io::Result<()> {
        self.journal.start(
            taken.id,
            Started {
                started_at: taken.started_at,
            },
        )
    }

    /// Adds a line to a running request's log.
    pub(super) fn log(&self, id: Uuid, entry: LogEntry) {
        if let Some(running) = self.state().entries.get_mut(&id) {
            running.logs.push(entry);
            running.changes.send_replace(());
        }
    }

    /// Ends a request. Blocks on the disk; where that refuses, the result is at least kept in memory.
    pub(super) fn end(&self, id: Uuid, ended: Ending) {
        let is_saved = self.journal.end(id, &ended).is_ok();
        if let Some(entry) = self.state().entries.get_mut(&id) {
            entry.end(ended, is_saved);
        }
    }

    /// Cancels a request. Blocks on the disk.
    pub(super) fn cancel(&self, id: Uuid) -> io::Result<Cancelled> {
        match self.state().entries.get(&id) {
            None => return Ok(Cancelled::Unknown),
            Some(entry) if matches!(entry.phase, Phase::Ended(_)) => {
                return Ok(Cancelled::TooLate);
            }
            Some(_) => {}
        }
        // First on disk: once it is told, not even a crash brings the request back.
        self.journal.cancel(id)?;
        if self.give_up(id, Reply::cancelled()) {
            return Ok(Cancelled::Removed);
        }
        let state = self.state();
        Ok(match state.entries.get(&id) {
            Some(entry) if matches!(entry.phase, Phase::Running { .. }) => {
                entry.cancel.store(true, Ordering::Release);
                Cancelled::Requested
            }
            _ => Cancelled::TooLate,
        })
    }

    /// Ends a request that still waits with `reply`; returns whether it did wait. Blocks on the disk.
    pub(super) fn give_up(&self, id: Uuid, reply: Reply) -> bool {
        let mut state = self.state();
        let did_wait = state.take_out(id);
        drop(state);
        if did_wait {
            self.end(id, ended_now(None, reply));
        }
        did_wait
    }

    /// A request as it is now, its log from line `from` on; `None` when there is no such request.
    pub(super) fn view(&self, id: Uuid, from: usize) -> Option<View> {
        let state = self.state();
        let entry = state.entries.get(&id)?;
        let stand = match &entry.phase {
            Phase::Waiting => Stand::Waiting {
                // Between the queue and its end it is nowhere for an instant: then it is next.
                position: state
                    .waiting
                    .iter()
                    .position(|&other| other == id)
                    .map_or(0, count),
            },
            Phase::Running { .. } => Stand::Running,
            Phase::Ended(summary) => Stand::Ended {
                inference_time: summary.inference_time,
                error: summary.error.clone(),
                error_type: summary.error_type.clone(),
            },
        };
        let logs = (!matches!(entry.phase, Phase::Ended(_)))
            .then(|| entry.logs.get(from..).unwrap_or_default().to_vec());
        Some(View {
            endpoint: entry.endpoint.clone(),
            stand,
            logs,
        })
    }

    /// Hears of every change of a request.
    pub(super) fn changes(&self, id: Uuid) -> Option<watch::Receiver<()>> {
        Some(self.state().entries.get(&id)?.changes.subscribe())
    }

    /// The result of a request that has ended; `None` before that. Blocks on the disk.
    pub(super) fn result(&self, id: Uuid) -> Option<Reply> {
        match &self.state().entries.get(&id)?.phase {
            Phase::Ended(summary) => {
                if let Some(unsaved) = &summary.unsaved {
                    return Some(unsaved.clone());
                }
            }
            _ => return None,
        }
        Some(match self.journal.ended(id) {
            Ok(Some(ended)) => ended.reply,
            Ok(None) => Reply::lost("The result is no longer on disk"),
            Err(error) => Reply::lost(&format!("The result cannot be read from disk: {error}")),
        })
    }

    /// All requests, in no order.
    pub(super) fn rows(&self) -> Vec<Row> {
        let row = |(&id, entry): (&Uuid, &Entry)| {
            let ended = match &entry.phase {
                Phase::Ended(summary) => Some(summary),
                _ => None,
            };
            Row {
                id,
                endpoint: entry.endpoint.clone(),
                sent_at: entry.sent_at,
                started_at: match &entry.phase {
                    Phase::Waiting => None,
                    Phase::Running { started_at } => Some(*started_at),
                    Phase::Ended(summary) => summary.started_at,
                },
                ended_at: ended.map(|summary| summary.ended_at),
                code: ended.map(|summary| summary.code),
                duration: ended.and_then(|summary| summary.inference_time),
            }
        };
        self.state().entries.iter().map(row).collect()
    }

    /// Tells the runners to leave what they do and to stop.
    pub(super) fn stop(&self) {
        // Under the lock, so that no runner misses it between its look and its wait.
        let _state = self.state();
        self.stopping.store(true, Ordering::Release);
        self.work.notify_all();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// An end at this moment.
pub(super) fn ended_now(started_at: Option<Timestamp>, reply: Reply) -> Ending {
    Ending {
        started_at,
        ended_at: Timestamp::now(),
        inference_time: None,
        reply,
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn unreadable_endpoint() -> EndpointId {
    "talkdeck/unreadable".parse().expect("an endpoint's form")
}
