//! Below the fields: what the selected one is for, what sending costs. And the paths that fit, over everything.

use ratatui::{buffer::Buffer, style::Style, text::Span};

use super::View;
use crate::{
    app::{
        action::Action,
        editor::VALUE,
        text::{cut, pad, width, wrap},
        wording::estimate,
    },
    model::CleanText,
    tui::view::{layout::to_u16, line},
};

/// Candidates of a path in sight.
const CANDIDATES: usize = 8;

impl View<'_> {
    /// What the selected field is for, and what sending costs.
    pub(super) fn foot(&self, buf: &mut Buffer) {
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
            cost => estimate(cost),
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
        if faults > 0 {
            let text = format!("   ✗ {faults} to mend");
            spans.push(Span::styled(text, styles.failed));
        } else if self.app.is_available(Action::TryInPreview) {
            let key = self.app.keys_of(Action::TryInPreview).to_owned();
            spans.push(Span::raw("   "));
            spans.push(Span::styled(key, styles.accent));
            spans.push(Span::styled(" try free", styles.text));
        }
        // How old the price is, where there is room to say it.
        if let Some(age) = self.app.price_age().filter(|_| !free && faults == 0) {
            let left: usize = spans.iter().map(|span| width(&span.content)).sum();
            if left + width(&age) + 4 < usize::from(self.inner.width) {
                spans.insert(2, Span::styled(format!(", {age}"), styles.dim));
            }
        }
        line(buf, self.inner.x, last, self.inner.width, spans);
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
            (_, Some(field)) => {
                let is_said = self.editor.is_said(&field.field.name);
                if let Some(cut_off) = is_said.then(|| self.editor.cut_off()).flatten() {
                    let key = self.app.keys_of(Action::FitFrames);
                    let text = format!("✗ {cut_off} · {key} sets the frames");
                    return (text, self.styles.failed);
                }
                if let Some(fault) = field.fault.as_ref().filter(|_| field.touched) {
                    return (format!("✗ {}", fault.full), self.styles.failed);
                }
                let was = self.editor.was(field);
                let was = was.map_or_else(String::new, |was| {
                    format!("was {} · ", cut(was.as_str(), 40))
                });
                (format!("{was}{}", field.field.description), self.styles.dim)
            }
        }
    }

    /// The paths that fit what was typed.
    pub(super) fn candidates(&self, buf: &mut Buffer) {
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
                self.styles.on_selection(self.styles.text)
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
