//! Which part of a picture a video keeps.
//!
//! The video takes the nearest of three shapes, and the middle of the picture fills it.

/// The two sizes that fal's avatar endpoints offer; the shape follows the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// About 832×480 pixels in all.
    P480,
    /// About 1280×720 pixels in all.
    P720,
}

impl Resolution {
    /// The resolution that an argument names: `480p` or `720p`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "480p" => Some(Self::P480),
            "720p" => Some(Self::P720),
            _ => None,
        }
    }
}

/// A part of a picture, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Pixels left of it.
    pub left: u32,
    /// Pixels above it.
    pub top: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// The size of the video for a picture of this size.
///
/// Three shapes: landscape 16:9, portrait 9:16 and square, the nearest by ratio; sides are multiples of 16, as H.264
/// codes them without padding.
#[must_use]
pub fn video_size(picture: (u32, u32), resolution: Resolution) -> (u32, u32) {
    let ratio = f64::from(picture.0) / f64::from(picture.1);
    // Half way between 1:1 and 16:9 on a scale of ratios, a little less so that 4:3 is surely landscape.
    let border = 1.32_f64;
    let (long, short, square) = match resolution {
        Resolution::P480 => (832, 480, 640),
        Resolution::P720 => (1280, 720, 960),
    };
    if ratio > border {
        (long, short)
    } else if ratio < border.recip() {
        (short, long)
    } else {
        (square, square)
    }
}

/// The largest part of a picture that has the shape of a video of this size, from the middle.
#[must_use]
pub fn kept(picture: (u32, u32), video: (u32, u32)) -> Part {
    let (width, height) = (u64::from(picture.0), u64::from(picture.1));
    let (to_width, to_height) = (u64::from(video.0), u64::from(video.1));
    let (part_width, part_height) = if width * to_height > height * to_width {
        ((height * to_width / to_height).max(1), height)
    } else {
        (width, (width * to_height / to_width).max(1))
    };
    let narrow = |side: u64| u32::try_from(side).expect("a part is no larger than its picture");
    Part {
        left: narrow((width - part_width) / 2),
        top: narrow((height - part_height) / 2),
        width: narrow(part_width),
        height: narrow(part_height),
    }
}

/// How much of a picture the part keeps, in words; nothing when nobody would miss the rest.
#[must_use]
pub fn in_words(picture: (u32, u32), part: Part) -> Option<String> {
    let percent = |kept: u32, all: u32| u64::from(kept) * 100 / u64::from(all.max(1));
    let (across, down) = (
        percent(part.width, picture.0),
        percent(part.height, picture.1),
    );
    match (across, down) {
        (95.., 95..) => None,
        (..95, _) => Some(format!("keeps the middle {across} % of the width")),
        _ => Some(format!("keeps the middle {down} % of the height")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_the_video_follows_the_picture() {
        for (picture, small, large) in [
            ((1920, 1080), (832, 480), (1280, 720)),
            ((4, 3), (832, 480), (1280, 720)),
            ((5, 4), (640, 640), (960, 960)),
            ((1000, 1000), (640, 640), (960, 960)),
            ((4, 5), (640, 640), (960, 960)),
            ((3, 4), (480, 832), (720, 1280)),
            ((1080, 1920), (480, 832), (720, 1280)),
        ] {
            assert_eq!(video_size(picture, Resolution::P480), small, "{picture:?}");
            assert_eq!(video_size(picture, Resolution::P720), large, "{picture:?}");
        }
    }

    #[test]
    fn what_is_cut_off_is_told_by_the_side_that_loses() {
        for (picture, want) in [
            ((1024, 1024), None),
            ((832, 480), None),
            // 16:9 is not quite 832:480; three hundredths are not missed.
            ((1920, 1080), None),
            ((2560, 1080), Some("keeps the middle 73 % of the width")),
            ((1000, 1300), Some("keeps the middle 76 % of the height")),
            ((1080, 2400), Some("keeps the middle 78 % of the height")),
            ((1, 100_000), Some("keeps the middle 0 % of the height")),
        ] {
            let part = kept(picture, video_size(picture, Resolution::P480));
            assert_eq!(in_words(picture, part).as_deref(), want, "{picture:?}");
            assert!(part.left + part.width <= picture.0 && part.top + part.height <= picture.1);
        }
    }
}
