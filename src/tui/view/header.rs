//! The first line: where requests go, how many jobs there are, what today cost. And the tabs, where panes are hidden.

use ratatui::{buffer::Buffer, layout::Rect, text::Span};

use super::{layout::to_u16, line};
use crate::{
    app::{
        App, Gate,
        action::Action,
        geometry::Pane,
        text::{cut, width},
    },
    model::Usd,
    tui::theme::Styles,
};

/// Spans of the counts that are always there.
const COUNTS: usize = 4;

pub(super) fn draw(app: &App, styles: &Styles, area: Rect, buf: &mut Buffer) {
    let room = usize::from(area.width);
    let (full, short) = (counts(app, styles, true), counts(app, styles, false));
    let (whole_badge, plain_badge) = (
        badge(app, styles, Words::All),
        badge(app, styles, Words::Trouble),
    );
    let bare_badge = badge(app, styles, Words::None);
    let (money, short_money) = (right(app, styles, true), right(app, styles, false));
    // What may go, in this order: the words of the counts, the way to a key, the words about money.
    let choices = [
        (&whole_badge, &full, &money),
        (&whole_badge, &short, &money),
        (&plain_badge, &full, &money),
        (&plain_badge, &short, &money),
        (&plain_badge, &short, &short_money),
    ];
    let (badge, counts, right) = choices
        .into_iter()
        .find(|(badge, counts, right)| cells(badge) + cells(counts) + cells(right) + 3 <= room)
        .unwrap_or((&bare_badge, &short, &short_money));
    line(buf, area.x, area.y, area.width, badge.iter().cloned());
    let right_width = cells(right);
    let right_x = room.saturating_sub(right_width);
    // What is rare stands behind and moves nothing.
    let counts_width = cells(&counts[..COUNTS]);
    // In the middle, but never over its neighbours.
    let counts_x = (room.saturating_sub(counts_width) / 2)
        .max(cells(badge) + 2)
        .min(right_x.saturating_sub(cells(counts) + 1));
    let at = |x: usize, spans: &[Span<'static>], buf: &mut Buffer| {
        line(
            buf,
            area.x.saturating_add(to_u16(x)),
            area.y,
            area.width.saturating_sub(to_u16(x)),
            spans.iter().cloned(),
        );
    };
    at(counts_x, counts, buf);
    at(right_x, right, buf);
}

fn cells(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| width(&span.content)).sum()
}

/// How much the badge says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    /// A sign alone.
    None,
    /// What is wrong, if something is.
    Trouble,
    /// That, and how to get another server.
    All,
}

fn badge(app: &App, styles: &Styles, words: Words) -> Vec<Span<'static>> {
    let is_preview = app.server.id.is_preview();
    let (dot, look) = match (&app.gate, app.reachable) {
        (Gate::AccountLocked | Gate::KeyRefused, _) => ("⚠", styles.failed),
        (Gate::Open, false) => ("○", styles.warning),
        (Gate::Open, true) => ("●", styles.done),
    };
    let label = if is_preview {
        styles.warning
    } else {
        styles.strong
    };
    let mut spans = vec![
        Span::styled(" talkdeck", styles.accent),
        Span::raw("  "),
        Span::styled(cut(app.server.label.as_str(), 24).into_owned(), label),
    ];
    let fine = app.gate == Gate::Open && app.reachable;
    if !(is_preview && fine) {
        spans.push(Span::styled(format!(" {dot}"), look));
    }
    let word = match (&app.gate, app.reachable) {
        (Gate::AccountLocked, _) => Some(" account locked"),
        (Gate::KeyRefused, _) => Some(" key refused"),
        (Gate::Open, false) => Some(" no connection"),
        (Gate::Open, true) => None,
    };
    if let Some(word) = word.filter(|_| words != Words::None) {
        spans.push(Span::styled(word, look));
    } else if fine && words == Words::All && !app.server.hint.is_empty() {
        spans.push(Span::styled(format!(" · {}", app.server.hint), styles.dim));
    }
    spans
}

fn counts(app: &App, styles: &Styles, in_words: bool) -> Vec<Span<'static>> {
    let counts = app.jobs.counts();
    let all = [
        (counts.running, "●", "running", styles.running),
        (counts.queued, "◌", "queued", styles.text),
        (counts.done, "✓", "done", styles.done),
        (counts.failed, "✗", "failed", styles.failed),
    ];
    let mut spans = Vec::new();
    for (number, glyph, word, style) in all {
        let style = if number == 0 { styles.dim } else { style };
        // Numbers have a fixed place: a longer one moves nothing.
        let text = if in_words {
            format!("{number:>3} {word}  ")
        } else {
            format!("{glyph} {number:<3}")
        };
        spans.push(Span::styled(text, style));
    }
    if counts.unconfirmed > 0 {
        let text = if in_words {
            format!(" {} unconfirmed ", counts.unconfirmed)
        } else {
            format!("⚠ {}", counts.unconfirmed)
        };
        spans.push(Span::styled(text, styles.loud));
    }
    spans
}

fn right(app: &App, styles: &Styles, in_words: bool) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    if let Some(spent) = app.spent
        && !(app.server.id.is_preview() && spent.day == Usd::ZERO)
    {
        if in_words {
            spans.push(Span::styled("today ", styles.dim));
        }
        spans.push(Span::styled(format!("≈{}", spent.day), styles.money));
        if let Some(cap) = app.budget.day.filter(|_| in_words) {
            spans.push(Span::styled(format!(" of {cap}"), styles.dim));
        }
        spans.push(Span::raw("  "));
    }
    let (glyph, word, style) = if app.jobs.has_timers() {
        ("↻", " live ", styles.running)
    } else {
        ("·", " idle ", styles.dim)
    };
    spans.push(Span::styled(glyph, style));
    spans.push(Span::styled(if in_words { word } else { " " }, style));
    spans
}

/// The tabs: which panes there are, and where the user is.
pub(super) fn draw_tabs(app: &App, styles: &Styles, area: Rect, buf: &mut Buffer) {
    let lower = if app.detail_open { "Detail" } else { "Log" };
    let selected = app
        .jobs
        .selected_id()
        .map_or_else(String::new, |id| format!(" · {}", id.short()));
    let tabs = [
        (Pane::Request, Action::FocusRequest, "Request".to_owned()),
        (
            Pane::Jobs,
            Action::FocusJobs,
            format!("Jobs {}", app.jobs.len()),
        ),
        (Pane::Lower, Action::FocusLog, format!("{lower}{selected}")),
    ];
    let mut spans = Vec::new();
    for (pane, action, title) in tabs {
        let key = app.keys_of(action).to_owned();
        if pane == app.focus {
            spans.push(Span::styled(
                format!("▸{key} {title} "),
                styles.focused_title,
            ));
        } else {
            spans.push(Span::styled(format!(" {key} "), styles.accent));
            spans.push(Span::styled(format!("{title} "), styles.dim));
        }
        spans.push(Span::raw(" "));
    }
    if app.zoomed {
        let key = app.keys_of(Action::ToggleZoom).to_owned();
        spans.push(Span::styled(format!("zoomed, {key} goes back"), styles.dim));
    }
    line(buf, area.x, area.y, area.width, spans);
}
