//! What servers ask for a second of video: asked for once a day, kept in the cache in between.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Error, Shared, Tracker, blocking, lock, now, place};
use crate::{
    catalog::Catalog,
    fal::wire,
    model::{EndpointId, ServerId, Timestamp, Usd},
};

/// A price that is younger is not asked for again.
const FRESH: Duration = Duration::from_hours(24);
/// The file in the cache directory.
const FILE: &str = "prices.json";
/// Larger than any that we have written.
const LARGEST: u64 = 1 << 20;

/// The catalog at each server's prices.
pub(super) struct Prices {
    builtin: Arc<Catalog>,
    dir: Option<PathBuf>,
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
        let book = dir.as_deref().map(read).unwrap_or_default();
        let known = book
            .iter()
            .map(|(server, prices)| {
                let catalog = priced(&builtin, prices);
                (ServerId::from_stored(server.clone()), Arc::new(catalog))
            })
            .collect();
        Self {
            builtin,
            dir,
            known: Mutex::new(known),
        }
    }

    pub(super) fn catalog(&self, server: &ServerId) -> Arc<Catalog> {
        let known = lock(&self.known);
        Arc::clone(known.get(server).unwrap_or(&self.builtin))
    }

    /// Whether every price of `server` was told a short while ago.
    fn are_fresh(&self, server: &ServerId) -> bool {
        let known = lock(&self.known);
        known.get(server).is_some_and(|catalog| {
            catalog.endpoints().all(|endpoint| {
                // A price that cannot be used has no age; it is asked for again.
                endpoint
                    .price
                    .and_then(|price| price.as_of)
                    .is_some_and(|at| {
                        now()
                            .duration_since(at)
                            .try_into()
                            .is_ok_and(|age: Duration| age < FRESH)
                    })
            })
        })
    }

    fn keep(&self, server: &ServerId, prices: BTreeMap<EndpointId, Kept>) -> std::io::Result<()> {
        let catalog = Arc::new(priced(&self.builtin, &prices));
        lock(&self.known).insert(server.clone(), catalog);
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
}

async fn ask(shared: &Arc<Shared>, server: &ServerId) -> Result<(), Error> {
    let account = shared
        .servers
        .account(server)
        .and_then(|account| shared.servers.client(&account));
    let client = account.ok_or_else(|| Error::OtherAccount {
        server: server.clone(),
    })?;
    let endpoints: Vec<_> = shared
        .prices
        .builtin
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
