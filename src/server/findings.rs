//! What a model says of its input: pydantic's findings, from the catalog's fields.
//!
//! fal's models are pydantic applications (`fal-api`, §4.1); like them this reads numbers out of text, ignores unknown
//! fields and names every fault at once.

use serde_json::{Map, Value, json};

use super::inputs::Fields;
use crate::{
    catalog::{Endpoint, Field, FieldKind},
    fal::wire::Finding,
    model::Arguments,
    studio,
};

/// A finding about one field.
pub(super) fn finding(field: &str, kind: &str, message: impl Into<String>) -> Box<Finding> {
    Box::new(Finding {
        loc: vec!["body".into(), field.into()],
        msg: Some(message.into()),
        kind: Some(kind.to_owned()),
        ..Finding::default()
    })
}

/// The same with a number or a list for the message, and the value that was refused.
fn with(mut found: Box<Finding>, ctx: &Value, input: Option<&Value>) -> Box<Finding> {
    found.ctx = ctx.as_object().cloned();
    found.input = input.cloned();
    found
}

/// Checks the input of `endpoint`; the values come back as the model takes them, defaults filled in.
///
/// # Errors
/// Everything that is wrong, in display order.
pub(super) fn validate(
    endpoint: &Endpoint,
    body: &Map<String, Value>,
) -> Result<Arguments, Vec<Finding>> {
    let (mut taken, mut found) = (Arguments::new(), Vec::new());
    for field in &endpoint.fields {
        match body.get(&field.name) {
            None if field.required => {
                let whole = Value::Object(body.clone());
                let missing = finding(&field.name, "missing", "Field required");
                found.push(*with(missing, &Value::Null, Some(&whole)));
            }
            None => {
                if let Some(default) = &field.default {
                    taken.set(&field.name, default.clone());
                }
            }
            Some(Value::Null) if field.nullable => taken.set(&field.name, Value::Null),
            Some(value) => match check(field, value) {
                Ok(value) => taken.set(&field.name, value),
                Err(wrong) => found.push(*wrong),
            },
        }
    }
    if found.is_empty() {
        Ok(taken)
    } else {
        Err(found)
    }
}

fn check(field: &Field, value: &Value) -> Result<Value, Box<Finding>> {
    let wrong = |kind: &str, message: &str| {
        with(
            finding(&field.name, kind, message),
            &Value::Null,
            Some(value),
        )
    };
    match &field.kind {
        FieldKind::Text { .. } | FieldKind::File(_) if value.is_string() => Ok(value.clone()),
        FieldKind::Text { .. } | FieldKind::File(_) => {
            Err(wrong("string_type", "Input should be a valid string"))
        }
        FieldKind::Boolean => boolean(value).map(Value::from).ok_or_else(|| {
            wrong(
                "bool_parsing",
                "Input should be a valid boolean, unable to interpret input",
            )
        }),
        FieldKind::Choice(options) => match value {
            Value::String(text) if options.contains(text) => Ok(value.clone()),
            _ => {
                let expected = listed(options);
                let message = format!("Input should be {expected}");
                let found = finding(&field.name, "literal_error", message);
                Err(with(found, &json!({ "expected": expected }), Some(value)))
            }
        },
        FieldKind::Number(_)
        | FieldKind::OneOf(_)
        | FieldKind::List { .. }
        | FieldKind::Object { .. }
        | FieldKind::Json => match field.check(value) {
            Ok(()) => Ok(value.clone()),
            Err(error) => Err(wrong("value_error", error.message.as_str())),
        },
        FieldKind::Integer { minimum, maximum } => {
            let number = integer(value).map_err(|(kind, message)| wrong(kind, message))?;
            let beyond = |kind: &str, how: &str, key: &str, limit: i64| {
                let message = format!("Input should be {how} than or equal to {limit}");
                with(
                    finding(&field.name, kind, message),
                    &json!({ key: limit }),
                    Some(value),
                )
            };
            match (*minimum, *maximum) {
                (Some(least), _) if number < least => {
                    Err(beyond("greater_than_equal", "greater", "ge", least))
                }
                (_, Some(most)) if number > most => {
                    Err(beyond("less_than_equal", "less", "le", most))
                }
                _ => Ok(number.into()),
            }
        }
    }
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A whole number, also when it is written as text or as a float.
fn integer(value: &Value) -> Result<i64, (&'static str, &'static str)> {
    match value {
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Ok(whole),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "whole and far inside the range"
            )]
            (None, Some(float)) if float.fract() == 0.0 && float.abs() < 9e15 => Ok(float as i64),
            (None, Some(float)) if float.fract() != 0.0 => Err((
                "int_from_float",
                "Input should be a valid integer, got a number with a fractional part",
            )),
            _ => Err((
                "int_parsing_size",
                "Unable to parse input string as an integer, exceeded maximum size",
            )),
        },
        Value::String(text) => text.trim().parse().map_err(|_| {
            (
                "int_parsing",
                "Input should be a valid integer, unable to parse string as an integer",
            )
        }),
        Value::Bool(value) => Ok(i64::from(*value)),
        _ => Err(("int_type", "Input should be a valid integer")),
    }
}

