//! The tasks behind the effects, and the news they bring back.
//!
//! This is the only place of the dashboard that spawns tasks, and the only one that knows the tracker and the store.

mod drafts;
mod files;
mod standing;
mod voices;
mod wishes;

use std::{fmt, path::Path, pin::Pin, sync::Arc};

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::task::TaskTracker;

use crate::{
    app::{Effect, Message, message::FileFacts},
    catalog::{Catalog, MediaKind},
    model::{
        CleanText, Draft, EndpointId, JobId, Server, ServerId, draft::Slot, request::Consent,
        speech::Utterance,
    },
    store::{JobQuery, Store},
    tracker::{Error, Recovered, Reports, Settlement, Tracker, inputs},
};

/// Jobs that the dashboard shows at most; older ones stay in the store.
const MOST_JOBS: u32 = 10_000;

/// Starts the embedded server when it is first needed, and says how to reach it.
pub type StartPreview =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Server, CleanText>> + Send>> + Send + Sync>;

/// Reads the server that submits go to, and its key, anew from the configuration; `None` is the embedded one. It may
/// block.
pub type ReloadServer = Arc<dyn Fn() -> Result<Option<Server>, CleanText> + Send + Sync>;

/// What the dashboard works with.
pub struct Services {
    /// Sends, follows and saves.
    pub tracker: Tracker,
    /// What the tracker tells.
    pub reports: Reports,
    /// What the screens mirror.
    pub store: Store,
    /// For drafts that are tried in the preview engine, and for its jobs of earlier runs.
    pub start_preview: StartPreview,
    /// For a key that was refused and replaced.
    pub reload_server: ReloadServer,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services")
            .field("tracker", &self.tracker)
            .finish_non_exhaustive()
    }
}

/// Runs effects. Their outcomes go to the loop as messages.
pub(super) struct Runtime {
    hands: Hands,
    tasks: TaskTracker,
    draft: watch::Sender<Option<(Slot, Draft)>>,
    words: watch::Sender<Vec<Utterance>>,
    draft_keeper: JoinHandle<()>,
}

/// What a task needs.
#[derive(Clone)]
struct Hands {
    tracker: Tracker,
    store: Store,
    start_preview: StartPreview,
    reload_server: ReloadServer,
    outbox: mpsc::Sender<Message>,
    /// Where submits go.
    server: ServerId,
    /// Whether the tracker knows the embedded server.
    has_preview: Arc<tokio::sync::Mutex<bool>>,
}

impl Runtime {
    /// Loads what the store has, takes up what earlier runs left, and listens to the tracker.
    ///
    /// `server` is where submits go; the embedded one is started at once.
    pub(super) fn start(
        services: Services,
        server: ServerId,
        outbox: mpsc::Sender<Message>,
    ) -> Self {
        let Services {
            tracker,
            reports,
            store,
            start_preview,
            reload_server,
        } = services;
        let (draft, drafts) = watch::channel(None);
        let (words, newest_words) = watch::channel(Vec::new());
        let hands = Hands {
            tracker,
            store,
            start_preview,
            reload_server,
            outbox,
            server,
            has_preview: Arc::default(),
        };
        let tasks = TaskTracker::new();
        tasks.spawn(hands.clone().open());
        tasks.spawn(hands.clone().check());
        tasks.spawn({
            let hands = hands.clone();
            async move { hands.learn().await }
        });
        tokio::spawn(hands.clone().listen(reports));
        tokio::spawn(hands.clone().measure(newest_words));
        let draft_keeper = tokio::spawn(hands.clone().keep_drafts(drafts));
        Self {
            hands,
            tasks,
            draft,
            words,
            draft_keeper,
        }
    }

    /// Starts what `effect` asks for and returns at once.
    pub(super) fn start_effect(&self, effect: Effect) {
        if let Effect::SaveDraft { slot, draft } = effect {
            self.draft.send_replace(Some((slot, draft)));
            return;
        }
        if let Effect::MeasureSpeech(words) = effect {
            self.words.send_replace(words);
            return;
        }
        self.tasks.spawn(self.hands.clone().run(effect));
    }

    /// Lets other processes follow the jobs while this one is suspended; returns when it may be.
    pub(super) async fn step_aside(&self) {
        self.hands.tracker.step_aside().await;
    }

    /// Goes on after [`Runtime::step_aside`].
    pub(super) fn step_in(&self) {
        let hands = self.hands.clone();
        self.tasks.spawn(async move {
            let recovered = hands.tracker.step_in().await;
            hands.tell_recovered(recovered).await;
        });
    }

