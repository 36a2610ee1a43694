//! Pictures: whole, of a format that endpoints take, measured as they are seen.

use std::{fs::File, io::BufReader, path::Path};

use image::{ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, metadata::Orientation};

use super::{LARGEST_PICTURE, LONGEST_SIDE, kind_of, readable, reason};
use crate::model::CleanText;

/// Memory that decoding a picture for its check may take; 100 megapixels of RGBA.
pub(super) const LARGEST_DECODED: u64 = 400 << 20;

/// A picture that may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across, as it is seen.
    pub width: u32,
    /// Pixels down, as it is seen.
    pub height: u32,
    /// `png`, `jpeg` or `webp`.
    pub format: &'static str,
    /// Whether it is stored in another way than it is seen, and turned by its metadata.
    pub is_turned: bool,
}

/// Checks that `path` is a picture that may be sent: PNG, JPEG or WebP by its content, not too large.
///
/// It is decoded whole, within limits: one that was cut off is found here instead of at the server.
///
/// # Errors
/// One line: which file, what is wrong, what to do.
pub fn check_picture(path: &Path) -> Result<Picture, CleanText> {
    let picture = look_at_picture(path)?;
    let say = |what: &str| CleanText::line(&format!("{} {what}", path.display()));
    // A picture that was cut off looks whole until its last row; the server would find out after the wait.
    let mut whole = open(path).map_err(|error| say(&reason(&error)))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(LARGEST_DECODED);
    whole.limits(limits);
    whole
        .decode()
        .map_err(|error| say(&broken(picture.format, &error)))?;
    Ok(picture)
}

/// As [`check_picture`], by its head alone: for whoever looks at many.
///
/// # Errors
/// As [`check_picture`], but for what is found only further down.
pub(super) fn look_at_picture(path: &Path) -> Result<Picture, CleanText> {
    let say = |what: &str| CleanText::line(&format!("{} {what}", path.display()));
    readable(path, LARGEST_PICTURE)?;
    let reader = open(path).map_err(|error| say(&reason(&error)))?;
    let format = match reader.format() {
        Some(ImageFormat::Png) => "png",
        Some(ImageFormat::Jpeg) => "jpeg",
        Some(ImageFormat::WebP) => "webp",
        _ => {
            let kind = kind_of(path).map_err(|error| say(&reason(&error)))?;
            return Err(say(&match kind.extension {
                // What phones and cameras make: a picture, and the next step is known.
                "heic" | "avif" => format!(
                    "is {}, which endpoints do not take; save it as JPEG, as “magick {}” does",
                    kind.in_words(),
                    format_args!("in.{0} out.jpg", kind.extension),
                ),
                _ => format!(
                    "is {}, not a picture that can be sent; use PNG, JPEG or WebP",
                    kind.in_words()
                ),
            }));
        }
    };
    let mut decoder = reader
        .into_decoder()
        .map_err(|error| say(&broken(format, &error)))?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 || width.max(height) > LONGEST_SIDE {
        return Err(say(&format!(
            "has {width}×{height} pixels; a side may have 1 to {LONGEST_SIDE}"
        )));
    }
    // A picture with broken metadata is shown as it is stored.
    let turn = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let is_on_its_side = matches!(
        turn,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let (width, height) = if is_on_its_side {
        (height, width)
    } else {
        (width, height)
    };
    Ok(Picture {
        width,
        height,
        format,
        is_turned: turn != Orientation::NoTransforms,
    })
}

fn open(path: &Path) -> std::io::Result<ImageReader<BufReader<File>>> {
    ImageReader::new(BufReader::new(File::open(path)?)).with_guessed_format()
}

fn broken(format: &str, error: &ImageError) -> String {
    format!("is a broken {format}: {error}; export it again")
}
