//! Mouth shapes, the poses between them, and which phoneme makes which.

/// What the mouth can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::studio) enum Shape {
    /// Lips together, relaxed: silence.
    Rest,
    /// Lips pressed: p, b, m.
    Closed,
    /// Lower lip under the upper teeth: f, v.
    Bite,
    /// Tongue at the teeth: th, l, t, d, n.
    Tongue,
    /// Teeth together, lips wide: s, z.
    Hiss,
    /// Teeth together, lips forward: sh, zh, ch, j.
    Hush,
    /// Half open at the back: k, g, ng, h.
    Back,
    /// Lips wide, a narrow slit: ee, i, y.
    Wide,
    /// Half open: e, uh.
    Half,
    /// Wide open: ah.
    Open,
    /// Open and rounded: aw, oh.
    Round,
    /// Small and round: oo, w.
    Pucker,
    /// Lips a little forward: r, er.
    Curl,
}

/// How the mouth stands; a mix of shapes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::studio) struct Pose {
    /// Distance of the lips: 0 closed, 1 wide open.
    pub(in crate::studio) open: f32,
    /// Width: −1 puckered, 0 as at rest, 1 spread.
    pub(in crate::studio) width: f32,
    /// How much of the upper teeth shows, 0 to 1.
    pub(in crate::studio) teeth: f32,
    /// How much of the tongue shows, 0 to 1.
    pub(in crate::studio) tongue: f32,
    /// How far the lower lip is drawn in, 0 to 1.
    pub(in crate::studio) bite: f32,
}

impl Shape {
    pub(in crate::studio) fn pose(self) -> Pose {
        let pose = |open, width, teeth, tongue, bite| Pose {
            open,
            width,
            teeth,
            tongue,
            bite,
        };
        match self {
            Self::Rest => Pose::default(),
            Self::Closed => pose(0.0, -0.08, 0.0, 0.0, 0.25),
            Self::Bite => pose(0.14, 0.10, 0.9, 0.0, 1.0),
            Self::Tongue => pose(0.30, 0.10, 0.7, 0.9, 0.0),
            Self::Hiss => pose(0.20, 0.45, 1.0, 0.0, 0.0),
            Self::Hush => pose(0.26, -0.50, 1.0, 0.0, 0.0),
            Self::Back => pose(0.34, 0.05, 0.5, 0.4, 0.0),
            Self::Wide => pose(0.28, 0.85, 0.9, 0.3, 0.0),
            Self::Half => pose(0.52, 0.30, 0.6, 0.5, 0.0),
            Self::Open => pose(0.95, 0.05, 0.5, 0.6, 0.0),
            Self::Round => pose(0.68, -0.55, 0.2, 0.3, 0.0),
            Self::Pucker => pose(0.30, -1.0, 0.0, 0.0, 0.0),
            Self::Curl => pose(0.32, -0.45, 0.5, 0.3, 0.0),
        }
    }

    /// The shapes of a phoneme by its name in espeak-ng's tables; a diphthong passes through two.
    pub(in crate::studio) fn of_phoneme(name: &str) -> (Self, Option<Self>) {
        let two = |first, second| (first, Some(second));
        let one = |shape| (shape, None);
        match name {
            "aI" | "aI@" | "aI3" => return two(Self::Open, Self::Wide),
            "aU" | "aU@" => return two(Self::Open, Self::Pucker),
            "OI" => return two(Self::Round, Self::Wide),
            "oU" => return two(Self::Round, Self::Pucker),
            "eI" => return two(Self::Half, Self::Wide),
            "i@" | "i@3" => return two(Self::Wide, Self::Half),
            "U@" => return two(Self::Pucker, Self::Half),
            "tS" | "dZ" => return two(Self::Tongue, Self::Hush),
            _ => {}
        }
        match name.as_bytes().first() {
            Some(b'p' | b'b' | b'm') => one(Self::Closed),
            Some(b'f' | b'v') => one(Self::Bite),
            Some(b'T' | b'D' | b't' | b'd' | b'n' | b'l') => one(Self::Tongue),
            Some(b's' | b'z') => one(Self::Hiss),
            Some(b'S' | b'Z') => one(Self::Hush),
            Some(b'i' | b'I' | b'j') => one(Self::Wide),
            Some(b'E' | b'e' | b'@') => one(Self::Half),
            Some(b'a' | b'A' | b'V') => one(Self::Open),
            Some(b'O' | b'o' | b'0') => one(Self::Round),
            Some(b'u' | b'U' | b'w') => one(Self::Pucker),
            Some(b'r' | b'3') => one(Self::Curl),
            Some(b'_') | None => one(Self::Rest),
            Some(_) => one(Self::Back),
        }
    }
}

/// A shape held for a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::studio) struct Cue {
    pub(in crate::studio) shape: Shape,
    /// Seconds from the first sample.
    pub(in crate::studio) start: f64,
    /// Seconds from the first sample.
    pub(in crate::studio) end: f64,
}

impl Cue {
    /// Appends the shapes of a phoneme that sounds from `start` to `end` seconds.
    pub(in crate::studio) fn push_phoneme(cues: &mut Vec<Self>, name: &str, start: f64, end: f64) {
        let (shape, second) = Shape::of_phoneme(name);
        let Some(second) = second else {
            cues.push(Self { shape, start, end });
            return;
        };
        let middle = f64::midpoint(start, end);
        cues.push(Self {
            shape,
            start,
            end: middle,
        });
        cues.push(Self {
            shape: second,
            start: middle,
            end,
        });
    }
}