    /// Writes the last draft and lets the tracker finish what must not be cut off.
    pub(super) async fn finish(self) {
        let Self {
            hands,
            tasks,
            draft,
            draft_keeper,
            ..
        } = self;
        drop(draft);
        let _ = draft_keeper.await;
        hands.tracker.release().await;
        tasks.close();
    }
}

impl Hands {
    async fn tell(&self, message: Message) {
        // The loop has ended when nobody reads; then nobody needs to know.
        let _ = self.outbox.send(message).await;
    }

    /// What the dashboard shows first.
    async fn open(self) {
        let query = JobQuery {
            limit: Some(MOST_JOBS),
            ..JobQuery::default()
        };
        let mut needs_preview = self.server.is_preview();
        match self.read(move |store| store.list(&query)).await {
            Ok(jobs) => {
                needs_preview |= jobs
                    .iter()
                    .any(|job| job.account.server.is_preview() && job.state.is_live());
                self.tell(Message::JobsLoaded(jobs)).await;
            }
            Err(reason) => self.tell(Message::Trouble(reason)).await,
        }
        if needs_preview && let Err(reason) = self.add_preview().await {
            self.tell(Message::Trouble(reason)).await;
        }
        let recovered = self.tracker.recover().await;
        self.tell_recovered(recovered).await;
    }

    async fn tell_recovered(&self, recovered: Result<Recovered, Error>) {
        match recovered {
            Ok(recovered) if recovered.held.is_empty() => {}
            Ok(recovered) => self.tell(Message::HeldFound(recovered.held)).await,
            Err(error) => self.tell(Message::Trouble(error.to_string().into())).await,
        }
    }

    async fn run(self, effect: Effect) {
        let name = effect.name();
        match self.outcome(effect).await {
            Ok(Some(message)) => self.tell(message).await,
            Ok(None) => {}
            Err(reason) => {
                self.tell(Message::EffectFailed {
                    effect: name,
                    reason,
                })
                .await;
            }
        }
    }

    async fn outcome(&self, effect: Effect) -> Result<Option<Message>, CleanText> {
        let line = |error: Error| CleanText::from(error.to_string());
        Ok(match effect {
            Effect::Submit(wishes) => Some(self.submit(wishes).await?),
            Effect::Weigh(wishes) => Some(self.weigh(wishes).await?),
            Effect::SendHeld(id) => self
                .tracker
                .send_held(&id)
                .await
                .map(|()| None)
                .map_err(line)?,
            Effect::DropHeld(id) => self
                .tracker
                .drop_held(&id)
                .await
                .map(|()| None)
                .map_err(line)?,
            Effect::Cancel(id) => self.tracker.cancel(&id).await.map(|_| None).map_err(line)?,
            Effect::Settle(id) => match self.tracker.settle(&id).await.map_err(line)? {
                Settlement::Settled(_) => None,
                Settlement::Missing => Some(Message::Unsettled {
                    id,
                    candidates: Vec::new(),
                }),
                Settlement::Several(candidates) => Some(Message::Unsettled { id, candidates }),
            },
            Effect::Confirm { id, request } => {
                let confirmed = self.tracker.confirm(&id, request).await;
                confirmed.map(|_| None).map_err(line)?
            }
            Effect::ConfirmNotSent(id) => {
                let settled = self.tracker.confirm_not_sent(&id).await;
                settled.map(|_| None).map_err(line)?
            }
            Effect::Agree(id) => {
                let consent = Consent {
                    over_cap: true,
                    ..Consent::default()
                };
                let agreed = self.tracker.agree(&id, consent).await;
                agreed.map(|()| None).map_err(line)?
            }
            Effect::ReloadKey => {
                let reload = self.reload_server.clone();
                if let Some(server) = blocking(move || reload()).await? {
                    self.tracker.add_server(server).await.map_err(line)?;
                }
                Some(Message::OutboxResumed)
            }
            // Without an answer the price is as old as it says it is.
            Effect::LoadPrices => match self.tracker.refresh_prices(&self.server).await {
                Ok(catalog) => Some(Message::Prices(Catalog::clone(&catalog))),
                Err(_) => None,
            },
            Effect::LoadEndpoint(id) => Some(self.load_endpoint(id).await),
            Effect::LoadModels => self.load_models().await,
            Effect::Download(id) => {
                let here =
                    std::env::current_dir().map_err(|error| CleanText::from(error.to_string()))?;
                let files = self.tracker.download(&id, &here).await.map_err(line)?;
                Some(Message::Downloaded { id, files })
            }
            Effect::ResumeOutbox => {
                self.tracker.resume_outbox();
                Some(Message::OutboxResumed)
            }
            Effect::DeleteRecord(id) => {
                let of_store = id.clone();
                let deleted = self.read(move |store| store.delete(&of_store)).await?;
                deleted.then_some(Message::RecordDeleted(id))
            }
            Effect::LoadLogs { id, from, limit } => Some(self.load_logs(id, from, limit).await?),
            Effect::LoadSpent => Some(Message::Spent(self.tracker.spent().await.map_err(line)?)),
            Effect::ListPaths { dir } => {
                let asked = dir.clone();
                let entries = blocking(move || files::list(&asked)).await;
                Some(Message::PathsListed { dir, entries })
            }
            Effect::Drafts(task) => self.on_drafts(task).await?,
            Effect::InspectFile { field, path, kind } => {
                let finding = facts(&path, kind, inputs::inspect).await;
                Some(Message::FileInspected {
                    field,
                    path,
                    finding,
                })
            }
            Effect::LookAtFile { path, kind } => {
                let finding = facts(&path, kind, inputs::look).await;
                Some(Message::FileLooked { path, finding })
            }
            // The loop keeps these for itself: they need the terminal. Drafts and scripts have tasks of their own.
            Effect::SaveDraft { .. }
            | Effect::MeasureSpeech(_)
            | Effect::OpenEditor { .. }
            | Effect::Copy { .. }
            | Effect::Suspend
            | Effect::Quit => None,
        })
    }

