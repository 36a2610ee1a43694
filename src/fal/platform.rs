//! The platform's lists: prices and past requests.

use reqwest::Method;
use serde::de::DeserializeOwned;
use url::Url;

use crate::model::{EndpointId, RequestId, Timestamp};

use super::{
    body::LARGEST_JSON,
    client::{self, Client},
    error::Error,
    followed, wire,
};

/// Endpoints that one question about prices may name (fal's `OpenAPI` document of the platform, "pricing").
const MOST_IDS: usize = 50;
/// Pages that are read before the list counts as endless.
const MOST_PAGES: usize = 100;
/// Items of a page, and the bytes that are read of it. Pages hold whole inputs, pictures as data URIs among them: where
/// those of others make a page too large, smaller ones are asked for.
const PAGES: [(usize, usize); 3] = [(100, LARGEST_JSON), (10, LARGEST_JSON), (1, LARGEST_ITEM)];
/// One input with a picture in it.
const LARGEST_ITEM: usize = 64 << 20;

/// Which past requests are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestsQuery {
    /// Of which endpoint.
    pub endpoint: EndpointId,
    /// Received at or after this.
    pub start: Timestamp,
    /// Received before this.
    pub end: Timestamp,
    /// Only the one with this name.
    pub request_id: Option<RequestId>,
}

impl Client {
    /// The prices of `endpoints`; those that the server does not know are left out.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn pricing(&self, endpoints: &[EndpointId]) -> Result<Vec<wire::Price>, Error> {
        let mut prices = Vec::new();
        for some in endpoints.chunks(MOST_IDS) {
            match self.prices_of(some).await {
                Ok(more) => prices.extend(more),
                // One unknown name spoils the whole question (same document), so each is asked for alone.
                Err(Error::NotFound { .. }) => {
                    for one in some.chunks(1).filter(|_| some.len() > 1) {
                        match self.prices_of(one).await {
                            Ok(more) => prices.extend(more),
                            Err(Error::NotFound { .. }) => {}
                            Err(error) => return Err(error),
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(prices)
    }

    async fn prices_of(&self, endpoints: &[EndpointId]) -> Result<Vec<wire::Price>, Error> {
        let mut url = followed::child(&self.server().hosts.platform, ["v1", "models", "pricing"]);
        let names: Vec<_> = endpoints.iter().map(EndpointId::as_str).collect();
        url.query_pairs_mut()
            .append_pair("endpoint_id", &names.join(","));
        self.pages(&url, LARGEST_JSON, |page: wire::Prices| {
            (page.prices, page.has_more, page.next_cursor)
        })
        .await
    }

    /// The past requests that `query` asks for and `is_wanted` takes, with their inputs and outputs.
    ///
    /// It is whole or an error: what is matched against it must not be matched against a part. What is not wanted is let
    /// go page by page.
    ///
    /// # Errors
    /// As [`Error`] says; [`Error::InvalidAnswer`] also when the list has no end.
    pub async fn requests(
        &self,
        query: &RequestsQuery,
        is_wanted: impl Fn(&wire::RequestItem) -> bool,
    ) -> Result<Vec<wire::RequestItem>, Error> {
        let mut too_large = None;
        for (items, limit) in PAGES {
            let url = self.requests_url(query, items);
            let pages = self.pages(&url, limit, |page: wire::Requests| {
                let mut items = page.items;
                items.retain(&is_wanted);
                (items, page.has_more, page.next_cursor)
            });
            match pages.await {
                Err(error @ Error::TooLarge { .. }) => too_large = Some(error),
                read => return read,
            }
        }
        Err(too_large.expect("every size of page was tried"))
    }

    fn requests_url(&self, query: &RequestsQuery, items: usize) -> Url {
        let path = ["v1", "models", "requests", "by-endpoint"];
        let mut url = followed::child(&self.server().hosts.platform, path);
        url.query_pairs_mut()
            .append_pair("endpoint_id", query.endpoint.as_str())
            .append_pair("start", &query.start.to_string())
            .append_pair("end", &query.end.to_string())
            .append_pair("limit", &items.to_string())
            .append_pair("expand", "payloads");
        if let Some(id) = &query.request_id {
            url.query_pairs_mut().append_pair("request_id", id.as_str());
        }
        url
    }

    /// The models that the server lists, those that are no longer to be used left out.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn models(&self) -> Result<Vec<wire::Model>, Error> {
        let mut url = followed::child(&self.server().hosts.platform, ["v1", "models"]);
        url.query_pairs_mut()
            .append_pair("limit", "100")
            .append_pair("status", "active");
        self.pages(&url, LARGEST_JSON, |page: wire::Models| {
            (page.models, page.has_more, page.next_cursor)
        })
        .await
    }

    /// The `OpenAPI` document of `endpoint`, as it came; `None` when the server has no such endpoint.
    ///
    /// The key stays here: documents are public, and the host of theirs is fal's web site.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn openapi(&self, endpoint: &EndpointId) -> Result<Option<serde_json::Value>, Error> {
        let path = ["api", "openapi", "queue", "openapi.json"];
        let mut url = followed::child(&self.server().hosts.openapi, path);
        url.query_pairs_mut()
            .append_pair("endpoint_id", endpoint.as_str());
        let answer = self
            .repeat(async || {
                let request = self.keyless(Method::GET, &url)?;
                let after = self.timing().answer;
                let answer = self.answer(request, &url, after, LARGEST_JSON).await?;
                if answer.status.as_u16() == 429 || answer.status.is_server_error() {
                    return Err(self.failure(&answer));
                }
                Ok(answer)
            })
            .await?;
        match answer.status.as_u16() {
            404 => Ok(None),
            200..300 => answer.object().map(Some),
            _ => Err(self.failure(&answer)),
        }
    }

    /// Reads page after page; `parts` takes one apart into its items, whether there is more, and the cursor to it.
    async fn pages<P: DeserializeOwned, T>(
        &self,
        url: &Url,
        limit: usize,
        parts: impl Fn(P) -> (Vec<T>, bool, Option<String>),
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut page = url.clone();
            if let Some(cursor) = &cursor {
                page.query_pairs_mut().append_pair("cursor", cursor);
            }
            let answer = self.get(&page, limit).await?;
            if !answer.status.is_success() {
                return Err(self.failure(&answer));
            }
            let (items, has_more, next) = parts(answer.object()?);
            all.extend(items);
            if !has_more {
                return Ok(all);
            }
            // More without a way to it, or the same way again, is as endless as too many pages.
            if next.is_none() || next == cursor {
                break;
            }
            cursor = next;
        }
        Err(Error::invalid(&client::host_of(url), "a list without end"))
    }
}
