//! Colours: a palette of roles from a file, and the styles derived from it.
//!
//! A theme fills roles, not widgets, so that a new widget needs no new line in anybody's theme.

use std::{
    io,
    path::{Path, PathBuf},
};

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use crate::{app::notice::Tone, model::CleanText};

/// The themes that ship inside the program.
const BUILTIN: [(&str, &str); 3] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("ansi", include_str!("../../themes/ansi.toml")),
];

/// A theme cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is neither a built-in theme nor a file of that name.
    #[error("no theme {name:?}: there are {known}, and files in {}", CleanText::line(&.dir.to_string_lossy()))]
    Unknown {
        /// The name.
        name: String,
        /// The built-in names.
        known: String,
        /// Where files are looked for.
        dir: PathBuf,
    },
    /// The file cannot be read.
    #[error("theme {}: {source}", CleanText::line(&.path.to_string_lossy()))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no theme.
    #[error("theme {name}: {reason}")]
    Invalid {
        /// The theme.
        name: String,
        /// What is wrong, in one line.
        reason: CleanText,
    },
}

/// The file: every role, nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    text: String,
    dim: String,
    strong: String,
    accent: String,
    border: String,
    selection: String,
    running: String,
    done: String,
    failed: String,
    warning: String,
    money: String,
    r#match: String,
}

/// What the roles look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    text: Style,
    dim: Style,
    strong: Style,
    accent: Style,
    border: Style,
    selection: Style,
    running: Style,
    done: Style,
    failed: Style,
    warning: Style,
    money: Style,
    found: Style,
}

impl Palette {
    /// Reads a theme.
    ///
    /// # Errors
    /// When `toml` is no TOML, lacks a role, has an unknown one, or a value is no colour and no attribute.
    pub fn from_toml(name: &str, toml: &str) -> Result<Self, Error> {
        let invalid = |reason: CleanText| Error::Invalid {
            name: CleanText::line(name).to_string(),
            reason,
        };
        let file: File =
            toml::from_str(toml).map_err(|error| invalid(CleanText::line(error.message())))?;
        let style = |role: &str, value: &str| {
            style(value).ok_or_else(|| {
                invalid(format!("{role} = {value:?} is no colour and no attribute").into())
            })
        };
        Ok(Self {
            text: style("text", &file.text)?,
            dim: style("dim", &file.dim)?,
            strong: style("strong", &file.strong)?,
            accent: style("accent", &file.accent)?,
            border: style("border", &file.border)?,
            // A colour here lies behind the text.
            selection: behind(style("selection", &file.selection)?),
            running: style("running", &file.running)?,
            done: style("done", &file.done)?,
            failed: style("failed", &file.failed)?,
            warning: style("warning", &file.warning)?,
            money: style("money", &file.money)?,
            found: style("match", &file.r#match)?,
        })
    }

    /// The built-in theme for a terminal without further wishes: its own 16 colours.
    #[must_use]
    pub fn ansi() -> Self {
        Self::builtin("ansi").expect("a test reads every built-in theme")
    }

    fn builtin(name: &str) -> Option<Self> {
        let (_, toml) = BUILTIN.iter().find(|(known, _)| *known == name)?;
        Self::from_toml(name, toml).ok()
    }

    /// Finds the theme `name`: `auto`, a file `NAME.toml` in `dir`, or a built-in one.
    ///
    /// `auto` asks the terminal nothing: it is `dark` where `COLORTERM` (given as `color_term`) promises 16 million
    /// colours, else `ansi`.
    ///
    /// # Errors
    /// When there is no such theme, or its file is no theme.
    pub fn load(name: &str, dir: &Path, color_term: Option<&str>) -> Result<Self, Error> {
        let name = match name {
            "auto" if matches!(color_term, Some("truecolor" | "24bit")) => "dark",
            "auto" => "ansi",
            other => other,
        };
        let is_plain = !name.is_empty()
            && !name.starts_with('.')
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
        let path = dir.join(format!("{name}.toml"));
        if is_plain {
            match std::fs::read_to_string(&path) {
                Ok(toml) => return Self::from_toml(name, &toml),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(Error::Unreadable { path, source }),
            }
        }
        Self::builtin(name).ok_or_else(|| Error::Unknown {
            name: CleanText::line(name).to_string(),
            known: BUILTIN.map(|(name, _)| name).join(", "),
            dir: dir.to_owned(),
        })
    }
}

/// Reads `#6cb6ff bold`: at most one colour, any attributes.
fn style(text: &str) -> Option<Style> {
    let mut style = Style::new();
    for word in text.split_whitespace() {
        let attribute = match word {
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underlined" => Modifier::UNDERLINED,
            "reversed" => Modifier::REVERSED,
            "default" => continue,
            color => {
                let color: Color = color.parse().ok()?;
                if style.fg.replace(color).is_some() {
                    return None;
                }
                continue;
            }
        };
        style = style.add_modifier(attribute);
    }
    (!text.trim().is_empty()).then_some(style)
}

fn behind(style: Style) -> Style {
    Style {
        fg: None,
        bg: style.fg,
        ..style
    }
}

/// The looks that views use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Styles {
    /// Ordinary text.
    pub text: Style,
    /// Secondary text.
    pub dim: Style,
    /// Headings and names.
    pub strong: Style,
    /// Where the focus is.
    pub accent: Style,
    /// Borders of panes without the focus.
    pub border: Style,
    /// Borders of the pane with the focus.
    pub focused_border: Style,
    /// The title of the pane with the focus.
    pub focused_title: Style,
    /// Behind the selected row of the focused pane.
    pub selection: Style,
    /// Behind the selected row of another pane.
    pub faint_selection: Style,
    /// The value of the selected field, which may be many rows: a reversed block would hide what it says.
    pub selected_value: Style,
    /// Something under way.
    pub running: Style,
    /// Something that worked.
    pub done: Style,
    /// Something that did not.
    pub failed: Style,
    /// Something to look at.
    pub warning: Style,
    /// Something that must not be missed.
    pub loud: Style,
    /// Money.
    pub money: Style,
    /// What a search found.
    pub found: Style,
}

