//! The frames of a video that somebody is to speak in, each with the face that is seen in it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Error;
use super::encode::Frame;
use super::face::{Face, Tracker};
use super::footage::Footage;

/// The face is looked for in every so many frames; between them it moves evenly. A head goes nowhere in a fifth of a
/// second that this would not follow.
const KEY_FRAMES: usize = 5;
/// Frames of the end of a short video that are kept, to be shown back and forth: three seconds.
const KEPT_FRAMES: usize = 75;

/// One frame.
#[derive(Clone)]
pub(super) struct Shot {
    pub(super) frame: Arc<Frame>,
    pub(super) face: Option<Face>,
}

/// Gives the frames one by one.
pub(super) struct Reel {
    footage: Footage,
    size: (u32, u32),
    tracker: Tracker,
    /// Frames that are still to be given.
    left: usize,
    /// The face in the last frame that was looked at.
    last: Option<Face>,
    has_face: bool,
    waiting: VecDeque<Shot>,
    kept: VecDeque<Shot>,
    /// Frames given since the video ended.
    after_end: usize,
}

impl Reel {
    /// `num_frames` frames of `footage` in `size`.
    pub(super) fn new(footage: Footage, size: (u32, u32), num_frames: usize) -> Self {
        Self {
            footage,
            size,
            tracker: Tracker::default(),
            left: num_frames,
            last: None,
            has_face: false,
            waiting: VecDeque::new(),
            kept: VecDeque::new(),
            after_end: 0,
        }
    }

    /// The next frame. A video that is over goes back and forth between its end and what was shown shortly before.
    ///
    /// # Errors
    /// [`Error::VideoUnreadable`], and at the last frame [`Error::NoFaceInVideo`] when none of them had one.
    pub(super) fn next(&mut self) -> Result<Shot, Error> {
        if self.waiting.is_empty() && self.after_end == 0 {
            self.gather()?;
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 && !self.has_face {
            return Err(Error::NoFaceInVideo);
        }
        let Some(shot) = self.waiting.pop_front() else {
            self.after_end += 1;
            return Ok(self.kept[back_and_forth(self.kept.len(), self.after_end)].clone());
        };
        self.kept.push_back(shot.clone());
        if self.kept.len() > KEPT_FRAMES {
            self.kept.pop_front();
        }
        Ok(shot)
    }

    /// Reads up to the next frame in which the face is looked for; the first one is.
    fn gather(&mut self) -> Result<(), Error> {
        let wanted = if self.kept.is_empty() { 1 } else { KEY_FRAMES };
        let mut frames = Vec::new();
        while frames.len() < wanted {
            match self.footage.next(self.size, self.left)? {
                Some(frame) => frames.push(frame),
                None => break,
            }
        }
        let Some(key) = frames.last() else {
            return Ok(());
        };
        let here = self.tracker.find(key);
        self.has_face |= here.is_some();
        let steps = frames.len();
        for (n, frame) in (1..).zip(frames) {
            let face = if n == steps {
                here
            } else {
                #[expect(clippy::cast_precision_loss, reason = "a handful of frames")]
                let part = n as f32 / steps as f32;
                let pair = self.last.zip(here);
                pair.and_then(|(last, here)| last.towards(&here, part))
            };
            self.waiting.push_back(Shot { frame, face });
        }
        self.last = here;
        Ok(())
    }
}

/// Which of `count` frames is shown `after_end` frames after the last one.
fn back_and_forth(count: usize, after_end: usize) -> usize {
    let turn = count - 1;
    if turn == 0 {
        return 0;
    }
    turn.abs_diff(after_end % (2 * turn))
}

#[cfg(test)]
mod tests {
    use super::back_and_forth;

    #[test]
    fn a_short_video_goes_back_and_forth_and_a_single_frame_stands_still() {
        let shown: Vec<_> = (1..=9).map(|n| back_and_forth(4, n)).collect();
        assert_eq!(shown, [2, 1, 0, 1, 2, 3, 2, 1, 0]);
        assert_eq!(back_and_forth(1, 7), 0);
    }
}
