//! The video that somebody is to speak in: its pictures, 25 a second, upright and in the size of the result.

mod container;
mod fit;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use openh264::OpenH264API;
use openh264::decoder::{DecodeOptions, DecodedYUV, Decoder, DecoderConfig, Flush};

use self::container::{Container, Turn};
use super::encode::Frame;
use super::{Error, FRAMES_PER_SECOND, MIN_PICTURE_SIDE, Part};

/// Most bytes of an encoded video.
pub const MAX_VIDEO_BYTES: usize = 64 * 1024 * 1024;
/// Greatest width and height of a video in pixels: what level 5.2 of H.264 has room for.
pub const MAX_VIDEO_SIDE: u32 = 4096;
/// Broken pictures in a row after which the file counts as damaged rather than scratched.
const MAX_BROKEN_PICTURES: usize = 50;

/// A video that is being read, from its beginning to its end.
pub(super) struct Footage {
    container: Container,
    decoder: Decoder,
    slots: Slots,
    broken: usize,
    is_over: bool,
}

impl Footage {
    /// Opens an MP4 with H.264.
    ///
    /// # Errors
    /// [`Error::VideoUnreadable`], [`Error::FileTooLarge`].
    pub(super) fn open(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_VIDEO_BYTES {
            return Err(Error::FileTooLarge {
                part: Part::Video,
                size_bytes: bytes.len(),
                max_bytes: MAX_VIDEO_BYTES,
            });
        }
        let container = Container::open(bytes)?;
        let (width, height) = container.size;
        if width.min(height) < MIN_PICTURE_SIDE || width.max(height) > MAX_VIDEO_SIDE {
            return Err(refused(&format!(
                "it is {width}×{height} pixels, not {MIN_PICTURE_SIDE} to {MAX_VIDEO_SIDE} on each side"
            )));
        }
        // Pictures come out in the order in which they are shown; flushed at each, those that others are still to be
        // put before would be lost.
        let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
        let decoder = Decoder::with_api_config(OpenH264API::from_source(), config)
            .map_err(|error| refused(&error.to_string()))?;
        Ok(Self {
            slots: Slots::new(container.turn),
            container,
            decoder,
            broken: 0,
            is_over: false,
        })
    }

    /// Width and height in pixels as it is shown.
    pub(super) const fn size(&self) -> (u32, u32) {
        let (width, height) = self.container.size;
        if self.container.turn.is_sideways() {
            (height, width)
        } else {
            (width, height)
        }
    }

    /// How long it lasts, where it tells.
    pub(super) const fn length(&self) -> Option<Duration> {
        self.container.length
    }

    /// The next of its pictures in `size`, 25 a second; `None` after the last one. No more than `limit` pictures fill a
    /// gap between two times of the file.
    ///
    /// # Errors
    /// [`Error::VideoUnreadable`] when it has no pictures at all, or many that are broken.
    pub(super) fn next(
        &mut self,
        size: (u32, u32),
        limit: usize,
    ) -> Result<Option<Arc<Frame>>, Error> {
        while self.slots.ready.is_empty() && !self.is_over {
            self.read(size, limit)?;
        }
        let next = self.slots.ready.pop_front();
        if next.is_none() && self.slots.last.is_none() {
            return Err(refused("it holds no pictures that can be decoded"));
        }
        Ok(next)
    }

