//! Files of this machine as inputs: there, readable, and really what they are meant to be.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest, Sha256};
use symphonia::core::formats::TrackType;

mod media;
mod picture;

pub use self::picture::{Picture, check_picture};
use self::{media::check_media, picture::look_at_picture};
use crate::{
    catalog::{Catalog, FileArgument, MediaKind},
    model::{Arguments, CleanText, EndpointId, job::FieldError},
};

/// The largest picture that is sent, in bytes. fal names no limit; a photo of a phone has a tenth of it.
pub const LARGEST_PICTURE: u64 = 40 << 20;
/// The largest sound or video file that is sent, in bytes.
pub const LARGEST_MEDIA: u64 = 500 << 20;
/// The longest side of a picture that is sent, in pixels.
pub const LONGEST_SIDE: u32 = 16_384;

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its MIME type.
    pub mime: &'static str,
    /// The usual extension.
    pub extension: &'static str,
}

/// The path that a file argument names, or `None` when it is a web address or a data URI.
///
/// A leading `~/` is the home directory; a relative path starts at the current one.
#[must_use]
pub fn local_path(value: &str) -> Option<PathBuf> {
    let lower = value.trim_start().to_ascii_lowercase();
    if ["http://", "https://", "data:"]
        .iter()
        .any(|start| lower.starts_with(start))
    {
        return None;
    }
    let path = match value.strip_prefix("~/") {
        Some(rest) => std::env::home_dir()?.join(rest),
        None => PathBuf::from(value),
    };
    Some(std::path::absolute(&path).unwrap_or(path))
}

/// The file arguments that name files of this machine.
pub(super) fn local_files(
    catalog: &Catalog,
    endpoint: &EndpointId,
    arguments: &Arguments,
) -> Vec<(FileArgument, PathBuf)> {
    let Some(endpoint) = catalog.get(endpoint) else {
        return Vec::new();
    };
    endpoint
        .files(arguments)
        .into_iter()
        .filter_map(|file| {
            let path = local_path(&file.value)?;
            Some((file, path))
        })
        .collect()
}

/// What was found out about files, so that each is looked at once.
#[derive(Debug, Default)]
pub(super) struct Checked {
    known: HashMap<(PathBuf, MediaKind), Result<(), CleanText>>,
}

impl Checked {
    /// Checks the local files among `arguments`, and makes their paths absolute.
    pub(super) fn check(
        &mut self,
        catalog: &Catalog,
        endpoint: &EndpointId,
        arguments: &mut Arguments,
    ) -> Vec<FieldError> {
        let mut errors = Vec::new();
        for (file, path) in local_files(catalog, endpoint, arguments) {
            let found = self
                .known
                .entry((path.clone(), file.kind))
                .or_insert_with(|| inspect(&path, file.kind).map(drop));
            match (found, path.to_str()) {
                (Err(reason), _) => errors.push(FieldError::new(&file.name, reason.clone())),
                (Ok(()), Some(text)) => arguments.set_at(&file.pointer, text),
                (Ok(()), None) => errors.push(FieldError::new(
                    &file.name,
                    CleanText::line(&format!("{} is no UTF-8; rename the file", path.display())),
                )),
            }
        }
        errors
    }
}

/// A file that may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its format by content, such as `png`.
    pub format: &'static str,
    /// Pixels across and down, of a picture.
    pub pixels: Option<(u32, u32)>,
    /// Whether the picture is stored in another way than it is seen, and turned by its metadata.
    pub is_turned: bool,
    /// How long it plays, of sound and video, where that can be told.
    pub length: Option<Duration>,
    /// Its length.
    pub bytes: u64,
}

/// How long the sound file plays that an argument names; nothing for an address.
#[must_use]
pub fn sound_length(value: &str) -> Option<Duration> {
    let path = local_path(value)?;
    inspect(&path, MediaKind::Audio).ok()?.length
}

/// Checks that `path` is what a field of this kind takes, and says what it is.
///
/// # Errors
/// One line: which file, what is wrong, what to do.
pub fn inspect(path: &Path, kind: MediaKind) -> Result<Facts, CleanText> {
    facts(path, kind, check_picture)
}

/// As [`inspect`], without decoding pictures: for whoever looks at many files.
///
/// # Errors
/// As [`inspect`], but for damage that is found only further down in a picture.
pub fn look(path: &Path, kind: MediaKind) -> Result<Facts, CleanText> {
    facts(path, kind, look_at_picture)
}

