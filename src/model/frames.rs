//! Frames and seconds.

use std::time::Duration;

/// Frames a second of every avatar video.
///
/// Source: several independent measurements of fal's output; no first-party text says it.
pub const FRAMES_PER_SECOND: u32 = 25;

/// How long `frames` play.
#[must_use]
pub fn duration_of(frames: u32) -> Duration {
    Duration::from_millis(u64::from(frames) * 1000 / u64::from(FRAMES_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_play_at_twenty_five_a_second() {
        assert_eq!(duration_of(145), Duration::from_millis(5800));
        assert_eq!(duration_of(721), Duration::from_millis(28_840));
    }
}
