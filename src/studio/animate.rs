//! Moves the picture: the mouth to the poses, eyelids at times, the head a little all the time.
//!
//! Every frame is made from the still picture alone, so frames can be drawn in any order and on any thread. Working
//! backwards from a pixel of the frame: where was it before the head moved, then before the face moved there?

mod eyes;
mod head;
mod mouth;
mod planes;

use self::eyes::Lid;
use self::head::{Blinks, Sway};
use self::mouth::Lips;
use self::planes::Planes;
use super::encode::Frame;
use super::face::Face;
use super::mark;
use super::visemes::Pose;

/// A colour laid over the picture at a pixel.
#[derive(Clone, Copy, Debug)]
struct Paint {
    /// Red, green, blue from 0 to 255.
    colour: [f32; 3],
    /// 0 leaves the picture, 1 hides it.
    cover: f32,
}

/// Draws the frames of one video.
pub(super) struct Animator {
    picture: Planes,
    face: Face,
    poses: Vec<Pose>,
    sway: Sway,
    lids: Option<[Lid; 2]>,
    blinks: Blinks,
    /// How much each pixel goes along with the head: 1 on the face, 0 in the background.
    weights: Vec<f32>,
    /// Rows and columns in which anything moves: left, top, right, bottom.
    moving: [usize; 4],
}

impl Animator {
    /// Prepares `picture` (already of the video's size) to take on `poses`, one a frame.
    pub(super) fn new(picture: &image::RgbImage, face: Face, poses: Vec<Pose>, seed: u64) -> Self {
        let lids = face.eyes.map(|eyes| eyes.map(|eye| Lid::new(picture, eye)));
        let picture = Planes::from_rgb(picture);
        let (weights, moving) = head::weights(&face, picture.width, picture.height);
        let sway = Sway::new(seed, face.span, &poses);
        let blinks = Blinks::new(seed, poses.len());
        Self {
            picture,
            face,
            poses,
            sway,
            lids,
            blinks,
            weights,
            moving,
        }
    }

    /// Draws frame `n`, counted from 0.
    pub(super) fn frame(&self, n: usize) -> Frame {
        let (width, height) = (self.picture.width, self.picture.height);
        let mut frame = self.picture.still();
        let lips = Lips::new(&self.face.mouth, self.poses[n]);
        let closed = self.blinks.closed(n);
        let turn = self.sway.at(n, &self.face);

        let source = |x: usize, y: usize, middle: f32| {
            let weight = self.weights[y * width + x];
            let (px, py) = (to_float(x) + middle, to_float(y) + middle);
            let (mut sx, mut sy) = turn.undo(px, py, weight);
            let paint = lips.undo(&mut sx, &mut sy);
            let lid = || {
                let mut both = self.lids.iter().flatten();
                both.find_map(|lid| lid.over(sx, sy, closed))
            };
            (sx, sy, paint.or_else(lid))
        };

        let [left, top, right, bottom] = self.moving;
        for y in top..bottom {
            for x in left..right {
                let (sx, sy, paint) = source(x, y, 0.0);
                let value = self.picture.luma(sx, sy);
                frame.luma[y * width + x] = match paint {
                    Some(paint) => paint.luma(value),
                    None => to_byte(value),
                };
            }
        }
        for y in top / 2..bottom / 2 {
            for x in left / 2..right / 2 {
                let (sx, sy, paint) = source(2 * x, 2 * y, 0.5);
                let (blue, red) = self.picture.chroma(sx, sy);
                let (blue, red) = match paint {
                    Some(paint) => paint.chroma(blue, red),
                    None => (to_byte(blue), to_byte(red)),
                };
                let at = y * (width / 2) + x;
                frame.blue[at] = blue;
                frame.red[at] = red;
            }
        }
        debug_assert_eq!(frame.luma.len(), width * height);
        mark::draw(&mut frame);
        frame
    }
}

impl Paint {
    fn luma(self, under: f32) -> u8 {
        let [r, g, b] = self.colour;
        let own = planes::luma_of(r, g, b);
        to_byte(under + (own - under) * self.cover)
    }

    fn chroma(self, blue: f32, red: f32) -> (u8, u8) {
        let [r, g, b] = self.colour;
        let (own_blue, own_red) = planes::chroma_of(r, g, b);
        (
            to_byte(blue + (own_blue - blue) * self.cover),
            to_byte(red + (own_red - red) * self.cover),
        )
    }
}

/// Rises smoothly from 0 at `from` to 1 at `to`.
fn smooth_step(from: f32, to: f32, value: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 255 after the clamp"
)]
fn to_byte(value: f32) -> u8 {
    (value + 0.5).clamp(0.0, 255.0) as u8
}

#[expect(clippy::cast_precision_loss, reason = "pixel coordinates are small")]
fn to_float(value: usize) -> f32 {
    value as f32
}
