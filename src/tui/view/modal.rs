//! What lies over the panes.

mod ask;
mod diff;
mod files;
mod help;
mod line_form;
mod pick;
mod sweep;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    symbols::border,
    text::Span,
    widgets::{Block, Borders, Clear, Widget},
};

use super::line;
use crate::{
    app::{App, geometry::inside, modal::Modal, text::cut},
    tui::theme::Styles,
};

/// Draws the modal on top of the stack; the ones below wait unseen.
pub(super) fn draw(app: &App, styles: &Styles, buf: &mut Buffer) -> Option<Position> {
    match app.modals.last()? {
        Modal::Ask(question) => {
            ask::draw(app, question, styles, buf);
            None
        }
        Modal::Pick(list) => pick::draw(app, list, styles, buf),
        Modal::Files(list) => files::draw(app, list, styles, buf),
        Modal::Sweep(form) => sweep::draw(app, form, styles, buf),
        Modal::Diff(jobs) => {
            diff::draw(app, jobs, styles, buf);
            None
        }
        Modal::Line(form) => line_form::draw(app, form, styles, buf),
        Modal::Help(state) => {
            help::draw(app, state, styles, buf);
            None
        }
    }
}

/// A framed box in the middle of the screen; returns what is inside.
fn boxed(
    app: &App,
    title: &str,
    width: u16,
    height: u16,
    styles: &Styles,
    buf: &mut Buffer,
) -> Rect {
    let (columns, rows) = app.size();
    let width = width.min(columns.saturating_sub(4));
    let height = height.min(rows.saturating_sub(2));
    let area = Rect::new((columns - width) / 2, (rows - height) / 2, width, height);
    let visible = area.intersection(buf.area);
    // A wide character that is cut in half by the left edge would show in full.
    if let Some(before) = visible.x.checked_sub(1) {
        for y in visible.y..visible.bottom() {
            if let Some(cell) = buf.cell_mut((before, y))
                && crate::app::text::width(cell.symbol()) > 1
            {
                cell.set_symbol(" ");
            }
        }
    }
    Clear.render(visible, buf);
    buf.set_style(visible, styles.text);
    Block::new()
        .borders(Borders::ALL)
        .border_set(border::ROUNDED)
        .border_style(styles.focused_border)
        .render(area, buf);
    let title = cut(title, usize::from(width.saturating_sub(6))).into_owned();
    line(
        buf,
        area.x + 1,
        area.y,
        area.width.saturating_sub(2),
        [Span::styled(format!("▸{title} "), styles.focused_title)],
    );
    inside(area)
}
