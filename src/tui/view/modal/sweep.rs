//! The values of a sweep.
//!
//! ```text
//! ╭▸Sweep · infinitalk/single-text ──────────────────────────╮
//! │  field        values                                     │
//! │▸ voice        Bill,Aria                                2 │
//! │  resolution   480p                                       │
//! │  seed         1..5                                     5 │
//! │                                                          │
//! │  * for all of: Aria, Roger, …                            │
//! │  10 jobs · ≈ $11.60                                      │
//! ╰──────────────────────────────────────────────────────────╯
//! ```

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
        sweep::{SweepForm, SweepRow},
        text::{cut, pad, width},
        wording::{count, estimate},
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
/// Cells of the marker and of a field's name.
const BEFORE_VALUES: usize = 2 + 18;
/// Cells of the number of values.
const NUMBER: usize = 5;

pub(super) fn draw(
    app: &App,
    form: &SweepForm,
    styles: &Styles,
    buf: &mut Buffer,
) -> Option<Position> {
    let rows = to_u16(form.rows.len());
    let title = format!("Sweep · {}", form.endpoint.id.short());
    let inner = boxed(app, &title, WIDTH, rows + 7, styles, buf);
    let text = |y: u16, text: String, style: Style, buf: &mut Buffer| {
        let room = usize::from(inner.width.saturating_sub(3));
        let text = cut(&text, room).into_owned();
        line(
            buf,
            inner.x + 2,
            y,
            inner.width.saturating_sub(3),
            [Span::styled(text, style)],
        );
    };
    let heading = format!(
        "{}values; each is combined with each",
        pad("field", BEFORE_VALUES - 2)
    );
    text(inner.y, heading, styles.dim, buf);
    let list = inner.height.saturating_sub(4);
    let top = (form.selected + 1).saturating_sub(usize::from(list));
    let mut cursor = None;
    for (at, row) in form
        .rows
        .iter()
        .enumerate()
        .skip(top)
        .take(usize::from(list))
    {
        let area = Rect::new(inner.x, inner.y + 1 + to_u16(at - top), inner.width, 1);
        let selected = at == form.selected;
        let column = draw_row(row, selected, area, styles, buf);
        if selected {
            cursor = cursor_in(area, column, 0);
        }
    }
    let foot = inner.bottom().saturating_sub(2);
    text(foot, form.hint(), styles.dim, buf);
    let (sum, style) = summary(app, form, styles);
    text(foot + 1, sum, style, buf);
    cursor
}

/// Draws one field; returns the column of the cursor.
fn draw_row(
    row: &SweepRow,
    selected: bool,
    area: Rect,
    styles: &Styles,
    buf: &mut Buffer,
) -> usize {
    let look = |style: Style| {
        if selected {
            styles.on_selection(style)
        } else {
            style
        }
    };
    fill(buf, area, look(Style::new()));
    let room = usize::from(area.width).saturating_sub(BEFORE_VALUES + NUMBER + 1);
    let typed = row.text.text();
    let (shown, style) = if typed.is_empty() {
        (row.now.as_str(), styles.dim)
    } else {
        (typed.as_str(), styles.text)
    };
    // The end is what is being typed.
    let skipped = width(shown).saturating_sub(room);
    let shown = if selected && !typed.is_empty() && skipped > 0 {
        end_of(shown, room)
    } else {
        cut(shown, room).into_owned()
    };
    let (number, number_style) = match &row.read {
        None => (String::new(), styles.dim),
        Some(Ok(values)) => (values.to_string(), styles.text),
        Some(Err(_)) => ("✗".to_owned(), styles.failed),
    };
    let marker = if selected { "▸ " } else { "  " };
    let name = pad(&row.name, BEFORE_VALUES - 2 - 1);
    let spans = [
        Span::styled(marker, look(styles.accent)),
        Span::styled(format!("{name} "), look(styles.text)),
        Span::styled(pad(&shown, room), look(style)),
        Span::styled(
            crate::app::text::pad_left(&number, NUMBER),
            look(number_style),
        ),
    ];
    line(buf, area.x, area.y, area.width, spans);
    let (_, column) = row.text.cursor(&row.text.rows(usize::MAX));
    BEFORE_VALUES + column.min(room)
}

/// The last `room` cells of `text`, with a mark that there is more.
fn end_of(text: &str, room: usize) -> String {
    let mut kept = String::new();
    for (at, _) in text.char_indices().rev() {
        if width(&text[at..]) >= room {
            break;
        }
        text[at..].clone_into(&mut kept);
    }
    format!("…{kept}")
}

fn summary(app: &App, form: &SweepForm, styles: &Styles) -> (String, Style) {
    let fault = form
        .rows
        .get(form.selected)
        .and_then(|row| match &row.read {
            Some(Err(why)) => Some(format!("{}: {why}", row.name)),
            _ => None,
        });
    if let Some(fault) = fault {
        return (fault, styles.failed);
    }
    match form.total() {
        Err(why) => (why.to_string(), styles.failed),
        Ok(total) => {
            let cost = if app.server.id.is_preview() {
                "free".to_owned()
            } else {
                estimate(total.cost)
            };
            (
                format!("{} · {cost}", count(total.jobs, "job")),
                styles.money,
            )
        }
    }
}
