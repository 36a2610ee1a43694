//! Draws portraits of people who do not exist: the sample portrait that ships with talkdeck, and variants of it on
//! which the face finder is tried.
//!
//! Everything is measured in eye distances from the middle between the eyes, `x` to the right and `y` down; a head is
//! about 2.2 wide and 3.6 high. Shapes are implicit (negative inside), so every edge can be as soft as a pixel.

type Colour = [f32; 3];

/// How the hair is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cut {
    Bob,
    Short,
    Bald,
}

/// What the person looks like and where in the picture they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) skin: Colour,
    pub(crate) hair: Colour,
    pub(crate) iris: Colour,
    pub(crate) lips: Colour,
    pub(crate) clothes: Colour,
    pub(crate) backdrop: Colour,
    pub(crate) cut: Cut,
    /// Distance of the eyes as a share of the picture's height.
    pub(crate) span: f32,
    /// Middle between the eyes as a share of the picture's sides.
    pub(crate) middle: (f32, f32),
    /// Turn of the head in radians.
    pub(crate) tilt: f32,
}

/// The person of the sample portrait.
pub(crate) const SAMPLE: Look = Look {
    skin: [233.0, 184.0, 156.0],
    hair: [96.0, 58.0, 40.0],
    iris: [92.0, 116.0, 92.0],
    lips: [200.0, 104.0, 102.0],
    clothes: [44.0, 98.0, 108.0],
    backdrop: [188.0, 202.0, 208.0],
    cut: Cut::Bob,
    span: 0.142,
    middle: (0.5, 0.425),
    tilt: 0.025,
};

/// Paints `look` in RGB, `samples` × `samples` looks at every pixel.
pub(crate) fn paint(look: &Look, width: usize, height: usize, samples: usize) -> Vec<u8> {
    let span = look.span * height as f32;
    let (sin, cos) = look.tilt.sin_cos();
    // Edges are as soft as one look is wide.
    let soft = 0.75 / span / samples as f32;
    let mut pixels = Vec::with_capacity(3 * width * height);
    for row in 0..height {
        for column in 0..width {
            let mut sum = [0.0; 3];
            for n in 0..samples * samples {
                let dx = ((n % samples) as f32 + 0.5) / samples as f32;
                let dy = ((n / samples) as f32 + 0.5) / samples as f32;
                let px = (column as f32 + dx - look.middle.0 * width as f32) / span;
                let py = (row as f32 + dy - look.middle.1 * height as f32) / span;
                let colour = person(look, px, py, px * cos + py * sin, py * cos - px * sin, soft);
                for (total, channel) in sum.iter_mut().zip(colour) {
                    *total += channel;
                }
            }
            let looks = (samples * samples) as f32;
            pixels.extend(sum.map(|channel| (channel / looks).round().clamp(0.0, 255.0) as u8));
        }
    }
    pixels
}

/// Paints two people side by side, each in their half of the picture.
pub(crate) fn paint_pair(looks: [&Look; 2], width: usize, height: usize) -> Vec<u8> {
    let half = width / 2;
    let halves = looks.map(|look| paint(look, half, height, 1));
    let rows = (0..height).map(|row| 3 * half * row..3 * half * (row + 1));
    rows.flat_map(|row| [&halves[0][row.clone()], &halves[1][row]].concat())
        .collect()
}

/// Around the lips of `look` painted `width` × `height`, as shares of its sides: left, top, right, bottom.
pub(crate) fn mouth_of(look: &Look, width: usize, height: usize) -> [f64; 4] {
    around(look, width, height, 1.2, 0.42, 0.30)
}

/// Around the eyes of `look`.
pub(crate) fn eyes_of(look: &Look, width: usize, height: usize) -> [f64; 4] {
    around(look, width, height, 0.0, 0.85, 0.18)
}

