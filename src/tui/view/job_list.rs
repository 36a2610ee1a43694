//! The jobs, newest first.
//!
//! ```text
//! ▸ 3f2a anna intro            Bill      ▰▰▰▰▰▱▱▱  62 %    0:41  ~0:25
//!   91bc anna v2               Jessica   in queue, 2 ahead        0:12
//!   7d11 teaser                Aria      ✓    1:03   $1.16     5.8 s
//! ```

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::Span,
};

use super::{
    cursor_in, has_focus,
    layout::{Joint, Title, fill, frame, to_u16},
    line,
};
use crate::{
    app::{
        App, Purpose,
        action::Action,
        detail::queue_words,
        editor::text_field::TextField,
        geometry::Pane,
        jobs,
        text::{cut, pad, pad_left, width},
        wording::{clock, percent, seconds},
    },
    model::{CleanText, Job, JobState, Timestamp},
    tui::theme::Styles,
};

/// Cells of the marker, the id and their gaps.
const BEFORE_NAME: usize = 2 + 4 + 1;
/// Cells of the voice with its gap.
const VOICE: usize = 10;
/// Cells of the state.
const STATE: usize = 29;
/// The name is not made shorter than this for the voice's sake.
const LEAST_NAME: usize = 14;
/// Cells of a progress bar.
const BAR: usize = 8;

pub(super) fn draw(
    app: &App,
    styles: &Styles,
    area: Rect,
    joined: bool,
    buf: &mut Buffer,
) -> Option<Position> {
    let focused = has_focus(app, Pane::Jobs);
    let joint = if joined { Joint::Below } else { Joint::None };
    let inner = frame(buf, area, title(app, styles), focused, joint, styles);
    if app.jobs.shown_len() == 0 {
        empty(app, styles, inner, buf);
    }
    let columns = Columns::of(usize::from(inner.width));
    let selected = app.jobs.selected_row();
    for screen_row in 0..app.jobs.height() {
        let row = app.jobs.top + screen_row;
        let Some(job) = app.jobs.row(row) else { break };
        let y = inner.y + to_u16(screen_row);
        let mut spans = match app.jobs.group_of(job) {
            Some(group) => group_spans(app, job, &group, &columns, styles),
            None => row_spans(app, job, &columns, styles),
        };
        let mark = if app.jobs.is_marked(&job.id) {
            "◆"
        } else {
            " "
        };
        let mut marker = Span::styled(format!(" {mark}"), styles.accent);
        if selected == Some(row) {
            let on_row = |style: Style| {
                if focused {
                    styles.on_selection(style)
                } else {
                    style.patch(styles.faint_selection)
                }
            };
            let area = Rect::new(inner.x, y, inner.width, 1);
            fill(buf, area, on_row(Style::new()));
            for span in &mut spans {
                span.style = on_row(span.style);
            }
            let look = if focused { styles.accent } else { styles.dim };
            marker = Span::styled(format!("▸{mark}"), on_row(look));
        }
        line(buf, inner.x, y, 2, [marker]);
        line(buf, inner.x + 2, y, inner.width.saturating_sub(2), spans);
    }
    prompt(app, styles, inner, buf)
}

fn title<'a>(app: &App, styles: &Styles) -> Title<'a> {
    let all = app.jobs.len();
    let left = if app.jobs.filter().is_empty() {
        format!("Jobs {all}")
    } else {
        format!("Jobs {} of {all}", app.jobs.shown_len())
    };
    let mut right = Vec::new();
    if !app.jobs.filter().is_empty() {
        let filter = cut(app.jobs.filter(), 16).into_owned();
        right.push(Span::styled(format!("/{filter}"), styles.warning));
        right.push(Span::styled("  ", styles.dim));
    }
    if app.jobs.unseen() > 0 {
        let key = app.keys_of(Action::Top).to_owned();
        let text = format!("↑ {} new, {key} shows  ", app.jobs.unseen());
        right.push(Span::styled(text, styles.warning));
    }
    right.push(Span::styled("newest first", styles.dim));
    Title { left, right }
}

fn empty(app: &App, styles: &Styles, inner: Rect, buf: &mut Buffer) {
    let lines = if app.jobs.filter().is_empty() {
        let key = app.keys_of(Action::Submit);
        let free = if app.server.id.is_preview() {
            ", free on this machine"
        } else {
            ", after asking with its cost"
        };
        [
            "No jobs yet.".to_owned(),
            format!("{key} sends the request{free}."),
        ]
    } else {
        let key = app.keys_of(Action::Back);
        [
            "No job matches.".to_owned(),
            format!("{key} shows all of them."),
        ]
    };
    for (row, text) in lines.into_iter().enumerate() {
        let style = if row == 0 { styles.text } else { styles.dim };
        line(
            buf,
            inner.x + 2,
            inner.y + 1 + to_u16(row),
            inner.width.saturating_sub(2),
            [Span::styled(text, style)],
        );
    }
}

/// Widths of the columns; they depend on the pane alone, so that no job moves another's.
struct Columns {
    name: usize,
    voice: bool,
}

