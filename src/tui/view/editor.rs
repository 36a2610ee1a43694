//! The request: one row per field, more for texts.
//!
//! ```text
//! ▸ script       Spend more time with people who make
//!                you feel alive…
//!                18 words · 96 characters
//!   voice        ‹ Bill ›
//!   frames       145             = 5.80 s · 41 to 721
//! ```

mod foot;
mod values;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::Span,
};

use self::values::Value;

use super::{
    has_focus,
    layout::{Joint, Title, frame},
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
        text::pad,
        wording::{bytes, count, seconds},
    },
    catalog::{FieldKind, label},
    model::{CleanText, frames::FRAMES_PER_SECOND, speech::Verdict},
    tui::theme::Styles,
};

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
                let indent = " ".repeat(usize::from(field.depth) * 2);
                (format!("{indent}{}", field.label()), Some(field))
            }
        };
        if let Some(y) = self.y(place.top) {
            self.label(&label, y, selected, typing, buf);
            if field.is_some_and(|field| self.editor.was(field).is_some()) {
                let mark = [Span::styled("•", self.styles.warning)];
                line(buf, self.inner.x + VALUE - 1, y, 1, mark);
            }
        }
        let back = if selected && self.focused && !typing {
            self.styles.selected_value
        } else {
            Style::new()
        };
        let plain = Value {
            place,
            typing,
            back,
            aside: "",
            look: self.styles.dim,
        };
        match (row, field) {
            (0, _) => {
                let id = self.editor.endpoint.id.as_str();
                self.shown(plain, id, self.styles.text, buf);
            }
            (_, None) => self.single(plain, &self.editor.name, "made from the script", buf),
            (_, Some(field)) => {
                let (aside, look) = self.aside(field);
                let value = Value {
                    aside: &aside,
                    look,
                    ..plain
                };
                self.field(field, value, buf);
            }
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

    fn field(&mut self, field: &FieldEditor, value: Value<'_>, buf: &mut Buffer) {
        match &field.content {
            Content::Choice {
                options,
                chosen,
                stray,
            } => {
                let choice = chosen.map(|at| &options[at]).or(stray.as_ref());
                let (text, look) = match choice {
                    Some(choice) => (CleanText::line(choice).to_string(), self.styles.text),
                    None if field.field.required => ("choose".to_owned(), self.styles.dim),
                    None => (placeholder(field), self.styles.dim),
                };
                self.shown(value, &format!("‹ {text} ›"), look, buf);
            }
            Content::Group { .. } => self.shown(value, &self.group(field), self.styles.dim, buf),
            Content::Text(_) if field.is_folded() && !value.typing => match field.summary() {
                Some(summary) => self.shown(value, &summary, self.styles.text, buf),
                None => self.shown(value, &placeholder(field), self.styles.dim, buf),
            },
            Content::Text(text) if field.is_multiline() => self.area(value, field, text, buf),
            Content::Text(text) => {
                let empty = placeholder(field);
                if value.place.has_info {
                    self.info(value, buf);
                    let alone = Value { aside: "", ..value };
                    self.single(alone, text, &empty, buf);
                } else {
                    self.single(value, text, &empty, buf);
                }
            }
        }
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
                    let length = facts
                        .length
                        .map_or_else(String::new, |length| format!("{} ", seconds(length)));
                    let mut text =
                        format!("{size}{length}{}, {}", facts.format, bytes(facts.bytes));
                    if let Some((verdict, look)) = self.heard(field) {
                        return (format!("{text} · {verdict}"), look);
                    }
                    if facts.is_turned {
                        text = format!("rotated by EXIF · {text}");
                    }
                    // What may be a surprise comes first: a narrow pane cuts the rest off.
                    if let Some(cut) = self.editor.cut_of(facts) {
                        text = format!("{cut} · {text}");
                    }
                    text
                }
                _ => String::new(),
            },
            FieldKind::Integer { .. } if field.field.name == "seed" && self.editor.repeats() => {
                let key = self.app.keys_of(Action::NewSeed);
                let text = format!("repeats the video of its parent · {key} new seed");
                return (text, self.styles.warning);
            }
            FieldKind::Integer { minimum, maximum } => number_aside(field, *minimum, *maximum),
            FieldKind::Text { .. } => {
                let (words, characters) = field.text().map_or((0, 0), TextField::counts);
                if characters == 0 && !field.is_multiline() {
                    return (String::new(), self.styles.dim);
                }
                if let Some(spoken) = self.spoken(field, words) {
                    return spoken;
                }
                format!(
                    "{} · {}",
                    count(words, "word"),
                    count(characters, "character")
                )
            }
            FieldKind::Number(limits) => limits.to_string(),
            FieldKind::Choice(_) | FieldKind::OneOf(_) => match &field.content {
                Content::Choice {
                    chosen: Some(at),
                    options,
                    ..
                } if options.len() > 3 => {
                    format!("{} of {}", at + 1, options.len())
                }
                _ => String::new(),
            },
            FieldKind::List { least, most, .. } => list_aside(*least, *most),
            FieldKind::Json => "JSON".to_owned(),
            FieldKind::Boolean | FieldKind::Object { .. } => String::new(),
        };
        (text, self.styles.dim)
    }
}

