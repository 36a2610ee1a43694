//! A picture as YUV planes, read between pixels.

use std::sync::Arc;

use super::super::encode::Frame;
use super::{to_byte, to_float};

/// A picture in YUV 4:2:0, BT.601 limited range.
pub(super) struct Planes {
    pub(super) width: usize,
    pub(super) height: usize,
    frame: Arc<Frame>,
}

/// Brightness of a colour (ITU-R BT.601, 16 to 235).
pub(super) fn luma_of(r: f32, g: f32, b: f32) -> f32 {
    16.0 + 0.256_788 * r + 0.504_129 * g + 0.097_906 * b
}

/// Blue and red difference of a colour (ITU-R BT.601, 16 to 240).
pub(super) fn chroma_of(r: f32, g: f32, b: f32) -> (f32, f32) {
    (
        128.0 - 0.148_223 * r - 0.290_993 * g + 0.439_216 * b,
        128.0 + 0.439_216 * r - 0.367_788 * g - 0.071_427 * b,
    )
}

impl Planes {
    /// Converts a picture whose sides are even.
    pub(super) fn from_rgb(picture: &image::RgbImage) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let pixels: Vec<[f32; 3]> = picture
            .as_raw()
            .chunks_exact(3)
            .map(|pixel| {
                [
                    f32::from(pixel[0]),
                    f32::from(pixel[1]),
                    f32::from(pixel[2]),
                ]
            })
            .collect();
        let luma = pixels
            .iter()
            .map(|[r, g, b]| to_byte(luma_of(*r, *g, *b)))
            .collect();
        let mut blue = Vec::with_capacity(width * height / 4);
        let mut red = Vec::with_capacity(width * height / 4);
        for y in (0..height).step_by(2) {
            for x in (0..width).step_by(2) {
                let at = y * width + x;
                let four = [
                    pixels[at],
                    pixels[at + 1],
                    pixels[at + width],
                    pixels[at + width + 1],
                ];
                let mean = |c: usize| four.iter().map(|pixel| pixel[c]).sum::<f32>() / 4.0;
                let (u, v) = chroma_of(mean(0), mean(1), mean(2));
                blue.push(to_byte(u));
                red.push(to_byte(v));
            }
        }
        Self::of(Arc::new(Frame {
            width,
            height,
            luma,
            blue,
            red,
        }))
    }

    /// A picture that is in YUV already.
    pub(super) fn of(frame: Arc<Frame>) -> Self {
        Self {
            width: frame.width,
            height: frame.height,
            frame,
        }
    }

    /// The picture as it is.
    pub(super) fn still(&self) -> Frame {
        Frame::clone(&self.frame)
    }

    /// Brightness at a point, pixel centres being whole numbers.
    pub(super) fn luma(&self, x: f32, y: f32) -> f32 {
        between(&self.frame.luma, self.width, self.height, x, y)
    }

    /// Colour at a point in the coordinates of [`Self::luma`].
    pub(super) fn chroma(&self, x: f32, y: f32) -> (f32, f32) {
        let (width, height) = (self.width / 2, self.height / 2);
        // A chroma sample lies in the middle of four pixels.
        let (x, y) = ((x - 0.5) / 2.0, (y - 0.5) / 2.0);
        (
            between(&self.frame.blue, width, height, x, y),
            between(&self.frame.red, width, height, x, y),
        )
    }
}

/// The value of a plane at a point between its pixels; beyond the border the border goes on.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "inside the plane after the clamp"
)]
fn between(plane: &[u8], width: usize, height: usize, x: f32, y: f32) -> f32 {
    let x = x.clamp(0.0, to_float(width - 1));
    let y = y.clamp(0.0, to_float(height - 1));
    let (left, top) = ((x as usize).min(width - 2), (y as usize).min(height - 2));
    let (px, py) = (x - to_float(left), y - to_float(top));
    let at = top * width + left;
    let upper = &plane[at..at + 2];
    let lower = &plane[at + width..at + width + 2];
    let mix = |pair: &[u8]| {
        let first = f32::from(pair[0]);
        first + (f32::from(pair[1]) - first) * px
    };
    let (above, below) = (mix(upper), mix(lower));
    above + (below - above) * py
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_white_and_red_have_the_standard_values() {
        for (rgb, luma, blue, red) in [
            ([0, 0, 0], 16, 128, 128),
            ([255, 255, 255], 235, 128, 128),
            ([255, 0, 0], 81, 90, 240),
        ] {
            let planes = Planes::from_rgb(&image::RgbImage::from_pixel(4, 4, image::Rgb(rgb)));
            let frame = planes.still();
            assert_eq!(
                (frame.luma[5], frame.blue[1], frame.red[1]),
                (luma, blue, red)
            );
        }
    }

    #[test]
    fn a_point_between_pixels_is_their_mean_and_the_border_goes_on() {
        let picture = image::RgbImage::from_fn(4, 4, |x, _| {
            let value = if x < 2 { 0 } else { 255 };
            image::Rgb([value; 3])
        });
        let planes = Planes::from_rgb(&picture);
        assert!((planes.luma(1.5, 1.0) - 125.5).abs() < 0.01);
        assert!((planes.luma(-9.0, 2.0) - 16.0).abs() < 0.01);
        assert!((planes.luma(99.0, 99.0) - 235.0).abs() < 0.01);
    }
}