impl Columns {
    fn of(width: usize) -> Self {
        let rest = width.saturating_sub(BEFORE_NAME + 1 + STATE + 1);
        let voice = rest >= LEAST_NAME + VOICE;
        Self {
            name: rest.saturating_sub(if voice { VOICE } else { 0 }),
            voice,
        }
    }
}

fn row_spans<'a>(app: &App, job: &Job, columns: &Columns, styles: &Styles) -> Vec<Span<'a>> {
    let name_style = if job.state.is_live() {
        styles.strong
    } else {
        styles.text
    };
    let mut spans = vec![Span::styled(format!("{} ", job.id.short()), styles.dim)];
    // A take of the preview engine among paid ones must not be mistaken for one.
    let mark = if job.account.server.is_preview() && !app.server.id.is_preview() {
        " preview"
    } else {
        ""
    };
    let name = jobs::name(job);
    let name = cut(name.as_str(), columns.name.saturating_sub(mark.len()));
    let rest = columns.name.saturating_sub(width(&name));
    spans.push(Span::styled(name.into_owned(), name_style));
    spans.push(Span::styled(pad(mark, rest), styles.dim));
    spans.push(Span::raw(" "));
    if columns.voice {
        let voice = CleanText::line(job.arguments.text("voice").unwrap_or_default());
        spans.push(Span::styled(pad(voice.as_str(), VOICE - 1), styles.dim));
        spans.push(Span::raw(" "));
    }
    spans.extend(state_spans(app, job, styles));
    spans
}

/// `▸ 5eed teaser · 20 jobs   ✓ 12  ✗ 1  7 under way`
fn group_spans<'a>(
    app: &App,
    head: &Job,
    group: &[&Job],
    columns: &Columns,
    styles: &Styles,
) -> Vec<Span<'a>> {
    let number = group.len();
    let of = |fits: fn(&JobState) -> bool| group.iter().filter(|job| fits(&job.state)).count();
    let done = of(|state| *state == JobState::Completed);
    let failed = of(|state| matches!(state, JobState::Failed | JobState::Expired));
    let live = of(JobState::is_live);
    let room = columns.name + if columns.voice { VOICE } else { 0 };
    let jobs = format!(" · {number} jobs");
    // The first words are common to all of them.
    let name = common_start(group);
    let name = cut(&name, room.saturating_sub(width(&jobs))).into_owned();
    let rest = room.saturating_sub(width(&name));
    let look = if live > 0 { styles.strong } else { styles.text };
    let id = head.sweep.as_ref().map_or("", |sweep| sweep.as_str());
    let mut spans = vec![
        Span::styled(
            format!("{} ", pad(id.get(..4).unwrap_or(id), 4)),
            styles.dim,
        ),
        Span::styled(name, look),
        Span::styled(pad(&jobs, rest), styles.dim),
        Span::raw(" "),
    ];
    let key = app.keys_of(Action::FoldSweep);
    let mut words = vec![(format!("✓ {done}/{number}"), styles.done)];
    if failed > 0 {
        words.push((format!("  ✗ {failed}"), styles.failed));
    }
    if live > 0 {
        words.push((format!("  ● {live}"), styles.running));
    }
    let used: usize = words.iter().map(|(text, _)| width(text)).sum();
    let fold = format!("{key} unfolds");
    spans.extend(
        words
            .into_iter()
            .map(|(text, style)| Span::styled(text, style)),
    );
    spans.push(Span::styled(
        pad_left(&fold, STATE.saturating_sub(used)),
        styles.dim,
    ));
    spans
}

/// The words that all names begin with.
fn common_start(group: &[&Job]) -> String {
    let mut names = group.iter().map(|job| jobs::name(job).to_string());
    let first = names.next().unwrap_or_default();
    let mut words: Vec<&str> = first.split(' ').collect();
    for name in names {
        let same = words
            .iter()
            .zip(name.split(' '))
            .take_while(|(a, b)| *a == b);
        words.truncate(same.count());
    }
    if words.is_empty() {
        "sweep".to_owned()
    } else {
        words.join(" ")
    }
}

