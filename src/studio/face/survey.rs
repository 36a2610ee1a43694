//! A small copy of the picture that answers "how bright, how skin-coloured is it around here" quickly.

use image::RgbImage;

use super::super::encode::Frame;

/// Longest side of the small copy: eyes of a head a fifth as high as the frame are still some pixels apart.
const LONGEST: usize = 360;

/// Brightness and colour of a picture, a few times smaller than it.
pub(super) struct Survey {
    pub(super) width: usize,
    pub(super) height: usize,
    /// How many pixels of the picture lie in one of the survey, along a side.
    pub(super) factor: usize,
    /// Sums of brightness over everything left of and above a point.
    luma: Vec<f32>,
    /// The same of brightness with bright specks taken out.
    dark: Vec<f32>,
    /// The same of redness (Cr − 128).
    red: Vec<f32>,
    /// The same of blueness (Cb − 128).
    blue: Vec<f32>,
    /// Whether the picture has no colours to speak of, so that skin cannot be told.
    pub(super) is_grey: bool,
}

impl Survey {
    pub(super) fn of(picture: &RgbImage) -> Self {
        let (full_width, full_height) = (picture.width() as usize, picture.height() as usize);
        let factor = full_width.max(full_height).div_ceil(LONGEST);
        let (width, height) = (full_width / factor, full_height / factor);
        let area = count(factor * factor);
        let raw = picture.as_raw();
        let mut colours = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let mut sum = [0_u32; 3];
                for line in 0..factor {
                    let start = 3 * ((y * factor + line) * full_width + x * factor);
                    for pixel in raw[start..start + 3 * factor].chunks_exact(3) {
                        for (total, channel) in sum.iter_mut().zip(pixel) {
                            *total += u32::from(*channel);
                        }
                    }
                }
                #[expect(clippy::cast_precision_loss, reason = "sums of some hundred bytes")]
                let mean = sum.map(|channel| channel as f32 / area);
                colours.push(mean);
            }
        }
        Self::new(&colours, width, height, factor)
    }

    /// A part (left, top, right, bottom; even) of a frame.
    pub(super) fn of_frame(frame: &Frame, [left, top, right, bottom]: [usize; 4]) -> Self {
        let factor = (right - left).max(bottom - top).div_ceil(LONGEST);
        let (width, height) = ((right - left) / factor, (bottom - top) / factor);
        let mut colours = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let (x, y) = (left + x * factor, top + y * factor);
                let mut sum = 0;
                for line in y..y + factor {
                    let row = &frame.luma[line * frame.width + x..][..factor];
                    sum += row.iter().copied().map(usize::from).sum::<usize>();
                }
                let luma = count(sum) / count(factor * factor);
                // A colour changes slower than brightness: its middle will do.
                let (x, y) = (x + factor / 2, y + factor / 2);
                let at = y / 2 * (frame.width / 2) + x / 2;
                colours.push(rgb(luma, frame.blue[at].into(), frame.red[at].into()));
            }
        }
        Self::new(&colours, width, height, factor)
    }

    fn new(colours: &[[f32; 3]], width: usize, height: usize, factor: usize) -> Self {
        let spread = |[r, g, b]: &[f32; 3]| r.max(*g).max(*b) - r.min(*g).min(*b);
        let colourful = colours.iter().map(spread).sum::<f32>() / count(colours.len());
        let sums = |value: &dyn Fn(&[f32; 3]) -> f32| integral(colours, width, value);
        Self {
            width,
            height,
            factor,
            luma: sums(&luma),
            dark: integral_of(&darkened(colours, width), width),
            red: sums(&red_difference),
            blue: sums(&blue_difference),
            is_grey: colourful < 4.0,
        }
    }

    /// Mean brightness of a box around a point, 0 to 255.
    pub(super) fn luma(&self, x: f32, y: f32, half_width: f32, half_height: f32) -> f32 {
        self.mean(&self.luma, x, y, half_width, half_height)
    }

    /// Mean brightness of a box around a point where every pixel counts as dark as the darkest beside it.
    pub(super) fn dark(&self, x: f32, y: f32, half_width: f32, half_height: f32) -> f32 {
        self.mean(&self.dark, x, y, half_width, half_height)
    }

    /// Mean redness of a box around a point, −128 to 127.
    pub(super) fn red(&self, x: f32, y: f32, half_width: f32, half_height: f32) -> f32 {
        self.mean(&self.red, x, y, half_width, half_height)
    }

    /// Mean brightness, redness and blueness of a square around a point.
    pub(super) fn colour(&self, x: f32, y: f32, half: f32) -> [f32; 3] {
        [&self.luma, &self.red, &self.blue].map(|sums| self.mean(sums, x, y, half, half))
    }

    /// Whether a point lies inside.
    pub(super) fn holds(&self, x: f32, y: f32) -> bool {
        x >= 0.0 && y >= 0.0 && x < count(self.width) && y < count(self.height)
    }

    fn mean(&self, sums: &[f32], x: f32, y: f32, half_width: f32, half_height: f32) -> f32 {
        let (left, right) = Self::range(x, half_width, self.width);
        let (top, bottom) = Self::range(y, half_height, self.height);
        let row = self.width + 1;
        let total =
            sums[bottom * row + right] - sums[top * row + right] - sums[bottom * row + left]
                + sums[top * row + left];
        total / count((right - left) * (bottom - top))
    }

    /// The pixels whose middle lies within `half` of `at`, at least one, inside the picture.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "inside the picture after the clamp"
    )]
    fn range(at: f32, half: f32, limit: usize) -> (usize, usize) {
        let half = half.max(0.5);
        let from = (at - half + 0.5).clamp(0.0, count(limit - 1)) as usize;
        let to = ((at + half + 0.5).clamp(1.0, count(limit)) as usize).max(from + 1);
        (from, to)
    }
}

