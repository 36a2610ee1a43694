//! One endpoint: its fields, what fits them, and what a run costs.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{Limits, Price};
use crate::model::{Arguments, CleanText, EndpointId, Usd, frames, speech::Utterance};

/// An endpoint and everything that a form, a check or an estimate needs to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Its name.
    pub id: EndpointId,
    /// A few words for people.
    pub title: CleanText,
    /// A sentence for people.
    pub description: CleanText,
    /// Its input, in display order.
    pub fields: Vec<Field>,
    /// Whether it takes names that are none of its fields.
    pub open: bool,
    /// What it costs, where known.
    pub price: Option<Price>,
    /// Whether it ships inside the program; a server may have described it anew.
    pub built_in: bool,
    /// Why the built-in price may be wrong, where its sources do not agree.
    pub price_doubt: Option<CleanText>,
    /// The whole `OpenAPI` document.
    pub document: Arc<Value>,
}

/// One field of an endpoint's input.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The argument's name on the wire; of a field inside an object the whole path, such as `camera.zoom`.
    pub name: String,
    /// The label for people; may be empty.
    pub title: CleanText,
    /// What it is for.
    pub description: CleanText,
    /// What values it takes.
    pub kind: FieldKind,
    /// Whether a request without it is refused.
    pub required: bool,
    /// Whether it may be `null`.
    pub nullable: bool,
    /// What the server takes when it is left out.
    pub default: Option<Value>,
    /// A value that the server's authors suggest.
    pub example: Option<Value>,
    /// Why its limits or its default may be wrong, where their sources do not agree.
    pub doubt: Option<CleanText>,
}

/// One person who speaks in an endpoint's video.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speaker<'a> {
    /// The words, or the sound file of them.
    pub speech: &'a Field,
    /// The voice that speaks the words; `None` for a sound file.
    pub voice: Option<&'a Field>,
}

/// What values a field takes.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldKind {
    /// Text.
    Text {
        /// Whether it is worth a text area.
        multiline: bool,
    },
    /// A whole number, limits included.
    Integer {
        /// The smallest.
        minimum: Option<i64>,
        /// The largest.
        maximum: Option<i64>,
    },
    /// Any number.
    Number(Limits),
    /// Yes or no.
    Boolean,
    /// One of a list; case matters.
    Choice(Vec<String>),
    /// One of a list of values that are not all texts.
    OneOf(Vec<Value>),
    /// A file: a local path, a URL or a data URI.
    File(MediaKind),
    /// Several values of one kind.
    List {
        /// What each is; its name is the list's.
        item: Box<Field>,
        /// The fewest.
        least: Option<usize>,
        /// The most.
        most: Option<usize>,
    },
    /// An object with fields of its own.
    Object {
        /// They are named by their whole path.
        fields: Vec<Field>,
        /// Whether it takes names that are none of them.
        open: bool,
    },
    /// Anything that is JSON: what no other kind describes.
    Json,
}

impl FieldKind {
    /// The kind's name on the command line and in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Integer { .. } => "integer",
            Self::Boolean => "boolean",
            Self::Choice(_) | Self::OneOf(_) => "enum",
            Self::File(MediaKind::Image) => "image",
            Self::File(MediaKind::Audio) => "audio",
            Self::File(MediaKind::Video) => "video",
            Self::File(MediaKind::Other) => "file",
            Self::Number(_) => "number",
            Self::List { .. } => "list",
            Self::Object { .. } => "object",
            Self::Json => "json",
        }
    }
}

/// What a file must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// A video.
    Video,
    /// Any file.
    Other,
}

