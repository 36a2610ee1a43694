//! Lips, jaw and what is seen between the lips.
//!
//! Coordinates of the mouth: `u` runs along the line between the lips, −1 and 1 at its corners; `v` runs down from
//! that line in the same unit. All of it turns and bends with the lips of the picture.

use super::super::face::Mouth;
use super::super::visemes::Pose;
use super::{Paint, smooth_step};

/// Distance of the lips of a wide open mouth.
const WIDEST: f32 = 0.92;
/// Of the opening, the upper lip takes this share; the jaw does the rest.
const UPPER_SHARE: f32 = 0.20;
/// The opening ends a little inside the corners: lips stay joined there, and cheeks are never slit.
const INNER: f32 = 0.90;

/// The lips in one frame.
pub(super) struct Lips {
    mouth: Mouth,
    pose: Pose,
    sin: f32,
    cos: f32,
    /// Width of the mouth relative to the picture's.
    stretch: f32,
    /// How far the upper lip rises and the lower one falls in the middle.
    upper: f32,
    lower: f32,
    /// Half the width of the opening.
    inner: f32,
    /// Roundness of the opening's outline: 0.5 is an ellipse, 1 a lens.
    outline: f32,
}

impl Lips {
    pub(super) fn new(mouth: &Mouth, pose: Pose) -> Self {
        let (sin, cos) = mouth.tilt.sin_cos();
        let stretch = if pose.width >= 0.0 {
            1.0 + 0.10 * pose.width
        } else {
            1.0 + 0.32 * pose.width
        };
        let opening = WIDEST * pose.open;
        Self {
            mouth: *mouth,
            pose,
            sin,
            cos,
            stretch,
            upper: UPPER_SHARE * opening,
            lower: (1.0 - UPPER_SHARE) * opening,
            inner: INNER * stretch,
            outline: 0.78 + 0.20 * pose.width.clamp(-1.0, 0.6),
        }
    }

    /// Takes a point of the moved face back to where its skin was; returns the paint if it lies between the lips.
    pub(super) fn undo(&self, x: &mut f32, y: &mut f32) -> Option<Paint> {
        let size = self.mouth.half_width;
        let (dx, dy) = ((*x - self.mouth.x) / size, (*y - self.mouth.y) / size);
        let u = dx * self.cos + dy * self.sin;
        let across = dy * self.cos - dx * self.sin;
        if u.abs() > 3.0 || !(-1.6..=3.6).contains(&across) {
            return None;
        }
        let bend = self.bend(u);
        let v = across - bend;

        let arch = (1.0 - (u / self.inner).powi(2)).max(0.0).powf(self.outline);
        let (above, below) = (self.upper * arch, self.lower * arch);
        let paint = (v > -above && v < below).then(|| self.inside(u, v, above, below));
        let moved = if paint.is_some() {
            // Under the paint's soft edge lies the edge of the lip.
            0.0
        } else if v <= -above {
            // The upper lip rises as one piece, up to below the nose.
            v + above * (1.0 - smooth_step(0.0, 0.75, -above - v))
        } else {
            // The lower lip falls with the opening, the chin with the jaw, which is broader; then the neck stands still.
            let jaw = 0.80 * self.lower * (-(u / 1.35).powi(2)).exp();
            let on_chin = smooth_step(0.0, 0.75, v - below);
            let fall = below + (jaw - below) * on_chin;
            let tuck = 0.16 * self.pose.bite * arch * (1.0 - smooth_step(0.0, 0.5, v - below));
            v - fall * (1.0 - smooth_step(1.35, 3.2, v)) + tuck
        };
        let middle = v - (self.lower - self.upper) / 2.0;
        let near = (-(u / 1.35).powi(2) - (middle / 0.85).powi(2)).exp();
        let along = u * (1.0 + (1.0 / self.stretch - 1.0) * near);

        let across = moved + self.bend(along);
        *x = self.mouth.x + (along * self.cos - across * self.sin) * size;
        *y = self.mouth.y + (along * self.sin + across * self.cos) * size;
        paint
    }