/// A box around the point that lies `below` the middle between the eyes, all in eye distances.
fn around(
    look: &Look,
    width: usize,
    height: usize,
    below: f32,
    half_width: f32,
    half_height: f32,
) -> [f64; 4] {
    let ratio = height as f32 / width as f32;
    let (sin, cos) = look.tilt.sin_cos();
    let x = look.middle.0 - below * sin * look.span * ratio;
    let y = look.middle.1 + below * cos * look.span;
    let (half_width, half_height) = (half_width * look.span * ratio, half_height * look.span);
    [
        x - half_width,
        y - half_height,
        x + half_width,
        y + half_height,
    ]
    .map(f64::from)
}

/// The colour at a point: `px`, `py` upright, for body and backdrop; `x`, `y` turned with the head.
fn person(look: &Look, px: f32, py: f32, x: f32, y: f32, soft: f32) -> Colour {
    let mut colour = backdrop(look, px, py);
    if look.cut == Cut::Bob {
        let back = outline(x, y, &BOB);
        colour = cover(colour, scale(hair(look, x, y), 0.62), back, soft);
    }
    colour = body(look, colour, px, py, x, y, soft);
    colour = ears(look, colour, x, y, soft);
    let face = outline(x, y, &FACE);
    colour = cover(colour, skin(look, x, y, soft), face, soft);
    colour = eye(look, colour, -0.5, x, y, soft);
    colour = eye(look, colour, 0.5, x, y, soft);
    colour = brow(look, colour, -0.5, x, y, soft);
    colour = brow(look, colour, 0.5, x, y, soft);
    colour = mouth(look, colour, x, y, soft);
    fringe(look, colour, x, y, soft)
}

/// Squares of half widths at heights, top first.
type Profile<'a> = &'a [(f32, f32)];

const FACE: [(f32, f32); 13] = [
    (-1.78, 0.0),
    (-1.55, 0.52),
    (-1.2, 0.94),
    (-0.8, 1.14),
    (-0.4, 1.22),
    (0.0, 1.22),
    (0.4, 1.16),
    (0.8, 1.00),
    (1.1, 0.79),
    (1.35, 0.50),
    (1.58, 0.26),
    (1.74, 0.11),
    (1.84, 0.0),
];
const BOB: [(f32, f32); 10] = [
    (-2.20, 0.0),
    (-2.06, 0.42),
    (-1.70, 1.12),
    (-1.10, 1.72),
    (-0.30, 2.02),
    (0.50, 2.16),
    (1.20, 2.30),
    (1.66, 2.16),
    (1.96, 1.60),
    (2.14, 0.0),
];
const CAP: [(f32, f32); 8] = [
    (-2.02, 0.0),
    (-1.85, 0.52),
    (-1.5, 1.08),
    (-1.0, 1.44),
    (-0.5, 1.52),
    (0.0, 1.46),
    (0.5, 1.30),
    (0.9, 0.0),
];
const NECK: [(f32, f32); 5] = [
    (0.9, 0.30),
    (1.6, 0.28),
    (1.92, 0.32),
    (2.16, 0.50),
    (2.6, 0.72),
];
const SHOULDERS: [(f32, f32); 8] = [
    (2.02, 0.0),
    (2.12, 0.42),
    (2.30, 1.15),
    (2.55, 3.0),
    (2.82, 5.2),
    (3.2, 7.0),
    (3.9, 8.2),
    (6.0, 9.0),
];

/// Signed distance to a shape that is the same on both sides, negative inside.
fn outline(x: f32, y: f32, profile: Profile) -> f32 {
    let first = profile[0];
    let last = profile[profile.len() - 1];
    let (square, slope) = if y <= first.0 {
        let slope = tangent(profile, 0);
        (first.1 + (y - first.0) * slope, slope)
    } else if y >= last.0 {
        let slope = tangent(profile, profile.len() - 1);
        (last.1 + (y - last.0) * slope, slope)
    } else {
        let at = profile.iter().rposition(|point| point.0 <= y).unwrap();
        hermite(profile, at, y)
    };
    (x * x - square) / (4.0 * x * x + slope * slope).sqrt().max(0.35)
}

