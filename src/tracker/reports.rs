//! What the tracker tells its watcher: the latest of each thing, never a queue that grows.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::Notify;

use crate::model::{CleanText, Job, JobId, ServerId};

/// Troubles that wait to be read; older ones make room.
const MOST_TROUBLES: usize = 16;

/// One piece of news.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// A job as it now stands; what it was in between is not told.
    Job(Box<Job>),
    /// The job's log has so many lines by now.
    Logs {
        /// Which job.
        id: JobId,
        /// Lines in the store.
        count: u64,
    },
    /// A file of the job is on its way.
    Upload {
        /// Which job.
        id: JobId,
        /// Bytes that have gone.
        sent: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The account is locked; nothing more is sent until [`super::Tracker::resume_outbox`].
    AccountLocked {
        /// Which server's.
        server: ServerId,
        /// The server's words.
        message: CleanText,
    },
    /// The key was refused; nothing more is called with it until [`super::Tracker::add_server`] brings another.
    Unauthorized {
        /// Which server's.
        server: ServerId,
        /// The server's words.
        message: CleanText,
    },
    /// Whether a server answers has changed. Each counts as answering until it does not.
    Reachable {
        /// Which server.
        server: ServerId,
        /// Whether it answers.
        reachable: bool,
    },
    /// Another process has died and left jobs that were confirmed but never sent. Nothing happens to them before
    /// [`super::Tracker::send_held`] or [`super::Tracker::drop_held`].
    Held(Vec<Job>),
    /// Something of this machine stands in the way, such as a full disk.
    Trouble {
        /// One line.
        message: CleanText,
    },
}

#[derive(Default)]
struct Waiting {
    /// Jobs with news, in the order in which the oldest unread news of each came.
    order: VecDeque<JobId>,
    of_job: HashMap<JobId, News>,
    locked: HashMap<ServerId, CleanText>,
    unauthorized: HashMap<ServerId, CleanText>,
    held: Vec<Job>,
    troubles: VecDeque<CleanText>,
    /// What is to be told of servers.
    reachable: HashMap<ServerId, bool>,
    /// The servers that do not answer, told or not.
    silent: HashSet<ServerId>,
    closed: bool,
}

#[derive(Default)]
struct News {
    job: Option<Box<Job>>,
    logs: Option<u64>,
    upload: Option<(u64, u64)>,
}

struct Queue {
    waiting: Mutex<Waiting>,
    ready: Notify,
}

/// The reading end.
pub struct Reports(Arc<Queue>);

/// The writing end; it never waits.
#[derive(Clone)]
pub(super) struct Sender(Arc<Queue>);

pub(super) fn channel() -> (Sender, Reports) {
    let queue = Arc::new(Queue {
        waiting: Mutex::default(),
        ready: Notify::new(),
    });
    (Sender(Arc::clone(&queue)), Reports(queue))
}

impl Reports {
    /// Waits for news and takes all there is; empty only after the tracker was released and all was read.
    ///
    /// There are never more than three reports for each job, however slowly this is called. Dropping the future loses
    /// nothing.
    pub async fn next(&mut self) -> Vec<Report> {
        loop {
            let (reports, closed) = self.0.take();
            if !reports.is_empty() || closed {
                return reports;
            }
            // A permit that came since `take` lets this through at once.
            self.0.ready.notified().await;
        }
    }
}

impl std::fmt::Debug for Reports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reports")
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        super::lock(&self.waiting)
    }

    fn take(&self) -> (Vec<Report>, bool) {
        let mut waiting = self.lock();
        let (closed, silent) = (waiting.closed, std::mem::take(&mut waiting.silent));
        let taken = std::mem::take(&mut *waiting);
        (waiting.closed, waiting.silent) = (closed, silent);
        drop(waiting);
        let Waiting {
            order,
            mut of_job,
            locked,
            unauthorized,
            held,
            troubles,
            reachable,
            ..
        } = taken;
        let mut reports = Vec::new();
        for id in order {
            let News { job, logs, upload } = of_job.remove(&id).unwrap_or_default();
            reports.extend(job.map(Report::Job));
            if let Some((sent, total)) = upload {
                let id = id.clone();
                reports.push(Report::Upload { id, sent, total });
            }
            reports.extend(logs.map(|count| Report::Logs { id, count }));
        }
        let reachable = reachable.into_iter();
        reports
            .extend(reachable.map(|(server, reachable)| Report::Reachable { server, reachable }));
        let locked = locked.into_iter();
        reports.extend(locked.map(|(server, message)| Report::AccountLocked { server, message }));
        let refused = unauthorized.into_iter();
        reports.extend(refused.map(|(server, message)| Report::Unauthorized { server, message }));
        if !held.is_empty() {
            reports.push(Report::Held(held));
        }
        reports.extend(
            troubles
                .into_iter()
                .map(|message| Report::Trouble { message }),
        );
        (reports, closed)
    }
}