fn facts(
    path: &Path,
    kind: MediaKind,
    picture: impl FnOnce(&Path) -> Result<Picture, CleanText>,
) -> Result<Facts, CleanText> {
    let say = |error: io::Error| CleanText::line(&format!("{} {}", path.display(), reason(&error)));
    let (mut pixels, mut is_turned, mut length) = (None, false, None);
    match kind {
        MediaKind::Image => {
            let picture = picture(path)?;
            pixels = Some((picture.width, picture.height));
            is_turned = picture.is_turned;
        }
        MediaKind::Audio => length = check_media(path, TrackType::Audio)?,
        MediaKind::Video => length = check_media(path, TrackType::Video)?,
        MediaKind::Other => readable(path, LARGEST_MEDIA)?,
    }
    let bytes = fs::metadata(path).map_err(say)?.len();
    let format = kind_of(path).map_err(say)?.extension;
    Ok(Facts {
        format,
        pixels,
        is_turned,
        length,
        bytes,
    })
}

/// A plain file, not empty, not larger than `most`.
fn readable(path: &Path, most: u64) -> Result<(), CleanText> {
    let say = |what: &str| CleanText::line(&format!("{} {what}", path.display()));
    let found = fs::metadata(path).map_err(|error| say(&reason(&error)))?;
    if found.is_dir() {
        return Err(say("is a directory; name a file"));
    }
    // Opening a pipe would wait for ever.
    if !found.is_file() {
        return Err(say("is no plain file; name one"));
    }
    match found.len() {
        0 => Err(say("is empty; name another file")),
        bytes if bytes > most => Err(say(&format!(
            "has {} MiB; at most {} MiB can be sent",
            bytes.div_ceil(1 << 20),
            most >> 20
        ))),
        _ => Ok(()),
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read".to_owned(),
        kind => format!("cannot be read: {kind}"),
    }
}

impl Kind {
    fn in_words(self) -> String {
        match self.extension {
            "bin" => "of no kind that talkdeck knows".to_owned(),
            extension => format!("{} ({})", extension.to_uppercase(), self.mime),
        }
    }
}

/// What `path` is by its first bytes; `application/octet-stream` when they tell nothing.
///
/// # Errors
/// When it cannot be read.
pub fn kind_of(path: &Path) -> io::Result<Kind> {
    let mut head = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut head)?;
    Ok(sniff(&head))
}

fn sniff(head: &[u8]) -> Kind {
    let kind = |mime, extension| Kind { mime, extension };
    let brand = |at: usize| head.get(at..at + 4).unwrap_or_default();
    match (brand(0), brand(4), brand(8)) {
        (b"\x89PNG", ..) => kind("image/png", "png"),
        ([0xff, 0xd8, 0xff, _], ..) => kind("image/jpeg", "jpg"),
        (b"RIFF", _, b"WEBP") => kind("image/webp", "webp"),
        (b"RIFF", _, b"WAVE") => kind("audio/wav", "wav"),
        (b"GIF8", ..) => kind("image/gif", "gif"),
        (_, b"ftyp", b"avif" | b"avis") => kind("image/avif", "avif"),
        (_, b"ftyp", b"mif1" | b"msf1") if head.windows(4).any(|brand| brand == b"avif") => {
            kind("image/avif", "avif")
        }
        (_, b"ftyp", b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"mif1" | b"msf1") => {
            kind("image/heic", "heic")
        }
        (_, b"ftyp", b"M4A " | b"M4B ") => kind("audio/mp4", "m4a"),
        (_, b"ftyp", b"qt  ") => kind("video/quicktime", "mov"),
        (_, b"ftyp", _) => kind("video/mp4", "mp4"),
        ([0x1a, 0x45, 0xdf, 0xa3], ..) => kind("video/webm", "webm"),
        (b"fLaC", ..) => kind("audio/flac", "flac"),
        (b"OggS", ..) => kind("audio/ogg", "ogg"),
        ([b'I', b'D', b'3', _] | [0xff, 0xfa | 0xfb | 0xf2 | 0xf3, ..], ..) => {
            kind("audio/mpeg", "mp3")
        }
        ([0xff, 0xf1 | 0xf9, ..], ..) => kind("audio/aac", "aac"),
        _ => kind("application/octet-stream", "bin"),
    }
}

/// The SHA-256 of the file's content, in hexadecimal.
///
/// # Errors
/// When it cannot be read.
pub fn content_hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    Ok(hex(&hasher.finalize()))
}