fn tangent(profile: Profile, at: usize) -> f32 {
    let before = profile[at.saturating_sub(1)];
    let after = profile[(at + 1).min(profile.len() - 1)];
    (after.1 - before.1) / (after.0 - before.0)
}

fn hermite(profile: Profile, at: usize, y: f32) -> (f32, f32) {
    let (a, b) = (profile[at], profile[at + 1]);
    let length = b.0 - a.0;
    let t = (y - a.0) / length;
    let (m, n) = (
        tangent(profile, at) * length,
        tangent(profile, at + 1) * length,
    );
    let (t2, t3) = (t * t, t * t * t);
    let value = (2.0 * t3 - 3.0 * t2 + 1.0) * a.1
        + (t3 - 2.0 * t2 + t) * m
        + (3.0 * t2 - 2.0 * t3) * b.1
        + (t3 - t2) * n;
    let slope = ((6.0 * t2 - 6.0 * t) * (a.1 - b.1)
        + (3.0 * t2 - 4.0 * t + 1.0) * m
        + (3.0 * t2 - 2.0 * t) * n)
        / length;
    (value, slope)
}

fn backdrop(look: &Look, x: f32, y: f32) -> Colour {
    let glow = gauss(x + 0.5, y + 0.1, 2.9, 2.7);
    let fall = smooth(-3.0, 4.5, y);
    let base = mix(look.backdrop, scale(look.backdrop, 0.70), fall);
    mix(base, lighter(look.backdrop, 0.62), 0.75 * glow)
}

fn body(look: &Look, under: Colour, px: f32, py: f32, x: f32, y: f32, soft: f32) -> Colour {
    let neck = outline(px, py, &NECK).max(0.9 - py);
    // Light from the upper left; the head throws a shadow on the neck.
    let round = 1.0 - 0.30 * smooth(-0.1, 0.62, px) - 0.16 * smooth(-0.3, -0.62, px);
    let jaw = outline(x + 0.03, y - 0.26, &FACE);
    let shadow = 1.0 - 0.40 * smooth(0.30, -0.10, jaw) - 0.12 * smooth(0.10, -0.25, jaw);
    let mut flesh = shaded(look.skin, round * shadow);
    let hollow = gauss(px, py - 2.50, 0.10, 0.13);
    flesh = mix(flesh, shaded(look.skin, 0.62), 0.45 * hollow);
    let bone = gauss(px.abs() - 0.42, py - 2.44 + 0.12 * px.abs(), 0.30, 0.045);
    flesh = mix(flesh, lighter(look.skin, 0.3), 0.25 * bone);
    let mut colour = cover(under, flesh, neck, soft);

    let shoulders = outline(px, py, &SHOULDERS);
    let opening = ellipse(px, py - 2.16, 0.66, 0.50);
    let cloth = shoulders.max(-opening);
    let lit = 1.02 - 0.26 * smooth(-1.0, 2.4, px) - 0.24 * smooth(2.6, 4.2, py)
        + 0.10 * gauss(px + 1.3, py - 2.85, 0.8, 0.3);
    // Soft folds that run out from the collar.
    let angle = (px / (py - 1.2).max(0.2)).atan();
    let folds =
        0.035 * (angle * 9.0 + 0.6).sin() * smooth(2.5, 3.4, py) + 0.02 * (angle * 17.0).sin();
    let mut knit = scale(look.clothes, lit + folds);
    // The neck throws a little shade on the collar's inside, and the collar is a raised band.
    let band = smooth(0.20, 0.16, opening);
    knit = mix(knit, lighter(knit, 0.13), band);
    knit = scale(knit, 1.0 - 0.22 * gauss(opening - 0.20, 0.0, 0.025, 1.0));
    knit = scale(knit, 1.0 - 0.25 * smooth(0.05, 0.0, opening));
    let under_hair = if look.cut == Cut::Bob {
        0.34 * smooth(0.45, -0.1, outline(x, y - 0.12, &BOB))
    } else {
        0.0
    };
    knit = scale(knit, 1.0 - under_hair);
    colour = scale(
        colour,
        1.0 - 0.22 * smooth(0.10, 0.0, cloth) * smooth(soft, -0.3, neck),
    );
    cover(colour, knit, cloth, soft)
}

