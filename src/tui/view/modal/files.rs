//! The file picker: a directory, and of the selected picture what the video keeps.
//!
//! ```text
//! ▸ image · ~/faces/ ──────────────────────────────────────────────────
//!  › type to narrow · ← goes up                   ░░░░┌──────┐░░░░
//!    ../                                          ░░░░│      │░░░░
//!  ▸ anna.png       312 kB  png 2560×1080         ░░░░└──────┘░░░░
//!    notes.txt        1 kB  not known as a picture
//!  video 832×480 keeps the middle 73 % of the width · rotated by EXIF
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
        files::FilePick,
        message::{FileFacts, PathEntry},
        text::{cut, cut_front, pad, pad_left, width},
        wording::{bytes, clock},
    },
    model::{CleanText, crop},
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
const WIDTH: u16 = 108;
/// From this many cells inside on there is room for a drawing.
const WITH_DRAWING: u16 = 68;
/// Cells of what a file is, such as `webp 16384×16384`.
const ABOUT: usize = 16;

pub(super) fn draw(
    app: &App,
    pick: &FilePick,
    styles: &Styles,
    buf: &mut Buffer,
) -> Option<Position> {
    let rows = app.file_rows();
    let dir = CleanText::line(if pick.dir.is_empty() { "./" } else { &pick.dir });
    let room = usize::from(WIDTH.min(app.size().0.saturating_sub(4)));
    let label = format!("{} · ", pick.label);
    let title = format!(
        "{label}{}",
        cut_front(dir.as_str(), room.saturating_sub(width(&label) + 8))
    );
    let inner = boxed(app, &title, WIDTH, to_u16(rows) + 6, styles, buf);
    let text = pick.filter.text();
    let shown = if text.is_empty() {
        Span::styled("type to narrow · ← goes up", styles.dim)
    } else {
        Span::styled(text, styles.text)
    };
    let prompt = [Span::styled(" › ", styles.accent), shown];
    line(buf, inner.x, inner.y, inner.width, prompt);

    let has_drawing = inner.width >= WITH_DRAWING;
    let list_width = if has_drawing {
        inner.width * 3 / 5
    } else {
        inner.width
    };
    let list = Rect::new(
        inner.x,
        inner.y + 1,
        list_width,
        inner.height.saturating_sub(3),
    );
    entries(pick, list, styles, buf);

    let below = inner.bottom().saturating_sub(1);
    let (said, look) = said(app, pick, styles);
    let said = cut(&said, usize::from(inner.width.saturating_sub(2)));
    let said = [Span::styled(format!(" {said}"), look)];
    line(buf, inner.x, below, inner.width, said);
    if has_drawing && let Some(picture) = pick.current().and_then(|of| pick.facts(of)?.size) {
        let area = Rect {
            x: list.right() + 2,
            width: inner.width - list.width - 3,
            ..list
        };
        drawing(app, picture, area, styles, buf);
    }
    let (_, column) = pick.filter.cursor(&pick.filter.rows(usize::MAX));
    cursor_in(Rect { height: 1, ..inner }, 3 + column, 0)
}

fn entries(pick: &FilePick, area: Rect, styles: &Styles, buf: &mut Buffer) {
    if pick.len() == 0 {
        let text = if pick.is_reading() {
            "reading…"
        } else {
            "nothing like that is here"
        };
        let span = [Span::styled(text, styles.dim)];
        line(buf, area.x + 3, area.y, area.width, span);
    }
    let rows = usize::from(area.height);
    for (row, entry) in pick.rows().skip(pick.top).take(rows).enumerate() {
        let is_selected = pick.top + row == pick.selected;
        let look = |style| {
            if is_selected {
                styles.on_selection(style)
            } else {
                style
            }
        };
        let y = area.y + to_u16(row);
        fill(buf, Rect::new(area.x, y, area.width, 1), look(Style::new()));
        let is_dim = pick.refusal(entry).is_some();
        let about = format!("{} {}", size(entry), pad(&about(pick, entry), ABOUT));
        let room = usize::from(area.width).saturating_sub(5 + width(&about));
        let name = CleanText::line(&entry.name);
        let name = if entry.is_dir {
            format!("{name}/")
        } else {
            name.to_string()
        };
        let style = if is_dim { styles.dim } else { styles.text };
        let spans = [
            Span::styled(if is_selected { " ▸ " } else { "   " }, look(styles.accent)),
            Span::styled(pad(&cut(&name, room), room), look(style)),
            Span::styled(format!(" {about}"), look(styles.dim)),
        ];
        line(buf, area.x, y, area.width, spans);
    }
}