/// `bytes` in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use image::ImageFormat;

    use super::{picture::LARGEST_DECODED, *};

    fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("input");
        fs::write(&path, bytes).unwrap();
        (dir, path)
    }

    fn png() -> Vec<u8> {
        let mut bytes = Vec::new();
        image::RgbImage::new(3, 2)
            .write_to(&mut io::Cursor::new(&mut bytes), ImageFormat::Png)
            .unwrap();
        bytes
    }

    /// A PNG whose head claims a huge size, with the checksum that goes with it.
    fn bomb() -> Vec<u8> {
        let mut bytes = png();
        bytes[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        bytes[29..33].copy_from_slice(&0x0fb0_e215_u32.to_be_bytes());
        bytes
    }

    fn wav() -> Vec<u8> {
        let mut bytes = b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        bytes.extend([0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0]);
        bytes.extend(b"data\x08\0\0\0\0\0\0\0\0\0\0\0");
        bytes
    }

    #[test]
    fn a_picture_is_known_by_its_content_whatever_its_name() {
        let (_dir, path) = file(&png());
        let picture = check_picture(&path).unwrap();
        assert_eq!(
            (picture.width, picture.height, picture.format),
            (3, 2, "png")
        );
    }

    #[test]
    fn what_is_no_picture_is_refused_with_the_reason() {
        let cases: [(&[u8], &str); 9] = [
            (b"", "is empty"),
            (
                b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf",
                "is AVIF (image/avif), which endpoints do not take; save it as JPEG, as “magick in.avif out.jpg” does",
            ),
            (
                b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic",
                "is HEIC (image/heic), which endpoints do not take; save it as JPEG, as “magick in.heic out.jpg” does",
            ),
            (b"hello, no picture", "of no kind"),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
            (b"GIF89a\x01\0\x01\0\0\0\0", "GIF"),
            (&png()[..20], "broken png"),
            (&png()[..png().len() - 24], "broken png"),
            (&bomb(), "60000×60000"),
        ];
        for (bytes, want) in cases {
            let (_dir, path) = file(bytes);
            let said = check_picture(&path).unwrap_err();
            assert!(said.as_str().contains(want), "{said} lacks {want}");
        }
        let (dir, path) = file(b"x");
        assert!(
            check_picture(dir.path())
                .unwrap_err()
                .as_str()
                .contains("directory")
        );
        let gone = path.with_extension("gone");
        let missing = check_picture(&gone).unwrap_err();
        let want = format!("{} does not exist", gone.display());
        assert_eq!(missing.as_str(), want);
        let large = File::options().write(true).open(&path).unwrap();
        large.set_len(50_000_000).unwrap();
        assert!(
            check_picture(&path)
                .unwrap_err()
                .as_str()
                .contains("has 48 MiB; at most 40 MiB can be sent")
        );
    }

    /// 200 × 100 pixels as a JPEG with the orientation of its EXIF data.
    fn turned_jpeg(orientation: u8) -> Vec<u8> {
        let mut plain = Vec::new();
        image::RgbImage::new(200, 100)
            .write_to(&mut io::Cursor::new(&mut plain), ImageFormat::Jpeg)
            .unwrap();
        // An APP1 segment right after the start marker: TIFF header, one entry.
        let exif = [
            &b"\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..],
            &[orientation, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        [&plain[..2], &exif, &plain[2..]].concat()
    }

    #[test]
    fn a_photo_is_measured_as_it_is_seen() {
        for (orientation, pixels, is_turned) in [
            (1, (200, 100), false),
            (3, (200, 100), true),
            (6, (100, 200), true),
            (8, (100, 200), true),
            (99, (200, 100), false),
        ] {
            let (_dir, path) = file(&turned_jpeg(orientation));
            let facts = inspect(&path, MediaKind::Image).unwrap();
            let found = (facts.pixels, facts.is_turned);
            assert_eq!(
                found,
                (Some(pixels), is_turned),
                "orientation {orientation}"
            );
        }
    }

    /// A part of a PNG with its checksum.
    fn png_part(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
        let mut crc = !0_u32;
        for byte in kind.iter().chain(data) {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
            }
        }
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length[..], &kind, data, &(!crc).to_be_bytes()].concat()
    }

    /// A PNG of `side`² pixels in RGBA that holds next to nothing.
    fn hollow_png(side: u32) -> Vec<u8> {
        let side = side.to_be_bytes();
        let head = [&side[..], &side, &[8, 6, 0, 0, 0]].concat();
        // An empty zlib stream.
        let body = [0x78, 0x9c, 0x03, 0, 0, 0, 0, 1];
        [
            &b"\x89PNG\r\n\x1a\n"[..],
            &png_part(*b"IHDR", &head),
            &png_part(*b"IDAT", &body),
            &png_part(*b"IEND", b""),
        ]
        .concat()
    }

    fn peak_kib() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn what_would_unpack_to_more_than_memory_is_refused_before_it_does() {
        let webp = |payload: &[u8]| {
            let length = u32::try_from(payload.len() + 4).unwrap().to_le_bytes();
            [&b"RIFF"[..], &length, b"WEBP", payload].concat()
        };
        let gif: Vec<u8> = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff"
            .iter()
            .copied()
            .chain(
                b"\x21\xf9\x04\0\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0"
                    .repeat(1_000_000),
            )
            .chain(*b";")
            .collect();
        let jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xd9";
        let svg =
            b"<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY a \"aaaaaaaaaa\">]><svg>&a;&a;</svg>";
        let mp4 = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2mp41";
        let cases: [(&str, Vec<u8>, &str); 9] = [
            ("PNG of 60000 pixels", hollow_png(60_000), "60000×60000"),
            (
                "PNG of 4 billion pixels",
                hollow_png(u32::MAX >> 1),
                "broken png",
            ),
            ("PNG of a GiB", hollow_png(LONGEST_SIDE), "broken png"),
            (
                "GIF of a million frames",
                gif,
                "GIF (image/gif), not a picture",
            ),
            ("JPEG of 65535 pixels", jpeg.to_vec(), "broken jpeg"),
            (
                "WebP of 16384 pixels",
                webp(b"VP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0"),
                "broken webp",
            ),
            ("SVG", svg.to_vec(), "of no kind that talkdeck knows"),
            (
                "SVGZ",
                b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xb3\x29\x2e".to_vec(),
                "of no kind that talkdeck knows",
            ),
            (
                "mislabelled video",
                mp4.to_vec(),
                "MP4 (video/mp4), not a picture",
            ),
        ];
        let before = peak_kib();
        for (name, bytes, want) in cases {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("face.png");
            fs::write(&path, bytes).unwrap();
            let said = check_picture(&path).unwrap_err();
            assert!(said.as_str().contains(want), "{name}: {said}");
        }
        // The other tests of this process take some, too; a GiB of pixels would show.
        let taken = peak_kib() - before;
        assert!(taken < LARGEST_DECODED >> 10, "{taken} KiB");
    }

    #[test]
    fn a_film_whose_tables_claim_more_than_memory_is_looked_at_without_it() {
        let atom = |kind: &[u8; 4], data: &[u8]| {
            let length = u32::try_from(data.len() + 8).unwrap().to_be_bytes();
            [&length[..], kind, data].concat()
        };
        let claims = [
            &[0; 4][..],
            &[0; 4],
            &0xffff_fff0_u32.to_be_bytes(),
            &[0; 16],
        ]
        .concat();
        let table = [
            atom(b"stsz", &claims),
            atom(b"stts", &claims),
            atom(b"stco", &claims),
        ]
        .concat();
        let inner = atom(
            b"moov",
            &atom(
                b"trak",
                &atom(b"mdia", &atom(b"minf", &atom(b"stbl", &table))),
            ),
        );
        let film = [atom(b"ftyp", b"M4A \0\0\0\0isommp42"), inner].concat();
        let before = peak_kib();
        let (_dir, path) = file(&film);
        assert!(check_media(&path, TrackType::Audio).is_err());
        let riff = [
            &b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\x7f"[..],
            &[1; 64],
        ]
        .concat();
        let (_dir, path) = file(&riff);
        assert!(check_media(&path, TrackType::Audio).is_err());
        let taken = peak_kib() - before;
        assert!(taken < LARGEST_DECODED >> 10, "{taken} KiB");
    }

    #[test]
    fn sound_is_known_by_its_content() {
        let (_dir, path) = file(&wav());
        let half_a_millisecond = Some(Duration::from_micros(500));
        assert_eq!(check_media(&path, TrackType::Audio), Ok(half_a_millisecond));
        assert!(check_media(&path, TrackType::Video).is_err());
        let (_dir, path) = file(&png());
        let said = check_media(&path, TrackType::Audio).unwrap_err();
        assert!(said.as_str().contains("no sound"), "{said}");
    }

    #[test]
    fn web_addresses_and_data_are_no_paths() {
        for value in [
            "https://x.test/a.png",
            "HTTP://x.test/",
            "data:image/png;base64,AA",
        ] {
            assert_eq!(local_path(value), None, "{value}");
        }
        assert!(local_path("a.png").unwrap().is_absolute());
        assert_eq!(local_path("/a b/c.png"), Some(PathBuf::from("/a b/c.png")));
        assert!(!local_path("~/x.png").unwrap().starts_with("~"));
    }

    #[test]
    fn equal_content_has_equal_hashes() {
        let ((_a, a), (_b, b)) = (file(b"abc"), file(b"abc"));
        assert_eq!(content_hash(&a).unwrap(), content_hash(&b).unwrap());
        assert!(content_hash(&a).unwrap().starts_with("ba7816bf"));
    }
}
