//! Eyelids: skin in the colour of the cheek below comes down over the eye.

use super::super::face::Eye;
use super::{Paint, smooth_step, to_float};

/// An eye and the colour of the skin around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lid {
    eye: Eye,
    /// Below the left and the right corner.
    skin: [[f32; 3]; 2],
}

impl Lid {
    /// Takes the lid's colour from the picture.
    ///
    /// The skin above an eye is nearer to the truth than the cheek, but a brow or a fringe may lie there: it counts
    /// only where it is nearly as bright.
    pub(super) fn new(picture: &image::RgbImage, eye: Eye) -> Self {
        let below = |side: f32| {
            let x = eye.x + side * 0.55 * eye.half_width;
            let y = eye.y + 2.5 * eye.half_height;
            let cheek = mean(picture, x, y, 0.4 * eye.half_height);
            let fold = mean(
                picture,
                eye.x + side * 0.25 * eye.half_width,
                eye.y - 1.5 * eye.half_height,
                0.15 * eye.half_height,
            );
            let bright = |colour: &[f32; 3]| colour.iter().sum::<f32>();
            if bright(&fold) < 0.5 * bright(&cheek) {
                return cheek;
            }
            std::array::from_fn(|i| f32::midpoint(cheek[i], fold[i]))
        };
        Self {
            eye,
            skin: [below(-1.0), below(1.0)],
        }
    }

    /// What of the lid, `closed` from 0 (open) to 1 (shut), lies over a point of the picture.
    pub(super) fn over(&self, x: f32, y: f32, closed: f32) -> Option<Paint> {
        let u = (x - self.eye.x) / self.eye.half_width;
        let v = (y - self.eye.y) / self.eye.half_height;
        if closed <= 0.0 || u.abs() >= 1.0 || !(-2.2..=1.6).contains(&v) {
            return None;
        }
        let arch = (1.0 - u * u).sqrt();
        // From above the lashes of the open eye to the edge of the lower lid.
        let (top, bottom) = (-1.22 * arch.powf(0.6), 0.80 * arch.powf(0.8));
        let edge = top + (bottom - top) * closed;
        if v < top - 0.1 || v > edge + 0.34 {
            return None;
        }
        let side = f32::midpoint(u, 1.0);
        // A lid bulges: light in its middle, a shade darker in the fold above.
        let part = ((v - top) / (edge - top).max(0.1)).clamp(0.0, 1.0);
        let light = 0.89 + 0.10 * smooth_step(0.0, 0.45, part) - 0.05 * smooth_step(0.6, 1.0, part);
        let skin: [f32; 3] = std::array::from_fn(|i| {
            (self.skin[0][i] + (self.skin[1][i] - self.skin[0][i]) * side) * light
        });
        let over = smooth_step(top - 0.1, top + 0.16, v) * smooth_step(edge + 0.12, edge - 0.05, v);
        // Lashes: a dark line at the edge, that fades in with the blink and towards the corners.
        let lash = (1.0 - smooth_step(0.05, 0.27, (v - edge).abs()))
            * smooth_step(0.0, 0.4, closed)
            * smooth_step(0.15, 0.75, arch);
        let lash = 0.66 * lash;
        let cover = over + (1.0 - over) * lash;
        (cover > 0.01).then(|| Paint {
            // The lash lies over the skin.
            colour: std::array::from_fn(|i| {
                skin[i] + (LASH[i] - skin[i]) * (lash / cover).min(1.0)
            }),
            cover,
        })
    }
}

const LASH: [f32; 3] = [48.0, 32.0, 28.0];

/// Mean colour of a square of the picture.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "inside the picture after the clamp"
)]
fn mean(picture: &image::RgbImage, x: f32, y: f32, half: f32) -> [f32; 3] {
    let (width, height) = picture.dimensions();
    let range = |at: f32, limit: u32| {
        let last = to_float(limit as usize - 1);
        (at - half).clamp(0.0, last) as u32..=(at + half).clamp(0.0, last) as u32
    };
    let mut sum = [0.0; 3];
    let mut count = 0.0;
    for y in range(y, height) {
        for x in range(x, width) {
            let pixel = picture.get_pixel(x, y).0;
            for (total, channel) in sum.iter_mut().zip(pixel) {
                *total += f32::from(channel);
            }
            count += 1.0;
        }
    }
    sum.map(|total| total / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shut_lid_hides_the_eye_in_the_colour_of_the_cheek_and_an_open_one_nothing() {
        let eye = Eye {
            x: 50.0,
            y: 40.0,
            half_width: 20.0,
            half_height: 9.0,
        };
        let cheek = image::RgbImage::from_pixel(100, 100, image::Rgb([200, 150, 120]));
        let lid = Lid::new(&cheek, eye);
        assert!(lid.over(50.0, 40.0, 0.0).is_none());
        let shut = lid.over(50.0, 40.0, 1.0).unwrap();
        assert!(shut.cover > 0.95);
        assert!(shut.colour[0] > 160.0 && shut.colour[0] > shut.colour[2]);
        assert!(lid.over(50.0, 70.0, 1.0).is_none(), "the cheek stays free");
        assert!(lid.over(50.0, 15.0, 1.0).is_none(), "the brow stays free");
        // Half shut: skin above, the eye below.
        assert!(lid.over(50.0, 31.0, 0.5).unwrap().cover > 0.5);
        assert!(lid.over(50.0, 46.0, 0.5).is_none());
    }
}
