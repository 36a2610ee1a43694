//! What servers ask for a second of video: asked for once a day, kept in the cache in between.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    Error, Shared, Tracker, blocking, lock, models, now, place,
    schemas::{Schemas, no_such},
};
use crate::{
    catalog::{Catalog, Listed},
    fal::{Client, wire},
    model::{CleanText, EndpointId, ServerId, Timestamp, Usd},
};

/// A price that is younger is not asked for again.
const FRESH: Duration = Duration::from_hours(24);
/// The file in the cache directory.
const FILE: &str = "prices.json";
/// Larger than any that we have written.
const LARGEST: u64 = 1 << 20;

/// What is known of each server's endpoints: their schemas, and what they cost there.
pub(super) struct Prices {
    builtin: Arc<Catalog>,
    dir: Option<PathBuf>,
    schemas: Schemas,
    book: Mutex<Book>,
    known: Mutex<HashMap<ServerId, Arc<Catalog>>>,
}

/// Of each server, by its id, what it asks for its endpoints.
type Book = BTreeMap<String, BTreeMap<EndpointId, Kept>>;

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Kept {
    /// Dollars for one second of video; `None` when the server counts in something else.
    usd: Option<Usd>,
    at: Timestamp,
}

impl Prices {
    /// `builtin` with what the cache has; a cache that cannot be read is none.
    pub(super) fn new(builtin: Arc<Catalog>, dir: Option<PathBuf>) -> Self {
        let prices = Self {
            schemas: Schemas::open(dir.as_deref()),
            book: Mutex::new(dir.as_deref().map(read).unwrap_or_default()),
            builtin,
            dir,
            known: Mutex::default(),
        };
        let mut servers = prices.schemas.servers();
        servers.extend(
            lock(&prices.book)
                .keys()
                .cloned()
                .map(ServerId::from_stored),
        );
        for server in servers {
            prices.compose(&server);
        }
        prices
    }

    pub(super) fn catalog(&self, server: &ServerId) -> Arc<Catalog> {
        let known = lock(&self.known);
        Arc::clone(known.get(server).unwrap_or(&self.builtin))
    }

    /// Puts together what is known of `server`.
    fn compose(&self, server: &ServerId) {
        let catalog = self.schemas.over(&self.builtin, server);
        let catalog = match lock(&self.book).get(server.as_str()) {
            Some(prices) => priced(&catalog, prices),
            None => catalog,
        };
        lock(&self.known).insert(server.clone(), Arc::new(catalog));
    }

    /// Whether every price of `server` was told a short while ago.
    fn are_fresh(&self, server: &ServerId) -> bool {
        let catalog = self.catalog(server);
        let book = lock(&self.book);
        let prices = book.get(server.as_str());
        catalog.endpoints().all(|endpoint| {
            let kept = prices.and_then(|prices| prices.get(&endpoint.id));
            // A price that cannot be used is asked for again where there should be one.
            let is_ours = self.builtin.get(&endpoint.id).is_some();
            kept.is_some_and(|kept| is_fresh(kept.at) && (kept.usd.is_some() || !is_ours))
        })
    }

    fn keep(&self, server: &ServerId, prices: BTreeMap<EndpointId, Kept>) -> std::io::Result<()> {
        lock(&self.book).insert(server.as_str().to_owned(), prices.clone());
        self.compose(server);
        let Some(dir) = &self.dir else { return Ok(()) };
        let mut book = read(dir);
        book.insert(server.as_str().to_owned(), prices);
        write(dir, &book)
    }
}

impl Tracker {
    /// The catalog at the prices of `server` as far as they are known.
    #[must_use]
    pub fn catalog(&self, server: &ServerId) -> Arc<Catalog> {
        self.shared.catalog(server)
    }

    /// Asks `server` for its prices unless that was done within a day, and gives the catalog that has them.
    ///
    /// # Errors
    /// When the server is not in use here or does not tell. What was known before stays.
    pub async fn refresh_prices(&self, server: &ServerId) -> Result<Arc<Catalog>, Error> {
        let shared = &self.shared;
        if !server.is_preview() && !shared.prices.are_fresh(server) {
            ask(shared, server).await?;
        }
        Ok(shared.catalog(server))
    }

    /// Asks `server` for the document of `endpoint` unless that was done within a day; says what has changed since the
    /// last one. The catalog has the endpoint then.
    ///
    /// # Errors
    /// [`Error::NoSuchEndpoint`] when neither the server nor talkdeck knows it; when it is not known here and the server
    /// does not answer. What was known before stays, and is used without an answer.
    pub async fn refresh_endpoint(
        &self,
        server: &ServerId,
        endpoint: &EndpointId,
    ) -> Result<Option<CleanText>, Error> {
        self.shared.refresh_endpoint(server, endpoint).await
    }

    /// The models that `server` lists, as the cache has them, and whether they are older than a day.
    pub async fn known_models(&self, server: &ServerId) -> (Vec<Listed>, bool) {
        let (shared, server) = (Arc::clone(&self.shared), server.clone());
        blocking(move || models::known(shared.prices.dir.as_deref(), &server)).await
    }

    /// Asks `server` for its list of models.
    ///
    /// # Errors
    /// When the server is not in use here or does not tell.
    pub async fn load_models(&self, server: &ServerId) -> Result<Vec<Listed>, Error> {
        let client = self.shared.client_of(server)?;
        let models = models::load(&client).await?;
        let (shared, server, kept) = (Arc::clone(&self.shared), server.clone(), models.clone());
        // A cache that cannot be written costs one question a day.
        let _ = blocking(move || models::keep(shared.prices.dir.as_deref(), &server, &kept)).await;
        Ok(models)
    }
}