impl Styles {
    /// Styles of `palette`; without `color` only attributes stay, so that focus and selection are still seen.
    #[must_use]
    pub fn new(palette: &Palette, color: bool) -> Self {
        let plain = |style: Style| {
            if color {
                style
            } else {
                Style {
                    fg: None,
                    bg: None,
                    ..style
                }
            }
        };
        let p = palette;
        let selection = if color {
            p.selection
        } else {
            Style::new().add_modifier(Modifier::REVERSED)
        };
        let found = if color {
            p.found
        } else {
            Style::new().add_modifier(Modifier::UNDERLINED | Modifier::BOLD)
        };
        let accent = plain(p.accent);
        Self {
            text: plain(p.text),
            dim: if color {
                p.dim
            } else {
                plain(p.dim).add_modifier(Modifier::DIM)
            },
            strong: plain(p.strong).add_modifier(Modifier::BOLD),
            accent: accent.add_modifier(Modifier::BOLD),
            border: if color {
                p.border
            } else {
                plain(p.border).add_modifier(Modifier::DIM)
            },
            focused_border: if color {
                accent
            } else {
                accent.add_modifier(Modifier::BOLD)
            },
            focused_title: accent.add_modifier(Modifier::BOLD | Modifier::REVERSED),
            selection,
            faint_selection: Style::new().add_modifier(Modifier::BOLD),
            selected_value: if is_reversed(selection) {
                Style::new().add_modifier(Modifier::BOLD)
            } else {
                selection
            },
            running: plain(p.running),
            done: plain(p.done),
            failed: plain(p.failed),
            warning: plain(p.warning),
            loud: plain(p.warning).add_modifier(Modifier::BOLD | Modifier::REVERSED),
            money: plain(p.money),
            found,
        }
    }

    /// The look of a part of the selected row that would be `style` otherwise.
    ///
    /// Colours of parts do not go with a reversed row: each would become a block of its own.
    #[must_use]
    pub fn on_selection(&self, style: Style) -> Style {
        if is_reversed(self.selection) {
            self.selection
        } else {
            style.patch(self.selection)
        }
    }

    /// The look of a text that means `tone`.
    #[must_use]
    pub const fn tone(&self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => self.text,
            Tone::Dim => self.dim,
            Tone::Strong => self.strong,
            Tone::Running => self.running,
            Tone::Done => self.done,
            Tone::Failed => self.failed,
            Tone::Warning => self.warning,
            Tone::Money => self.money,
        }
    }
}

const fn is_reversed(style: Style) -> bool {
    style.add_modifier.contains(Modifier::REVERSED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_theme_fills_every_role() {
        for (name, toml) in BUILTIN {
            assert!(Palette::from_toml(name, toml).is_ok(), "{name}");
        }
    }

    #[test]
    fn an_unknown_role_a_missing_one_and_a_bad_colour_are_refused_in_one_line() {
        let dark = BUILTIN[0].1;
        let cases = [
            (format!("{dark}\nbutton = \"red\""), "button"),
            (dark.replace("money", "honey"), "honey"),
            (dark.replace("\ndim", "\n# dim"), "dim"),
            (
                dark.replace("#c8ccd4", "#c8"),
                "text = \"#c8\" is no colour",
            ),
            (dark.replace("#c8ccd4", "red blue"), "is no colour"),
            ("not toml".to_owned(), "theme mine:"),
        ];
        for (toml, want) in cases {
            let said = Palette::from_toml("mine", &toml).unwrap_err().to_string();
            assert!(said.contains(want), "{said}");
            assert!(!said.contains('\n'), "{said}");
        }
    }

    #[test]
    fn auto_takes_what_the_terminal_promises_without_asking_it() {
        let nowhere = Path::new("/nonexistent");
        let auto = |term| Palette::load("auto", nowhere, term).unwrap();
        assert_eq!(auto(Some("truecolor")), Palette::builtin("dark").unwrap());
        assert_eq!(auto(None), Palette::ansi());
    }

    #[test]
    fn a_file_of_the_user_comes_before_the_built_in_theme() {
        let dir = tempfile::tempdir().unwrap();
        let light = BUILTIN[1].1;
        std::fs::write(dir.path().join("dark.toml"), light).unwrap();
        let palette = Palette::load("dark", dir.path(), None).unwrap();
        assert_eq!(palette, Palette::builtin("light").unwrap());
    }

    #[test]
    fn a_theme_that_is_not_there_names_those_that_are() {
        let said = |name| {
            Palette::load(name, Path::new("/nonexistent"), None)
                .unwrap_err()
                .to_string()
        };
        assert!(
            said("solar").contains("dark, light, ansi"),
            "{}",
            said("solar")
        );
        assert!(said("../../etc/passwd").contains("no theme"));
    }

    #[test]
    fn without_colours_no_style_has_one_and_focus_is_still_seen() {
        let styles = Styles::new(&Palette::builtin("dark").unwrap(), false);
        for style in [
            styles.text,
            styles.failed,
            styles.selection,
            styles.loud,
            styles.found,
        ] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
        assert_ne!(styles.focused_border, styles.border);
        assert_ne!(styles.focused_title, styles.dim);
        assert_ne!(styles.selection, Style::new());
    }
}
