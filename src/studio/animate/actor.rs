//! One person of a still picture: lips, lids and head.

use super::super::encode::Frame;
use super::super::face::Face;
use super::super::visemes::Pose;
use super::eyes::Lid;
use super::head::{self, Blinks, Sway};
use super::mouth::Lips;
use super::planes::Planes;
use super::{redraw, to_float};

/// Moves one face of the picture.
pub(super) struct Actor {
    face: Face,
    poses: Vec<Pose>,
    sway: Sway,
    lids: Option<[Lid; 2]>,
    blinks: Blinks,
    /// How much each pixel goes along with the head: 1 on the face, 0 in the background, less on somebody else.
    weights: Vec<f32>,
    /// Rows and columns in which anything moves: left, top, right, bottom.
    moving: [usize; 4],
}

impl Actor {
    /// Prepares face number `number` of all that move in the picture.
    pub(super) fn new(
        picture: &image::RgbImage,
        faces: &[Face],
        number: usize,
        poses: Vec<Pose>,
        seed: u64,
    ) -> Self {
        let face = faces[number];
        let others: Vec<Face> = (0..)
            .zip(faces)
            .filter_map(|(n, other)| (n != number).then_some(*other))
            .collect();
        let lids = face.eyes.map(|eyes| eyes.map(|eye| Lid::new(picture, eye)));
        let (width, height) = picture.dimensions();
        let (weights, moving) = head::weights(&face, &others, width as usize, height as usize);
        // Two people neither blink nor sway at the same time.
        let seed = seed ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self {
            face,
            sway: Sway::new(seed, face.span, &poses),
            blinks: Blinks::new(seed, poses.len()),
            poses,
            lids,
            weights,
            moving,
        }
    }

    /// Draws the person as in frame `n` over the `frame`, which shows the picture wherever they are.
    pub(super) fn draw(&self, n: usize, picture: &Planes, frame: &mut Frame) {
        let lips = Lips::new(&self.face.mouth, self.poses[n]);
        let closed = self.blinks.closed(n);
        let turn = self.sway.at(n, &self.face);
        redraw(frame, picture, self.moving, |x, y, middle| {
            let weight = self.weights[y * picture.width + x];
            if weight < 0.0 {
                return None;
            }
            let (px, py) = (to_float(x) + middle, to_float(y) + middle);
            let (mut sx, mut sy) = turn.undo(px, py, weight);
            let paint = lips.undo(&mut sx, &mut sy);
            let lid = || {
                let mut both = self.lids.iter().flatten();
                both.find_map(|lid| lid.over(sx, sy, closed))
            };
            Some((sx, sy, paint.or_else(lid)))
        });
    }
}
