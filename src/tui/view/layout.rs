//! The frame of a pane: thin, with its title in the border.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    symbols::border,
    text::Span,
    widgets::{Block, Borders, Widget},
};

use super::line;
use crate::{
    app::{
        geometry::inside,
        text::{cut, width},
    },
    tui::theme::Styles,
};

/// How a pane's frame meets its neighbours in the same column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joint {
    /// It stands alone.
    None,
    /// The pane below draws the row between the two.
    Below,
    /// This pane draws the row between it and the pane above.
    Above {
        /// The row is part of the focused pane's frame, too.
        focused: bool,
    },
}

/// What stands in the frame's upper border.
pub(super) struct Title<'a> {
    pub(super) left: String,
    pub(super) right: Vec<Span<'a>>,
}

/// Draws the frame; returns what is inside.
pub(super) fn frame(
    buf: &mut Buffer,
    area: Rect,
    title: Title<'_>,
    focused: bool,
    joint: Joint,
    styles: &Styles,
) -> Rect {
    let style = if focused {
        styles.focused_border
    } else {
        styles.border
    };
    let borders = if joint == Joint::Below {
        Borders::TOP | Borders::LEFT | Borders::RIGHT
    } else {
        Borders::ALL
    };
    Block::new()
        .borders(borders)
        .border_set(border::ROUNDED)
        .border_style(style)
        .render(area, buf);
    if let Joint::Above { focused: above } = joint {
        let row = Rect { height: 1, ..area };
        if above {
            buf.set_style(row.intersection(buf.area), styles.focused_border);
        }
        for (x, corner) in [(row.x, "├"), (row.right().saturating_sub(1), "┤")] {
            if let Some(cell) = buf.cell_mut((x, row.y)) {
                cell.set_symbol(corner);
            }
        }
    }
    titles(buf, area, title, focused, styles);
    inside(area)
}

fn titles(buf: &mut Buffer, area: Rect, title: Title<'_>, focused: bool, styles: &Styles) {
    let room = usize::from(area.width.saturating_sub(4));
    let right: usize = title.right.iter().map(|span| width(&span.content)).sum();
    let left = cut(&title.left, room.saturating_sub(2)).into_owned();
    // The marker takes the place of a space, so that nothing moves when the focus does.
    let (text, style) = if focused {
        (format!("▸{left} "), styles.focused_title)
    } else {
        (format!(" {left} "), styles.strong)
    };
    let used = width(&text);
    line(
        buf,
        area.x + 1,
        area.y,
        area.width.saturating_sub(2),
        [Span::styled(text, style)],
    );
    if right > 0 && used + right + 3 <= room + 2 {
        let x = area.right().saturating_sub(2 + 2 + to_u16(right));
        let mut spans = vec![Span::raw(" ")];
        spans.extend(title.right);
        spans.push(Span::raw(" "));
        line(buf, x, area.y, to_u16(right) + 2, spans);
    }
}

/// A number of cells; the screen has no more than fit.
pub(super) fn to_u16(cells: usize) -> u16 {
    u16::try_from(cells).unwrap_or(u16::MAX)
}

/// Fills `area` with blanks of `style`.
pub(super) fn fill(buf: &mut Buffer, area: Rect, style: Style) {
    for row in area.intersection(buf.area).rows() {
        line(
            buf,
            row.x,
            row.y,
            row.width,
            [Span::styled(" ".repeat(usize::from(row.width)), style)],
        );
    }
}