/// Whether a colour (brightness, redness, blueness) can be that of skin, from very light to very dark, in most light.
///
/// What skin of every tone shares is its hue, red before green before blue, by blood and melanin.
pub(super) fn is_skin([luma, red, blue]: [f32; 3]) -> bool {
    // Dark skin differs less from grey, in proportion to its brightness.
    let least = 1.5 + 0.015 * luma;
    luma > 14.0
        && red > least
        && red < 60.0
        && blue < -0.2 * least
        && blue > -64.0
        && red > -0.30 * blue
}

/// The colour of a pixel in BT.601, limited range.
fn rgb(luma: f32, blue: f32, red: f32) -> [f32; 3] {
    let (luma, blue, red) = (1.164 * (luma - 16.0), blue - 128.0, red - 128.0);
    [
        luma + 1.596 * red,
        luma - 0.392 * blue - 0.813 * red,
        luma + 2.017 * blue,
    ]
    .map(|channel| channel.clamp(0.0, 255.0))
}

fn luma([r, g, b]: &[f32; 3]) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

fn red_difference(colour: &[f32; 3]) -> f32 {
    0.713 * (colour[0] - luma(colour))
}

fn blue_difference(colour: &[f32; 3]) -> f32 {
    0.564 * (colour[2] - luma(colour))
}

/// Brightness of every pixel, or of the darkest one beside it.
///
/// The whites of the eyes outshine dark skin; so narrowed they do not hide the iris and the lashes.
fn darkened(colours: &[[f32; 3]], width: usize) -> Vec<f32> {
    let lumas: Vec<f32> = colours.iter().map(luma).collect();
    let height = lumas.len() / width;
    (0..lumas.len())
        .map(|at| {
            let (x, y) = (at % width, at / width);
            let mut least = lumas[at];
            for row in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                for column in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                    least = least.min(lumas[row * width + column]);
                }
            }
            least
        })
        .collect()
}

fn integral(colours: &[[f32; 3]], width: usize, value: &dyn Fn(&[f32; 3]) -> f32) -> Vec<f32> {
    let values: Vec<f32> = colours.iter().map(value).collect();
    integral_of(&values, width)
}

/// Sums over everything left of and above each corner of a pixel.
fn integral_of(values: &[f32], width: usize) -> Vec<f32> {
    let row = width + 1;
    let mut sums = vec![0.0; row];
    for line in values.chunks_exact(width) {
        let above = sums.len() - row;
        let mut total = 0.0;
        sums.push(0.0);
        for (x, value) in line.iter().enumerate() {
            total += value;
            sums.push(sums[above + x + 1] + total);
        }
    }
    sums
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of pixels of a small picture"
)]
pub(super) fn count(value: usize) -> f32 {
    value as f32
}
