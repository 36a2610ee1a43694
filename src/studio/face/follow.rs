//! Follows a face from picture to picture of a video.

use super::super::encode::Frame;
use super::features::{self, Axes};
use super::survey::Survey;
use super::{FACE, Face, MORE_IF_GREY, Mouth};

/// How much less a place must look like a face where one was a moment ago.
const LESS_IF_EXPECTED: f32 = 0.08;
/// The surroundings of a face in which it is looked for again, in eye distances: left and right, above, below.
const AROUND: [f32; 3] = [2.2, 2.5, 2.9];

/// Knows where the face was last.
#[derive(Default)]
pub(in crate::studio) struct Tracker {
    last: Option<Face>,
}

impl Tracker {
    /// The face in the next picture: near where the last one was if there is one, else the most convincing anywhere.
    pub(in crate::studio) fn find(&mut self, picture: &Frame) -> Option<Face> {
        let near = self.last.and_then(|last| again(picture, &last));
        self.last = near.or_else(|| anywhere(picture));
        self.last
    }
}

fn anywhere(picture: &Frame) -> Option<Face> {
    let survey = Survey::of_frame(picture, [0, 0, picture.width, picture.height]);
    let more = if survey.is_grey { MORE_IF_GREY } else { 0.0 };
    let best = features::best(&survey).into_iter().next();
    let found = best.filter(|found| found.score >= FACE + more)?;
    let rough = found.face(&survey, false);
    // Closer, it is measured finer.
    again(picture, &rough).or(Some(rough))
}

/// The face about where it was.
fn again(picture: &Frame, last: &Face) -> Option<Face> {
    let (x, y) = last.middle;
    let [beside, above, below] = AROUND.map(|reach| reach * last.span);
    let left = even(x - beside, picture.width);
    let top = even(y - above, picture.height);
    let right = even(x + beside, picture.width);
    let bottom = even(y + below, picture.height);
    if right < left + 48 || bottom < top + 48 {
        return None;
    }
    let survey = Survey::of_frame(picture, [left, top, right, bottom]);
    let (left, top) = (float(left), float(top));
    let scale = float(survey.factor);
    let place = |u: f32| {
        // The middle of a head lies a third of an eye distance below its eyes.
        let (sin, cos) = last.mouth.tilt.sin_cos();
        let (dx, dy) = (u * cos + 0.35 * sin, u * sin - 0.35 * cos);
        let (x, y) = (x + dx * last.span, y + dy * last.span);
        ((x - left) / scale, (y - top) / scale)
    };
    let more = if survey.is_grey { MORE_IF_GREY } else { 0.0 };
    let found = features::near(&survey, &Axes::between(place(-0.5), place(0.5)))?;
    (found.score >= FACE - LESS_IF_EXPECTED + more)
        .then(|| found.face(&survey, false).moved(left, top))
}

impl Face {
    fn moved(mut self, x: f32, y: f32) -> Self {
        self.mouth.x += x;
        self.mouth.y += y;
        self.middle.0 += x;
        self.middle.1 += y;
        self
    }

    /// The face on its way from one place to another, 0 being here and 1 there; `None` when it is not the same face.
    pub(in crate::studio) fn towards(&self, there: &Self, part: f32) -> Option<Self> {
        let (dx, dy) = (
            there.middle.0 - self.middle.0,
            there.middle.1 - self.middle.1,
        );
        let grown = there.span / self.span;
        if dx.hypot(dy) > self.span || !(0.8..1.25).contains(&grown) {
            return None;
        }
        let mix = |a: f32, b: f32| a + (b - a) * part;
        let (a, b) = (&self.mouth, &there.mouth);
        Some(Self {
            mouth: Mouth {
                x: mix(a.x, b.x),
                y: mix(a.y, b.y),
                half_width: mix(a.half_width, b.half_width),
                tilt: mix(a.tilt, b.tilt),
                curve: mix(a.curve, b.curve),
                light: mix(a.light, b.light),
            },
            eyes: None,
            middle: (self.middle.0 + dx * part, self.middle.1 + dy * part),
            span: mix(self.span, there.span),
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "inside the picture after the clamp"
)]
fn even(value: f32, limit: usize) -> usize {
    value.clamp(0.0, float(limit)) as usize & !1
}

#[expect(clippy::cast_precision_loss, reason = "pixel coordinates are small")]
fn float(value: usize) -> f32 {
    value as f32
}
