//! Takes coded pictures out of an MP4.

use std::io::Cursor;
use std::time::Duration;

use symphonia::core::codecs::video::VideoCodecParameters;
use symphonia::core::codecs::video::well_known::CODEC_ID_H264;
use symphonia::core::codecs::video::well_known::extra_data::VIDEO_EXTRA_DATA_ID_AVC_DECODER_CONFIG;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::units::TimeBase;

use super::super::Error;
use super::refused;

/// What stands before every NAL unit in Annex B of ITU-T H.264.
const START: [u8; 4] = [0, 0, 0, 1];

/// The picture track of an MP4.
pub(super) struct Container {
    format: Box<dyn FormatReader>,
    track: u32,
    time_base: TimeBase,
    /// Bytes of the length before each NAL unit.
    length_bytes: usize,
    /// Parameter sets, until the first picture takes them along.
    parameter_sets: Vec<u8>,
    /// Width and height in pixels as they are coded.
    pub(super) size: (u32, u32),
    /// How the coded pictures are turned to be shown.
    pub(super) turn: Turn,
    /// How long the pictures last, where the file tells.
    pub(super) length: Option<Duration>,
}

/// Where a step to the right and a step down in the picture as it is shown lead in the picture as it is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) right: (i8, i8),
    pub(super) down: (i8, i8),
}

impl Turn {
    pub(super) const NONE: Self = Self {
        right: (1, 0),
        down: (0, 1),
    };

    /// Whether width and height change places.
    pub(super) const fn is_sideways(self) -> bool {
        self.right.0 == 0
    }
}

/// One coded picture.
pub(super) struct Sample {
    /// NAL units with start codes.
    pub(super) unit: Vec<u8>,
    /// When it is decoded, in seconds from the beginning of the file.
    pub(super) at: f64,
}

impl Container {
    /// Finds the pictures.
    ///
    /// # Errors
    /// [`Error::VideoUnreadable`] when it is no MP4 or has no H.264 pictures.
    pub(super) fn open(bytes: &[u8]) -> Result<Self, Error> {
        let stream = MediaSourceStream::new(
            Box::new(Cursor::new(bytes.to_vec())),
            MediaSourceStreamOptions::default(),
        );
        let format = symphonia::default::get_probe()
            .probe(
                &Hint::new(),
                stream,
                FormatOptions::default(),
                MetadataOptions::default(),
            )
            .map_err(|error| refused(&error.to_string()))?;
        let track = format
            .default_track(TrackType::Video)
            .ok_or_else(|| refused("it holds no pictures"))?;
        let video = track
            .codec_params
            .as_ref()
            .and_then(|parameters| parameters.video())
            .filter(|video| video.codec == CODEC_ID_H264)
            .ok_or_else(|| refused("its pictures are not H.264"))?;
        let (length_bytes, parameter_sets) =
            configuration(video).ok_or_else(|| refused("its H.264 parameters are broken"))?;
        let time_base = track
            .time_base
            .ok_or_else(|| refused("its pictures have no times"))?;
        let length = track
            .duration
            .and_then(|ticks| time_base.calc_duration(ticks))
            .and_then(|time| Duration::try_from_secs_f64(time.as_secs_f64()).ok());
        let side = |pixels: Option<u16>| u32::from(pixels.unwrap_or(0));
        Ok(Self {
            track: track.id,
            time_base,
            length_bytes,
            parameter_sets,
            size: (side(video.width), side(video.height)),
            turn: turn_of(bytes, track.id).unwrap_or(Turn::NONE),
            length,
            format,
        })
    }

    /// The next coded picture; `None` after the last one.
    ///
    /// # Errors
    /// [`Error::VideoUnreadable`] where the file is damaged or was cut off.
    pub(super) fn next(&mut self) -> Result<Option<Sample>, Error> {
        loop {
            let packet = self.format.next_packet();
            let Some(packet) = packet.map_err(|error| refused(&error.to_string()))? else {
                return Ok(None);
            };
            if packet.track_id != self.track {
                continue;
            }
            let mut unit = std::mem::take(&mut self.parameter_sets);
            append(&mut unit, &packet.data, self.length_bytes);
            let at = self.time_base.calc_time_saturating(packet.dts);
            return Ok(Some(Sample {
                unit,
                at: at.as_secs_f64(),
            }));
        }
    }
}