impl View<'_> {
    /// How much of an object is set.
    fn group(&self, group: &FieldEditor) -> String {
        let start = format!("{}.", group.field.name);
        let inner = self
            .editor
            .fields
            .iter()
            .filter(|field| field.field.name.starts_with(&start) && !field.is_group());
        let (all, set) = inner.fold((0, 0), |(all, set), field| {
            (all + 1, set + usize::from(field.value().is_some()))
        });
        match &group.content {
            Content::Group { rest: Some(rest) } => {
                let rest = CleanText::line(&rest.to_string());
                format!("{set} of {all} set, and {rest}")
            }
            _ if set == 0 => "not sent".to_owned(),
            _ => format!("{set} of {all} set"),
        }
    }

    /// Whether the frames hold the sound file of `field`.
    fn heard(&self, field: &FieldEditor) -> Option<(&'static str, Style)> {
        if !self.editor.is_said(&field.field.name) {
            return None;
        }
        let verdict = self.editor.verdict()?;
        Some((verdict.word(), self.look_of(verdict)))
    }

    fn look_of(&self, verdict: Verdict) -> Style {
        match verdict {
            Verdict::Fits => self.styles.dim,
            Verdict::Tight => self.styles.warning,
            Verdict::CutOff => self.styles.failed,
        }
    }

    /// How long the script is spoken and whether that fits; nothing for any other text, or where it is not known.
    fn spoken(&self, field: &FieldEditor, words: usize) -> Option<(String, Style)> {
        let speech = self.editor.speech()?;
        if !self.editor.is_said(&field.field.name) || words == 0 {
            return None;
        }
        let verdict = self.editor.verdict()?;
        let both = if self.editor.speakers() > 1 {
            "together "
        } else {
            ""
        };
        let words = count(words, "word");
        let text = format!("{words} · {both}{speech} {}", verdict.word());
        Some((text, self.look_of(verdict)))
    }
}

/// What stands in an empty field.
fn placeholder(field: &FieldEditor) -> String {
    let of = &field.field;
    if of.name == "seed" {
        return "drawn at submit".to_owned();
    }
    if field.is_null {
        return "null".to_owned();
    }
    let example = || {
        let example = label(of.example.as_ref()?);
        Some(format!("such as {}", CleanText::line(&example)))
    };
    if of.required {
        let description = Some(of.description.to_string()).filter(|text| !text.is_empty());
        return description.or_else(example).unwrap_or_else(|| of.wanted());
    }
    match &of.default {
        Some(value) => format!("server's default, {}", CleanText::line(&value.to_string())),
        None => "not sent".to_owned(),
    }
}

fn list_aside(least: Option<usize>, most: Option<usize>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most} items"),
        (Some(least), None) => format!("at least {}", count(least, "item")),
        (None, Some(most)) => format!("at most {}", count(most, "item")),
        (None, None) => String::new(),
    }
}

fn number_aside(field: &FieldEditor, minimum: Option<i64>, maximum: Option<i64>) -> String {
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
