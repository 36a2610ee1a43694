//! All keys, from the key table.

use ratatui::{buffer::Buffer, text::Span};

use super::boxed;
use crate::{
    app::{
        App,
        modal::{Help, HelpRow},
        text::pad,
    },
    tui::{
        theme::Styles,
        view::{layout::to_u16, line},
    },
};

/// Cells of the box.
const WIDTH: u16 = 84;
/// Cells of the keys.
const KEYS: usize = 14;

pub(super) fn draw(app: &App, help: &Help, styles: &Styles, buf: &mut Buffer) {
    let rows = Help::rows(&app.commands);
    let height = app.help_height();
    let (from, all) = (help.top + 1, rows.len());
    let to = (help.top + height).min(all);
    let title = format!("Keys {from}–{to} of {all}");
    let inner = boxed(app, &title, WIDTH, to_u16(height.min(all)) + 2, styles, buf);
    for (at, row) in rows.iter().skip(help.top).take(height).enumerate() {
        let y = inner.y + to_u16(at);
        let spans = match row {
            HelpRow::Space => continue,
            HelpRow::Heading(title) => vec![Span::styled(format!(" {title}"), styles.strong)],
            HelpRow::Key(command) => vec![
                Span::styled(format!("   {}", pad(&command.keys, KEYS)), styles.accent),
                Span::styled(command.description, styles.text),
            ],
        };
        line(buf, inner.x, y, inner.width, spans);
    }
}
