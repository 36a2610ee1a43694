//! Takes a rendered video apart again: demuxes and decodes it with other libraries than those that made it where there
//! are any.

use openh264::decoder::Decoder;
use openh264::formats::YUVSource;
use re_mp4::{Mp4, TrackKind};
use symphonia::core::formats::TrackType;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::MediaSourceStream;

/// What a player would show and play.
pub(crate) struct Film {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Brightness of every picture, row by row.
    pub(crate) pictures: Vec<Vec<u8>>,
    /// When each picture is shown, in seconds.
    pub(crate) shown_at: Vec<f64>,
    /// How long each picture is shown, in seconds.
    pub(crate) shown_for: Vec<f64>,
    pub(crate) sound: Vec<f32>,
    pub(crate) sound_rate: u32,
    /// Length of the sound track as its header says, in seconds.
    pub(crate) sound_length: f64,
}

impl Film {
    pub(crate) fn of(mp4: &[u8]) -> Self {
        let index = Mp4::read_bytes(mp4).expect("the index is readable");
        let track = |kind| {
            let mut tracks = index.tracks().values();
            tracks
                .find(|track| track.kind == Some(kind))
                .expect("both tracks are there")
        };
        let video = track(TrackKind::Video);
        let audio = track(TrackKind::Audio);
        let seconds = |ticks: u64, scale: u64| ticks as f64 / scale as f64;

        let mut decoder = Decoder::new().unwrap();
        let mut pictures = Vec::new();
        let mut size = (0, 0);
        for (n, sample) in video.samples.iter().enumerate() {
            let mut unit = if n == 0 {
                parameter_sets(&video.raw_codec_config(&index).unwrap())
            } else {
                Vec::new()
            };
            unit.extend(annex_b(&mp4[sample.byte_range()]));
            let picture = decoder.decode(&unit).expect("every frame decodes");
            let picture = picture.expect("every sample is a picture");
            size = picture.dimensions();
            let rows = picture.y().chunks(picture.strides().0).take(size.1);
            pictures.push(rows.flat_map(|row| row[..size.0].to_vec()).collect());
        }
        let (sound, sound_rate) = decode_sound(mp4);
        Self {
            width: size.0,
            height: size.1,
            pictures,
            shown_at: video
                .samples
                .iter()
                .map(|sample| sample.composition_timestamp as f64 / video.timescale as f64)
                .collect(),
            shown_for: video
                .samples
                .iter()
                .map(|sample| seconds(sample.duration, video.timescale))
                .collect(),
            sound,
            sound_rate,
            sound_length: seconds(audio.duration, audio.timescale),
        }
    }

    /// How many pixels of a box (left, top, right, bottom, as shares of the sides) are nearly black, per picture.
    pub(crate) fn darkness(&self, area: [f64; 4]) -> Vec<usize> {
        self.pictures
            .iter()
            .map(|picture| self.area(picture, area).filter(|value| *value < 52).count())
            .collect()
    }

    /// Mean difference of a box from one picture to another.
    pub(crate) fn difference(&self, area: [f64; 4], one: usize, other: usize) -> f64 {
        let first = self.area(&self.pictures[one], area);
        let second = self.area(&self.pictures[other], area);
        let (sum, count) = first.zip(second).fold((0.0, 0.0), |(sum, count), (a, b)| {
            (sum + f64::from(a.abs_diff(b)), count + 1.0)
        });
        sum / count
    }

    fn area<'a>(&self, picture: &'a [u8], area: [f64; 4]) -> impl Iterator<Item = u8> + 'a {
        let at = |share: f64, side: usize| (share * side as f64) as usize;
        let (left, right) = (at(area[0], self.width), at(area[2], self.width));
        let (top, bottom) = (at(area[1], self.height), at(area[3], self.height));
        picture
            .chunks(self.width)
            .take(bottom)
            .skip(top)
            .flat_map(move |row| row[left..right].iter().copied())
    }

    /// Loudness of the sound while each picture is shown.
    pub(crate) fn loudness(&self) -> Vec<f64> {
        let span = self.sound_rate as usize / 25;
        (0..self.pictures.len())
            .map(|n| {
                let from = (n * span).min(self.sound.len());
                let part = &self.sound[from..(from + span).min(self.sound.len())];
                let sum: f64 = part.iter().map(|value| f64::from(*value).powi(2)).sum();
                (sum / part.len().max(1) as f64).sqrt()
            })
            .collect()
    }
}

/// The parameter sets of an `avcC` box with start codes.
fn parameter_sets(config: &[u8]) -> Vec<u8> {
    let mut sets = Vec::new();
    let mut rest = &config[5..];
    for mask in [0x1F, 0xFF] {
        let count = rest[0] & mask;
        rest = &rest[1..];
        for _ in 0..count {
            let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
            sets.extend_from_slice(&[0, 0, 0, 1]);
            sets.extend_from_slice(&rest[2..2 + length]);
            rest = &rest[2 + length..];
        }
    }
    sets
}

/// A sample with start codes in place of lengths.
fn annex_b(mut sample: &[u8]) -> Vec<u8> {
    let mut unit = Vec::new();
    while sample.len() > 4 {
        let (length, rest) = sample.split_at(4);
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        unit.extend_from_slice(&[0, 0, 0, 1]);
        unit.extend_from_slice(&rest[..length]);
        sample = &rest[length..];
    }
    unit
}

fn decode_sound(mp4: &[u8]) -> (Vec<f32>, u32) {
    let stream = MediaSourceStream::new(
        Box::new(std::io::Cursor::new(mp4.to_vec())),
        symphonia::core::io::MediaSourceStreamOptions::default(),
    );
    let mut format = symphonia::default::get_probe()
        .probe(
            &Hint::new(),
            stream,
            symphonia::core::formats::FormatOptions::default(),
            symphonia::core::meta::MetadataOptions::default(),
        )
        .unwrap();
    let track = format.default_track(TrackType::Audio).unwrap();
    let id = track.id;
    let parameters = track.codec_params.as_ref().unwrap().audio().unwrap();
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(
            parameters,
            &symphonia::core::codecs::audio::AudioDecoderOptions::default(),
        )
        .unwrap();
    let mut sound = Vec::new();
    let mut rate = 0;
    while let Some(packet) = format.next_packet().unwrap() {
        if packet.track_id == id {
            let buffer = decoder.decode(&packet).unwrap();
            rate = buffer.spec().rate();
            let mut part: Vec<f32> = Vec::new();
            buffer.copy_to_vec_interleaved(&mut part);
            sound.extend(part);
        }
    }
    (sound, rate)
}
