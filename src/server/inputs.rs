//! From an endpoint's checked input to what the engine renders.

use std::{fs, io};

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use url::Url;

use super::{
    files::{self, Files},
    findings::{finding, not_downloaded},
};
use crate::{
    catalog::{Endpoint, FieldKind, MediaKind, Speaker},
    fal::wire::Finding,
    model::{Arguments, frames},
    studio::{Part, Request, Resolution, Scene, Script, Sound},
};

/// Larger input files are not even read; the engine has limits of its own below this.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// A request for the engine, and what to say of it afterwards.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) request: Request,
    /// The seed as the client gave it, or as it was drawn.
    pub(super) seed: i64,
    /// Seconds of video, more at 720p.
    pub(super) billable_units: f64,
    pub(super) fields: Fields,
}

/// The fields that a plan was made of.
#[derive(Debug)]
pub(super) struct Fields {
    /// Where the picture or the video came from.
    scene: String,
    /// Where the speech came from, in speaking order.
    speeches: Vec<String>,
}

impl Fields {
    #[cfg(test)]
    pub(super) fn new<const N: usize>(scene: &str, speeches: [&str; N]) -> Self {
        Self {
            scene: scene.to_owned(),
            speeches: speeches.map(str::to_owned).into(),
        }
    }

    /// The field that a part of the request came from.
    pub(super) fn of(&self, part: Part) -> &str {
        match part {
            Part::Picture | Part::Video => &self.scene,
            Part::Speech(speaker) => &self.speeches[speaker],
            Part::Length => LENGTH_FIELD,
        }
    }
}

/// The field of every endpoint that tells the length of the video.
const LENGTH_FIELD: &str = "num_frames";

/// Makes a plan of checked arguments. Blocks on the disk.
///
/// # Errors
/// What of the input cannot be used.
pub(super) fn plan(
    endpoint: &Endpoint,
    arguments: &Arguments,
    files: &Files,
) -> Result<Plan, Box<Finding>> {
    let unsupported = |field: &str| {
        finding(
            field,
            "feature_not_supported",
            format!("the preview engine cannot render {}", endpoint.id),
        )
    };
    let load = |field: &str| {
        let address = arguments.text(field).ok_or_else(|| unsupported(field))?;
        load(field, address, files)
    };
    let field = endpoint
        .scene_field()
        .ok_or_else(|| unsupported("image_url"))?;
    let scene = match (&field.kind, endpoint.speakers().count()) {
        (FieldKind::File(MediaKind::Image), 1) => Scene::Portrait(load(&field.name)?),
        (FieldKind::File(MediaKind::Image), 2) => Scene::Pair(load(&field.name)?),
        (FieldKind::File(MediaKind::Video), 1) => Scene::Video(load(&field.name)?),
        _ => return Err(unsupported(&field.name)),
    };
    let speakers = endpoint.heard(arguments);
    let is_file = |speaker: &Speaker| matches!(speaker.speech.kind, FieldKind::File(_));
    let sound = if speakers.iter().all(is_file) {
        let load = |speaker: &Speaker| load(&speaker.speech.name);
        Sound::Files(speakers.iter().map(load).collect::<Result<_, _>>()?)
    } else {
        let script = |speaker: &Speaker| {
            let text = |name: &str| arguments.text(name).unwrap_or_default().to_owned();
            Script {
                text: text(&speaker.speech.name),
                voice: speaker
                    .voice
                    .map(|voice| text(&voice.name))
                    .unwrap_or_default(),
            }
        };
        Sound::Scripts(speakers.iter().map(script).collect())
    };
    let fields = Fields {
        scene: field.name.clone(),
        speeches: speakers
            .iter()
            .map(|speaker| speaker.speech.name.clone())
            .collect(),
    };
    let num_frames = arguments
        .integer(LENGTH_FIELD)
        .and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| unsupported(LENGTH_FIELD))?;
    let is_720p = arguments.text("resolution") == Some("720p");
    let factor = match endpoint.price {
        Some(price) if is_720p => price.factor_720p,
        _ => 1.0,
    };
    let seed = arguments
        .integer("seed")
        .unwrap_or_else(|| i64::from(fastrand::u32(..)));
    Ok(Plan {
        request: Request {
            scene,
            sound,
            num_frames,
            resolution: if is_720p {
                Resolution::P720
            } else {
                Resolution::P480
            },
            seed: seed.cast_unsigned(),
        },
        seed,
        billable_units: frames::duration_of(num_frames).as_secs_f64() * factor,
        fields,
    })
}