/// The state in exactly [`STATE`] cells.
fn state_spans<'a>(app: &App, job: &Job, styles: &Styles) -> Vec<Span<'a>> {
    let elapsed = || clock(job.elapsed(app.now));
    let line = |text: &str, style: Style| vec![Span::styled(pad(text, STATE), style)];
    // Words at the left, the time at the right edge.
    let timed = |text: &str, style: Style| {
        let time = elapsed();
        let text = pad(text, STATE - width(&time) - 1);
        vec![
            Span::styled(text, style),
            Span::raw(" "),
            Span::styled(time, styles.dim),
        ]
    };
    if app.jobs.is_held(&job.id) {
        return line("‖ held, not sent", styles.warning);
    }
    if job.cancel_requested && job.state.is_live() {
        return timed("⊘ cancel requested", styles.warning);
    }
    match &job.state {
        JobState::Draft => line("draft, not sent", styles.dim),
        JobState::QueuedLocally => {
            let reason = job
                .notice
                .as_ref()
                .map_or("waits, not sent", |notice| notice.as_str());
            line(&format!("‖ {reason}"), styles.warning)
        }
        JobState::Uploading => {
            let sent = app.jobs.upload(&job.id);
            // Until the next try gets somewhere, the row says why the last did not.
            if let Some(notice) = &job.notice
                && sent.is_none_or(|(sent, _)| sent == 0)
            {
                return line(&format!("‖ {notice}"), styles.warning);
            }
            let text = match sent {
                Some((sent, total)) => format!("↑ uploading {:>3} %", percent(sent, total)),
                None => "↑ uploading".to_owned(),
            };
            timed(&text, styles.running)
        }
        JobState::Submitting => timed("→ sending", styles.running),
        JobState::Unconfirmed { .. } => {
            let key = app.keys_of(Action::SettleJob);
            line(&format!("⚠ UNCONFIRMED  {key} settles"), styles.loud)
        }
        JobState::InQueue { position } => timed(&queue_words(*position), styles.text),
        JobState::InProgress => running(app, job, &elapsed(), styles),
        JobState::Saving => timed("↓ saving", styles.running),
        JobState::Completed => completed(app, job, styles),
        JobState::Failed => {
            let reason = job
                .error
                .as_ref()
                .map_or("failed", |error| error.message.as_str());
            line(&format!("✗ {reason}"), styles.failed)
        }
        JobState::Cancelled => line("⊘ cancelled", styles.dim),
        JobState::Expired => line("✗ expired before it was saved", styles.failed),
    }
}

fn running<'a>(app: &App, job: &Job, elapsed: &str, styles: &Styles) -> Vec<Span<'a>> {
    let Some(done) = job.percent else {
        let word = job
            .remote_status
            .as_ref()
            .map_or("running", |status| status.as_str());
        let text = pad(&format!("● {word}"), STATE - 8);
        return vec![
            Span::styled(text, styles.running),
            Span::styled(pad_left(elapsed, 8), styles.dim),
        ];
    };
    // Rounded, but full only when it is done.
    let full =
        ((usize::from(done.min(100)) * BAR + 50) / 100).min(if done < 100 { BAR - 1 } else { BAR });
    let left =
        time_left(job, done, app.now).map_or_else(String::new, |left| format!("~{}", clock(left)));
    vec![
        Span::styled("▰".repeat(full), styles.running),
        Span::styled("▱".repeat(BAR - full), styles.dim),
        Span::styled(format!(" {done:>3} %"), styles.running),
        Span::styled(pad_left(elapsed, 8), styles.text),
        Span::styled(pad_left(&left, STATE - BAR - 6 - 8), styles.dim),
    ]
}

/// What is left if it goes on as it went so far; nothing while that says little.
fn time_left(job: &Job, done: u8, now: Timestamp) -> Option<Duration> {
    let run: Duration = now.duration_since(job.started_at?).try_into().ok()?;
    let known = (5..100).contains(&done) && run >= Duration::from_secs(3);
    known.then(|| run * u32::from(100 - done) / u32::from(done))
}

/// `✓ 1:03  $1.16  5.8 s`, each right-aligned.
fn completed<'a>(app: &App, job: &Job, styles: &Styles) -> Vec<Span<'a>> {
    let time = clock(job.elapsed(app.now));
    let cost = match job.cost() {
        _ if job.account.server.is_preview() => "free".to_owned(),
        Some(cost) => cost.to_string(),
        None => "$ ?".to_owned(),
    };
    let length = app
        .catalog
        .get(&job.endpoint)
        .and_then(|endpoint| endpoint.video_length(&job.arguments))
        .map_or_else(String::new, seconds);
    vec![
        Span::styled("✓", styles.done),
        Span::styled(pad_left(&time, 9), styles.text),
        Span::styled(pad_left(&cost, 10), styles.money),
        Span::styled(pad_left(&length, STATE - 20), styles.dim),
    ]
}

fn prompt(app: &App, styles: &Styles, inner: Rect, buf: &mut Buffer) -> Option<Position> {
    let prompt = app
        .prompt
        .as_ref()
        .filter(|prompt| prompt.purpose == Purpose::Filter)?;
    prompt_line(&prompt.text, styles, inner, buf)
}

/// A line that is typed, at the foot of a pane.
pub(super) fn prompt_line(
    text: &TextField,
    styles: &Styles,
    inner: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let y = inner.bottom().saturating_sub(1);
    let area = Rect::new(inner.x, y, inner.width, 1);
    fill(buf, area, styles.text);
    let rows = text.rows(usize::MAX);
    let (_, column) = text.cursor(&rows);
    let shown = text.text();
    line(
        buf,
        inner.x,
        y,
        inner.width,
        [
            Span::styled(" /", styles.accent),
            Span::styled(
                cut(&shown, usize::from(inner.width.saturating_sub(3))).into_owned(),
                styles.text,
            ),
        ],
    );
    cursor_in(area, 2 + column, 0)
}
