//! Values: one row with something beside it, a line that is typed, a text of several rows.

use ratatui::{buffer::Buffer, layout::Rect, style::Style, text::Span};
use unicode_segmentation::UnicodeSegmentation;

use super::{View, placeholder};
use crate::{
    app::{
        editor::{
            VALUE,
            field::FieldEditor,
            form::Place,
            text_field::{Row, TextField},
        },
        text::{cut, cut_front, width},
    },
    tui::view::{
        cursor_in,
        layout::{fill, to_u16},
        line,
    },
};

/// Where in a value's room the facts about it begin.
const ASIDE: usize = 14;

/// How a value is drawn.
#[derive(Clone, Copy)]
pub(super) struct Value<'v> {
    pub(super) place: Place,
    /// The user is typing into it.
    pub(super) typing: bool,
    /// What lies behind it.
    pub(super) back: Style,
    /// What is to be said about it.
    pub(super) aside: &'v str,
    pub(super) look: Style,
}

impl View<'_> {
    fn at(&self, y: u16) -> Rect {
        Rect::new(self.inner.x + VALUE, y, self.editor.value_width(), 1)
    }

    /// One row: a value, and what is to be said beside it.
    pub(super) fn shown(&self, value: Value<'_>, text: &str, style: Style, buf: &mut Buffer) {
        let Some(y) = self.y(value.place.top) else {
            return;
        };
        let (area, room) = (self.at(y), self.value_width());
        // What is beside gives way, down to a third of the room.
        let needed = width(text) + 1;
        let aside = cut(value.aside, room.saturating_sub(needed).max(room / 3));
        let aside_width = width(&aside);
        let text_room = room - if aside_width > 0 { aside_width + 1 } else { 0 };
        fill(buf, area, value.back);
        let text = cut(text, text_room).into_owned();
        let style = style.patch(value.back);
        line(
            buf,
            area.x,
            y,
            to_u16(text_room),
            [Span::styled(text, style)],
        );
        // In a column of its own where it fits there, else at the right edge.
        let column = ASIDE.max(needed).min(room - aside_width);
        let look = value.look.patch(value.back);
        let x = area.x + to_u16(column);
        line(
            buf,
            x,
            y,
            to_u16(aside_width),
            [Span::styled(aside.into_owned(), look)],
        );
    }

    /// A single line of text that may be typed into; `empty` stands where there is none.
    pub(super) fn single(
        &mut self,
        value: Value<'_>,
        text: &TextField,
        empty: &str,
        buf: &mut Buffer,
    ) {
        let whole = text.text();
        if !value.typing {
            if whole.is_empty() {
                self.shown(value, empty, self.styles.dim, buf);
            } else if value.aside.is_empty() {
                let end = cut_front(&whole, self.value_width());
                self.shown(value, &end, self.styles.text, buf);
            } else {
                self.shown(value, &whole, self.styles.text, buf);
            }
            return;
        }
        let Some(y) = self.y(value.place.top) else {
            return;
        };
        let area = self.at(y);
        let aside_width = width(value.aside);
        let beside = aside_width > 0 && aside_width + 8 < self.value_width();
        let room = self.value_width() - if beside { aside_width + 1 } else { 0 };
        let (_, column) = text.cursor(&text.rows(usize::MAX));
        // The window slides so that the cursor is always inside.
        let (shown, skipped) = skip_cells(&whole, (column + 1).saturating_sub(room));
        let shown = Span::styled(shown.to_owned(), self.styles.text);
        line(buf, area.x, y, to_u16(room), [shown]);
        if beside {
            let x = area.x + to_u16(room + 1);
            let aside = Span::styled(value.aside.to_owned(), value.look);
            line(buf, x, y, to_u16(aside_width), [aside]);
        }
        let window = Rect {
            width: to_u16(room),
            ..area
        };
        self.cursor = cursor_in(window, column - skipped, 0);
    }

    /// A text of several rows.
    pub(super) fn area(
        &mut self,
        value: Value<'_>,
        field: &FieldEditor,
        text: &TextField,
        buf: &mut Buffer,
    ) {
        let rows = text.rows(self.editor.wrap_width());
        let top = if value.typing { text.top } else { 0 };
        self.text_rows(value, text, &rows, top, buf);
        if text.is_blank() && !value.typing {
            let faulty = field.fault.is_some() && field.touched && !value.place.has_info;
            let (shown, look) = if faulty {
                (value.aside.to_owned(), value.look)
            } else {
                (placeholder(field), self.styles.dim)
            };
            if let Some(y) = self.y(value.place.top) {
                let area = self.at(y);
                let shown = cut(&shown, self.value_width()).into_owned();
                line(
                    buf,
                    area.x,
                    y,
                    area.width,
                    [Span::styled(shown, look.patch(value.back))],
                );
            }
        }
        if value.place.has_info {
            self.info(value, buf);
        }
        if value.typing {
            let (row, column) = text.cursor(&rows);
            let row = row.checked_sub(top).map(to_u16);
            let y = row
                .filter(|row| *row < value.place.rows)
                .and_then(|row| self.y(value.place.top + row));
            // A space may hang over the edge; the cursor stays inside.
            let column = column.min(self.value_width().saturating_sub(1));
            self.cursor = y.and_then(|y| cursor_in(self.at(y), column, 0));
        }
    }

    fn text_rows(
        &self,
        value: Value<'_>,
        text: &TextField,
        rows: &[Row],
        top: usize,
        buf: &mut Buffer,
    ) {
        let lines = text.lines();
        let height = usize::from(value.place.rows);
        let style = self.styles.text.patch(value.back);
        for screen_row in 0..height {
            let Some(y) = self.y(value.place.top + to_u16(screen_row)) else {
                continue;
            };
            let area = self.at(y);
            fill(buf, area, value.back);
            let Some(row) = rows.get(top + screen_row) else {
                continue;
            };
            let mut shown = lines[row.line][row.bytes.clone()].to_owned();
            if screen_row + 1 == height && !value.typing && top + height < rows.len() {
                // There is more than is in sight.
                let more = format!("{} …", shown.trim_end());
                shown = cut(&more, self.editor.wrap_width()).into_owned();
            }
            line(buf, area.x, y, area.width, [Span::styled(shown, style)]);
        }
    }

    /// The row below a value, for what is to be said about it.
    pub(super) fn info(&self, value: Value<'_>, buf: &mut Buffer) {
        if let Some(y) = self.y(value.place.top + value.place.rows) {
            let area = self.at(y);
            let text = cut(value.aside, self.value_width()).into_owned();
            line(buf, area.x, y, area.width, [Span::styled(text, value.look)]);
        }
    }
}

/// `text` without its first `cells` cells or a little more, and how many were left out.
fn skip_cells(text: &str, cells: usize) -> (&str, usize) {
    let mut skipped = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        if skipped >= cells {
            return (&text[at..], skipped);
        }
        skipped += width(grapheme);
    }
    ("", skipped)
}
