//! Reads the picture and cuts it to the shape of the video.

use std::io::Cursor;

use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage};

use super::{Error, Part};
use crate::model::crop;

/// Most bytes of an encoded picture.
pub const MAX_PICTURE_BYTES: usize = 32 * 1024 * 1024;
/// Least width and height of a picture in pixels; below it there is no mouth to move.
pub const MIN_PICTURE_SIDE: u32 = 96;
/// Greatest width and height of a picture in pixels.
pub const MAX_PICTURE_SIDE: u32 = 8192;
/// Memory the decoder may take: 8192 × 8192 pixels of RGBA, and a little for its own tables.
const MAX_DECODER_BYTES: u64 = 8192 * 8192 * 4 + 16 * 1024 * 1024;

/// Decodes a picture, turned upright as its metadata says, transparency laid over grey.
///
/// Bytes, sides and memory are limited before anything is decoded.
///
/// # Errors
/// One of the `Picture…` variants, or [`Error::FileTooLarge`].
pub(super) fn decode(bytes: &[u8]) -> Result<DynamicImage, Error> {
    if bytes.len() > MAX_PICTURE_BYTES {
        return Err(Error::FileTooLarge {
            part: Part::Picture,
            size_bytes: bytes.len(),
            max_bytes: MAX_PICTURE_BYTES,
        });
    }
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| unreadable(&error))?;
    match reader.format() {
        Some(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP) => {}
        Some(other) => {
            return Err(Error::PictureFormat {
                found: format!("{other:?} format"),
            });
        }
        None => {
            return Err(Error::PictureFormat {
                found: String::from("an unknown format"),
            });
        }
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(limits);

    let mut decoder = reader.into_decoder().map_err(|error| unreadable(&error))?;
    let (width, height) = decoder.dimensions();
    let too_large = Error::PictureTooLarge {
        width,
        height,
        max_width: MAX_PICTURE_SIDE,
        max_height: MAX_PICTURE_SIDE,
    };
    if width.max(height) > MAX_PICTURE_SIDE {
        return Err(too_large);
    }
    if width.min(height) < MIN_PICTURE_SIDE {
        return Err(Error::PictureTooSmall {
            width,
            height,
            min_width: MIN_PICTURE_SIDE,
            min_height: MIN_PICTURE_SIDE,
        });
    }
    // A picture with broken metadata is shown as it is stored.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = match DynamicImage::from_decoder(decoder) {
        Ok(picture) => picture,
        Err(ImageError::Limits(_)) => return Err(too_large),
        Err(error) => return Err(unreadable(&error)),
    };
    picture.apply_orientation(orientation);
    Ok(if picture.color().has_alpha() {
        over_grey(&picture)
    } else {
        picture
    })
}

/// Cuts the middle of the picture to the shape of `size` and scales it to exactly that.
pub(super) fn crop(picture: &DynamicImage, size: (u32, u32)) -> RgbImage {
    let part = crop::kept((picture.width(), picture.height()), size);
    picture
        .crop_imm(part.left, part.top, part.width, part.height)
        .resize_exact(size.0, size.1, FilterType::CatmullRom)
        .into_rgb8()
}

fn over_grey(picture: &DynamicImage) -> DynamicImage {
    const GREY: u32 = 128;
    let rgba = picture.to_rgba8();
    DynamicImage::ImageRgb8(RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0;
        let mix = |channel: u8| {
            let sum = u32::from(channel) * u32::from(a) + GREY * (255 - u32::from(a));
            u8::try_from((sum + 127) / 255).expect("a mean of two bytes is a byte")
        };
        image::Rgb([mix(r), mix(g), mix(b)])
    }))
}

fn unreadable(error: &dyn std::error::Error) -> Error {
    Error::PictureUnreadable {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        encoded(&RgbImage::new(width, height).into(), ImageFormat::Png)
    }

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn the_crop_keeps_the_middle() {
        // A red bar in the middle third of a wide picture fills a tall crop.
        let wide = RgbImage::from_fn(900, 300, |x, _| {
            image::Rgb(if (300..600).contains(&x) {
                [200, 0, 0]
            } else {
                [0, 0, 200]
            })
        });
        let cut = crop(&wide.into(), (160, 320));
        assert_eq!(cut.dimensions(), (160, 320));
        assert!(cut.pixels().all(|pixel| pixel.0 == [200, 0, 0]));
    }

    #[test]
    fn sides_are_checked_before_the_pixels_are_decoded() {
        assert!(matches!(
            decode(&png(95, 200)),
            Err(Error::PictureTooSmall {
                width: 95,
                height: 200,
                min_width: 96,
                ..
            })
        ));
        // A header that promises a huge picture, with no pixels behind it.
        let mut header = png(100, 100);
        header[16..20].copy_from_slice(&20_000_u32.to_be_bytes());
        header[20..24].copy_from_slice(&20_000_u32.to_be_bytes());
        let crc = crc32(&header[12..29]);
        header[29..33].copy_from_slice(&crc.to_be_bytes());
        assert!(matches!(
            decode(&header),
            Err(Error::PictureTooLarge { width: 20_000, .. })
        ));
    }

    #[test]
    fn bytes_that_are_no_picture_are_told_from_broken_pictures() {
        assert!(matches!(
            decode(b"once upon a time"),
            Err(Error::PictureFormat { .. })
        ));
        assert!(matches!(
            decode(b"GIF89a........"),
            Err(Error::PictureFormat { found }) if found.contains("Gif")
        ));
        let mut cut = png(200, 200);
        cut.truncate(cut.len() / 2);
        assert!(matches!(decode(&cut), Err(Error::PictureUnreadable { .. })));
    }

    #[test]
    fn transparency_is_laid_over_grey() {
        let clear = DynamicImage::new_rgba8(100, 100);
        let picture = decode(&encoded(&clear, ImageFormat::Png)).unwrap();
        assert_eq!(picture.to_rgb8().get_pixel(5, 5).0, [128, 128, 128]);
    }

    #[test]
    fn a_photo_is_turned_as_its_metadata_says() {
        let wide = DynamicImage::ImageRgb8(RgbImage::new(200, 100));
        let plain = encoded(&wide, ImageFormat::Jpeg);
        // An APP1 segment right after the start marker: TIFF header, one entry, orientation 6 (turn right).
        let exif: &[u8] = &[
            0xFF, 0xE1, 0x00, 0x22, b'E', b'x', b'i', b'f', 0, 0, b'M', b'M', 0, 42, 0, 0, 0, 8, 0,
            1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0,
        ];
        let mut turned = plain[..2].to_vec();
        turned.extend_from_slice(exif);
        turned.extend_from_slice(&plain[2..]);
        assert_eq!(decode(&plain).unwrap().width(), 200);
        assert_eq!(decode(&turned).unwrap().width(), 100);
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 }
            })
        })
    }
}