fn ears(look: &Look, mut colour: Colour, x: f32, y: f32, soft: f32) -> Colour {
    if look.cut == Cut::Bob {
        return colour;
    }
    let side = if x < 0.0 { 0.94 } else { 0.74 };
    let shape = ellipse(
        x.abs() - 1.10,
        y - 0.22 + 0.15 * (x.abs() - 1.1),
        0.15,
        0.36,
    );
    let inner = gauss(x.abs() - 1.12, y - 0.2, 0.07, 0.2);
    let flesh = mix(
        shaded(look.skin, side),
        shaded(look.skin, 0.55),
        0.6 * inner,
    );
    colour = cover(colour, flesh, shape, soft);
    colour
}

/// The face without eyes, brows and mouth.
fn skin(look: &Look, x: f32, y: f32, soft: f32) -> Colour {
    // A rounded head lit from the upper left, in front of the viewer.
    let (nx, ny) = (x / 1.22, (y - 0.05) / 1.95);
    let nz = (1.0 - nx * nx * 0.92 - ny * ny * 0.75).max(0.04).sqrt();
    let lambert = (-0.38 * nx - 0.26 * ny + 0.86 * nz).max(0.0);
    let mut light = 0.50 + 0.57 * lambert;

    // Sockets, the side of the nose, below it, below the lips, along the jaw.
    let socket = |side: f32| gauss(x - side * 0.48, y + 0.12, 0.30, 0.16);
    light -= 0.10 * socket(-1.0) + 0.13 * socket(1.0);
    let bridge = gauss(x - 0.115, y - 0.18, 0.07, 0.36);
    light -= 0.10 * bridge + 0.05 * gauss(x + 0.15, y + 0.02, 0.06, 0.20);
    light -=
        0.15 * gauss(x - 0.15, y - 0.66, 0.09, 0.12) + 0.06 * gauss(x + 0.2, y - 0.68, 0.06, 0.10);
    light -= 0.13 * gauss(x, y - 0.86, 0.20, 0.055);
    light -= 0.05 * gauss(x, y - 0.94, 0.035, 0.07);
    light -= 0.12 * gauss(x, y - 1.375, 0.24, 0.055);
    light -= 0.05 * gauss(x.abs() - 0.47, y - 1.08, 0.05, 0.10);
    light += 0.075 * gauss(x + 0.07, y - 1.56, 0.24, 0.14);
    light +=
        0.05 * gauss(x + 0.50, y - 0.46, 0.26, 0.18) + 0.03 * gauss(x - 0.46, y - 0.46, 0.22, 0.16);
    light += 0.04 * gauss(x + 0.15, y + 0.78, 0.5, 0.3);
    // The ridge and the tip of the nose catch the light.
    light += 0.06 * gauss(x + 0.02, y - 0.25, 0.045, 0.36)
        + 0.10 * gauss(x + 0.035, y - 0.655, 0.065, 0.055);
    let edge = outline(x, y, &FACE);
    light -= 0.11 * smooth(-0.26, 0.0, edge) * smooth(-0.4, 0.4, y);

    // Hair shades the forehead and the temples.
    let hairline = fringe_shape(look, x, y - 0.085);
    light -= 0.18 * smooth(0.16, -0.02, hairline);

    let mut colour = shaded(look.skin, light);
    // Blood: cheeks, nose, and a little at the chin.
    let blood = 0.30 * gauss(x + 0.60, y - 0.58, 0.25, 0.18)
        + 0.24 * gauss(x - 0.58, y - 0.56, 0.24, 0.18)
        + 0.20 * gauss(x, y - 0.68, 0.15, 0.11)
        + 0.08 * gauss(x, y - 1.58, 0.2, 0.12);
    colour = mix(
        colour,
        [colour[0] * 1.0, colour[1] * 0.76, colour[2] * 0.76],
        blood.min(1.0),
    );

    // Nostrils, and the wings around them.
    for side in [-1.0, 1.0] {
        let u = x * side;
        let nostril = ellipse(u - 0.105, y - 0.775 - 0.10 * (u - 0.105), 0.058, 0.026);
        let dark = shaded(look.skin, 0.36);
        colour = mix(colour, dark, 0.72 * smooth(0.034, -0.014, nostril));
        let wing = arc(u - 0.135, y - 0.69, 0.095, -0.5, 1.15);
        let strength = if side > 0.0 { 0.40 } else { 0.26 };
        colour = mix(
            colour,
            shaded(look.skin, 0.55),
            strength * smooth(0.030, 0.0, wing),
        );
    }
    let _ = soft;
    colour
}