    /// How far the line between the lips lies below its middle at `u`.
    fn bend(&self, u: f32) -> f32 {
        self.mouth.curve * u.abs().min(1.4).powi(2)
    }

    /// The colour between the lips: dark, with teeth under the upper lip and the tongue on the lower one.
    fn inside(&self, u: f32, v: f32, above: f32, below: f32) -> Paint {
        let size = self.mouth.half_width;
        let height = above + below;
        let depth = v + above;
        let off_middle = (u / self.inner).abs();

        // Darkest in the middle of the throat.
        let glow = (depth / height).clamp(0.0, 1.0);
        let mut colour = [46.0 + 26.0 * glow, 15.0 + 9.0 * glow, 17.0 + 10.0 * glow];
        let tongue_height = 0.50 * height;
        let hump =
            ((u / (0.66 * self.inner)).powi(2) + ((below - v) / tongue_height).powi(2)).sqrt();
        let tongue = 0.9 * self.pose.tongue * (1.0 - smooth_step(0.55, 1.05, hump));
        colour = mix(colour, [158.0, 78.0, 76.0], tongue);
        // Teeth stand behind the lip: shaded at its edge, and lost towards the corners.
        let length = (0.24_f32).min(0.62 * height + 0.02);
        let edge = 0.05;
        let teeth = self.pose.teeth
            * (1.0 - smooth_step(length - edge, length + edge, depth))
            * (1.0 - smooth_step(0.50, 0.86, off_middle));
        let shade = 0.82 + 0.18 * smooth_step(0.0, 0.12, depth);
        let white = [228.0 * shade, 218.0 * shade, 206.0 * shade];
        colour = mix(colour, white, 0.95 * teeth);

        let light = self.mouth.light;
        let border = (depth.min(below - v) * size).max(0.0);
        Paint {
            colour: colour.map(|channel| channel * light),
            cover: smooth_step(0.0, 1.6, border),
        }
    }
}

fn mix(from: [f32; 3], to: [f32; 3], part: f32) -> [f32; 3] {
    std::array::from_fn(|i| from[i] + (to[i] - from[i]) * part)
}

#[cfg(test)]
mod tests {
    use super::super::super::visemes::Shape;
    use super::*;

    const MOUTH: Mouth = Mouth {
        x: 200.0,
        y: 150.0,
        half_width: 30.0,
        tilt: 0.1,
        curve: -0.1,
        light: 1.0,
    };

    #[test]
    fn a_mouth_at_rest_leaves_every_pixel_where_it_is() {
        let lips = Lips::new(&MOUTH, Shape::Rest.pose());
        for x in 100..300_u16 {
            for y in 80..260_u16 {
                let (mut sx, mut sy) = (f32::from(x), f32::from(y));
                assert!(lips.undo(&mut sx, &mut sy).is_none());
                let moved = (sx - f32::from(x)).hypot(sy - f32::from(y));
                assert!(moved < 0.01, "{x},{y} moved by {moved}");
            }
        }
    }

    #[test]
    fn the_skin_never_folds_and_nothing_is_painted_outside_the_lips() {
        use Shape::*;
        for shape in [
            Closed, Bite, Tongue, Hiss, Hush, Back, Wide, Half, Open, Round, Pucker, Curl,
        ] {
            let lips = Lips::new(
                &Mouth {
                    tilt: 0.0,
                    curve: 0.0,
                    ..MOUTH
                },
                shape.pose(),
            );
            for x in 90..310_u16 {
                let mut last = f32::MIN;
                for y in 60..300_u16 {
                    let (mut sx, mut sy) = (f32::from(x), f32::from(y));
                    let painted = lips.undo(&mut sx, &mut sy).is_some();
                    if painted {
                        assert!(
                            (171..=229).contains(&x) && (136..=178).contains(&y),
                            "{shape:?}"
                        );
                    } else {
                        assert!(sy > last, "{shape:?} folds at {x},{y}");
                        last = sy;
                    }
                }
            }
        }
    }
}
