//! A server that gives one and the same answer to everything, and counts.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    http::{Method, StatusCode},
};
use tokio::runtime::Runtime;

/// A server on a free loopback port, as long as the value lives.
pub(crate) struct Fake {
    url: String,
    calls: Arc<AtomicUsize>,
    posts: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Fake {
    pub(crate) fn answering(status: u16, body: &'static str) -> Self {
        let (calls, posts) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (count_call, count_post) = (Arc::clone(&calls), Arc::clone(&posts));
        let answer = move |method: Method| {
            count_call.fetch_add(1, Ordering::SeqCst);
            if method == Method::POST {
                count_post.fetch_add(1, Ordering::SeqCst);
            }
            let kind = if body.starts_with('{') {
                "application/json"
            } else {
                "text/html"
            };
            async move {
                (
                    StatusCode::from_u16(status).unwrap(),
                    [("content-type", kind)],
                    body,
                )
            }
        };
        let runtime = Runtime::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, Router::new().fallback(answer))
                .await
                .unwrap();
        });
        Self {
            url,
            calls,
            posts,
            _runtime: runtime,
        }
    }

    /// An address at which nobody listens: its port was free a moment ago.
    pub(crate) fn nobody() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn posts(&self) -> usize {
        self.posts.load(Ordering::SeqCst)
    }
}
