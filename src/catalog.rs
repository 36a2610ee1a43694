//! Endpoints as data: fields, limits, order, defaults and price, read from fal's `OpenAPI` documents.
//!
//! The documents of `builtin/` have the shape that fal publishes (fal-api, "Per-endpoint OpenAPI"), with two extensions of
//! ours: `info.x-talkdeck.price`, because fal's documents carry no price, and `x-talkdeck-doubt`, a sentence beside a limit
//! or a default on which the sources do not agree.

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
pub use endpoint::{Endpoint, Field, FieldKind, MediaKind, Speaker};
pub use field::label;
pub use limits::{Bound, Limits};
pub use listed::Listed;
pub use price::Price;
pub use schema::Error;
pub use snippet::Language;

use crate::model::{EndpointId, Timestamp, Usd};

/// The documents that ship inside the program, the first being what a new draft is for.
const BUILTIN: [&str; 7] = [
    include_str!("catalog/builtin/infinitalk-single-text.json"),
    include_str!("catalog/builtin/infinitalk.json"),
    include_str!("catalog/builtin/infinitalk-video-to-video.json"),
    include_str!("catalog/builtin/ai-avatar.json"),
    include_str!("catalog/builtin/ai-avatar-single-text.json"),
    include_str!("catalog/builtin/ai-avatar-multi-text.json"),
    include_str!("catalog/builtin/ai-avatar-multi.json"),
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
                endpoint.price_doubt = None;
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

    /// Name and fields (`*` is required), numbers of frames (least, default, most), seed, cents a second at 480p and 720p.
    type Known = (&'static str, &'static str, [i64; 3], i64, [u32; 2]);

    #[test]
    fn every_built_in_endpoint_has_fals_fields_limits_defaults_and_price() {
        const TAIL: &str = "prompt* num_frames resolution seed acceleration";
        let known: [Known; 7] = [
            (
                "fal-ai/infinitalk/single-text",
                "image_url* text_input* voice*",
                [41, 145, 721],
                42,
                [20, 40],
            ),
            (
                "fal-ai/infinitalk",
                "image_url* audio_url*",
                [41, 145, 721],
                42,
                [20, 40],
            ),
            (
                "fal-ai/infinitalk/video-to-video",
                "video_url* audio_url*",
                [41, 145, 241],
                42,
                [30, 60],
            ),
            (
                "fal-ai/ai-avatar",
                "image_url* audio_url*",
                [41, 145, 241],
                42,
                [20, 40],
            ),
            (
                "fal-ai/ai-avatar/single-text",
                "image_url* text_input* voice*",
                [41, 145, 241],
                42,
                [20, 40],
            ),
            (
                "fal-ai/ai-avatar/multi-text",
                "image_url* first_text_input* second_text_input* voice1 voice2",
                [41, 191, 241],
                81,
                [20, 40],
            ),
            (
                "fal-ai/ai-avatar/multi",
                "image_url* first_audio_url* second_audio_url use_only_first_audio",
                [41, 181, 241],
                81,
                [20, 40],
            ),
        ];
        let catalog = Catalog::builtin();
        for (endpoint, (id, fields, frames, seed, cents)) in catalog.endpoints().zip(known) {
            assert_eq!(endpoint.id.as_str(), id);
            let name = |field: &Field| {
                let mark = if field.required { "*" } else { "" };
                format!("{}{mark}", field.name)
            };
            let names: Vec<_> = endpoint.fields.iter().map(name).collect();
            assert_eq!(names.join(" "), format!("{fields} {TAIL}"), "{id}");
            let [least, default, most] = frames;
            let field = endpoint.field("num_frames").unwrap();
            let limits = FieldKind::Integer {
                minimum: Some(least),
                maximum: Some(most),
            };
            assert_eq!(
                (&field.kind, &field.default),
                (&limits, &Some(default.into())),
                "{id}"
            );
            assert_eq!(field.doubt.is_some(), most == 241, "{id}");
            assert_eq!(endpoint.defaults().integer("seed"), Some(seed), "{id}");
            for (resolution, cents) in ["480p", "720p"].into_iter().zip(cents) {
                let arguments = [("num_frames", 75.into()), ("resolution", resolution.into())];
                let arguments = arguments.map(|(name, value)| (name.to_owned(), value));
                let expected = Usd::from_dollars(f64::from(3 * cents) / 100.0);
                assert_eq!(
                    endpoint.estimate(&arguments.into_iter().collect()),
                    Some(expected),
                    "{id} {resolution}"
                );
            }
        }
        assert_eq!(catalog.endpoints().count(), 7);
    }

    #[test]
    fn who_speaks_in_which_order_follows_from_the_fields() {
        let catalog = Catalog::builtin();
        let speakers = |id: &str| {
            let endpoint = catalog.get(&id.parse().unwrap()).unwrap();
            let name = |field: &Field| field.name.clone();
            let one = |speaker: Speaker| (name(speaker.speech), speaker.voice.map(name));
            endpoint.speakers().map(one).collect::<Vec<_>>()
        };
        let own = |speech: &str, voice: Option<&str>| (speech.to_owned(), voice.map(str::to_owned));
        assert_eq!(
            speakers("fal-ai/ai-avatar/single-text"),
            [own("text_input", Some("voice"))]
        );
        assert_eq!(
            speakers("fal-ai/infinitalk/video-to-video"),
            [own("audio_url", None)]
        );
        assert_eq!(
            speakers("fal-ai/ai-avatar/multi-text"),
            [
                own("first_text_input", Some("voice1")),
                own("second_text_input", Some("voice2"))
            ]
        );
        assert_eq!(
            speakers("fal-ai/ai-avatar/multi"),
            [own("first_audio_url", None), own("second_audio_url", None)]
        );
    }

    #[test]
    fn a_price_that_the_server_tells_is_not_in_doubt() {
        let id = "fal-ai/infinitalk/video-to-video".parse().unwrap();
        let catalog = Catalog::builtin();
        assert!(catalog.get(&id).unwrap().price_doubt.is_some());
        let told = (&id, Some(Usd::from_dollars(0.2)), Timestamp::now());
        let catalog = catalog.with_prices([told]);
        assert_eq!(catalog.get(&id).unwrap().price_doubt, None);
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