impl Endpoint {
    /// The field named `name`; one inside an object is named by its whole path.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        find(&self.fields, name)
    }

    /// The people of the video, in the order in which they speak, which is that of their fields.
    pub fn speakers(&self) -> impl Iterator<Item = Speaker<'_>> {
        let is_voice = |field: &&Field| field.name.starts_with("voice");
        let mut voices = self.fields.iter().filter(is_voice);
        self.fields.iter().filter_map(move |field| {
            let voice = match field.kind {
                FieldKind::File(MediaKind::Audio) => None,
                _ if field.is_script() => voices.next(),
                _ => return None,
            };
            Some(Speaker {
                speech: field,
                voice,
            })
        })
    }

    /// The field that holds the words to be spoken, the first of several, where there is one.
    #[must_use]
    pub fn script_field(&self) -> Option<&Field> {
        self.fields.iter().find(|field| field.is_script())
    }

    /// The field that shows who speaks: a picture or a video.
    #[must_use]
    pub fn scene_field(&self) -> Option<&Field> {
        let is_seen = |field: &&Field| {
            use MediaKind::{Image, Video};
            matches!(field.kind, FieldKind::File(Image | Video))
        };
        self.fields.iter().find(is_seen)
    }

    /// The field that talkdeck draws a number for where it is left open, so that no two requests are the same.
    #[must_use]
    pub fn seed_field(&self) -> Option<&Field> {
        self.field("seed")
            .filter(|field| matches!(field.kind, FieldKind::Integer { .. }))
    }

    /// How long the video will be, from the number of frames.
    #[must_use]
    pub fn video_length(&self, arguments: &Arguments) -> Option<Duration> {
        // Where the speed is another argument, frames alone do not tell the length.
        if ["fps", "frames_per_second"]
            .iter()
            .any(|name| self.field(name).is_some())
        {
            return None;
        }
        let default = || self.field("num_frames")?.default.as_ref()?.as_i64();
        let frames = arguments.integer("num_frames").or_else(default)?;
        u32::try_from(frames).ok().map(frames::duration_of)
    }

    /// The people who are heard: without a second sound file, or where it is not wanted, only the first one.
    #[must_use]
    pub fn heard(&self, arguments: &Arguments) -> Vec<Speaker<'_>> {
        let only_first = arguments.get("use_only_first_audio") == Some(&Value::Bool(true));
        let given = |speaker: &Speaker<'_>| {
            let text = arguments.text(&speaker.speech.name).unwrap_or_default();
            speaker.speech.required || !text.trim().is_empty()
        };
        self.speakers()
            .take(if only_first { 1 } else { usize::MAX })
            .filter(given)
            .collect()
    }

    /// What is said in the video, in speaking order; a script or a file that is missing says nothing.
    #[must_use]
    pub fn utterances(&self, arguments: &Arguments) -> Vec<Utterance> {
        let text = |field: &Field| arguments.text(&field.name).unwrap_or_default().to_owned();
        let utterance = |speaker: Speaker<'_>| match speaker.speech.kind {
            FieldKind::File(_) => Utterance::Sound(text(speaker.speech)),
            _ => Utterance::Words {
                script: text(speaker.speech),
                voice: speaker.voice.map(text).unwrap_or_default(),
            },
        };
        self.heard(arguments).into_iter().map(utterance).collect()
    }

    /// Whether the server itself has told the price: under a cap no other counts.
    #[must_use]
    pub fn price_is_told(&self) -> bool {
        self.price.is_some_and(|price| price.as_of.is_some())
    }

    /// What a run will cost by the catalog's price; `None` when the price or the length is unknown.
    #[must_use]
    pub fn estimate(&self, arguments: &Arguments) -> Option<Usd> {
        let price = self.price?;
        let factor = if arguments.text("resolution") == Some("720p") {
            price.factor_720p
        } else {
            1.0
        };
        Some(Usd::from_dollars(
            self.video_length(arguments)?.as_secs_f64() * price.unit_price.dollars() * factor,
        ))
    }
}

/// The field named `name` among `fields` and what is inside of them.
fn find<'a>(fields: &'a [Field], name: &str) -> Option<&'a Field> {
    fields.iter().find_map(|field| match &field.kind {
        _ if field.name == name => Some(field),
        FieldKind::Object { fields, .. } if name.starts_with(&field.name) => find(fields, name),
        _ => None,
    })
}

