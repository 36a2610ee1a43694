//! Which texts are files.

use serde_json::Value;

use crate::catalog::MediaKind;

/// Words in a name that tell what a file is.
const IMAGE: [&str; 10] = [
    "image",
    "images",
    "picture",
    "photo",
    "mask",
    "portrait",
    "face",
    "frame",
    "thumbnail",
    "avatar",
];
const AUDIO: [&str; 7] = [
    "audio", "audios", "sound", "speech", "music", "song", "voice",
];
const VIDEO: [&str; 4] = ["video", "videos", "clip", "movie"];
/// Addresses that are no files.
const NO_FILE: [&str; 5] = ["webhook", "callback", "website", "page", "repo"];

/// What file a text of this name and description stands for, where it stands for one.
///
/// fal's documents have no type for files: they are texts, told by names such as `image_url`, `image_urls`,
/// `end_image_url` or `start_image`, and by descriptions such as "URL of the image".
pub(super) fn of(name: &str, description: &Value, schema: &Value) -> Option<MediaKind> {
    let name = name.to_lowercase();
    let words: Vec<&str> = name.split(['_', '-', '.']).collect();
    let described = description.as_str().unwrap_or_default().to_lowercase();
    let is_address = |word: &str| matches!(word, "url" | "urls" | "uri" | "uris");
    let is_url = words.iter().any(|word| is_address(word)) || schema["format"] == "uri";
    let says_url = [
        "url of", "urls of", "url to", "urls to", "url for", "a url", "the url",
    ]
    .iter()
    .any(|start| described.contains(start));
    if words.iter().any(|word| NO_FILE.contains(word)) {
        return None;
    }
    // The last word that says something is the one that counts: `image_audio_url` is sound.
    let named = words.iter().rev().find_map(|word| kind(word));
    let last = words.iter().rev().find(|word| !is_digits(word));
    let ends_in_kind = last.is_some_and(|word| {
        // A face or a voice may well be a name; a picture is not.
        ["image", "images", "audio", "video", "videos"].contains(word)
    });
    if is_url {
        return Some(
            named
                .or_else(|| kind_in(&described))
                .unwrap_or(MediaKind::Other),
        );
    }
    if ends_in_kind {
        return named;
    }
    // Without a name that says so, only a description that names both is believed.
    if says_url {
        named.or_else(|| kind_in(&described))
    } else {
        None
    }
}

fn is_digits(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

fn kind(word: &str) -> Option<MediaKind> {
    if IMAGE.contains(&word) {
        Some(MediaKind::Image)
    } else if AUDIO.contains(&word) {
        Some(MediaKind::Audio)
    } else if VIDEO.contains(&word) {
        Some(MediaKind::Video)
    } else {
        None
    }
}

/// The first kind that a sentence names.
fn kind_in(described: &str) -> Option<MediaKind> {
    described
        .split(|c: char| !c.is_alphanumeric())
        .find_map(kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_descriptions_tell_files() {
        use MediaKind::{Audio, Image, Other, Video};
        let cases = [
            ("image_url", "", Some(Image)),
            ("image_urls", "", Some(Image)),
            ("end_image_url", "", Some(Image)),
            ("start_image", "", Some(Image)),
            ("image_2", "", Some(Image)),
            ("first_frame_url", "", Some(Image)),
            ("mask_url", "", Some(Image)),
            ("first_audio_url", "", Some(Audio)),
            ("video_url", "URL of the video", Some(Video)),
            ("reference", "URL of the image to follow", Some(Image)),
            ("url", "The URL of the audio file", Some(Audio)),
            ("archive_url", "", Some(Other)),
            ("webhook_url", "", None),
            ("voice", "The name of the voice", None),
            ("path", "URL or the path to the LoRA weights", None),
            ("prompt", "What the image shows", None),
            ("image_prompt", "", None),
            ("image_size", "", None),
        ];
        for (name, description, want) in cases {
            assert_eq!(of(name, &json!(description), &json!({})), want, "{name}");
        }
        assert_eq!(
            of("source", &Value::Null, &json!({"format": "uri"})),
            Some(Other)
        );
    }
}