impl Sender {
    fn of_job(&self, id: &JobId, tell: impl FnOnce(&mut News)) {
        let mut waiting = self.0.lock();
        if !waiting.of_job.contains_key(id) {
            waiting.order.push_back(id.clone());
        }
        tell(waiting.of_job.entry(id.clone()).or_default());
        drop(waiting);
        self.0.ready.notify_one();
    }

    fn general(&self, tell: impl FnOnce(&mut Waiting)) {
        tell(&mut self.0.lock());
        self.0.ready.notify_one();
    }

    pub(super) fn job(&self, job: Job) {
        let id = job.id.clone();
        self.of_job(&id, |news| news.job = Some(Box::new(job)));
    }

    pub(super) fn logs(&self, id: &JobId, count: u64) {
        self.of_job(id, |news| news.logs = Some(count));
    }

    pub(super) fn upload(&self, id: &JobId, sent: u64, total: u64) {
        self.of_job(id, |news| news.upload = Some((sent, total)));
    }

    /// Notes whether `server` answered just now; only a change is told.
    pub(super) fn reachable(&self, server: &ServerId, reachable: bool) {
        let mut waiting = self.0.lock();
        let changed = if reachable {
            waiting.silent.remove(server)
        } else {
            waiting.silent.insert(server.clone())
        };
        if changed {
            waiting.reachable.insert(server.clone(), reachable);
            drop(waiting);
            self.0.ready.notify_one();
        }
    }

    pub(super) fn locked(&self, server: &ServerId, message: CleanText) {
        self.general(|waiting| drop(waiting.locked.insert(server.clone(), message)));
    }

    pub(super) fn unauthorized(&self, server: &ServerId, message: CleanText) {
        self.general(|waiting| drop(waiting.unauthorized.insert(server.clone(), message)));
    }

    pub(super) fn held(&self, jobs: Vec<Job>) {
        self.general(|waiting| waiting.held.extend(jobs));
    }

    pub(super) fn trouble(&self, message: &str) {
        let message = CleanText::line(message);
        self.general(|waiting| {
            if !waiting.troubles.contains(&message) {
                waiting.troubles.push_back(message);
            }
            if waiting.troubles.len() > MOST_TROUBLES {
                waiting.troubles.pop_front();
            }
        });
    }

    pub(super) fn close(&self) {
        self.general(|waiting| waiting.closed = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_reader_gets_the_latest_of_each_thing_and_no_more() {
        let (sender, mut reports) = channel();
        let (a, b) = (JobId::random(), JobId::random());
        for count in 1..=10_000 {
            sender.logs(&a, count);
            sender.upload(&b, count, 10_000);
            sender.trouble(&format!("trouble {count}"));
            sender.locked(&ServerId::fal(), CleanText::line("locked"));
        }
        let taken = reports.next().await;
        assert_eq!(taken.len(), 2 + 1 + MOST_TROUBLES);
        assert_eq!(
            taken[0],
            Report::Logs {
                id: a,
                count: 10_000
            }
        );
        let upload = Report::Upload {
            id: b,
            sent: 10_000,
            total: 10_000,
        };
        assert_eq!(taken[1], upload);
        sender.close();
        assert_eq!(reports.next().await, []);
        assert_eq!(reports.next().await, []);
    }

    #[tokio::test]
    async fn whether_a_server_answers_is_told_when_it_changes() {
        let (sender, mut reports) = channel();
        let server = ServerId::fal();
        let told = |reachable| {
            [Report::Reachable {
                server: ServerId::fal(),
                reachable,
            }]
        };
        sender.reachable(&server, true);
        sender.reachable(&server, false);
        assert_eq!(reports.next().await, told(false));
        sender.reachable(&server, false);
        sender.reachable(&server, true);
        assert_eq!(reports.next().await, told(true));
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken_by_the_first_news() {
        let (sender, mut reports) = channel();
        let reader = tokio::spawn(async move { reports.next().await });
        tokio::task::yield_now().await;
        sender.trouble("disk full");
        let message = CleanText::line("disk full");
        assert_eq!(reader.await.unwrap(), [Report::Trouble { message }]);
    }
}
