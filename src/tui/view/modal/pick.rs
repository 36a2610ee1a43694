//! A list that narrows while typing.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::Span,
};

use super::boxed;
use crate::{
    app::{
        App,
        modal::{PICK_ROWS, Pick},
        text::{cut, pad, width},
    },
    tui::{
        theme::Styles,
        view::{
            cursor_in,
            layout::{fill, to_u16},
            line,
        },
    },
};

/// Cells of the box.
const WIDTH: u16 = 76;
/// Cells of the box of endpoints, whose ids and titles are long.
const WIDE: u16 = 104;

pub(super) fn draw(app: &App, pick: &Pick, styles: &Styles, buf: &mut Buffer) -> Option<Position> {
    // A list that grows while it is looked at has its room from the start.
    let rows = if pick.is_of_endpoints() {
        PICK_ROWS
    } else {
        pick.entries.len().min(PICK_ROWS)
    };
    // As wide as its entries need, so that a list of voices is not a wall.
    let needed = pick
        .entries
        .iter()
        .map(|entry| width(entry.label.as_str()) + width(entry.aside.as_str()) + 10)
        .max()
        .unwrap_or(0);
    let box_width = if pick.is_of_endpoints() {
        WIDE
    } else {
        to_u16(needed.max(34)).min(WIDTH)
    };
    let inner = boxed(
        app,
        pick.title.as_str(),
        box_width,
        to_u16(rows) + 4,
        styles,
        buf,
    );
    let text = pick.filter.text();
    let shown = if text.is_empty() {
        Span::styled("type to narrow", styles.dim)
    } else {
        Span::styled(text, styles.text)
    };
    line(
        buf,
        inner.x,
        inner.y,
        inner.width,
        [Span::styled(" › ", styles.accent), shown],
    );
    let room = usize::from(inner.width);
    let list = usize::from(inner.height.saturating_sub(2));
    // The list may have fewer rows than the state thinks on a low screen: the selected one is kept in sight.
    let top = pick.top.max((pick.selected + 1).saturating_sub(list));
    if pick.shown.is_empty() {
        line(
            buf,
            inner.x + 3,
            inner.y + 2,
            inner.width,
            [Span::styled("nothing like that", styles.dim)],
        );
    }
    for row in 0..list {
        let at = top + row;
        let Some(entry) = pick.shown.get(at).map(|&entry| &pick.entries[entry]) else {
            break;
        };
        let y = inner.y + 2 + to_u16(row);
        let selected = at == pick.selected;
        let look = |style| {
            if selected {
                styles.on_selection(style)
            } else {
                style
            }
        };
        fill(
            buf,
            Rect::new(inner.x, y, inner.width, 1),
            look(Style::new()),
        );
        let marker = if selected { " ▸ " } else { "   " };
        let most = if pick.is_of_endpoints() {
            // The id is what is chosen: what is said about it gives way.
            let left = room.saturating_sub(5 + width(entry.label.as_str()));
            left.max(room / 4)
        } else {
            room / 2
        };
        let aside = cut(entry.aside.as_str(), most).into_owned();
        let label_room = room.saturating_sub(3 + width(&aside) + 2);
        let spans = [
            Span::styled(marker, look(styles.accent)),
            Span::styled(pad(entry.label.as_str(), label_room), look(styles.text)),
            Span::styled(format!(" {aside}"), look(styles.dim)),
        ];
        line(buf, inner.x, y, inner.width, spans);
    }
    let (_, column) = pick.filter.cursor(&pick.filter.rows(usize::MAX));
    cursor_in(Rect { height: 1, ..inner }, 3 + column, 0)
}