/// The bytes of a length, and the parameter sets with start codes, of an AVC decoder configuration record (ISO/IEC
/// 14496-15, 5.3.3.1).
fn configuration(video: &VideoCodecParameters) -> Option<(usize, Vec<u8>)> {
    let record = video
        .extra_data
        .iter()
        .find(|extra| extra.id == VIDEO_EXTRA_DATA_ID_AVC_DECODER_CONFIG)?;
    let (head, mut rest) = record.data.split_at_checked(5)?;
    let length_bytes = usize::from(head[4] & 3) + 1;
    let mut sets = Vec::new();
    for count_bits in [0x1F, 0xFF] {
        let (count, after) = rest.split_first()?;
        rest = after;
        for _ in 0..count & count_bits {
            let (length, after) = rest.split_first_chunk()?;
            let (set, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
            sets.extend(START);
            sets.extend(set);
            rest = after;
        }
    }
    Some((length_bytes, sets))
}

/// Appends the NAL units of a sample, with start codes in place of their lengths; a torn one is left out.
fn append(unit: &mut Vec<u8>, mut sample: &[u8], length_bytes: usize) {
    while let Some((length, rest)) = sample.split_at_checked(length_bytes) {
        let length = length
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let Some((nal, rest)) = rest.split_at_checked(length) else {
            return;
        };
        unit.extend(START);
        unit.extend(nal);
        sample = rest;
    }
}

/// How a track's header turns its pictures (ISO/IEC 14496-12, 8.3.2); `None` when it skews them or says nothing.
///
/// Telephones film sideways and note it here; the demuxer does not tell.
fn turn_of(bytes: &[u8], id: u32) -> Option<Turn> {
    let movie = boxes(bytes).find(|(kind, _)| *kind == b"moov")?.1;
    let tracks = boxes(movie).filter(|(kind, _)| *kind == b"trak");
    let mut headers = tracks.filter_map(|(_, track)| {
        let header = boxes(track).find(|(kind, _)| *kind == b"tkhd")?.1;
        // Version 1 has longer times.
        let (id_at, matrix_at) = if *header.first()? == 1 {
            (20, 52)
        } else {
            (12, 40)
        };
        let number = |at: usize| {
            let bytes = header.get(at..)?.first_chunk()?;
            Some(i32::from_be_bytes(*bytes))
        };
        let found = number(id_at)?.cast_unsigned();
        let part = |n: usize| number(matrix_at + 4 * n);
        (found == id).then_some([part(0)?, part(1)?, part(3)?, part(4)?])
    });
    let matrix = headers.next()?;
    let [a, b, c, d] = matrix.map(|part| part.signum().try_into().unwrap_or(0_i8));
    // What is no turn by a right angle would need more than a change of places.
    let is_turn = (a == 0) == (d == 0) && (b == 0) == (c == 0) && (a == 0) != (b == 0);
    is_turn.then_some(Turn {
        right: (a, c),
        down: (b, d),
    })
}

/// The boxes of an MP4, or of a box: kind and content.
fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (size, after) = bytes.split_first_chunk::<4>()?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let (length, after) = match u32::from_be_bytes(*size) {
            0 => (after.len(), after),
            1 => {
                let (size, after) = after.split_first_chunk::<8>()?;
                let size = usize::try_from(u64::from_be_bytes(*size)).ok()?;
                (size.checked_sub(16)?, after)
            }
            size => (usize::try_from(size).ok()?.checked_sub(8)?, after),
        };
        let (content, rest) = after.split_at_checked(length)?;
        bytes = rest;
        Some((kind, content))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(kind: &[u8], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 8).unwrap();
        [&size.to_be_bytes(), kind, content].concat()
    }

    /// A movie with the header of one track.
    fn movie(version: u8, id: u32, matrix: [i32; 4]) -> Vec<u8> {
        let (id_at, matrix_at) = if version == 1 { (20, 52) } else { (12, 40) };
        let mut header = vec![0; matrix_at + 44];
        header[0] = version;
        header[id_at..id_at + 4].copy_from_slice(&id.to_be_bytes());
        for (n, part) in [0, 1, 3, 4].into_iter().zip(matrix) {
            let at = matrix_at + 4 * n;
            header[at..at + 4].copy_from_slice(&part.to_be_bytes());
        }
        let track = nested(b"trak", &nested(b"tkhd", &header));
        [nested(b"free", &[1, 2]), nested(b"moov", &track)].concat()
    }

    #[test]
    fn a_turn_is_read_from_the_header_of_the_track() {
        const ONE: i32 = 1 << 16;
        for version in [0, 1] {
            let turned = turn_of(&movie(version, 7, [0, ONE, -ONE, 0]), 7).unwrap();
            assert!(turned.is_sideways());
            assert_eq!((turned.right, turned.down), ((0, -1), (1, 0)));
            let upright = movie(version, 7, [ONE, 0, 0, ONE]);
            assert_eq!(turn_of(&upright, 7), Some(Turn::NONE));
            assert_eq!(turn_of(&upright, 8), None, "another track");
        }
        assert_eq!(turn_of(&movie(0, 7, [ONE, ONE, -ONE, ONE]), 7), None);
        let whole = movie(0, 7, [ONE, 0, 0, ONE]);
        for end in 0..whole.len() {
            assert_eq!(turn_of(&whole[..end], 7), None, "cut after {end} bytes");
        }
    }

    #[test]
    fn lengths_become_start_codes_and_a_torn_unit_is_left_out() {
        let mut unit = Vec::new();
        append(&mut unit, &[0, 2, 8, 9, 0, 1, 7, 0, 5, 1], 2);
        assert_eq!(unit, [0, 0, 0, 1, 8, 9, 0, 0, 0, 1, 7]);
    }
}