fn eye(look: &Look, under: Colour, middle: f32, x: f32, y: f32, soft: f32) -> Colour {
    let side = middle.signum();
    // `u` runs from the inner corner (−1) to the outer one (1).
    let u = (x - middle) * side / 0.268;
    let v = y + 0.020 * (u + 0.2);
    if u.abs() > 1.75 || !(-0.5..0.5).contains(&v) {
        return under;
    }
    let arch = (1.0 - u * u).max(0.0);
    let top = -0.142 * arch.powf(0.62) * (1.0 + 0.10 * u);
    let bottom = 0.092 * arch.powf(0.75) * (1.0 + 0.12 * u);
    let shape = (top - v).max(v - bottom).max(u.abs() * 0.268 - 0.268);

    // The fold of the lid, soft, and the lid below it.
    let crease = v - (-0.218 * (1.0 - 0.62 * (u - 0.05).powi(2)));
    let along = smooth(1.12, 0.55, (u - 0.05).abs());
    let mut colour = mix(
        under,
        shaded(look.skin, 0.60),
        0.55 * along * gauss(crease, 0.0, 0.017, 1.0),
    );
    let lid = smooth(0.02, -0.02, -crease - 0.0) * smooth(0.0, 0.02, top - v) * along;
    colour = mix(colour, shaded(look.skin, 0.80), 0.30 * lid.clamp(0.0, 1.0));
    // Below: a soft bag, faintly.
    let bag = gauss(v - 0.175, 0.0, 0.03, 1.0) * smooth(1.0, 0.4, u.abs());
    colour = mix(colour, shaded(look.skin, 0.76), 0.22 * bag);

    let mut ball = mix(
        [236.0, 234.0, 230.0],
        [196.0, 190.0, 188.0],
        (0.75 * u * u).min(1.0),
    );
    let (dx, dy) = (x - middle + 0.004 * side, y - 0.002);
    let r = (dx * dx + dy * dy).sqrt();
    let radius = 0.126;
    let lit = 0.80 + 0.75 * smooth(-0.04, 0.11, dy + 0.4 * dx);
    let angle = dy.atan2(dx);
    let rays = 1.0 + 0.10 * (angle * 14.0).sin() * (angle * 5.0 + 1.0).cos();
    let mut iris = scale(look.iris, lit * rays);
    iris = mix(
        iris,
        scale(look.iris, 0.30),
        smooth(0.72 * radius, radius, r),
    );
    iris = mix(
        iris,
        [14.0, 11.0, 11.0],
        smooth(0.056 + soft, 0.056 - soft, r),
    );
    ball = cover(ball, iris, r - radius, soft.max(0.006));
    // The upper lid shades the ball.
    ball = scale(ball, 1.0 - 0.48 * smooth(0.085, 0.0, v - top));
    // Two lights: the window, and its faint answer on the other side.
    let window = ellipse(dx + 0.036, dy + 0.045, 0.026, 0.030);
    ball = cover(ball, [255.0, 253.0, 250.0], window, soft.max(0.006));
    ball = mix(
        ball,
        [255.0; 3],
        0.35 * gauss(dx - 0.04, dy - 0.05, 0.016, 0.014),
    );
    // The pink inner corner.
    ball = mix(ball, [206.0, 140.0, 128.0], 0.8 * smooth(-0.82, -0.97, u));
    colour = cover(colour, ball, shape, soft);

    // Lashes: a dark line on the upper lid that grows outwards and ends in a small wing; a thin one below.
    let lash = [44.0, 28.0, 24.0];
    let reach = smooth(-1.02, -0.6, u) * smooth(1.22, 1.0, u);
    let wing = if u > 0.9 { -0.06 * (u - 0.9) } else { 0.0 };
    let thick = (0.012 + 0.016 * (u + 1.0) / 2.0) * reach;
    let line = (v - top + 0.006 - wing).abs() - thick;
    if u > -1.02 && u < 1.22 {
        colour = mix(
            colour,
            lash,
            0.94 * reach.sqrt() * smooth(soft, -soft, line),
        );
    }
    let lower = (v - bottom).abs() - 0.006;
    let reach = smooth(-0.9, 0.1, u) * smooth(1.02, 0.85, u);
    mix(
        colour,
        scale(lash, 1.6),
        0.42 * reach * smooth(soft + 0.006, -soft, lower),
    )
}