impl Field {
    fn is_script(&self) -> bool {
        self.name.ends_with("text_input")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::Catalog;

    fn single_text() -> Endpoint {
        Catalog::builtin().first().clone()
    }

    fn good() -> Arguments {
        serde_json::from_value(json!({
            "image_url": "face.png", "text_input": "Hello.", "voice": "Bill", "prompt": "A man talks.",
            "num_frames": 145, "resolution": "480p", "seed": 42, "acceleration": "regular"
        }))
        .unwrap()
    }

    #[test]
    fn the_fields_of_single_text_are_fals_in_fals_order() {
        let endpoint = single_text();
        let names: Vec<_> = endpoint
            .fields
            .iter()
            .map(|field| (field.name.as_str(), field.required))
            .collect();
        assert_eq!(
            names,
            [
                ("image_url", true),
                ("text_input", true),
                ("voice", true),
                ("prompt", true),
                ("num_frames", false),
                ("resolution", false),
                ("seed", false),
                ("acceleration", false),
            ]
        );
        let FieldKind::Choice(voices) = &endpoint.field("voice").unwrap().kind else {
            panic!("voices are a choice")
        };
        assert_eq!(voices.len(), 20);
        assert_eq!(
            endpoint.defaults().to_json(),
            r#"{"num_frames":145,"resolution":"480p","seed":42,"acceleration":"regular"}"#
        );
    }

    #[test]
    fn a_fault_names_the_field_the_value_and_the_limit() {
        let cases = [
            (
                "num_frames",
                json!(40),
                "num_frames: 40 is not a whole number from 41 to 721",
            ),
            (
                "num_frames",
                json!(722),
                "num_frames: 722 is not a whole number from 41 to 721",
            ),
            (
                "num_frames",
                json!(145.5),
                "num_frames: 145.5 is not a whole number from 41 to 721",
            ),
            (
                "voice",
                json!("bill"),
                "voice: \"bill\" is not one of Aria, Roger, Sarah",
            ),
            (
                "text_input",
                json!("  "),
                "text_input: empty; it takes text",
            ),
            ("prompt", json!(7), "prompt: 7 is not text"),
            (
                "speed",
                json!(1),
                "speed: no such field; fal-ai/infinitalk/single-text has image_url",
            ),
        ];
        for (name, value, want) in cases {
            let mut arguments = good();
            arguments.set(name, value);
            let found = single_text().check(&arguments);
            assert_eq!(found.len(), 1, "{name}");
            assert!(found[0].to_string().starts_with(want), "{}", found[0]);
        }
        assert_eq!(single_text().check(&good()), []);
    }

    #[test]
    fn the_limits_themselves_are_inside() {
        for frames in [41, 721] {
            let mut arguments = good();
            arguments.set("num_frames", frames);
            assert_eq!(single_text().check(&arguments), []);
        }
    }

    #[test]
    fn every_missing_field_is_named_at_once() {
        let names: Vec<_> = single_text()
            .check(&Arguments::new())
            .into_iter()
            .map(|e| e.name.to_string())
            .collect();
        assert_eq!(names, ["image_url", "text_input", "voice", "prompt"]);
    }

    #[test]
    fn text_becomes_a_value_of_the_fields_type() {
        let endpoint = single_text();
        assert_eq!(endpoint.parse("num_frames", " 81 ").unwrap(), json!(81));
        assert_eq!(
            endpoint.parse("text_input", " 42").unwrap(),
            json!(" 42"),
            "text stays text"
        );
        assert_eq!(
            endpoint.parse("seed", "").unwrap(),
            Value::Null,
            "an open seed"
        );
        assert_eq!(
            endpoint
                .parse("num_frames", "many")
                .unwrap_err()
                .to_string(),
            "num_frames: “many” is not a whole number from 41 to 721"
        );
        assert!(endpoint.parse("nope", "x").is_err());
    }

    #[test]
    fn the_estimate_follows_length_and_resolution() {
        let endpoint = single_text();
        let mut arguments = good();
        assert_eq!(endpoint.estimate(&arguments), Some(Usd::from_dollars(1.16)));
        arguments.set("resolution", "720p");
        assert_eq!(endpoint.estimate(&arguments), Some(Usd::from_dollars(2.32)));
        assert_eq!(
            endpoint.estimate(&Arguments::new()),
            Some(Usd::from_dollars(1.16)),
            "the default length"
        );
        let unknown = Endpoint {
            price: None,
            ..endpoint
        };
        assert_eq!(unknown.estimate(&arguments), None);
    }

    #[test]
    fn completing_keeps_what_is_given_and_sorts_it() {
        let given: Arguments =
            serde_json::from_value(json!({"seed": 7, "voice": "Aria", "extra": 1})).unwrap();
        assert_eq!(
            single_text().complete(&given).to_json(),
            r#"{"voice":"Aria","num_frames":145,"resolution":"480p","seed":7,"acceleration":"regular","extra":1}"#
        );
    }
}
