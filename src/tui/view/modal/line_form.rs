//! A line that is asked for: a name, a path.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::Span,
};

use super::boxed;
use crate::{
    app::{App, drafts::LineForm, text::cut},
    tui::{
        theme::Styles,
        view::{cursor_in, line},
    },
};

/// Cells of the box.
const WIDTH: u16 = 64;

pub(super) fn draw(
    app: &App,
    form: &LineForm,
    styles: &Styles,
    buf: &mut Buffer,
) -> Option<Position> {
    let inner = boxed(app, form.title, WIDTH, 6, styles, buf);
    let room = inner.width.saturating_sub(4);
    let text = form.text.text();
    let spans = [
        Span::styled("› ", styles.accent),
        Span::styled(cut(&text, usize::from(room)).into_owned(), styles.text),
    ];
    line(
        buf,
        inner.x + 1,
        inner.y + 1,
        inner.width.saturating_sub(2),
        spans,
    );
    let hint = [Span::styled(form.hint, styles.dim)];
    line(
        buf,
        inner.x + 3,
        inner.y + 2,
        inner.width.saturating_sub(4),
        hint,
    );
    let (_, column) = form.text.cursor(&form.text.rows(usize::MAX));
    let area = Rect::new(inner.x + 3, inner.y + 1, room, 1);
    cursor_in(area, column, 0)
}