fn brow(look: &Look, under: Colour, middle: f32, x: f32, y: f32, soft: f32) -> Colour {
    let u = (x - middle) * middle.signum() / 0.36;
    if !(-1.1..1.15).contains(&u) {
        return under;
    }
    // Rises to two thirds, then falls; thick inside, thin outside.
    let line = -0.405 - 0.062 * (1.0 - (u - 0.25).powi(2) / 1.6) + 0.035 * smooth(0.4, 1.1, u);
    let thick = 0.056 * smooth(1.25, -0.5, u) * smooth(-1.3, -0.72, u) + 0.004;
    // Single hairs, leaning outwards, finer than the brow itself.
    let lean = x * middle.signum() - 0.9 * (y - line);
    let hairs = 0.5 + 0.5 * (lean * 150.0 + 2.0 * (lean * 37.0).sin()).sin();
    let shape = (y - line).abs() - thick;
    let colour = match look.cut {
        Cut::Bald => scale(look.hair, 0.9),
        _ => scale(look.hair, 0.82),
    };
    let strength = (0.66 + 0.22 * hairs) * smooth(-1.1, -0.62, u) * smooth(1.14, 0.8, u);
    mix(
        under,
        colour,
        strength * smooth(soft + 0.016, -soft - 0.022, shape),
    )
}

