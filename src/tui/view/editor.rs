//! The request: one row per field, more for texts.
//!
//! ```text
//! ▸ script       Spend more time with people who make
//!                you feel alive…
//!                18 words · 96 characters
//!   voice        ‹ Bill ›
//!   frames       145             = 5.80 s · 41 to 721
//! ```

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::Span,
};
use unicode_segmentation::UnicodeSegmentation;

use super::{
    cursor_in, has_focus,
    layout::{Joint, Title, fill, frame, to_u16},
    line,
};
use crate::{
    app::{
        App,
        action::Action,
        editor::{
            Editor, LABEL, OWN_ROWS, VALUE,
            field::{Content, FieldEditor},
            form::Place,
            text_field::TextField,
        },
        geometry::Pane,
        text::{cut, cut_front, pad, width, wrap},
        wording::{bytes, count},
    },
    catalog::FieldKind,
    model::{CleanText, frames::FRAMES_PER_SECOND},
    tui::theme::Styles,
};

/// Where in a value's room the facts about it begin.
const ASIDE: usize = 14;
/// Candidates of a path in sight.
const CANDIDATES: usize = 8;

pub(super) fn draw(app: &App, styles: &Styles, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let editor = &app.editor;
    let focused = has_focus(app, Pane::Request);
    let mut right = Vec::new();
    if let Some(parent) = &editor.parent {
        right.push(Span::styled(
            format!("copy of {}", parent.short()),
            styles.dim,
        ));
    }
    let left = format!("Request · {}", editor.endpoint.id.short());
    let inner = frame(
        buf,
        area,
        Title { left, right },
        focused,
        Joint::None,
        styles,
    );
    let mut view = View {
        app,
        editor,
        styles,
        focused,
        inner,
        cursor: None,
    };
    for (row, place) in editor.form.places.iter().enumerate() {
        view.row(row, *place, buf);
    }
    view.foot(buf);
    view.candidates(buf);
    view.cursor
}

struct View<'a> {
    app: &'a App,
    editor: &'a Editor,
    styles: &'a Styles,
    focused: bool,
    inner: Rect,
    cursor: Option<Position>,
}

