//! Everything about the selected job, in the lower pane.

use ratatui::{buffer::Buffer, layout::Rect, text::Span};

use super::{
    has_focus,
    layout::{Title, frame, to_u16},
    line,
    log::joint,
};
use crate::{
    app::{App, action::Action, detail::LABEL, geometry::Pane, notice::Tone, text::pad},
    tui::theme::Styles,
};

pub(super) fn draw(app: &App, styles: &Styles, area: Rect, joined: bool, buf: &mut Buffer) {
    let focused = has_focus(app, Pane::Lower);
    let detail = &app.detail;
    let left = detail.id.as_ref().map_or_else(
        || "Detail".to_owned(),
        |id| format!("Detail · {}", id.short()),
    );
    let (from, all) = (detail.top + 1, detail.rows.len());
    let to = (detail.top + detail.height()).min(all);
    let mut right = Vec::new();
    if all > detail.height() {
        right.push(Span::styled(format!("{from}–{to} of {all}  "), styles.dim));
    }
    let key = app.keys_of(Action::Back);
    right.push(Span::styled(format!("{key} shows the log"), styles.dim));
    let title = Title { left, right };
    let inner = frame(buf, area, title, focused, joint(app, joined), styles);
    let width = inner.width.saturating_sub(2);
    let rows = detail.rows.iter().skip(detail.top).take(detail.height());
    for (screen_row, row) in rows.enumerate() {
        let y = inner.y + to_u16(screen_row);
        if row.is_full {
            let style = styles.tone(row.tone);
            line(
                buf,
                inner.x + 1,
                y,
                width,
                [Span::styled(row.label.to_string(), style)],
            );
            continue;
        }
        let style = styles.tone(row.tone);
        let glyph = match row.tone {
            Tone::Failed if !row.label.is_empty() => "✗ ",
            Tone::Done if !row.label.is_empty() => "✓ ",
            _ => "",
        };
        let spans = [
            Span::styled(pad(row.label.as_str(), LABEL + 1), styles.dim),
            Span::styled(format!("{glyph}{}", row.text), style),
        ];
        line(buf, inner.x + 1, y, width, spans);
    }
}
