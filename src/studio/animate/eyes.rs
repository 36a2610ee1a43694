//! Eyelids: the skin above the eye is drawn down over it.

use super::super::face::Eye;
use super::{Paint, smooth_step};

/// Both lids at one moment.
pub(super) struct Lids {
    eyes: [Eye; 2],
    closed: f32,
}

impl Lids {
    /// `closed` goes from 0, open, to 1, shut.
    pub(super) fn new(eyes: [Eye; 2], closed: f32) -> Self {
        Self { eyes, closed }
    }

    /// Takes a point of the moved face back to where its skin was; returns the lashes' shade if it lies on them.
    pub(super) fn undo(&self, x: &mut f32, y: &mut f32) -> Option<Paint> {
        if self.closed <= 0.0 {
            return None;
        }
        self.eyes.iter().find_map(|eye| {
            let u = (*x - eye.x) / eye.half_width;
            let v = (*y - eye.y) / eye.half_height;
            if u.abs() >= 1.0 || !(-2.2..=1.3).contains(&v) {
                return None;
            }
            // Nearly a box: whatever the true outline is, no white may show in the corners of a shut eye.
            let arch = 1.0 - u.powi(6);
            let (top, bottom) = (-1.05 * arch.sqrt(), 0.95 * (1.0 - u * u).powf(0.3));
            let lid = top + (bottom - top) * self.closed;
            // The skin between the brow and the lid's edge is stretched down to where the edge is now.
            let crease = top - 0.75;
            if v <= crease || v > lid + 0.28 {
                return None;
            }
            if v <= lid {
                let part = (v - crease) / (lid - crease);
                *y = eye.y + (crease + part * (top - 0.12 - crease)) * eye.half_height;
            }
            // A dark edge, as lashes make; it fades in with the blink and towards the corners.
            let distance = (v - lid).abs();
            let cover =
                (1.0 - smooth_step(0.05, 0.28, distance)) * smooth_step(0.0, 0.5, self.closed);
            let cover = 0.62 * cover * smooth_step(0.0, 0.25, arch);
            (cover > 0.01).then_some(Paint {
                colour: [52.0, 34.0, 30.0],
                cover,
            })
        })
    }
}
