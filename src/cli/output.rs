//! Standard output in its two forms: text for people on a terminal, JSON lines for everything else.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use clap::builder::styling::{AnsiColor, Effects, Style};
use color_eyre::eyre::WrapErr;
use serde::Serialize;

use super::{
    Fault,
    args::{Color, Global},
    text,
};
use crate::model::{CleanText, inert_json};

/// Width where the terminal does not tell one.
const USUAL_WIDTH: usize = 80;

/// What a piece of text means; colour never says it alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// Secondary.
    Dim,
    /// A heading.
    Strong,
    /// Under way.
    Running,
    /// Ended well.
    Good,
    /// Ended badly.
    Bad,
    /// To be looked at.
    Warning,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Dim => Style::new().effects(Effects::DIMMED),
            Self::Strong => Style::new().effects(Effects::BOLD),
            Self::Running => AnsiColor::Cyan.on_default(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Warning => AnsiColor::Yellow.on_default(),
        }
    }
}

/// One cell of a table.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    text: CleanText,
    tone: Tone,
    right: bool,
}

impl Cell {
    /// A plain cell, aligned left.
    #[must_use]
    pub fn new(text: impl Into<CleanText>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// With another meaning.
    #[must_use]
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    /// Aligned right, as numbers are.
    #[must_use]
    pub fn right(mut self) -> Self {
        self.right = true;
        self
    }
}

/// Standard output. Once its reader is gone, nothing more is written and nothing breaks.
#[derive(Debug)]
pub struct Output {
    json: bool,
    color: bool,
    width: usize,
    closed: bool,
}

impl Output {
    /// What `--json`, `--color` and the terminal make of it.
    #[must_use]
    pub fn new(global: &Global) -> Self {
        let terminal = io::stdout().is_terminal();
        let wanted = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                terminal && !wanted("NO_COLOR") && env::var_os("TERM").is_none_or(|t| t != "dumb")
            }
        };
        let width = rustix::termios::tcgetwinsize(io::stdout())
            .ok()
            .map(|size| usize::from(size.ws_col))
            .filter(|&width| width > 0)
            .unwrap_or(USUAL_WIDTH);
        Self {
            json: global.json || !terminal,
            color,
            width,
            closed: false,
        }
    }

    /// Whether JSON lines are wanted.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether colours are wanted.
    #[must_use]
    pub fn has_color(&self) -> bool {
        self.color
    }

    /// Whether the reader is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Writes `value` as one line of JSON.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Fault> {
        let mut line = inert_json::to_line(value).wrap_err("cannot write JSON")?;
        line.push('\n');
        self.raw(line.as_bytes())
    }

    /// Writes a line of pieces, each with its meaning.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn line(&mut self, pieces: &[(Tone, &CleanText)]) -> Result<(), Fault> {
        let mut line = String::new();
        for (tone, piece) in pieces {
            self.paint(&mut line, *tone, piece.as_str());
        }
        line.push('\n');
        self.raw(line.as_bytes())
    }

    /// Writes lines of one meaning, broken at the terminal's width and indented by `indent` columns.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn paragraph(&mut self, indent: usize, tone: Tone, text: &CleanText) -> Result<(), Fault> {
        for part in text::wrap(text.as_str(), self.width.saturating_sub(indent).max(20)) {
            let mut line = " ".repeat(indent);
            self.paint(&mut line, tone, &part);
            line.push('\n');
            self.raw(line.as_bytes())?;
        }
        Ok(())
    }

    /// Writes labels and values; a value that is too long for its line goes on below itself.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn pairs(&mut self, pairs: &[(CleanText, Tone, CleanText)]) -> Result<(), Fault> {
        let widths = pairs.iter().map(|(label, ..)| text::width(label.as_str()));
        let indent = widths.max().unwrap_or(0) + 2;
        for (label, tone, value) in pairs {
            let mut lines = text::wrap(value.as_str(), self.width.saturating_sub(indent).max(20));
            if lines.is_empty() {
                lines.push(String::new());
            }
            for (number, part) in lines.iter().enumerate() {
                let mut line = String::new();
                let label = if number == 0 { label.as_str() } else { "" };
                self.paint(&mut line, Tone::Dim, label);
                line.push_str(&" ".repeat(indent - text::width(label)));
                self.paint(&mut line, *tone, part);
                line.push('\n');
                self.raw(line.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Writes rows in aligned columns; the last column takes what is left of the width and is cut there.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn table(&mut self, rows: &[Vec<Cell>]) -> Result<(), Fault> {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = rows.iter().filter_map(|row| row.get(column));
                cells
                    .map(|cell| text::width(cell.text.as_str()))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        for row in rows {
            let mut line = String::new();
            let mut used = 0;
            for (column, cell) in row.iter().enumerate() {
                let last = column + 1 == row.len();
                let room = if last {
                    self.width.saturating_sub(used).max(10)
                } else {
                    widths[column]
                };
                let shown = text::cut(cell.text.as_str(), room);
                let padding = widths[column].saturating_sub(text::width(&shown));
                if cell.right {
                    line.push_str(&" ".repeat(padding));
                }
                self.paint(&mut line, cell.tone, &shown);
                if !cell.right && !last {
                    line.push_str(&" ".repeat(padding));
                }
                if !last {
                    line.push_str("  ");
                }
                used += widths[column] + 2;
            }
            line.truncate(line.trim_end_matches(' ').len());
            line.push('\n');
            self.raw(line.as_bytes())?;
        }
        Ok(())
    }

    fn paint(&self, line: &mut String, tone: Tone, text: &str) {
        let style = tone.style();
        if self.color && !text.is_empty() && style != Style::new() {
            line.push_str(&style.render().to_string());
            line.push_str(text);
            line.push_str(&style.render_reset().to_string());
        } else {
            line.push_str(text);
        }
    }

    /// Writes bytes of our own making and flushes them.
    ///
    /// # Errors
    /// When standard output cannot be written; a reader that has gone is no error.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.closed {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            other => Ok(other.wrap_err("cannot write to standard output")?),
        }
    }
}

/// Tells the user something beside the output, on standard error.
pub fn notice(text: impl AsRef<str>) {
    // Where standard error is gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{}", CleanText::line(text.as_ref()));
}
