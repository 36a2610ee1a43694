//! Endpoints as data: fields, limits, order, defaults and price, read from fal's `OpenAPI` documents.
//!
//! The documents of `builtin/` have the shape that fal publishes (fal-api, "Per-endpoint OpenAPI"), with one extension of
//! ours, `info.x-talkdeck.price`, because fal's documents carry no price.

mod arguments;
mod axis;
mod changes;
pub mod endpoint;
mod field;
mod limits;
mod listed;
mod naming;
mod price;
mod schema;
mod snippet;

pub use arguments::FileArgument;
pub use endpoint::{Endpoint, Field, FieldKind, MediaKind};
pub use field::label;
pub use limits::{Bound, Limits};
pub use listed::Listed;
pub use price::Price;
pub use schema::Error;
pub use snippet::Language;

use crate::model::{EndpointId, Timestamp, Usd};

/// The documents that ship inside the program, the first being what a new draft is for.
const BUILTIN: [&str; 2] = [
    include_str!("catalog/builtin/infinitalk-single-text.json"),
    include_str!("catalog/builtin/infinitalk.json"),
];

/// How many times as much a second costs at 720p where nothing else is known (fal-api, "Price").
const FACTOR_720P: f64 = 2.0;

/// The endpoints that talkdeck knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalog {
    endpoints: Vec<Endpoint>,
}

impl Catalog {
    /// The endpoints that ship inside the program.
    #[must_use]
    pub fn builtin() -> Self {
        let read = |document| Endpoint {
            built_in: true,
            ..Endpoint::from_openapi(document).expect("a test reads every built-in document")
        };
        Self {
            endpoints: BUILTIN.into_iter().map(read).collect(),
        }
    }

    /// All endpoints in the order they are offered.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.iter()
    }

    /// The endpoint named `id`, if it is known.
    #[must_use]
    pub fn get(&self, id: &EndpointId) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.id == *id)
    }

    /// The same endpoints at the prices that a server has told; `None` in place of one means that the server counts in
    /// something else than seconds of video, so that no estimate can be made.
    #[must_use]
    pub fn with_prices<'a>(
        &self,
        prices: impl IntoIterator<Item = (&'a EndpointId, Option<Usd>, Timestamp)>,
    ) -> Self {
        let mut catalog = self.clone();
        for (id, unit_price, at) in prices {
            let found = catalog
                .endpoints
                .iter_mut()
                .find(|endpoint| endpoint.id == *id);
            if let Some(endpoint) = found {
                let factor_720p = endpoint
                    .price
                    .map_or(FACTOR_720P, |price| price.factor_720p);
                endpoint.price = unit_price.map(|unit_price| Price {
                    unit_price,
                    factor_720p,
                    as_of: Some(at),
                });
            }
        }
        catalog
    }

    /// The same endpoints with `endpoint` in the place of the one with its name, or at the end.
    #[must_use]
    pub fn with(mut self, endpoint: Endpoint) -> Self {
        match self.endpoints.iter_mut().find(|of| of.id == endpoint.id) {
            Some(known) => *known = endpoint,
            None => self.endpoints.push(endpoint),
        }
        self
    }

    /// The endpoint that a new draft is for.
    #[must_use]
    pub fn first(&self) -> &Endpoint {
        &self.endpoints[0]
    }

    /// The known endpoint whose id is most like `text`, for "did you mean".
    #[must_use]
    pub fn nearest(&self, text: &str) -> Option<&Endpoint> {
        let text = text.to_lowercase();
        let likeness = |endpoint: &Endpoint| {
            strsim::normalized_damerau_levenshtein(endpoint.id.as_str(), &text)
        };
        self.endpoints
            .iter()
            .filter(|endpoint| likeness(endpoint) > 0.5)
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_built_in_endpoint_speaks_a_script() {
        assert_eq!(
            Catalog::builtin().first().id.as_str(),
            "fal-ai/infinitalk/single-text"
        );
        assert_eq!(Catalog::builtin().endpoints().count(), BUILTIN.len());
    }

    #[test]
    fn a_misspelt_endpoint_finds_its_neighbour() {
        let catalog = Catalog::builtin();
        let nearest = |text| catalog.nearest(text).map(|endpoint| endpoint.id.as_str());
        assert_eq!(
            nearest("fal-ai/Infinitalk/singletext"),
            Some("fal-ai/infinitalk/single-text")
        );
        assert_eq!(
            nearest("infinitalk/single-text"),
            Some("fal-ai/infinitalk/single-text")
        );
        assert_eq!(nearest("nothing/like"), None);
    }
}