    /// Decodes the next coded picture.
    fn read(&mut self, size: (u32, u32), limit: usize) -> Result<(), Error> {
        let size = (size.0 as usize, size.1 as usize);
        let sample = match self.container.next() {
            // A file that is damaged further on is shown as far as it goes.
            Err(_) if self.slots.last.is_some() => None,
            sample => sample?,
        };
        let Some(sample) = sample else {
            self.is_over = true;
            for picture in self.decoder.flush_remaining().unwrap_or_default() {
                self.slots.take(&picture, size, limit);
            }
            return Ok(());
        };
        let options = DecodeOptions::new().flush_after_decode(Flush::NoFlush);
        match self.decoder.decode_with_options(&sample.unit, options) {
            Ok(picture) => {
                self.broken = 0;
                self.slots.times.push_back(sample.at);
                if let Some(picture) = picture {
                    self.slots.take(&picture, size, limit);
                }
                Ok(())
            }
            Err(_) if self.broken < MAX_BROKEN_PICTURES => {
                self.broken += 1;
                Ok(())
            }
            Err(error) => Err(refused(&error.to_string())),
        }
    }
}

/// Puts pictures, which come at any times, into the 25 slots of a second.
struct Slots {
    turn: Turn,
    /// Times of the pictures that are in the decoder, in seconds. Those of decoding: apart from a delay they are the
    /// times of showing, in order.
    times: VecDeque<f64>,
    /// When the first picture was, in seconds.
    begin: Option<f64>,
    /// The first slot that is empty.
    next: usize,
    /// What the last full slot holds.
    last: Option<Arc<Frame>>,
    /// What nobody has asked for so far.
    ready: VecDeque<Arc<Frame>>,
}

impl Slots {
    const fn new(turn: Turn) -> Self {
        Self {
            turn,
            times: VecDeque::new(),
            begin: None,
            next: 0,
            last: None,
            ready: VecDeque::new(),
        }
    }

    /// Takes the next picture in the order of showing: one that comes too late for its slot is dropped, and empty slots
    /// before it go on showing the last one.
    fn take(&mut self, picture: &DecodedYUV, size: (usize, usize), limit: usize) {
        let Some(slot) = self.slot(limit) else {
            return;
        };
        if let Some(last) = &self.last {
            let gap = slot - self.next;
            self.ready
                .extend(std::iter::repeat_n(Arc::clone(last), gap));
        }
        let frame = Arc::new(fit::fit(picture, self.turn, size));
        self.last = Some(Arc::clone(&frame));
        self.ready.push_back(frame);
        self.next = slot + 1;
    }

    /// The slot of the next picture; `None` when that is full.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and what is too large is cut to the limit"
    )]
    fn slot(&mut self, limit: usize) -> Option<usize> {
        let at = self.times.pop_front()?;
        let begin = *self.begin.get_or_insert(at);
        let slot = ((at - begin).max(0.0) * f64::from(FRAMES_PER_SECOND)).round() as usize;
        (slot >= self.next).then_some(slot.min(self.next + limit))
    }
}

fn refused(reason: &str) -> Error {
    Error::VideoUnreadable {
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slots that pictures at these times (in 600ths of a second) get.
    fn slots(times: &[u32]) -> Vec<Option<usize>> {
        let mut slots = Slots::new(Turn::NONE);
        slots.times = times.iter().map(|at| f64::from(*at) / 600.0).collect();
        let slot = |_: &u32| {
            let slot = slots.slot(100);
            slots.next = slot.map_or(slots.next, |slot| slot + 1);
            slot
        };
        times.iter().map(slot).collect()
    }

    #[test]
    fn any_rate_becomes_25_a_second() {
        let every = |ticks: u32, count: u32| {
            let times: Vec<u32> = (0..count).map(|n| 90 + ticks * n).collect();
            slots(&times)
        };
        assert_eq!(every(24, 4), [0, 1, 2, 3].map(Some));
        let thirty = every(20, 7);
        let full = thirty.iter().flatten().copied();
        assert_eq!(full.collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5], "{thirty:?}");
        assert_eq!(every(60, 3), [0, 3, 5].map(Some), "10 a second");
        assert_eq!(every(10, 5).iter().flatten().count(), 3, "60 a second");
    }

    #[test]
    fn a_time_far_away_fills_no_more_than_the_limit() {
        assert_eq!(slots(&[0, u32::MAX]), [Some(0), Some(101)]);
    }
}