fn size(entry: &PathEntry) -> String {
    let size = if entry.is_dir {
        String::new()
    } else {
        bytes(entry.bytes)
    };
    pad_left(&size, 8)
}

/// What an entry is, in a few cells.
fn about(pick: &FilePick, entry: &PathEntry) -> String {
    match pick.facts(entry) {
        Some(facts) => short(facts),
        None if pick.refusal(entry).is_none() => String::new(),
        None if pick.was_looked_at(entry) => "cannot be used".to_owned(),
        None => format!("not {}", pick.kind_in_words()),
    }
}

fn short(facts: &FileFacts) -> String {
    let measure = match (facts.size, facts.length) {
        (Some((width, height)), _) => format!("{width}×{height}"),
        (None, Some(length)) => clock(length),
        (None, None) => String::new(),
    };
    format!("{} {measure}", facts.format)
}

/// What is to be said of the selected file.
fn said(app: &App, pick: &FilePick, styles: &Styles) -> (String, Style) {
    let Some(entry) = pick.current().filter(|entry| !entry.is_dir) else {
        return (String::new(), styles.dim);
    };
    if let Some(why) = pick.refusal(entry) {
        // The title names the directory.
        let at = why.as_str().find(&entry.name).unwrap_or(0);
        return (format!("✗ {}", &why.as_str()[at..]), styles.failed);
    }
    let Some(facts) = pick.facts(entry) else {
        return ("looking at it…".to_owned(), styles.dim);
    };
    let mut text = match facts.size.and_then(|size| app.editor.video_size(size)) {
        Some((wide, high)) => {
            let kept = app.editor.cut_of(facts);
            let kept = kept.unwrap_or_else(|| "keeps all of it".to_owned());
            format!("video {wide}×{high} {kept}")
        }
        None => short(facts),
    };
    if facts.is_turned {
        text.push_str(" · rotated by EXIF");
    }
    (text, styles.dim)
}

/// The picture as a rectangle of cells, in it the part that the video keeps.
fn drawing(app: &App, picture: (u32, u32), area: Rect, styles: &Styles, buf: &mut Buffer) {
    let Some(video) = app.editor.video_size(picture) else {
        return;
    };
    let part = crop::kept(picture, video);
    // A cell is about twice as high as wide.
    let (wide, high) = (f64::from(picture.0), f64::from(picture.1));
    let scale = (f64::from(area.width) / wide).min(f64::from(area.height) * 2.0 / high);
    let across = |pixels: u32| cells(f64::from(pixels) * scale);
    let down = |pixels: u32| cells(f64::from(pixels) * scale / 2.0);
    let whole = Rect {
        width: across(picture.0).clamp(1, area.width.max(1)),
        height: down(picture.1).clamp(1, area.height.max(1)),
        ..area
    };
    let (left, top) = (across(part.left), down(part.top));
    let kept = Rect::new(
        whole.x + left,
        whole.y + top,
        whole.width.saturating_sub(2 * left).max(1),
        whole.height.saturating_sub(2 * top).max(1),
    )
    .intersection(whole);
    for y in whole.top()..whole.bottom() {
        let row: String = (whole.left()..whole.right())
            .map(|x| {
                if kept.contains(Position::new(x, y)) {
                    frame_of(kept, x, y)
                } else {
                    '░'
                }
            })
            .collect();
        let spans = [Span::styled(row, styles.dim)];
        line(buf, whole.x, y, whole.width, spans);
    }
    let label = "kept";
    if kept.width > 6 && kept.height > 2 {
        let x = kept.x + (kept.width - to_u16(label.len())) / 2;
        let spans = [Span::styled(label, styles.accent)];
        line(buf, x, kept.y + kept.height / 2, to_u16(label.len()), spans);
    }
}

/// The cell of a frame along the edge of `area`.
const fn frame_of(area: Rect, x: u16, y: u16) -> char {
    let (is_left, is_right) = (x == area.x, x + 1 == area.x + area.width);
    let (is_top, is_bottom) = (y == area.y, y + 1 == area.y + area.height);
    match (is_left, is_right, is_top, is_bottom) {
        (true, _, true, _) => '┌',
        (_, true, true, _) => '┐',
        (true, _, _, true) => '└',
        (_, true, _, true) => '┘',
        (true, ..) | (_, true, ..) => '│',
        (_, _, true, _) | (_, _, _, true) => '─',
        _ => ' ',
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "no more cells than the screen has, and clamped"
)]
fn cells(of: f64) -> u16 {
    of.round() as u16
}
