//! A question with its answers.

use ratatui::{buffer::Buffer, text::Span};

use super::boxed;
use crate::{
    app::{
        App,
        action::Action,
        modal::{Ask, Outcome},
        text::{cut, wrap},
    },
    tui::{
        theme::Styles,
        view::{layout::to_u16, line},
    },
};

/// Cells of the box.
const WIDTH: u16 = 64;
/// Most rows of one line of the question.
const MOST_ROWS: usize = 3;

pub(super) fn draw(app: &App, ask: &Ask, styles: &Styles, buf: &mut Buffer) {
    let width = usize::from(WIDTH.min(app.size().0.saturating_sub(4))) - 6;
    let mut rows: Vec<(String, ratatui::style::Style)> = Vec::new();
    for (tone, text) in &ask.lines {
        let text = text.as_str();
        let wrapped = wrap(text, width);
        let more = wrapped.len() > MOST_ROWS;
        for (at, bytes) in wrapped.into_iter().take(MOST_ROWS).enumerate() {
            let mut row = text[bytes].to_owned();
            if more && at + 1 == MOST_ROWS {
                row = cut(&format!("{}…", row.trim_end()), width).into_owned();
            }
            rows.push((row, styles.tone(*tone)));
        }
    }
    let height = to_u16(rows.len()) + 6;
    let inner = boxed(app, ask.title.as_str(), WIDTH, height, styles, buf);
    let last = inner.bottom().saturating_sub(2);
    for (at, (text, style)) in rows.into_iter().enumerate() {
        let y = inner.y + 1 + to_u16(at);
        if y + 1 >= last {
            break;
        }
        line(
            buf,
            inner.x + 2,
            y,
            inner.width.saturating_sub(4),
            [Span::styled(text, style)],
        );
    }
    let mut spans = Vec::new();
    for (at, answer) in ask.answers.iter().enumerate() {
        let text = if at == ask.selected {
            Span::styled(format!("▸ {} ", answer.label), styles.focused_title)
        } else {
            Span::styled(format!("  {} ", answer.label), styles.text)
        };
        spans.push(text);
        let key = match &answer.outcome {
            _ if at == ask.selected => app.keys_of(Action::Accept).to_owned(),
            Outcome::Nothing => app.keys_of(Action::Back).to_owned(),
            _ => answer.key.to_string(),
        };
        spans.push(Span::styled(format!(" {key}"), styles.accent));
        spans.push(Span::raw("    "));
    }
    line(buf, inner.x + 2, last, inner.width.saturating_sub(4), spans);
}
