//! A field that is typed into: text, cursor, undo, and its rows on the screen.

use std::{cell::RefCell, ops::Range, rc::Rc};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_textarea::{CursorMove, TextArea};
use unicode_segmentation::UnicodeSegmentation;

use crate::{app::text, model::CleanText};

/// Steps that `^U` can take back inside one field.
const UNDO_STEPS: usize = 200;

/// Text under a cursor. It holds clean text only: what is pasted or loaded is cleaned first.
pub(crate) struct TextField {
    area: TextArea<'static>,
    multiline: bool,
    /// What was worked out of the text as it is now: a long one is looked at often.
    known: RefCell<Known>,
    /// The first row that is in sight.
    pub(crate) top: usize,
}

/// What is worked out of a text once.
#[derive(Debug, Default)]
struct Known {
    /// The rows, and the width they were made for.
    rows: Option<(usize, Rc<[Row]>)>,
    /// Words and characters.
    counts: Option<(usize, usize)>,
}

/// A row on the screen: which line of the text, and which bytes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) bytes: Range<usize>,
}

impl TextField {
    /// A field that holds `text`, the cursor behind it.
    pub(crate) fn new(text: &str, multiline: bool) -> Self {
        let clean = clean(text, multiline);
        let mut area = TextArea::new(clean.as_str().split('\n').map(str::to_owned).collect());
        area.set_max_histories(UNDO_STEPS);
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        Self {
            area,
            multiline,
            known: RefCell::default(),
            top: 0,
        }
    }

    pub(crate) fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.area.lines().iter().all(|line| line.trim().is_empty())
    }

    pub(crate) fn lines(&self) -> &[String] {
        self.area.lines()
    }

    /// Takes a key; `width` is that of its rows on the screen. Returns whether the text changed.
    pub(crate) fn key(&mut self, key: KeyEvent, width: usize) -> bool {
        let plain = key.modifiers.difference(KeyModifiers::SHIFT).is_empty();
        match key.code {
            KeyCode::Up | KeyCode::Down if plain && self.multiline => {
                self.move_by_row(key.code == KeyCode::Down, width);
                false
            }
            KeyCode::Enter if !self.multiline => false,
            // These mean a line feed, which a single line has no room for.
            KeyCode::Char('m' | 'j') if !plain && !self.multiline => false,
            // Copy, cut and the selection belong to the terminal.
            KeyCode::Char('c' | 'x') if !plain => false,
            KeyCode::Tab | KeyCode::BackTab => false,
            _ => {
                // Compared as text: the widget counts a deletion of nothing as a change.
                let before = self.text();
                self.area.input(KeyEvent {
                    modifiers: without_selection(key),
                    ..key
                });
                let changed = before != self.text();
                if changed {
                    self.known = RefCell::default();
                }
                changed
            }
        }
    }

    pub(crate) fn paste(&mut self, raw: &str) -> bool {
        self.known = RefCell::default();
        self.area.insert_str(clean(raw, self.multiline).as_str())
    }

    pub(crate) fn undo(&mut self) -> bool {
        self.known = RefCell::default();
        self.area.undo()
    }

    pub(crate) fn redo(&mut self) -> bool {
        self.known = RefCell::default();
        self.area.redo()
    }

    /// Puts `text` in place of all that is there; undo brings it back.
    pub(crate) fn replace(&mut self, text: &str) {
        self.known = RefCell::default();
        self.area.clear();
        self.area.insert_str(clean(text, self.multiline).as_str());
    }

    /// The rows at `width`.
    pub(crate) fn rows(&self, width: usize) -> Rc<[Row]> {
        if let Some((of, rows)) = &self.known.borrow().rows
            && *of == width
        {
            return Rc::clone(rows);
        }
        let lines = self.area.lines().iter().enumerate();
        let rows: Rc<[Row]> = lines
            .flat_map(|(line, text)| {
                text::wrap(text, width)
                    .into_iter()
                    .map(move |bytes| Row { line, bytes })
            })
            .collect();
        self.known.borrow_mut().rows = Some((width, Rc::clone(&rows)));
        rows
    }

    /// Words and characters, the latter as people count them.
    pub(crate) fn counts(&self) -> (usize, usize) {
        if let Some(counts) = self.known.borrow().counts {
            return counts;
        }
        let words = |line: &String| line.split_whitespace().count();
        let characters = |line: &String| {
            if line.is_ascii() {
                line.len()
            } else {
                line.graphemes(true).count()
            }
        };
        let lines = self.area.lines();
        let feeds = lines.len() - 1;
        let counts = (
            lines.iter().map(words).sum(),
            lines.iter().map(characters).sum::<usize>() + feeds,
        );
        self.known.borrow_mut().counts = Some(counts);
        counts
    }

    /// Row and column of the cursor among `rows`.
    pub(crate) fn cursor(&self, rows: &[Row]) -> (usize, usize) {
        let at = self.area.cursor();
        let (line, column) = (at.0, at.1);
        let text = &self.area.lines()[line];
        let byte = text
            .char_indices()
            .nth(column)
            .map_or(text.len(), |(byte, _)| byte);
        let row = rows
            .iter()
            .rposition(|row| row.line == line && row.bytes.start <= byte)
            .unwrap_or(0);
        let start = rows.get(row).map_or(0, |row| row.bytes.start);
        (row, text::width(&text[start.min(byte)..byte]))
    }

    /// Scrolls so far that the cursor is among the `height` rows in sight.
    pub(crate) fn keep_in_sight(&mut self, width: usize, height: usize) {
        let rows = self.rows(width);
        let (row, _) = self.cursor(&rows);
        let last_top = rows.len().saturating_sub(height);
        self.top = self
            .top
            .min(row)
            .max((row + 1).saturating_sub(height))
            .min(last_top.max(row.saturating_sub(height.saturating_sub(1))));
    }

    fn move_by_row(&mut self, down: bool, width: usize) {
        let rows = self.rows(width);
        let (row, column) = self.cursor(&rows);
        let target = if down { row + 1 } else { row.wrapping_sub(1) };
        let Some(row) = rows.get(target) else {
            self.area.move_cursor(if down {
                CursorMove::End
            } else {
                CursorMove::Head
            });
            return;
        };
        let line = &self.area.lines()[row.line];
        let start = line[..row.bytes.start].chars().count();
        let inside = chars_within(&line[row.bytes.clone()], column);
        // The place behind the last character of a wrapped row is the first of the next one.
        let last = line[row.bytes.clone()].chars().count();
        let wraps = row.bytes.end < line.len();
        let inside = if wraps {
            inside.min(last.saturating_sub(1))
        } else {
            inside
        };
        let short = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        self.area
            .move_cursor(CursorMove::Jump(short(row.line), short(start + inside)));
    }
}