impl Shared {
    /// As [`Tracker::refresh_endpoint`].
    pub(super) async fn refresh_endpoint(
        &self,
        server: &ServerId,
        endpoint: &EndpointId,
    ) -> Result<Option<CleanText>, Error> {
        let is_known = self.catalog(server).get(endpoint).is_some();
        if server.is_preview() {
            // The embedded server has what is built in and nothing else.
            return if is_known {
                Ok(None)
            } else {
                Err(no_such(&self.prices.builtin, server, endpoint))
            };
        }
        let client = self.client_of(server)?;
        let (prices, builtin) = (&self.prices, &self.prices.builtin);
        let refreshed = prices.schemas.refresh(&client, endpoint, builtin).await;
        let change = match refreshed {
            Err(_) if is_known => None,
            refreshed => refreshed?,
        };
        prices.compose(server);
        Ok(change)
    }

    fn client_of(&self, server: &ServerId) -> Result<Client, Error> {
        let client = self
            .servers
            .account(server)
            .and_then(|account| self.servers.client(&account));
        client.ok_or_else(|| Error::OtherAccount {
            server: server.clone(),
        })
    }
}

/// Whether something of that time is young enough not to be asked for again.
pub(super) fn is_fresh(at: Timestamp) -> bool {
    let age = now().duration_since(at).try_into();
    age.is_ok_and(|age: Duration| age < FRESH)
}

async fn ask(shared: &Arc<Shared>, server: &ServerId) -> Result<(), Error> {
    let client = shared.client_of(server)?;
    let endpoints: Vec<_> = shared
        .catalog(server)
        .endpoints()
        .map(|endpoint| endpoint.id.clone())
        .collect();
    let at = now();
    // An endpoint that the server leaves out has no price there.
    let mut prices: BTreeMap<EndpointId, Kept> = endpoints
        .iter()
        .map(|endpoint| (endpoint.clone(), Kept { usd: None, at }))
        .collect();
    for price in client.pricing(&endpoints).await? {
        if let Ok(endpoint) = price.endpoint_id.parse() {
            prices.insert(endpoint, kept(&price, at));
        }
    }
    let (tracker, server) = (Arc::clone(shared), server.clone());
    // A cache that cannot be written costs one question a day.
    let _ = blocking(move || tracker.prices.keep(&server, prices)).await;
    Ok(())
}

fn kept(price: &wire::Price, at: Timestamp) -> Kept {
    let is_ours = matches!(price.unit.as_str(), "seconds" | "second")
        && price.currency.eq_ignore_ascii_case("USD")
        && price.unit_price.is_finite()
        && price.unit_price >= 0.0;
    Kept {
        usd: is_ours.then(|| Usd::from_dollars(price.unit_price)),
        at,
    }
}

fn priced(builtin: &Catalog, prices: &BTreeMap<EndpointId, Kept>) -> Catalog {
    builtin.with_prices(prices.iter().map(|(id, kept)| (id, kept.usd, kept.at)))
}

fn read(dir: &Path) -> Book {
    let path = dir.join(FILE);
    let is_ours = fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() <= LARGEST);
    is_ours
        .then(|| serde_json::from_slice(&fs::read(path).ok()?).ok())
        .flatten()
        .unwrap_or_default()
}

fn write(dir: &Path, book: &Book) -> std::io::Result<()> {
    place::make_dir(dir)?;
    let (unfinished, mut file) = place::Unfinished::create(dir, "prices")?;
    std::io::Write::write_all(&mut file, &serde_json::to_vec(book)?)?;
    unfinished.replace(&dir.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(unit: &str, currency: &str) -> wire::Price {
        wire::Price {
            endpoint_id: "fal-ai/infinitalk".to_owned(),
            unit_price: 0.3,
            unit: unit.to_owned(),
            currency: currency.to_owned(),
        }
    }

    #[test]
    fn prices_last_from_run_to_run_and_each_server_has_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let builtin = Arc::new(Catalog::builtin());
        let open = || Prices::new(Arc::clone(&builtin), Some(dir.path().join("cache")));
        let id: EndpointId = "fal-ai/infinitalk".parse().unwrap();
        let first = open();
        let told = kept(&price("seconds", "USD"), now());
        first
            .keep(&ServerId::fal(), BTreeMap::from([(id.clone(), told)]))
            .unwrap();
        let unit = |prices: &Prices, server: &ServerId| {
            let catalog = prices.catalog(server);
            catalog.get(&id).unwrap().price.unwrap().unit_price
        };
        for prices in [first, open()] {
            assert_eq!(unit(&prices, &ServerId::fal()), Usd::from_dollars(0.3));
            assert_eq!(unit(&prices, &ServerId::preview()), Usd::from_dollars(0.2));
            assert!(!prices.are_fresh(&ServerId::fal()), "one is missing");
        }
        fs::write(dir.path().join("cache").join(FILE), "{torn").unwrap();
        assert_eq!(unit(&open(), &ServerId::fal()), Usd::from_dollars(0.2));
    }

    #[test]
    fn a_price_in_another_unit_or_currency_is_unknown() {
        let of = |unit, currency| kept(&price(unit, currency), now()).usd;
        assert_eq!(of("seconds", "USD"), Some(Usd::from_dollars(0.3)));
        assert_eq!(of("megapixels", "USD"), None);
        assert_eq!(of("seconds", "EUR"), None);
        let catalog = Catalog::builtin();
        let id: EndpointId = "fal-ai/infinitalk".parse().unwrap();
        let unknown = catalog.with_prices([(&id, None, now())]);
        assert_eq!(unknown.get(&id).unwrap().price, None);
    }
}