    async fn load_endpoint(&self, id: EndpointId) -> Message {
        match self.tracker.refresh_endpoint(&self.server, &id).await {
            Ok(change) => Message::EndpointLoaded {
                id,
                catalog: Catalog::clone(&self.tracker.catalog(&self.server)),
                change,
            },
            Err(error) => Message::EndpointMissing {
                id,
                reason: error.to_string().into(),
            },
        }
    }

    /// First what the cache has; then, where that is old, what the server says. Without an answer the old list stays.
    async fn load_models(&self) -> Option<Message> {
        let (known, is_old) = self.tracker.known_models(&self.server).await;
        if !is_old {
            return Some(Message::Models(known));
        }
        if !known.is_empty() {
            self.tell(Message::Models(known)).await;
        }
        let loaded = self.tracker.load_models(&self.server).await;
        loaded.ok().map(Message::Models)
    }

    /// Makes the embedded server known to the tracker, starting it if need be.
    async fn add_preview(&self) -> Result<(), CleanText> {
        let mut has_preview = self.has_preview.lock().await;
        if !*has_preview {
            let server = (self.start_preview)().await?;
            self.tracker
                .add_server(server)
                .await
                .map_err(|error| CleanText::from(error.to_string()))?;
        }
        *has_preview = true;
        Ok(())
    }

    async fn load_logs(
        &self,
        id: JobId,
        from: Option<u64>,
        limit: usize,
    ) -> Result<Message, CleanText> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let of_store = id.clone();
        let (from, lines, total) = self
            .read(move |store| {
                let total = store.log_count(&of_store)?;
                let from = from.unwrap_or_else(|| total.saturating_sub(u64::from(limit)));
                Ok((from, store.logs(&of_store, from, limit)?, total))
            })
            .await?;
        Ok(Message::LogsLoaded {
            id,
            from,
            lines,
            total,
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Store) -> Result<T, crate::store::Error> + Send + 'static,
    ) -> Result<T, CleanText> {
        let store = self.store.clone();
        blocking(move || call(&store))
            .await
            .map_err(|error| error.to_string().into())
    }
}

async fn facts(
    path: &str,
    kind: MediaKind,
    look: fn(&Path, MediaKind) -> Result<inputs::Facts, CleanText>,
) -> Result<FileFacts, CleanText> {
    let path = files::expand(path);
    let facts = blocking(move || look(&path, kind)).await?;
    Ok(FileFacts {
        format: facts.format.into(),
        size: facts.pixels,
        is_turned: facts.is_turned,
        length: facts.length,
        bytes: facts.bytes,
    })
}

/// Runs `call` where it may block.
async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    // The panic hook ends the program before a panic could be seen here.
    tokio::task::spawn_blocking(call)
        .await
        .expect("the runtime outlives its tasks")
}
