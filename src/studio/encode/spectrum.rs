//! Rounds the coefficients of a frame and codes them as AAC's Huffman books say (ISO/IEC 14496-3, 4.6.2 and 4.6.3).

use oxideav_aac::Error;
use oxideav_aac::scale_factor_data::hcod_sf_encode;
use oxideav_aac::spectrum_huffman::{
    hcod1_encode, hcod2_encode, hcod3_encode, hcod4_encode, hcod5_encode, hcod6_encode,
    hcod7_encode, hcod8_encode, hcod9_encode, hcod10_encode, hcod11_encode,
};

use super::bits::Bits;

/// Steps into which the strongest line of a frame is divided; more is finer and larger.
const FINENESS: f32 = 56.0;
/// Largest rounded value that a frame may hold.
const LARGEST: i32 = 8_191;
/// Book of a band that is silent.
const SILENT: u8 = 0;
/// Book whose values above 15 carry their own length.
const ESCAPE: u8 = 11;

/// A group of neighbouring lines with one step size.
pub(super) struct Band {
    /// Rounded lines.
    values: Vec<i32>,
    /// Step size: 2^((scale − 100) / 4) on AAC's scale of 0 to 255.
    scale: i32,
    /// Number of the Huffman book.
    book: u8,
}

/// Rounds all lines; `coarser` enlarges every step by so many quarters of a factor of two.
///
/// Bands below the strongest one are rounded more coarsely, by half the distance: the ear hides noise beside a strong
/// tone, but not all of it.
pub(super) fn round(lines: &[f32], edges: &[u16], coarser: i32) -> Vec<Band> {
    let bands = || {
        edges
            .windows(2)
            .map(|edge| &lines[usize::from(edge[0])..usize::from(edge[1])])
    };
    let peak = |band: &[f32]| band.iter().fold(0.0_f32, |peak, line| peak.max(line.abs()));
    let strongest = bands().map(peak).fold(0.0, f32::max);
    let mut rounded: Vec<Band> = bands()
        .map(|band| {
            let peak = peak(band);
            let steps = FINENESS * (peak / strongest.max(1.0)).sqrt();
            if peak < 2.0 || steps < 0.6 {
                return Band::silent(band.len());
            }
            // The rounded peak is (peak / step)^(3/4).
            let scale = 100.0 + 4.0 * peak.log2() - 16.0 / 3.0 * steps.log2();
            Band::new(band, (to_whole(scale.ceil()) + coarser).clamp(60, 220))
        })
        .collect();
    while rounded.last().is_some_and(|band| band.book == SILENT) {
        rounded.pop();
    }
    rounded
}

impl Band {
    fn silent(lines: usize) -> Self {
        Self {
            values: vec![0; lines],
            scale: 0,
            book: SILENT,
        }
    }

    fn new(lines: &[f32], scale: i32) -> Self {
        let step = (f64::from(scale - 100) / 4.0).exp2();
        let values: Vec<i32> = lines
            .iter()
            .map(|line| {
                let power = (f64::from(line.abs()) / step).powf(0.75);
                // Rounding a little downwards errs less, for the spacing of the values grows.
                #[expect(clippy::cast_possible_truncation, reason = "limited right after")]
                let value = ((power + 0.4054) as i32).min(LARGEST);
                if *line < 0.0 { -value } else { value }
            })
            .collect();
        let largest = values.iter().map(|value| value.abs()).max().unwrap_or(0);
        // Two books for every size, for calm and for rough bands; the shorter one is taken.
        let books: &[u8] = match largest {
            0 => return Self::silent(lines.len()),
            1 => &[1, 2],
            2 => &[3, 4],
            3..=4 => &[5, 6],
            5..=7 => &[7, 8],
            8..=12 => &[9, 10],
            _ => &[ESCAPE],
        };
        let length = |book: u8| {
            let mut bits = Bits::default();
            write_values(&mut bits, &values, book).map_or(usize::MAX, |()| bits.bytes())
        };
        let book = books.iter().copied().min_by_key(|book| length(*book));
        Self {
            scale,
            book: book.expect("there is a book for every size"),
            values,
        }
    }
}

/// Writes the bands as one channel: step sizes, books and values.
pub(super) fn write(bits: &mut Bits, bands: &[Band]) -> Result<(), Error> {
    let scales = || {
        bands
            .iter()
            .filter(|band| band.book != SILENT)
            .map(|band| band.scale)
    };
    let mut last = scales().next().unwrap_or(100);
    bits.push(last.unsigned_abs(), 8);
    // One long window with a sine slope; no prediction.
    bits.push(0, 4);
    bits.push(u32::try_from(bands.len()).expect("at most 51 bands"), 6);
    bits.push(0, 1);
    for section in bands.chunk_by(|a, b| a.book == b.book) {
        bits.push(u32::from(section[0].book), 4);
        let mut length = section.len();
        while length >= 31 {
            bits.push(31, 5);
            length -= 31;
        }
        bits.push(u32::try_from(length).expect("below 31"), 5);
    }
    for scale in scales() {
        // A step of more than 60 has no code; it is taken as far as it goes, which `round` keeps from happening.
        let change = i8::try_from((scale - last).clamp(-60, 60)).expect("at most 60");
        let (width, code) = hcod_sf_encode(change)?;
        bits.push(code, u32::from(width));
        last = scale;
    }
    // No pulses, no noise shaping, no gain control.
    bits.push(0, 3);
    for band in bands.iter().filter(|band| band.book != SILENT) {
        write_values(bits, &band.values, band.book)?;
    }
    Ok(())
}

/// Writes the values of a band in a book.
fn write_values(bits: &mut Bits, values: &[i32], book: u8) -> Result<(), Error> {
    let group = if book <= 4 { 4 } else { 2 };
    for part in values.chunks_exact(group) {
        // Books 1, 2, 5 and 6 number signed values, the others sizes, with the signs behind.
        let index = |base: i32, low: i32, size: &dyn Fn(i32) -> i32| {
            let index = part
                .iter()
                .fold(0, |index, value| index * base + size(*value) - low);
            index.unsigned_abs()
        };
        let signed = |value: i32| value;
        let size = |value: i32| value.abs().min(16);
        let (width, code) = match book {
            1 => hcod1_encode(index(3, -1, &signed)),
            2 => hcod2_encode(index(3, -1, &signed)),
            3 => hcod3_encode(index(3, 0, &size)),
            4 => hcod4_encode(index(3, 0, &size)),
            5 => hcod5_encode(index(9, -4, &signed)),
            6 => hcod6_encode(index(9, -4, &signed)),
            7 => hcod7_encode(index(8, 0, &size)),
            8 => hcod8_encode(index(8, 0, &size)),
            9 => hcod9_encode(index(13, 0, &size)),
            10 => hcod10_encode(index(13, 0, &size)),
            _ => hcod11_encode(index(17, 0, &size)),
        }?;
        bits.push(u32::from(code), u32::from(width));
        if !matches!(book, 1 | 2 | 5 | 6) {
            for value in part.iter().filter(|value| **value != 0) {
                bits.push(u32::from(*value < 0), 1);
            }
        }
        if book == ESCAPE {
            for value in part
                .iter()
                .map(|value| value.unsigned_abs())
                .filter(|value| *value > 15)
            {
                // As many ones as there are bits beyond four, a zero, then the value without its highest bit.
                let width = value.ilog2();
                bits.push((1 << (width - 4)) - 1, width - 4);
                bits.push(0, 1);
                bits.push(value, width);
            }
        }
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "a scale between 0 and 255")]
fn to_whole(value: f32) -> i32 {
    value as i32
}
