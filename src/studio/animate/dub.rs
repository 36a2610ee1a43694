//! Puts a mouth into the pictures of a video: everything else moves as it was filmed.

use super::super::encode::Frame;
use super::super::face::Mouth;
use super::super::mark;
use super::super::reel::Shot;
use super::super::visemes::Pose;
use super::mouth::Lips;
use super::planes::Planes;
use super::{redraw, to_float};

/// Draws a frame of the video with the mouth in `pose`; where no face is seen, the frame stays as it is.
pub(in crate::studio) fn dub(shot: Shot, pose: Pose) -> Frame {
    let picture = Planes::of(shot.frame);
    let mut frame = picture.still();
    if let Some(face) = shot.face {
        let lips = Lips::new(&face.mouth, pose);
        let area = area(&face.mouth, picture.width, picture.height);
        redraw(&mut frame, &picture, area, |x, y, middle| {
            let (mut sx, mut sy) = (to_float(x) + middle, to_float(y) + middle);
            let paint = lips.undo(&mut sx, &mut sy);
            Some((sx, sy, paint))
        });
    }
    mark::draw(&mut frame);
    frame
}

/// The box (left, top, right, bottom; even) that holds all that [`Lips`] move, however the head is turned.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "inside the frame after the clamp"
)]
fn area(mouth: &Mouth, width: usize, height: usize) -> [usize; 4] {
    let even = |value: f32, limit: usize| value.clamp(0.0, to_float(limit)) as usize & !1;
    let [beside, above, below] = [3.6, 2.6, 4.2].map(|reach| reach * mouth.half_width);
    [
        even(mouth.x - beside, width),
        even(mouth.y - above, height),
        even(mouth.x + beside, width),
        even(mouth.y + below, height),
    ]
}
