//! The screens: from the state to cells. Nothing here changes anything.

mod detail;
mod editor;
mod header;
mod job_list;
mod layout;
mod log;
mod modal;
mod status_bar;

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use super::theme::Styles;
use crate::app::{
    App,
    geometry::{LEAST, Pane},
};

/// Draws the whole screen.
///
/// The layout is for [`App::size`]. A frame of another size, as there may be for a moment while the window is dragged,
/// shows the part of it that fits.
pub fn draw(frame: &mut Frame<'_>, app: &App, styles: &Styles) {
    let whole = frame.area();
    let buf = frame.buffer_mut();
    buf.set_style(whole, styles.text);
    if app.is_too_small() {
        too_small(app, styles, whole, buf);
        return;
    }
    let areas = app.geometry();
    header::draw(app, styles, areas.header, buf);
    if let Some(area) = areas.tabs {
        header::draw_tabs(app, styles, area, buf);
    }
    let mut cursor = None;
    if let Some(area) = areas.request {
        cursor = cursor.or(editor::draw(app, styles, area, buf));
    }
    if let Some(area) = areas.jobs {
        cursor = cursor.or(job_list::draw(
            app,
            styles,
            area,
            areas.lower.is_some(),
            buf,
        ));
    }
    if let Some(area) = areas.lower {
        let joined = areas.jobs.is_some();
        cursor = cursor.or(if app.detail_open {
            detail::draw(app, styles, area, joined, buf);
            None
        } else {
            log::draw(app, styles, area, joined, buf)
        });
    }
    status_bar::draw(app, styles, areas.notice, areas.hints, buf);
    if !app.modals.is_empty() {
        cursor = modal::draw(app, styles, buf);
    }
    if let Some(cursor) = cursor.filter(|&cursor| whole.contains(cursor)) {
        frame.set_cursor_position(cursor);
    }
}

fn too_small(app: &App, styles: &Styles, whole: Rect, buf: &mut Buffer) {
    let (columns, rows) = app.size();
    let (least_columns, least_rows) = LEAST;
    let text = format!("talkdeck needs {least_columns}×{least_rows}, this is {columns}×{rows}");
    line(
        buf,
        whole.x,
        whole.y,
        whole.width,
        [Span::styled(text, styles.warning)],
    );
}

/// Draws one line of spans, cut at `width` and at the edge of the screen.
fn line<'a>(
    buf: &mut Buffer,
    x: u16,
    y: u16,
    width: u16,
    spans: impl IntoIterator<Item = Span<'a>>,
) {
    Line::from_iter(spans).render(Rect::new(x, y, width, 1), buf);
}

/// Whether keys go to `pane`: no modal is over it.
fn has_focus(app: &App, pane: Pane) -> bool {
    app.focus == pane && app.modals.is_empty()
}

/// The place of a cursor, if it is inside `area`.
fn cursor_in(area: Rect, x: usize, y: usize) -> Option<Position> {
    let x = area.x.saturating_add(u16::try_from(x).ok()?);
    let y = area.y.saturating_add(u16::try_from(y).ok()?);
    let position = Position::new(x, y);
    area.contains(position).then_some(position)
}
