//! Two jobs beside each other; what differs stands out.

use ratatui::{buffer::Buffer, text::Span};

use super::boxed;
use crate::{
    app::{App, diff::Diff, text::pad},
    tui::{
        theme::Styles,
        view::{layout::to_u16, line},
    },
};

/// Cells of the box.
const WIDTH: u16 = 108;
/// Cells of a name with its mark.
const NAME: usize = 18;

pub(super) fn draw(app: &App, diff: &Diff, styles: &Styles, buf: &mut Buffer) {
    let differing = match diff.differing() {
        0 => "the same".to_owned(),
        1 => "1 difference".to_owned(),
        number => format!("{number} differences"),
    };
    let title = format!("{} · {differing}", diff.title);
    let height = to_u16(diff.rows.len()) + 2;
    let inner = boxed(app, &title, WIDTH, height, styles, buf);
    let room = usize::from(inner.width).saturating_sub(NAME + 4) / 2;
    let rows = diff.rows.iter().skip(diff.top);
    for (at, row) in rows.take(usize::from(inner.height)).enumerate() {
        let (mark, look) = if row.differs {
            ("≠", styles.text)
        } else {
            (" ", styles.dim)
        };
        let name = pad(row.name.as_str(), NAME - 3);
        let spans = [
            Span::styled(format!(" {mark} "), styles.warning),
            Span::styled(name, styles.dim),
            Span::styled(pad(row.left.as_str(), room), look),
            Span::styled(" │ ", styles.dim),
            Span::styled(pad(row.right.as_str(), room), look),
        ];
        line(buf, inner.x, inner.y + to_u16(at), inner.width, spans);
    }
}
