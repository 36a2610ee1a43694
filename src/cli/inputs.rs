//! From `--input` and `-i` to arguments.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use serde_json::Value;

use super::{Exit, Fault};
use crate::{
    catalog::{Endpoint, FieldKind},
    model::{Arguments, job::FieldError},
    tracker::inputs::local_path,
};

/// A file of arguments that is longer holds a picture as a data URI or is the wrong one.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Reads the objects of `--input`, one or several one after the other; `-` is standard input.
pub(super) fn read_file(path: &Path) -> Result<Vec<Arguments>, Fault> {
    let (name, mut source): (String, Box<dyn Read>) = if path == Path::new("-") {
        ("standard input".to_owned(), Box::new(io::stdin().lock()))
    } else {
        let name = path.display().to_string();
        let file = fs::File::open(path)
            .map_err(|error| Fault::new(Exit::Usage, format!("--input {name}: {error}")))?;
        (name, Box::new(file))
    };
    let refuse = |why: String| Fault::new(Exit::Usage, format!("--input {name}: {why}"));
    let mut text = String::new();
    let length = source
        .by_ref()
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(|error| refuse(error.to_string()))?;
    if length as u64 > LONGEST {
        return Err(refuse(
            "longer than 64 MiB; name files by their paths".to_owned(),
        ));
    }
    let text = text.trim_start_matches('\u{feff}');
    let mut objects = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value {
            Ok(Value::Object(map)) => objects.push(map.into()),
            Ok(_) => {
                return Err(refuse(
                    "no JSON object; write {\"name\": value, …}".to_owned(),
                ));
            }
            Err(error) => return Err(refuse(format!("not JSON: {error}"))),
        }
    }
    if objects.is_empty() {
        return Err(refuse("empty; write {\"name\": value, …}".to_owned()));
    }
    Ok(objects)
}

/// `given` with `pairs` (`NAME=VALUE`) set on top, every local file as an absolute path.
///
/// All faults of the pairs are told at once. Whether the whole fits the endpoint is not looked at.
pub(super) fn merge(
    endpoint: &Endpoint,
    mut given: Arguments,
    pairs: &[String],
) -> Result<Arguments, Vec<FieldError>> {
    let mut faults = Vec::new();
    for pair in pairs {
        match read_pair(endpoint, pair) {
            Ok((name, value)) => endpoint.set(&mut given, &name, value),
            Err(fault) => faults.push(fault),
        }
    }
    for file in endpoint.files(&given) {
        given.set_at(&file.pointer, locate(&file.value));
    }
    if faults.is_empty() {
        Ok(given)
    } else {
        Err(faults)
    }
}

fn read_pair(endpoint: &Endpoint, pair: &str) -> Result<(String, Value), FieldError> {
    let (name, text) = pair
        .split_once('=')
        .ok_or_else(|| FieldError::new(pair, "no =; write -i NAME=VALUE"))?;
    let kind = endpoint.field(name).map(|field| &field.kind);
    let is_file = matches!(kind, Some(FieldKind::File(_)));
    let takes_files = match kind {
        Some(FieldKind::List { item, .. }) => matches!(item.kind, FieldKind::File(_)),
        _ => is_file,
    };
    let text = match text.strip_prefix('@') {
        Some(literal) if literal.starts_with('@') => literal.to_owned(),
        Some(path) if takes_files => {
            // Not `locate`: a file may well be called `data:` or `https:`.
            let path = insisted(path);
            let value = if is_file {
                path.into()
            } else {
                vec![path].into()
            };
            return Ok((name.to_owned(), value));
        }
        Some(_) if endpoint.field(name).is_some() => {
            return Err(FieldError::new(
                name,
                "@ uploads a file, and this field takes none; a text that begins with @ is written @@",
            ));
        }
        _ => text.to_owned(),
    };
    let value = if is_file && !text.trim().is_empty() {
        locate(&text).into()
    } else {
        endpoint.parse(name, &text)?
    };
    Ok((name.to_owned(), value))
}

/// A URL or data URI as it is; anything else is a path, made absolute.
fn locate(text: &str) -> String {
    let text = text.trim();
    match local_path(text) {
        Some(path) if !text.is_empty() => path.to_string_lossy().into_owned(),
        _ => text.to_owned(),
    }
}

/// A file field's value, as a person writes it: `@path` insists on a file, `@@` begins with an @.
pub(super) fn file(text: &str) -> String {
    match text.strip_prefix('@') {
        Some(literal) if literal.starts_with('@') => locate(literal),
        Some(path) => insisted(path),
        None => locate(text),
    }
}

/// The absolute path of a file, whatever its name looks like.
fn insisted(path: &str) -> String {
    let absolute = local_path(path)
        .or_else(|| std::path::absolute(path).ok())
        .unwrap_or_else(|| path.into());
    absolute.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::Catalog;

    fn merged(given: Value, pairs: &[&str]) -> Result<Value, Vec<String>> {
        let pairs: Vec<_> = pairs.iter().map(|&pair| pair.to_owned()).collect();
        let given: Arguments = serde_json::from_value(given).unwrap();
        merge(Catalog::builtin().first(), given, &pairs)
            .map(|arguments| serde_json::to_value(arguments).unwrap())
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn text_stays_text_and_numbers_are_read_and_the_last_wins() {
        let pairs = [
            "text_input=12",
            "num_frames=81",
            "seed=1",
            "seed=2",
            "prompt=a=b",
        ];
        assert_eq!(
            merged(json!({"seed": 9, "voice": "Bill"}), &pairs),
            Ok(
                json!({"seed": 2, "voice": "Bill", "text_input": "12", "num_frames": 81, "prompt": "a=b"})
            )
        );
    }

    #[test]
    fn a_file_field_takes_paths_urls_and_data_uris() {
        let here = std::env::current_dir().unwrap();
        let below = |name: &str| here.join(name).to_str().unwrap().to_owned();
        let cases = [
            ("image_url=a.png", below("a.png")),
            ("image_url=@a.png", below("a.png")),
            ("image_url=@@a.png", below("@a.png")),
            ("image_url=/abs/a.png", "/abs/a.png".to_owned()),
            ("image_url=./x/../a.png", below("x/../a.png")),
            (
                "image_url=https://x.test/a.png",
                "https://x.test/a.png".to_owned(),
            ),
            (
                "image_url=HTTPS://x.test/a.png",
                "HTTPS://x.test/a.png".to_owned(),
            ),
            (
                "image_url=data:image/png;base64,AA==",
                "data:image/png;base64,AA==".to_owned(),
            ),
        ];
        for (pair, want) in cases {
            assert_eq!(
                merged(json!({}), &[pair]),
                Ok(json!({"image_url": want})),
                "{pair}"
            );
        }
        let from_file = merged(json!({"image_url": "b.png"}), &[]);
        assert_eq!(from_file, Ok(json!({"image_url": below("b.png")})));
    }

    #[test]
    fn an_at_sign_of_the_text_itself_is_doubled() {
        assert_eq!(
            merged(json!({}), &["text_input=@@home"]),
            Ok(json!({"text_input": "@home"}))
        );
        let said = merged(json!({}), &["text_input=@home"]).unwrap_err();
        assert!(
            said[0].starts_with("text_input: ") && said[0].contains("@@"),
            "{said:?}"
        );
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let said = merged(
            json!({}),
            &["num_frames=40", "voice", "nope=1", "voice=bill"],
        )
        .unwrap_err();
        assert_eq!(said.len(), 4, "{said:?}");
        assert!(said[1].contains("NAME=VALUE"));
        assert!(said[2].contains("no such field"));
    }
}
