//! Moves the picture: mouths to their poses, eyelids at times, heads a little all the time.
//!
//! Every frame is made from the still picture alone, so frames can be drawn in any order and on any thread. Working
//! backwards from a pixel of the frame: where was it before the head moved, then before the face moved there?

mod actor;
mod dub;
mod eyes;
mod head;
mod mouth;
mod planes;

use self::actor::Actor;
pub(super) use self::dub::dub;
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
    actors: Vec<Actor>,
}

impl Animator {
    /// Prepares `picture` (already of the video's size): each face takes on its poses, one a frame.
    pub(super) fn new(
        picture: &image::RgbImage,
        faces: &[Face],
        mouths: Vec<Vec<Pose>>,
        seed: u64,
    ) -> Self {
        let actors = mouths
            .into_iter()
            .enumerate()
            .map(|(n, poses)| Actor::new(picture, faces, n, poses, seed))
            .collect();
        Self {
            picture: Planes::from_rgb(picture),
            actors,
        }
    }

    /// Draws frame `n`, counted from 0.
    pub(super) fn frame(&self, n: usize) -> Frame {
        let mut frame = self.picture.still();
        for actor in &self.actors {
            actor.draw(n, &self.picture, &mut frame);
        }
        mark::draw(&mut frame);
        frame
    }
}

/// Draws a box (left, top, right, bottom; even) of a frame anew: `source` tells of a pixel, and of what lies so much
/// right of and below its corner, from where in the picture it comes and what lies over it; `None` leaves it.
fn redraw(
    frame: &mut Frame,
    picture: &Planes,
    [left, top, right, bottom]: [usize; 4],
    source: impl Fn(usize, usize, f32) -> Option<(f32, f32, Option<Paint>)>,
) {
    let width = picture.width;
    for y in top..bottom {
        for x in left..right {
            let Some((sx, sy, paint)) = source(x, y, 0.0) else {
                continue;
            };
            let value = picture.luma(sx, sy);
            frame.luma[y * width + x] = match paint {
                Some(paint) => paint.luma(value),
                None => to_byte(value),
            };
        }
    }
    for y in top / 2..bottom / 2 {
        for x in left / 2..right / 2 {
            let Some((sx, sy, paint)) = source(2 * x, 2 * y, 0.5) else {
                continue;
            };
            let (blue, red) = picture.chroma(sx, sy);
            let (blue, red) = match paint {
                Some(paint) => paint.chroma(blue, red),
                None => (to_byte(blue), to_byte(red)),
            };
            let at = y * (width / 2) + x;
            frame.blue[at] = blue;
            frame.red[at] = red;
        }
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