fn mouth(look: &Look, under: Colour, x: f32, y: f32, soft: f32) -> Colour {
    let half = 0.405;
    let u = x / half;
    if u.abs() > 1.25 || !(0.7..1.5).contains(&y) {
        return under;
    }
    // The line between the lips: a faint smile, a little wave in the middle.
    let line = 1.130 - 0.074 * u * u + 0.010 * (-(u / 0.22).powi(2)).exp();
    let arch = (1.0 - u * u).max(0.0);
    let bow = 1.0 - 0.26 * (-(u / 0.13).powi(2)).exp()
        + 0.10 * (-((u.abs() - 0.26) / 0.16).powi(2)).exp();
    let top = line - 0.098 * arch.powf(0.85) * bow;
    let bottom = line + 0.132 * arch.powf(0.72);
    let shape = (top - y).max(y - bottom).max((u.abs() - 1.0) * half);

    let depth = ((y - line) / 0.132).clamp(-1.0, 1.0);
    let side = 1.0 - 0.16 * smooth(-0.2, 1.0, u);
    let light = if depth < 0.0 {
        0.82 - 0.06 * depth
    } else {
        0.96 + 0.14 * gauss(depth - 0.45, 0.0, 0.30, 1.0) - 0.20 * smooth(0.6, 1.0, depth)
    };
    let mut lips = scale(look.lips, light * side);
    lips = mix(
        lips,
        [255.0, 226.0, 220.0],
        0.30 * gauss(u + 0.16, depth - 0.42, 0.26, 0.17),
    );
    lips = mix(
        lips,
        [255.0, 226.0, 220.0],
        0.10 * gauss(u - 0.22, depth - 0.45, 0.14, 0.14),
    );
    lips = scale(
        lips,
        1.0 + 0.018 * (u * 60.0).sin() * smooth(0.0, 0.5, depth),
    );
    let mut colour = mix(
        under,
        lips,
        0.94 * smooth(soft + 0.012, -soft - 0.012, shape),
    );
    // The rim of the upper lip catches light.
    let rim = gauss(y - top + 0.018, 0.0, 0.012, 1.0) * smooth(0.75, 0.2, u.abs());
    colour = mix(colour, lighter(look.skin, 0.35), 0.28 * rim);
    let gap = (y - line).abs() - 0.0125 * (1.0 - 0.55 * u * u);
    let reach = smooth(1.05, 0.93, u.abs());
    colour = mix(
        colour,
        scale(look.lips, 0.40),
        0.84 * reach * smooth(soft + 0.010, -soft, gap),
    );
    let corner = gauss(u.abs() - 1.03, y - line, 0.06, 0.026);
    mix(colour, shaded(look.skin, 0.48), 0.40 * corner)
}

/// Where hair lies over the face, negative inside.
fn fringe_shape(look: &Look, x: f32, y: f32) -> f32 {
    match look.cut {
        Cut::Bald => 9.0,
        Cut::Short => {
            let line = -0.98 + 0.52 * x.abs().powf(3.0) - 0.10 * (x * 2.2 + 0.5).sin();
            let burns = (x.abs() - 0.985).mul_add(-1.0, 0.0).max(y - 0.30);
            (0.85 * (y - line)).min(burns)
        }
        Cut::Bob => {
            // Parted a little right of the middle: a long sweep to the left, a short one to the right.
            let part = 0.30;
            let line = if x < part {
                -1.30 + 1.05 * ((part - x) / 1.36).powf(2.5)
            } else {
                -1.30 + 1.00 * ((x - part) / 0.80).powf(2.0)
            };
            let sweep = 0.66 * (y - line);
            // Locks beside the cheeks, swinging in towards the jaw.
            let inner = 0.975 - 0.10 * smooth(0.2, 1.5, y) + 0.05 * smooth(1.5, 2.1, y);
            let locks = (inner - x.abs()).max(-0.62 - y);
            smooth_union(sweep, locks, 0.22)
        }
    }
}

fn fringe(look: &Look, under: Colour, x: f32, y: f32, soft: f32) -> Colour {
    let whole = match look.cut {
        Cut::Bald => return under,
        Cut::Short => outline(x, y, &CAP),
        Cut::Bob => outline(x, y, &BOB),
    };
    let shape = fringe_shape(look, x, y).max(whole);
    let mut colour = hair(look, x, y);
    // Thin at the edge, where single hairs show the skin.
    colour = mix(colour, scale(colour, 0.80), smooth(-0.10, 0.0, shape));
    cover(under, colour, shape, soft.max(0.012))
}