/// The bytes of a file input: one of the server's own files, or a data URI.
fn load(field: &str, address: &str, files: &Files) -> Result<Vec<u8>, Box<Finding>> {
    if address
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
    {
        return decode(&address[5..])
            .ok_or_else(|| not_downloaded(field, "The data URI is not valid base64."));
    }
    let with_input = |mut found: Box<Finding>| {
        found.input = Some(address.into());
        found
    };
    let url = Url::parse(address)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| {
            let message = format!("{field} must be a valid HTTPS URL or a Data URI");
            with_input(finding(field, "value_error", message))
        })?;
    // An id cannot be guessed: an address that names one is ours, whatever its host and port were at the time.
    let id = files::id_in_path(url.path()).ok_or_else(|| {
        with_input(not_downloaded(
            field,
            "Failed to download the file. This offline server makes no requests of its own: upload the file to it, or \
             send it as a data URI.",
        ))
    })?;
    read(id, files).map_err(|reason| {
        with_input(not_downloaded(
            field,
            format!("Failed to download the file. {reason}"),
        ))
    })
}

fn read(id: uuid::Uuid, files: &Files) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("It cannot be read: {error}.");
    let (_, content) = files
        .find(id)
        .map_err(unreadable)?
        .ok_or("There is no such file on this server.")?;
    let size_bytes = fs::metadata(&content).map_err(unreadable)?.len();
    if size_bytes > LARGEST_FILE {
        return Err(format!(
            "It has {size_bytes} bytes; at most {LARGEST_FILE} are read."
        ));
    }
    fs::read(content).map_err(unreadable)
}

/// The bytes of `image/png;base64,…`; padding may be missing.
fn decode(uri: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let (kind, data) = uri.split_once(',')?;
    kind.ends_with(";base64")
        .then(|| LENIENT.decode(data.trim()).ok())?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::Catalog;

    fn setup() -> (tempfile::TempDir, Files) {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path().join("files")).unwrap();
        (dir, files)
    }

    fn kind_of(address: &str, files: &Files) -> Option<String> {
        load("image_url", address, files).err()?.kind
    }

    #[test]
    fn own_files_are_found_under_any_former_port() {
        let (_dir, files) = setup();
        let about = files::About::new("a.png", "image/png");
        let id = files.save(b"picture", &about).unwrap();
        for origin in [
            "http://127.0.0.1:4100",
            "http://localhost:9",
            "https://v3.fal.media",
        ] {
            let address = format!("{origin}{}", about.path(id));
            assert_eq!(load("image_url", &address, &files).unwrap(), b"picture");
        }
    }

    #[test]
    fn other_addresses_are_refused_without_a_request() {
        let (_dir, files) = setup();
        let unknown = format!(
            "http://127.0.0.1:1/files/b/{}/x",
            uuid::Uuid::new_v4().simple()
        );
        for address in [
            unknown.as_str(),
            "https://example.test/a.png",
            "http://169.254.169.254/",
        ] {
            assert_eq!(
                kind_of(address, &files).as_deref(),
                Some("file_download_error"),
                "{address}"
            );
        }
        for address in ["/etc/passwd", "file:///etc/passwd", "blob:x", ""] {
            assert_eq!(
                kind_of(address, &files).as_deref(),
                Some("value_error"),
                "{address}"
            );
        }
    }

    #[test]
    fn a_data_uri_is_its_own_file() {
        let (_dir, files) = setup();
        for uri in ["data:image/png;base64,aGVsbG8=", "DATA:;base64,aGVsbG8"] {
            assert_eq!(load("image_url", uri, &files).unwrap(), b"hello");
        }
        for uri in ["data:image/png;base64,%%", "data:text/plain,hello", "data:"] {
            assert_eq!(
                kind_of(uri, &files).as_deref(),
                Some("file_download_error"),
                "{uri}"
            );
        }
    }

    #[test]
    fn units_are_seconds_of_video_and_double_at_720p() {
        let (_dir, files) = setup();
        let catalog = Catalog::builtin();
        let planned = |resolution: &str, seed: serde_json::Value| {
            let arguments: Arguments = serde_json::from_value(json!({
                "image_url": "data:;base64,aGk=", "text_input": "Hi.", "voice": "Bill", "num_frames": 145,
                "resolution": resolution, "seed": seed
            }))
            .unwrap();
            plan(catalog.first(), &arguments, &files).unwrap()
        };
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(planned("480p", json!(7)).billable_units, 5.8));
        assert!(close(planned("720p", json!(7)).billable_units, 11.6));
        assert_eq!(planned("480p", json!(-7)).seed, -7);
        let drawn = planned("480p", json!(null));
        assert_eq!(
            drawn.request.seed,
            drawn.seed.cast_unsigned(),
            "the drawn seed is told"
        );
    }
}
