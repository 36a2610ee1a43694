//! The last lines: what happened, and which keys work here.

use ratatui::{buffer::Buffer, layout::Rect, text::Span};

use super::{layout::to_u16, line};
use crate::{
    app::{
        App, Command,
        action::{Action, Context},
        notice::Tone,
        text::{cut, width},
    },
    tui::theme::Styles,
};

/// Hints that are always there where they work, at the end.
const TAIL: [Action; 3] = [Action::NextPane, Action::OpenPalette, Action::OpenHelp];

pub(super) fn draw(
    app: &App,
    styles: &Styles,
    notice: Option<Rect>,
    hints: Rect,
    buf: &mut Buffer,
) {
    let told = match notice {
        Some(area) => {
            draw_notice(app, styles, area, buf);
            false
        }
        None => draw_notice(app, styles, hints, buf),
    };
    if !told {
        draw_hints(app, styles, hints, buf);
    }
}

fn draw_notice(app: &App, styles: &Styles, area: Rect, buf: &mut Buffer) -> bool {
    let Some((notice, more)) = app.notices.current() else {
        return false;
    };
    let glyph = match notice.tone {
        Tone::Failed => "✗",
        Tone::Warning => "⚠",
        Tone::Done => "✓",
        _ => "·",
    };
    let mut tail = String::new();
    if more > 0 {
        tail = format!("+{more} more  ");
    }
    if app.notices.stays() {
        let key = app.keys_of(Action::Back);
        tail = format!("{tail}{key} dismisses ");
    }
    let tail_width = width(&tail);
    let room = usize::from(area.width).saturating_sub(tail_width + 4);
    let style = styles.tone(notice.tone);
    let spans = [Span::styled(
        format!(" {glyph} {}", cut(notice.text.as_str(), room)),
        style,
    )];
    line(buf, area.x, area.y, area.width, spans);
    let x = area.right().saturating_sub(to_u16(tail_width));
    line(
        buf,
        x,
        area.y,
        to_u16(tail_width),
        [Span::styled(tail, styles.dim)],
    );
    true
}

fn draw_hints(app: &App, styles: &Styles, area: Rect, buf: &mut Buffer) {
    let commands = in_order(app);
    let hint_width = |command: &Command| width(first(&command.keys)) + 1 + width(command.hint) + 2;
    let is_tail = |command: &&Command| TAIL.contains(&command.action);
    let tail: Vec<_> = commands.iter().copied().filter(is_tail).collect();
    let mut room = usize::from(area.width).saturating_sub(
        1 + tail
            .iter()
            .map(|command| hint_width(command))
            .sum::<usize>(),
    );
    let mut shown = Vec::new();
    for command in commands.iter().copied().filter(|command| !is_tail(command)) {
        let needed = hint_width(command);
        if needed <= room {
            room -= needed;
            shown.push(command);
        }
    }
    let mut spans = vec![Span::raw(" ")];
    for command in shown.into_iter().chain(tail) {
        spans.push(Span::styled(first(&command.keys).to_owned(), styles.accent));
        spans.push(Span::styled(format!(" {}  ", command.hint), styles.dim));
    }
    line(buf, area.x, area.y, area.width, spans);
}

/// What works here and now and is worth a hint, the most particular first; in the editor sending comes before all.
fn in_order(app: &App) -> Vec<&Command> {
    let contexts = app.contexts();
    let own = contexts[0];
    let mut order: Vec<Context> = Vec::new();
    if matches!(own, Context::Form | Context::Typing) {
        order.push(Context::Deck);
    }
    order.extend(
        contexts
            .iter()
            .filter(|context| !order.contains(context))
            .copied()
            .collect::<Vec<_>>(),
    );
    let mut found: Vec<&Command> = Vec::new();
    for context in order {
        found.extend(app.commands.iter().filter(|command| {
            command.context == context
                && !command.hint.is_empty()
                && !command.keys.is_empty()
                && app.is_available(command.action)
        }));
    }
    found
}

/// The first of several keys.
fn first(keys: &str) -> &str {
    keys.split(' ').next().unwrap_or(keys)
}
