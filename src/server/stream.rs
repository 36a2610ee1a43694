//! The stream of a request's status: server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::response::{
    IntoResponse,
    sse::{Event, KeepAlive, Sse},
};
use futures_util::stream;
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    answer::{self, Answer},
    queue::Stand,
    requests::{logs_of, status_of, wants_logs},
    routes::{Call, Shared},
};

/// A comment is sent when nothing else was for this long (fal docs, "status stream").
const KEEP_ALIVE: Duration = Duration::from_secs(15);

struct Follower {
    shared: Arc<Shared>,
    id: Uuid,
    base: String,
    /// How many lines of the log were sent; `None` when nobody wants them.
    sent: Option<usize>,
    last: Option<Stand>,
    changes: watch::Receiver<()>,
}

/// Sends the state at once, then every change with the log lines that are new, and closes after the end.
pub(super) fn answer(shared: &Arc<Shared>, call: &Call, id: Uuid) -> Answer {
    let Some(mut changes) = shared.queue.changes(id) else {
        return answer::not_found();
    };
    changes.mark_changed();
    let follower = Follower {
        shared: Arc::clone(shared),
        id,
        base: call.base.clone(),
        sent: wants_logs(call).then_some(0),
        last: None,
        changes,
    };
    let events = stream::unfold(follower, |mut follower| async {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("ping"))
        .into_response()
}

impl Follower {
    /// Waits for something new; `None` after the end, and when the server ends.
    async fn next(&mut self) -> Option<Event> {
        while !matches!(self.last, Some(Stand::Ended { .. })) {
            tokio::select! {
                () = self.shared.stop.cancelled() => return None,
                changed = self.changes.changed() => changed.ok()?,
            }
            let view = self
                .shared
                .queue
                .view(self.id, self.sent.unwrap_or(usize::MAX))?;
            let fresh = match self.sent {
                Some(sent) => Some(logs_of(&self.shared, self.id, &view, sent).await),
                None => None,
            };
            let count = fresh.as_ref().map_or(0, Vec::len);
            if count == 0 && self.last.as_ref() == Some(&view.stand) {
                continue;
            }
            self.sent = self.sent.map(|sent| sent + count);
            let status = status_of(&self.base, self.id, &view, fresh);
            self.last = Some(view.stand);
            return Some(
                Event::default()
                    .json_data(status)
                    .expect("a status becomes JSON"),
            );
        }
        None
    }
}
