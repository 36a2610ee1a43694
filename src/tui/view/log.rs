//! The log of the selected job.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::Span,
};

use super::{
    has_focus,
    job_list::prompt_line,
    layout::{Joint, Title, fill, frame, to_u16},
    line,
};
use crate::{
    app::{
        App, Purpose,
        action::Action,
        geometry::Pane,
        logs::{LogRow, Show},
        text::{cut, find_all, pad},
        wording::{count, time_of_day},
    },
    model::{JobState, Level, LogLine},
    tui::theme::Styles,
};

pub(super) fn draw(
    app: &App,
    styles: &Styles,
    area: Rect,
    joined: bool,
    buf: &mut Buffer,
) -> Option<Position> {
    let focused = has_focus(app, Pane::Lower);
    let joint = joint(app, joined);
    let inner = frame(buf, area, title(app, styles), focused, joint, styles);
    // One column of air on either side.
    let text = Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    };
    if app.log.rows_len() == 0 {
        let [what, how] = nothing(app);
        line(
            buf,
            text.x + 1,
            text.y + 1,
            text.width,
            [Span::styled(what, styles.text)],
        );
        line(
            buf,
            text.x + 1,
            text.y + 2,
            text.width,
            [Span::styled(how, styles.dim)],
        );
    }
    let cursor = app.log.cursor();
    for (screen_row, (row, log_line)) in app.log.rows_in_sight().enumerate() {
        let y = text.y + to_u16(screen_row);
        let mut spans = spans(app, row, log_line, usize::from(text.width), styles);
        if focused && !app.log.follow && cursor == Some(row.line) {
            fill(buf, Rect::new(inner.x, y, inner.width, 1), styles.selection);
            for span in &mut spans {
                span.style = styles.on_selection(span.style);
            }
        }
        line(buf, text.x, y, text.width, spans);
    }
    let prompt = app
        .prompt
        .as_ref()
        .filter(|prompt| prompt.purpose == Purpose::Search)?;
    prompt_line(&prompt.text, styles, inner, buf)
}

/// How the lower pane meets the jobs above it.
pub(super) fn joint(app: &App, joined: bool) -> Joint {
    if joined {
        Joint::Above {
            focused: has_focus(app, Pane::Jobs),
        }
    } else {
        Joint::None
    }
}

fn title<'a>(app: &App, styles: &Styles) -> Title<'a> {
    let log = &app.log;
    let left = log
        .id()
        .map_or_else(|| "Log".to_owned(), |id| format!("Log · {}", id.short()));
    let mut right = Vec::new();
    if log.id().is_none() {
        return Title { left, right };
    }
    if !log.needle().is_empty() {
        let (at, all) = log.match_position();
        let needle = cut(log.needle(), 16).into_owned();
        let found = match (at, all) {
            (_, 0) => "not found".to_owned(),
            (0, all) => format!("{all} found"),
            (at, all) => format!("{at} of {all}"),
        };
        right.push(Span::styled(format!("/{needle} {found}  "), styles.warning));
    }
    if log.show != Show::All {
        right.push(Span::styled(
            format!("{}  ", log.show.label()),
            styles.warning,
        ));
    }
    if !log.wraps {
        right.push(Span::styled("cut  ", styles.dim));
    }
    if log.follow {
        right.push(Span::styled("follow  ", styles.accent));
    } else if log.unseen > 0 {
        let key = app.keys_of(Action::ToggleFollow).to_owned();
        let text = format!("+{} new, {key} follows  ", log.unseen);
        right.push(Span::styled(text, styles.warning));
    } else {
        right.push(Span::styled("paused  ", styles.dim));
    }
    let lines = usize::try_from(log.total()).unwrap_or(usize::MAX);
    right.push(Span::styled(count(lines, "line"), styles.dim));
    Title { left, right }
}

/// What an empty log says, and what to do.
fn nothing(app: &App) -> [String; 2] {
    let Some(job) = app.jobs.selected() else {
        let text = "Here is the log of the selected job.";
        return [text.to_owned(), String::new()];
    };
    if !app.log.is_loaded() {
        return ["Reading the log…".to_owned(), String::new()];
    }
    if app.log.total() > 0 {
        let key = app.keys_of(Action::CycleLevel);
        return [
            format!("No line of these levels ({}).", app.log.show.label()),
            format!("{key} shows the others."),
        ];
    }
    let key = app.keys_of(Action::OpenDetail);
    let what = match job.state {
        JobState::InQueue { .. } => "Nothing so far: the job waits in the queue.",
        JobState::InProgress => "Nothing so far: the model has not said anything.",
        JobState::Unconfirmed { .. } => {
            "Nothing is known of it: the answer to the submit was lost."
        }
        _ if job.state.may_be_sent() => "This job has no log.",
        _ => "Nothing so far: it was not sent.",
    };
    [
        what.to_owned(),
        format!("{key} on the job shows everything about it."),
    ]
}

fn spans<'a>(
    app: &App,
    row: &LogRow,
    log_line: &LogLine,
    width: usize,
    styles: &Styles,
) -> Vec<Span<'a>> {
    let level = level_style(log_line.level, styles);
    let mut spans = if row.bytes.start == 0 {
        vec![
            Span::styled(
                format!("{} ", time_of_day(log_line.time, &app.zone)),
                styles.dim,
            ),
            Span::styled(pad(log_line.level.as_str(), 7), level),
        ]
    } else {
        vec![Span::raw(" ".repeat(crate::app::logs::PREFIX))]
    };
    let text = match log_line.level {
        Level::Error | Level::Warn => level,
        Level::Debug => styles.dim,
        _ => styles.text,
    };
    let message = log_line.message.as_str();
    let part = &message[row.bytes.clone()];
    let room = width.saturating_sub(crate::app::logs::PREFIX);
    // A match may begin in the row above and end in this one, so it is looked for in the whole line.
    let mut at = row.bytes.start;
    for found in find_all(message, app.log.needle()) {
        let from = found.start.clamp(at, row.bytes.end);
        let to = found.end.clamp(from, row.bytes.end);
        if from < to {
            spans.push(Span::styled(message[at..from].to_owned(), text));
            spans.push(Span::styled(message[from..to].to_owned(), styles.found));
            at = to;
        }
    }
    if at == row.bytes.start {
        // A space that hangs over the edge is nothing to be told of.
        spans.push(Span::styled(cut(part.trim_end(), room).into_owned(), text));
    } else {
        spans.push(Span::styled(message[at..row.bytes.end].to_owned(), text));
    }
    spans
}

fn level_style(level: Level, styles: &Styles) -> Style {
    match level {
        Level::Error => styles.failed,
        Level::Warn => styles.warning,
        Level::Info => styles.running,
        Level::Stderr | Level::Stdout | Level::Debug => styles.dim,
    }
}
