//! Finds the mouth and the eyes of a portrait seen from the front, without a trained model.
//!
//! A face is two dark spots side by side, with cheeks and a nose of one skin colour around them and something else
//! beyond, bright and dark where faces are, alike on both sides, and with a line where a mouth would be. Every pair of
//! dark spots at every size is measured by these rules; the best pairs that do not overlap win if they are good enough.
//! A doubtful face gets its lips moved but does not blink: eyelids drawn in the wrong place look worse than none.

mod features;
mod follow;
mod likeness;
mod outline;
mod survey;

use image::RgbImage;

pub(super) use self::follow::Tracker;
use self::survey::Survey;

/// Least score of what passes for a face, and of one whose eyes are trusted; found by trying portraits and pictures
/// without people. Without colours the score says less.
const FACE: f32 = 0.66;
const SURE: f32 = 0.79;
const MORE_IF_GREY: f32 = 0.10;

/// Where things are in a face, in pixels of the frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Face {
    pub(super) mouth: Mouth,
    /// Left and right as seen; missing when unsure.
    pub(super) eyes: Option<[Eye; 2]>,
    /// Middle of the head.
    pub(super) middle: (f32, f32),
    /// Distance between the eyes, the measure of everything.
    pub(super) span: f32,
}

/// The line where the lips meet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mouth {
    /// Middle of the line.
    pub(super) x: f32,
    /// Middle of the line.
    pub(super) y: f32,
    /// From the middle to a corner.
    pub(super) half_width: f32,
    /// Turn of the head in radians, clockwise.
    pub(super) tilt: f32,
    /// How far the corners hang below the middle, in half widths; negative for a smile.
    pub(super) curve: f32,
    /// How bright the skin around is, 1 for a well-lit light face.
    pub(super) light: f32,
}

/// An eye, as an upright ellipse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Eye {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) half_width: f32,
    pub(super) half_height: f32,
}

/// Finds the `wanted` most convincing faces in a picture of the video's size, from left to right; there may be fewer.
pub(super) fn find(picture: &RgbImage, wanted: usize) -> Vec<Face> {
    let survey = Survey::of(picture);
    let more = if survey.is_grey { MORE_IF_GREY } else { 0.0 };
    let mut faces: Vec<Face> = features::best(&survey)
        .into_iter()
        .filter(|found| found.score >= FACE + more)
        .take(wanted)
        .map(|found| found.face(&survey, found.score >= SURE + more))
        .collect();
    faces.sort_by(|a, b| a.middle.0.total_cmp(&b.middle.0));
    faces
}