/// Shift with an arrow would start a selection, which nothing here shows.
fn without_selection(key: KeyEvent) -> KeyModifiers {
    if matches!(key.code, KeyCode::Char(_)) {
        key.modifiers
    } else {
        key.modifiers.difference(KeyModifiers::SHIFT)
    }
}

fn clean(raw: &str, multiline: bool) -> CleanText {
    if multiline {
        CleanText::multiline(raw)
    } else {
        CleanText::line(raw)
    }
}

/// How many characters of `text` lie before the cell `column`.
fn chars_within(text: &str, column: usize) -> usize {
    let (mut used, mut chars) = (0, 0);
    for grapheme in text.graphemes(true) {
        used += text::width(grapheme);
        if used > column {
            break;
        }
        chars += grapheme.chars().count();
    }
    chars
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(field: &mut TextField, code: KeyCode) {
        field.key(KeyEvent::from(code), 10);
    }

    fn type_text(field: &mut TextField, text: &str) {
        for c in text.chars() {
            press(field, KeyCode::Char(c));
        }
    }

    #[test]
    fn typing_and_deleting_change_the_text_and_undo_brings_it_back() {
        let mut field = TextField::new("", true);
        type_text(&mut field, "ab");
        press(&mut field, KeyCode::Enter);
        type_text(&mut field, "c");
        assert_eq!(field.text(), "ab\nc");
        press(&mut field, KeyCode::Backspace);
        assert_eq!(field.text(), "ab\n");
        assert!(field.undo());
        assert_eq!(field.text(), "ab\nc");
        assert!(field.redo());
        assert_eq!(field.text(), "ab\n");
    }

    #[test]
    fn a_single_line_takes_no_line_feed_by_any_way() {
        let mut field = TextField::new("a\nb", false);
        press(&mut field, KeyCode::Enter);
        field.key(KeyEvent::new(KeyCode::Char('m'), KeyModifiers::CONTROL), 10);
        field.paste("c\r\nd");
        assert_eq!(field.text(), "a bc d");
    }

    #[test]
    fn what_is_pasted_is_inert() {
        let mut field = TextField::new("", true);
        field.paste("\u{1b}[31mred\u{202e}\nnext");
        assert_eq!(field.text(), "red\nnext");
    }

    #[test]
    fn up_and_down_follow_the_rows_on_the_screen() {
        let mut field = TextField::new("one two three four", true);
        let rows = field.rows(10);
        assert_eq!(rows.len(), 2);
        assert_eq!(field.cursor(&rows), (1, 10));
        press(&mut field, KeyCode::Up);
        assert_eq!(field.cursor(&rows).0, 0);
        press(&mut field, KeyCode::Down);
        assert_eq!(field.cursor(&rows).0, 1);
        press(&mut field, KeyCode::Up);
        press(&mut field, KeyCode::Up);
        assert_eq!(
            field.cursor(&rows),
            (0, 0),
            "above the first row is its start"
        );
    }

    #[test]
    fn the_cursor_counts_cells_of_wide_characters() {
        let field = TextField::new("日本👩\u{200d}👩\u{200d}👧", true);
        assert_eq!(field.cursor(&field.rows(20)), (0, 6));
    }

    #[test]
    fn the_cursor_stays_in_sight() {
        let mut field = TextField::new(&"word ".repeat(40), true);
        field.keep_in_sight(10, 3);
        let rows = field.rows(10);
        let (row, _) = field.cursor(&rows);
        assert!((field.top..field.top + 3).contains(&row));
        for _ in 0..rows.len() {
            press(&mut field, KeyCode::Up);
            field.keep_in_sight(10, 3);
        }
        assert_eq!(field.top, 0);
    }

    #[test]
    fn a_large_paste_stays_whole() {
        let mut field = TextField::new("", true);
        let text = "日本 text 👩\u{200d}👩\u{200d}👧 ".repeat(4000);
        field.paste(&text);
        assert_eq!(field.text(), text);
    }
}