/// Hair at a point: strands that run down from the parting, with a band of light.
fn hair(look: &Look, x: f32, y: f32) -> Colour {
    let part = if look.cut == Cut::Bob { 0.30 } else { 0.0 };
    // Strands are lines of one angle around a point above the parting that opens towards the ends.
    let (dx, dy) = (x - part, y + 2.35);
    let angle = dx.atan2(dy + 0.35 * dx * dx);
    let strands = 0.5 * (angle * 31.0 + 0.8 * (y * 1.9).sin()).sin()
        + 0.32 * (angle * 67.0 + 1.3 * (y * 1.3).cos()).sin()
        + 0.18 * (angle * 131.0 + y).sin();
    let length = (dx * dx + dy * dy).sqrt();
    // Light falls from the upper left: a band around the crown, and one where the hair bends at the cheek.
    let band = gauss(length - 1.10 - 0.07 * strands, 0.0, 0.26, 1.0) * smooth(1.7, -0.9, x);
    let cheek =
        gauss(length - 3.05 - 0.12 * strands + 0.2 * x, 0.0, 0.42, 1.0) * smooth(-0.5, -1.2, x);
    let far = gauss(length - 2.9 - 0.10 * strands, 0.0, 0.35, 1.0) * smooth(0.7, 1.2, x);
    let side = 1.0 - 0.26 * smooth(0.2, 1.5, x);
    let ends = 1.0 - 0.22 * smooth(1.2, 2.1, y);
    let parting = 1.0 - 0.34 * gauss(angle, 0.0, 0.035, 1.0) * smooth(-1.0, -1.7, y);
    let light = (0.92 + 0.15 * strands) * side * ends * parting;
    let base = scale(look.hair, light);
    let warm = mix(look.hair, [236.0, 186.0, 140.0], 0.42);
    let shine = (0.62 * band + 0.40 * cheek + 0.20 * far) * (0.72 + 0.28 * strands);
    mix(base, warm, shine)
}

/// Skin in light of a strength: shade goes to red-brown, not to grey.
fn shaded(skin: Colour, light: f32) -> Colour {
    let dark = 1.0 - light;
    [
        skin[0] * (1.0 - 0.80 * dark),
        skin[1] * (1.0 - 1.05 * dark),
        skin[2] * (1.0 - 1.10 * dark),
    ]
}

fn lighter(colour: Colour, part: f32) -> Colour {
    mix(colour, [255.0, 250.0, 244.0], part)
}

fn scale(colour: Colour, factor: f32) -> Colour {
    colour.map(|channel| channel * factor)
}

fn mix(a: Colour, b: Colour, part: f32) -> Colour {
    let part = part.clamp(0.0, 1.0);
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * part)
}

/// Lays `over` on `under` where `distance` is negative, with an edge of the given softness.
fn cover(under: Colour, over: Colour, distance: f32, soft: f32) -> Colour {
    mix(under, over, smooth(soft, -soft, distance))
}

/// Rises smoothly from 0 at `from` to 1 at `to`, which may lie below `from`.
fn smooth(from: f32, to: f32, value: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

fn gauss(x: f32, y: f32, width: f32, height: f32) -> f32 {
    (-(x / width).powi(2) - (y / height).powi(2)).exp()
}

fn ellipse(x: f32, y: f32, width: f32, height: f32) -> f32 {
    let k = ((x / width).powi(2) + (y / height).powi(2)).sqrt();
    let l = ((x / (width * width)).powi(2) + (y / (height * height)).powi(2)).sqrt();
    if l == 0.0 {
        -width.min(height)
    } else {
        k * (k - 1.0) / l
    }
}

/// Distance to a part of a circle, between two angles.
fn arc(x: f32, y: f32, radius: f32, from: f32, to: f32) -> f32 {
    let angle = y.atan2(x).clamp(from, to);
    (x - radius * angle.cos()).hypot(y - radius * angle.sin())
}

fn smooth_union(a: f32, b: f32, reach: f32) -> f32 {
    let h = (0.5 + 0.5 * (b - a) / reach).clamp(0.0, 1.0);
    b + (a - b) * h - reach * h * (1.0 - h)
}
