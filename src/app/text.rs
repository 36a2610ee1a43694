//! Text measured in terminal cells: cutting, padding, wrapping.

use std::{borrow::Cow, ops::Range};

use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation;

/// Cells that `text` takes, counted as the terminal buffer counts them.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.graphemes(true)
        .map(|grapheme| usize::from(grapheme.cell_width()))
        .sum()
}

/// `text` in at most `most` cells; what is cut ends in `…`, never in half a wide character.
#[must_use]
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    // A byte is at least a cell for no text, so this settles most calls at once.
    if text.len() <= most || width(text) <= most {
        return Cow::Borrowed(text);
    }
    if most == 0 {
        return Cow::Borrowed("");
    }
    let mut used = 0;
    let mut end = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += usize::from(grapheme.cell_width());
        if used > most - 1 {
            break;
        }
        end = at + grapheme.len();
    }
    Cow::Owned(format!("{}…", &text[..end]))
}

/// `text` cut and filled up with spaces to exactly `cells`.
#[must_use]
pub fn pad(text: &str, cells: usize) -> String {
    let mut text = cut(text, cells).into_owned();
    let missing = cells - width(&text);
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// `text` cut and pushed to the right end of exactly `cells`.
#[must_use]
pub fn pad_left(text: &str, cells: usize) -> String {
    let text = cut(text, cells);
    format!("{}{text}", " ".repeat(cells - width(&text)))
}

/// The end of a path is what tells it from others: cut at the front.
#[must_use]
pub fn cut_front(text: &str, most: usize) -> Cow<'_, str> {
    if width(text) <= most {
        return Cow::Borrowed(text);
    }
    if most == 0 {
        return Cow::Borrowed("");
    }
    let mut used = 0;
    let mut start = text.len();
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += usize::from(grapheme.cell_width());
        if used > most - 1 {
            break;
        }
        start = at;
    }
    Cow::Owned(format!("…{}", &text[start..]))
}

/// The byte ranges of the rows that one line of text fills at `cells` a row.
///
/// Rows break after spaces and after wide characters, else anywhere between characters. Spaces at the end of a row may
/// hang over. There is always at least one row.
#[must_use]
pub fn wrap(line: &str, cells: usize) -> Vec<Range<usize>> {
    let cells = cells.max(2);
    if line.len() <= cells {
        // The commonest case; bytes are never fewer than cells of printable text.
        return std::iter::once(0..line.len()).collect();
    }
    if line.is_ascii() {
        return wrap_ascii(line.as_bytes(), cells);
    }
    let mut rows = Vec::new();
    let (mut start, mut used) = (0, 0);
    // The last place where the row may break, and the cells used up to there.
    let mut place: Option<(usize, usize)> = None;
    for (at, grapheme) in line.grapheme_indices(true) {
        let own = usize::from(grapheme.cell_width());
        let blank = grapheme == " ";
        if used + own > cells && !blank {
            let (end, kept) = place.filter(|&(end, _)| end > start).unwrap_or((at, used));
            rows.push(start..end);
            start = end;
            used -= kept;
            place = None;
        }
        used += own;
        if blank || own > 1 {
            place = Some((at + grapheme.len(), used));
        }
    }
    rows.push(start..line.len());
    rows
}

/// The places of `needle` in `text`, in bytes; capital and small ASCII letters count as the same.
#[must_use]
pub fn find_all(text: &str, needle: &str) -> Vec<Range<usize>> {
    let (hay, needle) = (text.as_bytes(), needle.as_bytes());
    let mut found = Vec::new();
    if needle.is_empty() {
        return found;
    }
    let mut at = 0;
    while at + needle.len() <= hay.len() {
        if hay[at..at + needle.len()].eq_ignore_ascii_case(needle) {
            found.push(at..at + needle.len());
            at += needle.len();
        } else {
            at += 1;
        }
    }
    found
}

/// As [`wrap`], where every byte is a cell: most scripts are such, and long ones are wrapped at every key.
fn wrap_ascii(line: &[u8], cells: usize) -> Vec<Range<usize>> {
    let mut rows = Vec::new();
    let mut start = 0;
    while line.len() - start > cells {
        let limit = start + cells;
        // Blanks may hang over.
        let hanging = line[limit..]
            .iter()
            .take_while(|byte| **byte == b' ')
            .count();
        let end = match line[start..limit].iter().rposition(|byte| *byte == b' ') {
            _ if hanging > 0 => limit + hanging,
            Some(blank) => start + blank + 1,
            None => limit,
        };
        if end >= line.len() {
            break;
        }
        rows.push(start..end);
        start = end;
    }
    rows.push(start..line.len());
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_ends_in_half_a_wide_character() {
        let cases = [
            ("short", 9, "short"),
            ("exactly", 7, "exactly"),
            ("too long", 5, "too …"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            (
                "👩\u{200d}👩\u{200d}👧 family",
                4,
                "👩\u{200d}👩\u{200d}👧 …",
            ),
            ("x", 0, ""),
        ];
        for (text, most, want) in cases {
            assert_eq!(cut(text, most), want, "{text} in {most}");
            assert!(width(&cut(text, most)) <= most);
        }
        assert_eq!(cut_front("/very/long/face.png", 9), "…face.png");
        assert_eq!(cut_front("日本語", 4), "…語");
    }

    #[test]
    fn padding_counts_cells_not_characters() {
        assert_eq!(pad("日本", 6), "日本  ");
        assert_eq!(pad("日本語", 4), "日… ");
        assert_eq!(pad_left("$1.16", 7), "  $1.16");
    }

    fn rows(line: &str, cells: usize) -> Vec<&str> {
        wrap(line, cells)
            .into_iter()
            .map(|row| &line[row])
            .collect()
    }

    #[test]
    fn rows_break_after_spaces_or_else_anywhere() {
        assert_eq!(rows("", 5), [""]);
        assert_eq!(rows("one two three", 8), ["one two ", "three"]);
        assert_eq!(rows("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(rows("日本語日本語", 5), ["日本", "語日", "本語"]);
        assert_eq!(
            rows("to antidisestablish", 6),
            ["to ", "antidi", "sestab", "lish"]
        );
    }

    #[test]
    fn wrapping_loses_nothing() {
        let line = "a  b   c日本 👩\u{200d}👩\u{200d}👧e\u{301} long-word-without-any-break end   ";
        for cells in 2..40 {
            assert_eq!(rows(line, cells).concat(), line, "{cells}");
        }
    }

    #[test]
    fn a_search_ignores_case_and_does_not_overlap() {
        assert_eq!(find_all("aAa Aa", "aa"), [0..2, 4..6]);
        assert_eq!(find_all("abc", ""), []);
        assert_eq!(find_all("naïve ï", "ï"), [2..4, 7..9]);
    }

    #[test]
    fn plain_text_is_wrapped_as_any_other() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            let letters: String = (0..random.usize(0..60))
                .map(|_| if random.u8(0..4) == 0 { ' ' } else { 'x' })
                .collect();
            let cells = random.usize(2..14);
            // An accent makes the line no ASCII, and nothing wider: it stands on a row of its own line.
            let accented = letters.replace('x', "é");
            let of = |line: &str| -> Vec<String> {
                let rows = wrap(line, cells).into_iter();
                rows.map(|row| line[row].replace('é', "x")).collect()
            };
            assert_eq!(of(&letters), of(&accented), "{letters:?} in {cells}");
        }
    }
}