impl View<'_> {
    fn value_width(&self) -> usize {
        usize::from(self.editor.value_width())
    }

    /// The screen row of a row of the form, if it is in sight.
    fn y(&self, row: u16) -> Option<u16> {
        let row = row.checked_sub(self.editor.top)?;
        (row < self.editor.form.window).then(|| self.inner.y + row)
    }

    fn row(&mut self, row: usize, place: Place, buf: &mut Buffer) {
        let selected = self.editor.selected == row;
        let typing = selected && self.editor.typing && self.focused;
        let (label, field) = match row {
            0 => ("endpoint".to_owned(), None),
            1 => ("name".to_owned(), None),
            _ => {
                let field = &self.editor.fields[row - OWN_ROWS];
                (field.label(), Some(field))
            }
        };
        if let Some(y) = self.y(place.top) {
            self.label(&label, y, selected, typing, buf);
        }
        let back = if selected && self.focused && !typing {
            self.styles.selection
        } else {
            Style::new()
        };
        match (row, field) {
            (0, _) => {
                let id = self.editor.endpoint.id.as_str();
                self.value(place, id, self.styles.text, back, "", self.styles.dim, buf);
            }
            (_, None) => {
                let name = &self.editor.name;
                self.single(
                    place,
                    name,
                    "made from the script",
                    "",
                    self.styles.dim,
                    typing,
                    back,
                    buf,
                );
            }
            (_, Some(field)) => self.field(field, place, typing, back, buf),
        }
    }

    fn label(&self, label: &str, y: u16, selected: bool, typing: bool, buf: &mut Buffer) {
        let styles = self.styles;
        let (marker, look) = match (selected, self.focused) {
            (true, true) => (if typing { "✎ " } else { "▸ " }, styles.accent),
            (true, false) => ("▸ ", styles.dim),
            _ => ("  ", styles.dim),
        };
        let spans = [
            Span::styled(marker, look),
            Span::styled(pad(label, usize::from(LABEL)), look),
        ];
        line(buf, self.inner.x, y, VALUE, spans);
    }

    fn field(
        &mut self,
        field: &FieldEditor,
        place: Place,
        typing: bool,
        back: Style,
        buf: &mut Buffer,
    ) {
        let (aside, look) = self.aside(field);
        match &field.content {
            Content::Choice {
                options,
                chosen,
                stray,
            } => {
                let value = chosen.map(|at| &options[at]).or(stray.as_ref());
                let text = match value {
                    Some(value) => format!("‹ {} ›", CleanText::line(value)),
                    None => "‹ choose ›".to_owned(),
                };
                let style = if value.is_some() {
                    self.styles.text
                } else {
                    self.styles.dim
                };
                self.value(place, &text, style, back, &aside, look, buf);
            }
            Content::Text(text) if field.is_multiline() => {
                self.area(field, text, place, typing, back, buf);
            }
            Content::Text(text) => {
                let empty = self.placeholder(field);
                let beside = if place.has_info { "" } else { aside.as_str() };
                self.single(place, text, &empty, beside, look, typing, back, buf);
                if place.has_info {
                    self.info(place, &aside, look, buf);
                }
            }
        }
    }

    /// What stands in an empty field.
    fn placeholder(&self, field: &FieldEditor) -> String {
        if field.field.name == "seed" {
            return "drawn at submit".to_owned();
        }
        if field.field.required {
            return field.field.description.to_string();
        }
        field.field.default.as_ref().map_or_else(
            || "not sent".to_owned(),
            |value| format!("server's default, {value}"),
        )
    }

    /// What is to be said about a field beside or below its value: a fault if there is one, else facts.
    fn aside(&self, field: &FieldEditor) -> (String, Style) {
        if let Some(fault) = field.fault.as_ref().filter(|_| field.touched) {
            return (format!("✗ {}", fault.short), self.styles.failed);
        }
        let text = match &field.field.kind {
            FieldKind::File(_) => match &field.finding {
                Some(Ok(facts)) => {
                    let size = facts
                        .size
                        .map_or_else(String::new, |(width, height)| format!("{width}×{height} "));
                    format!("{size}{}, {}", facts.format, bytes(facts.bytes))
                }
                _ => String::new(),
            },
            FieldKind::Integer { minimum, maximum } => self.number_aside(field, *minimum, *maximum),
            FieldKind::Text { .. } => {
                let text = field.raw().unwrap_or_default();
                let words = text.split_whitespace().count();
                let characters = text.graphemes(true).count();
                format!(
                    "{} · {}",
                    count(words, "word"),
                    count(characters, "character")
                )
            }
            FieldKind::Choice(options) => match &field.content {
                Content::Choice {
                    chosen: Some(at), ..
                } if options.len() > 3 => {
                    format!("{} of {}", at + 1, options.len())
                }
                _ => String::new(),
            },
            FieldKind::Boolean => String::new(),
        };
        (text, self.styles.dim)
    }

    fn number_aside(
        &self,
        field: &FieldEditor,
        minimum: Option<i64>,
        maximum: Option<i64>,
    ) -> String {
        let limits = match (minimum, maximum) {
            (Some(least), Some(most)) => format!("{least} to {most}"),
            (Some(least), None) => format!("at least {least}"),
            (None, Some(most)) => format!("at most {most}"),
            (None, None) => String::new(),
        };
        if field.field.name != "num_frames" {
            return limits;
        }
        let frames = field.raw().and_then(|raw| raw.trim().parse::<u32>().ok());
        match frames {
            Some(frames) => {
                let hundredths = u64::from(frames) * 100 / u64::from(FRAMES_PER_SECOND);
                format!(
                    "= {}.{:02} s · {limits}",
                    hundredths / 100,
                    hundredths % 100
                )
            }
            None => limits,
        }
    }

    // ---- values ----

    /// One row: a value, and something beside it at the right edge.
    #[expect(
        clippy::too_many_arguments,
        reason = "a value and its aside, each with a look"
    )]
    fn value(
        &self,
        place: Place,
        text: &str,
        style: Style,
        back: Style,
        aside: &str,
        look: Style,
        buf: &mut Buffer,
    ) {
        let Some(y) = self.y(place.top) else { return };
        let room = self.value_width();
        let x = self.inner.x + VALUE;
        // The aside gives way, down to a third of the room.
        let needed = width(text) + 1;
        let aside_room = room.saturating_sub(needed).max(room / 3);
        let aside = cut(aside, aside_room);
        let aside_width = width(&aside);
        let text_room = room - if aside_width > 0 { aside_width + 1 } else { 0 };
        fill(buf, Rect::new(x, y, to_u16(room), 1), back);
        line(
            buf,
            x,
            y,
            to_u16(text_room),
            [Span::styled(
                cut(text, text_room).into_owned(),
                style.patch(back),
            )],
        );
        // In a column of its own where it fits there, else at the right edge.
        let column = ASIDE.max(needed).min(room - aside_width);
        let at = x + to_u16(column);
        line(
            buf,
            at,
            y,
            to_u16(aside_width),
            [Span::styled(aside.into_owned(), look.patch(back))],
        );
    }

    /// A single line of text that may be typed into.
    #[expect(
        clippy::too_many_arguments,
        reason = "a text, what stands for it when empty, and what stands beside it"
    )]
    fn single(
        &mut self,
        place: Place,
        text: &TextField,
        empty: &str,
        aside: &str,
        look: Style,
        typing: bool,
        back: Style,
        buf: &mut Buffer,
    ) {
        let shown = text.text();
        if !typing {
            if shown.is_empty() {
                self.value(place, empty, self.styles.dim, back, aside, look, buf);
            } else if place.has_info || aside.is_empty() {
                let shown = cut_front(&shown, self.value_width());
                self.value(place, &shown, self.styles.text, back, aside, look, buf);
            } else {
                self.value(place, &shown, self.styles.text, back, aside, look, buf);
            }
            return;
        }
        let Some(y) = self.y(place.top) else { return };
        let aside_width = width(aside);
        let beside = aside_width > 0 && aside_width + 8 < self.value_width();
        let room = self.value_width() - if beside { aside_width + 1 } else { 0 };
        let (_, column) = text.cursor(&text.rows(usize::MAX));
        // The window slides so that the cursor is always inside.
        let skip = (column + 1).saturating_sub(room);
        let (shown, at) = skip_cells(&shown, skip);
        let x = self.inner.x + VALUE;
        line(
            buf,
            x,
            y,
            to_u16(room),
            [Span::styled(shown.to_owned(), self.styles.text)],
        );
        if beside {
            let aside_x = x + to_u16(room + 1);
            line(
                buf,
                aside_x,
                y,
                to_u16(aside_width),
                [Span::styled(aside.to_owned(), look)],
            );
        }
        let area = Rect::new(x, y, to_u16(room), 1);
        self.cursor = cursor_in(area, column - at, 0);
    }

    /// Several rows of text.
    fn area(
        &mut self,
        field: &FieldEditor,
        text: &TextField,
        place: Place,
        typing: bool,
        back: Style,
        buf: &mut Buffer,
    ) {
        let styles = self.styles;
        let rows = text.rows(self.editor.wrap_width());
        let lines = text.lines();
        let height = usize::from(place.rows);
        let top = if typing { text.top } else { 0 };
        let x = self.inner.x + VALUE;
        let room = self.editor.value_width();
        for screen_row in 0..height {
            let Some(y) = self.y(place.top + to_u16(screen_row)) else {
                continue;
            };
            fill(buf, Rect::new(x, y, room, 1), back);
            let Some(row) = rows.get(top + screen_row) else {
                continue;
            };
            let mut shown = lines[row.line][row.bytes.clone()].to_owned();
            let is_last = screen_row + 1 == height;
            if is_last && !typing && top + height < rows.len() {
                // There is more than is in sight.
                shown =
                    cut(&format!("{} …", shown.trim_end()), self.editor.wrap_width()).into_owned();
            }
            line(
                buf,
                x,
                y,
                room,
                [Span::styled(shown, styles.text.patch(back))],
            );
        }
        if text.is_blank() && !typing {
            let (aside, look) = self.aside(field);
            let (shown, look) = if field.fault.is_some() && field.touched && !place.has_info {
                (aside, look)
            } else {
                (self.placeholder(field), styles.dim)
            };
            if let Some(y) = self.y(place.top) {
                line(
                    buf,
                    x,
                    y,
                    room,
                    [Span::styled(
                        cut(&shown, usize::from(room)).into_owned(),
                        look.patch(back),
                    )],
                );
            }
        }
        if place.has_info {
            let (aside, look) = self.aside(field);
            self.info(place, &aside, look, buf);
        }
        if typing {
            let (row, column) = text.cursor(&rows);
            let shown = row.checked_sub(top).filter(|row| *row < height);
            self.cursor = shown.and_then(|row| {
                let y = self.y(place.top + to_u16(row))?;
                cursor_in(
                    Rect::new(x, y, room, 1),
                    column.min(usize::from(room) - 1),
                    0,
                )
            });
        }
    }

    /// The row below a value.
    fn info(&self, place: Place, text: &str, look: Style, buf: &mut Buffer) {
        if let Some(y) = self.y(place.top + place.rows) {
            let room = self.value_width();
            let text = cut(text, room).into_owned();
            line(
                buf,
                self.inner.x + VALUE,
                y,
                to_u16(room),
                [Span::styled(text, look)],
            );
        }
    }

    // ---- foot ----

    /// What the selected field is for, and what sending costs.
    fn foot(&self, buf: &mut Buffer) {
        let styles = self.styles;
        let last = self.inner.bottom().saturating_sub(1);
        let help = self.editor.form.help;
        if help > 1 {
            let (text, look) = self.help_text();
            let room = usize::from(self.inner.width.saturating_sub(3));
            let rows = wrap(&text, room);
            for (row, bytes) in rows.into_iter().take(usize::from(help - 1)).enumerate() {
                let y = last - (help - 1) + to_u16(row);
                line(
                    buf,
                    self.inner.x + 2,
                    y,
                    to_u16(room),
                    [Span::styled(text[bytes].to_owned(), look)],
                );
            }
        }
        let free = self.app.server.id.is_preview();
        let cost = match self.editor.estimate() {
            _ if free => "free · local preview".to_owned(),
            Some(cost) => format!("≈ {cost}"),
            None => "cost unknown".to_owned(),
        };
        let submit = self.app.keys_of(Action::Submit).to_owned();
        let mut spans = vec![
            Span::raw("  "),
            Span::styled(cost, styles.money),
            Span::raw("   "),
            Span::styled(submit, styles.accent),
            Span::styled(" submit", styles.text),
        ];
        let faults = self
            .editor
            .fields
            .iter()
            .filter(|field| field.touched && field.fault.is_some())
            .count();
        if faults == 0 && self.app.is_available(Action::TryInPreview) {
            let key = self.app.keys_of(Action::TryInPreview).to_owned();
            spans.push(Span::raw("   "));
            spans.push(Span::styled(key, styles.accent));
            spans.push(Span::styled(" try free", styles.text));
        }
        line(buf, self.inner.x, last, self.inner.width, spans);
        if faults > 0 {
            let text = format!("✗ {faults} to mend ");
            let x = self.inner.right().saturating_sub(to_u16(width(&text)));
            line(
                buf,
                x,
                last,
                to_u16(width(&text)),
                [Span::styled(text, styles.failed)],
            );
        }
    }

    fn help_text(&self) -> (String, Style) {
        match (self.editor.selected, self.editor.current()) {
            (0, _) => (
                self.editor.endpoint.description.to_string(),
                self.styles.dim,
            ),
            (_, None) => (
                "What the job is called in the list. Left empty, it is made from the script."
                    .to_owned(),
                self.styles.dim,
            ),
            (_, Some(field)) => match field.fault.as_ref().filter(|_| field.touched) {
                Some(fault) => (format!("✗ {}", fault.full), self.styles.failed),
                None => (field.field.description.to_string(), self.styles.dim),
            },
        }
    }

    /// The paths that fit what was typed.
    fn candidates(&self, buf: &mut Buffer) {
        let completion = &self.editor.completion;
        let Some(place) = self.editor.form.places.get(self.editor.selected) else {
            return;
        };
        if !completion.is_open() || !self.focused {
            return;
        }
        let Some(y) = self.y(place.top) else { return };
        let all = completion.candidates.len();
        // The box lies below the path and ends before the pane does.
        let below = usize::from(self.inner.bottom().saturating_sub(y + 1));
        let shown = all.min(CANDIDATES).min(below.saturating_sub(1));
        let top = (completion.selected + 1).saturating_sub(shown);
        let room = self.value_width().min(40);
        let x = self.inner.x + VALUE;
        let border = self.styles.focused_border;
        for row in 0..shown {
            let entry = &completion.candidates[top + row];
            let selected = top + row == completion.selected;
            let slash = if entry.is_dir { "/" } else { "" };
            let name = CleanText::line(&entry.name);
            let marker = if selected { "▸" } else { " " };
            let text = pad(&format!("{marker}{name}{slash}"), room.saturating_sub(2));
            let style = if selected {
                self.styles.text.patch(self.styles.selection)
            } else {
                self.styles.text
            };
            let spans = [
                Span::styled("│", border),
                Span::styled(text, style),
                Span::styled("│", border),
            ];
            line(buf, x, y + 1 + to_u16(row), to_u16(room), spans);
        }
        let take = self.app.keys_of(Action::Complete);
        let foot = pad_line(
            &format!(" {all} fit, {take} takes "),
            room.saturating_sub(2),
        );
        let spans = [Span::styled(format!("╰{foot}╯"), border)];
        line(buf, x, y + 1 + to_u16(shown), to_u16(room), spans);
    }
}

/// `text` continued as a border of `cells` cells.
fn pad_line(text: &str, cells: usize) -> String {
    let text = cut(text, cells);
    format!("{text}{}", "─".repeat(cells - width(&text)))
}

/// `text` without its first `cells` cells or a little more, and how many were left out.
fn skip_cells(text: &str, cells: usize) -> (&str, usize) {
    let mut skipped = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        if skipped >= cells {
            return (&text[at..], skipped);
        }
        skipped += width(grapheme);
    }
    ("", skipped)
}
