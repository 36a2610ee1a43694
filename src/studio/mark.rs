//! The corner mark: nobody may take a preview for the model's output.

use super::encode::Frame;

const TEXT: &str = "offline preview";
const GLYPH_WIDTH: usize = 5;
const GLYPH_HEIGHT: usize = 8;

/// Draws the mark into the lower right corner, sized to the frame.
pub(super) fn draw(frame: &mut Frame) {
    let scale = (frame.width.min(frame.height) / 240).max(1);
    let padding = 3 * scale;
    let advance = (GLYPH_WIDTH + 1) * scale;
    let width = (TEXT.len() * advance - scale + 2 * padding).next_multiple_of(2);
    let height = (GLYPH_HEIGHT * scale + 2 * padding).next_multiple_of(2);
    let margin = 6 * scale;
    let left = (frame.width - width - margin) & !1;
    let top = (frame.height - height - margin) & !1;

    // A dark strip, half see-through and without colour, so that the words can be read over anything.
    for y in top..top + height {
        for value in &mut frame.luma[y * frame.width + left..][..width] {
            *value = u8::try_from((u32::from(*value) * 2 + 24 * 3) / 5).expect("a mean of bytes");
        }
    }
    for plane in [&mut frame.blue, &mut frame.red] {
        for y in top / 2..top / 2 + height / 2 {
            for value in &mut plane[y * (frame.width / 2) + left / 2..][..width / 2] {
                *value =
                    u8::try_from((u32::from(*value) * 2 + 128 * 3) / 5).expect("a mean of bytes");
            }
        }
    }
    for (n, letter) in TEXT.chars().enumerate() {
        let rows = glyph(letter);
        for (row, bits) in rows.iter().enumerate() {
            for column in 0..GLYPH_WIDTH {
                if bits >> (GLYPH_WIDTH - 1 - column) & 1 == 0 {
                    continue;
                }
                let x = left + padding + n * advance + column * scale;
                let y = top + padding + row * scale;
                for line in y..y + scale {
                    frame.luma[line * frame.width + x..][..scale].fill(222);
                }
            }
        }
    }
}

/// Rows of a letter, top first, the leftmost pixel in the highest of five bits; only the letters of the mark exist.
const fn glyph(letter: char) -> [u8; GLYPH_HEIGHT] {
    match letter {
        'e' => [0, 0, 0b01110, 0b10001, 0b11111, 0b10000, 0b01110, 0],
        'f' => [
            0b00110, 0b01000, 0b11110, 0b01000, 0b01000, 0b01000, 0b01000, 0,
        ],
        'i' => [0b00100, 0, 0b01100, 0b00100, 0b00100, 0b00100, 0b01110, 0],
        'l' => [
            0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110, 0,
        ],
        'n' => [0, 0, 0b10110, 0b11001, 0b10001, 0b10001, 0b10001, 0],
        'o' => [0, 0, 0b01110, 0b10001, 0b10001, 0b10001, 0b01110, 0],
        'p' => [0, 0, 0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000],
        'r' => [0, 0, 0b10110, 0b11001, 0b10000, 0b10000, 0b10000, 0],
        'v' => [0, 0, 0b10001, 0b10001, 0b10001, 0b01010, 0b00100, 0],
        'w' => [0, 0, 0b10001, 0b10001, 0b10101, 0b10101, 0b01010, 0],
        _ => [0; GLYPH_HEIGHT],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: usize, height: usize) -> Frame {
        Frame {
            width,
            height,
            luma: vec![180; width * height],
            blue: vec![90; width * height / 4],
            red: vec![160; width * height / 4],
        }
    }

    #[test]
    fn the_mark_is_legible_and_stays_in_its_corner() {
        for (width, height) in [(832, 480), (480, 832), (640, 640), (1280, 720)] {
            let mut frame = grey(width, height);
            draw(&mut frame);
            let touched = |x: usize, y: usize| frame.luma[y * width + x] != 180;
            for y in 0..height {
                for x in 0..width {
                    let corner = x > width / 3 && y > height * 9 / 10;
                    assert!(corner || !touched(x, y), "{x},{y} of {width}×{height}");
                }
            }
            let letters = frame.luma.iter().filter(|value| **value > 200).count();
            let strip = frame.luma.iter().filter(|value| **value < 120).count();
            assert!(letters > 150 && strip > letters, "{letters} in {strip}");
        }
    }

    #[test]
    fn every_letter_of_the_mark_has_a_glyph() {
        for letter in TEXT.chars().filter(|letter| *letter != ' ') {
            assert_ne!(glyph(letter), [0; GLYPH_HEIGHT], "{letter}");
        }
    }
}
