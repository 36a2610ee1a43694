//! Brings decoded pictures upright and to the size of the result.

use openh264::formats::YUVSource;

use super::super::encode::Frame;
use super::container::Turn;

/// One plane of a decoded picture.
struct Plane<'a> {
    values: std::borrow::Cow<'a, [u8]>,
    width: usize,
    height: usize,
    /// Values from one row to the next.
    stride: usize,
}

/// The middle of `picture`, turned, cut to the shape of `size` and scaled to exactly that.
///
/// The values are taken as they are: BT.601 in limited range, which what telephones and fal itself make differs from
/// by shades only.
pub(super) fn fit(picture: &impl YUVSource, turn: Turn, size: (usize, usize)) -> Frame {
    let (width, height) = picture.dimensions();
    let (stride, chroma_stride, _) = picture.strides();
    let luma = Plane::of(picture.y(), width, height, stride);
    let chroma = |values| Plane::of(values, width / 2, height / 2, chroma_stride);
    let half = (size.0 / 2, size.1 / 2);
    Frame {
        width: size.0,
        height: size.1,
        luma: luma.fit(turn, size),
        blue: chroma(picture.u()).fit(turn, half),
        red: chroma(picture.v()).fit(turn, half),
    }
}

impl<'a> Plane<'a> {
    fn of(values: &'a [u8], width: usize, height: usize, stride: usize) -> Self {
        Self {
            values: values.into(),
            width,
            height,
            stride,
        }
    }

    fn fit(mut self, turn: Turn, (width, height): (usize, usize)) -> Vec<u8> {
        let mut scale = self.scale(turn, width, height);
        // Between pixels lies the mean of four: more than two apart would leave some out, and they would flicker.
        while scale >= 2.0 {
            self = self.halved();
            scale = self.scale(turn, width, height);
        }
        let step = |(x, y): (i8, i8)| (f32::from(x) * scale, f32::from(y) * scale);
        let (right, down) = (step(turn.right), step(turn.down));
        // The middles of both pictures lie on each other.
        let (left, up) = ((float(width) - 1.0) / 2.0, (float(height) - 1.0) / 2.0);
        let x = (float(self.width) - 1.0) / 2.0 - left * right.0 - up * down.0;
        let y = (float(self.height) - 1.0) / 2.0 - left * right.1 - up * down.1;
        let mut values = Vec::with_capacity(width * height);
        for row in 0..height {
            let (x, y) = (x + float(row) * down.0, y + float(row) * down.1);
            values.extend((0..width).map(|column| {
                self.between(x + float(column) * right.0, y + float(column) * right.1)
            }));
        }
        values
    }

    /// Pixels of this plane for one of the result: as many as make the result lie inside.
    fn scale(&self, turn: Turn, width: usize, height: usize) -> f32 {
        let (across, along) = if turn.is_sideways() {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        (float(across) / float(width)).min(float(along) / float(height))
    }

    /// The value at a point between pixels; beyond the border the border goes on.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "inside the plane after the clamp"
    )]
    fn between(&self, x: f32, y: f32) -> u8 {
        const ONE: f32 = 256.0;
        let fixed = |at: f32, side: usize| (at.clamp(0.0, float(side - 1)) * ONE) as usize;
        let (x, y) = (fixed(x, self.width), fixed(y, self.height));
        let (left, top) = (x >> 8, y >> 8);
        let (to_right, to_below) = (x & 255, y & 255);
        let right = (left + 1).min(self.width - 1);
        let below = (top + 1).min(self.height - 1);
        let row = |row: usize| {
            let row = &self.values[row * self.stride..][..self.width];
            usize::from(row[left]) * (256 - to_right) + usize::from(row[right]) * to_right
        };
        ((row(top) * (256 - to_below) + row(below) * to_below + (1 << 15)) >> 16) as u8
    }

    /// The plane at half its size, four pixels becoming one.
    fn halved(&self) -> Plane<'static> {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut values = Vec::with_capacity(width * height);
        for y in 0..height {
            let upper = &self.values[2 * y * self.stride..][..2 * width];
            let lower = &self.values[(2 * y + 1) * self.stride..][..2 * width];
            let pairs = upper.chunks_exact(2).zip(lower.chunks_exact(2));
            values.extend(pairs.map(|(upper, lower)| {
                let sum: u16 = upper.iter().chain(lower).copied().map(u16::from).sum();
                u8::try_from((sum + 2) / 4).expect("a mean of bytes")
            }));
        }
        Plane {
            values: values.into(),
            width,
            height,
            stride: width,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "pixel coordinates are small")]
fn float(value: usize) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brightness 10 per column and 1 per row.
    fn slope(width: usize, height: usize) -> Vec<u8> {
        (0..width * height)
            .map(|at| u8::try_from(10 * (at % width) + at / width).unwrap())
            .collect()
    }

    #[test]
    fn a_plane_of_the_right_size_stays_as_it_is() {
        let values = slope(8, 6);
        assert_eq!(Plane::of(&values, 8, 6, 8).fit(Turn::NONE, (8, 6)), values);
    }

    #[test]
    fn the_middle_is_kept_and_scaled_both_ways() {
        let values = slope(16, 8);
        let cut = Plane::of(&values, 16, 8, 16).fit(Turn::NONE, (8, 8));
        assert_eq!((cut[0], cut[7], cut[56]), (40, 110, 47));
        let small = Plane::of(&values, 16, 8, 16).fit(Turn::NONE, (4, 4));
        assert_eq!((small[0], small[3]), (46, 106), "means of four");
        let large = Plane::of(&values, 16, 8, 16).fit(Turn::NONE, (32, 16));
        assert_eq!((large[0], large[31]), (0, 150));
        assert!(large[..32].is_sorted());
    }

    #[test]
    fn a_picture_on_its_side_is_set_upright() {
        // Filmed with the telephone turned: what is coded at the left edge is shown at the top.
        let turn = Turn {
            right: (0, -1),
            down: (1, 0),
        };
        let values = slope(8, 4);
        let upright = Plane::of(&values, 8, 4, 8).fit(turn, (4, 8));
        assert_eq!(upright[..4], [3, 2, 1, 0]);
        assert_eq!(upright[28..], [73, 72, 71, 70]);
    }
}