/// `'a', 'b' or 'c'`.
fn listed(options: &[String]) -> String {
    let quoted: Vec<_> = options.iter().map(|option| format!("'{option}'")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// A refusal by the preview engine as a finding; `None` when it broke down or was cancelled.
pub(super) fn of_engine(error: &studio::Error, fields: &Fields) -> Option<Box<Finding>> {
    use studio::Error as E;
    let (kind, ctx) = match error {
        E::PictureUnreadable { .. } => ("image_load_error", Value::Null),
        E::PictureFormat { .. } => (
            "unsupported_image_format",
            json!({ "supported_formats": [".png", ".jpg", ".jpeg", ".webp"] }),
        ),
        E::PictureTooSmall {
            min_width,
            min_height,
            ..
        } => (
            "image_too_small",
            json!({ "min_height": min_height, "min_width": min_width }),
        ),
        E::PictureTooLarge {
            max_width,
            max_height,
            ..
        } => (
            "image_too_large",
            json!({ "max_height": max_height, "max_width": max_width }),
        ),
        E::FileTooLarge { max_bytes, .. } => ("file_too_large", json!({ "max_size": max_bytes })),
        E::NoFace | E::TooFewFaces { .. } | E::NoFaceInVideo => {
            ("face_detection_error", Value::Null)
        }
        E::VideoUnreadable { .. } => (
            "unsupported_video_format",
            json!({ "supported_formats": [".mp4"] }),
        ),
        E::SoundUnreadable { .. } => (
            "unsupported_audio_format",
            json!({ "supported_formats": [".wav", ".mp3", ".flac", ".ogg", ".m4a"] }),
        ),
        E::EmptyScript { .. } => ("sequence_too_short", json!({ "min_length": 1 })),
        E::FrameCount { found, max } if found > max => ("less_than_equal", json!({ "le": max })),
        E::FrameCount { .. } => ("greater_than_equal", json!({ "ge": 1 })),
        E::Cancelled | E::Encode(_) => return None,
    };
    let field = fields.of(error.part()?);
    let mut found = finding(field, kind, error.to_string());
    found.url = Some(documentation(kind));
    Some(with(found, &ctx, None))
}

/// The input is not a file that can be had.
pub(super) fn not_downloaded(field: &str, reason: impl Into<String>) -> Box<Finding> {
    let kind = "file_download_error";
    let mut found = finding(field, kind, reason);
    found.url = Some(documentation(kind));
    found
}

fn documentation(kind: &str) -> String {
    format!("https://docs.fal.ai/errors/#{kind}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn good() -> Map<String, Value> {
        let body = json!({
            "image_url": "https://x.test/a.png", "text_input": "Hello.", "voice": "Bill", "prompt": "A man talks."
        });
        body.as_object().unwrap().clone()
    }

    fn faults(name: &str, value: Value) -> Vec<Finding> {
        let mut body = good();
        body.insert(name.to_owned(), value);
        validate(Catalog::builtin().first(), &body)
            .err()
            .unwrap_or_default()
    }

    #[test]
    fn every_fault_has_pydantics_type_and_numbers() {
        let cases = [
            (
                "num_frames",
                json!(722),
                "less_than_equal",
                json!({"le": 721}),
            ),
            (
                "num_frames",
                json!("40"),
                "greater_than_equal",
                json!({"ge": 41}),
            ),
            ("num_frames", json!("many"), "int_parsing", Value::Null),
            ("num_frames", json!(81.5), "int_from_float", Value::Null),
            ("num_frames", json!([]), "int_type", Value::Null),
            ("num_frames", json!(1e30), "int_parsing_size", Value::Null),
            ("num_frames", Value::Null, "int_type", Value::Null),
            ("text_input", json!(7), "string_type", Value::Null),
            ("image_url", json!({}), "string_type", Value::Null),
            (
                "resolution",
                json!("1080p"),
                "literal_error",
                json!({"expected": "'480p' or '720p'"}),
            ),
            ("voice", json!("bill"), "literal_error", Value::Null),
        ];
        for (name, value, kind, ctx) in cases {
            let found = faults(name, value.clone());
            assert_eq!(found.len(), 1, "{name} {value}");
            assert_eq!(found[0].kind.as_deref(), Some(kind), "{name} {value}");
            assert_eq!(found[0].loc, [json!("body"), json!(name)]);
            assert_eq!(found[0].input.as_ref(), Some(&value));
            if !ctx.is_null() {
                assert_eq!(found[0].ctx.as_ref(), ctx.as_object(), "{name}");
            }
        }
    }

    #[test]
    fn what_is_missing_is_named_all_at_once_with_what_was_sent() {
        let found = validate(Catalog::builtin().first(), &Map::new()).unwrap_err();
        let names: Vec<_> = found
            .iter()
            .map(|found| found.loc[1].as_str().unwrap())
            .collect();
        assert_eq!(names, ["image_url", "text_input", "voice", "prompt"]);
        assert!(
            found
                .iter()
                .all(|found| found.kind.as_deref() == Some("missing"))
        );
        assert_eq!(found[0].input, Some(json!({})));
    }

    #[test]
    fn what_pydantic_would_take_is_taken() {
        let mut body = good();
        for (name, value) in [
            ("num_frames", json!(" 81 ")),
            ("seed", Value::Null),
            ("stranger", json!(1)),
        ] {
            body.insert(name.to_owned(), value);
        }
        let taken = validate(Catalog::builtin().first(), &body).unwrap();
        assert_eq!(taken.integer("num_frames"), Some(81));
        assert_eq!(taken.get("seed"), Some(&Value::Null));
        assert_eq!(taken.text("resolution"), Some("480p"), "the default");
        assert_eq!(taken.get("stranger"), None);
        body.insert("num_frames".to_owned(), json!(145.0));
        assert!(validate(Catalog::builtin().first(), &body).is_ok());
    }

    #[test]
    fn the_engines_refusals_point_at_the_field_they_are_about() {
        let of = |error: &studio::Error| {
            let fields = Fields::new("image_url", ["first_audio_url", "second_audio_url"]);
            let found = of_engine(error, &fields).unwrap();
            (
                found.loc[1].as_str().unwrap().to_owned(),
                found.kind.unwrap(),
                found.url,
            )
        };
        let (field, kind, url) = of(&studio::Error::NoFace);
        assert_eq!(
            (field.as_str(), kind.as_str()),
            ("image_url", "face_detection_error")
        );
        assert_eq!(
            url.as_deref(),
            Some("https://docs.fal.ai/errors/#face_detection_error")
        );
        for (speaker, field) in [(0, "first_audio_url"), (1, "second_audio_url")] {
            let reason = "noise".to_owned();
            let sound = studio::Error::SoundUnreadable { speaker, reason };
            assert_eq!(of(&sound).0, field);
        }
        let cancelled = of_engine(&studio::Error::Cancelled, &Fields::new("a", ["b"]));
        assert_eq!(cancelled, None);
    }
}
