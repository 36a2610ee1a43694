//! Keys as they are written in the config file and on the screen.

use std::fmt;

use super::{Key, KeyCode, KeyEvent, KeyModifiers};

/// Names of keys in the config file, and how the screen writes them.
const NAMED: [(&str, KeyCode, &str); 13] = [
    ("tab", KeyCode::Tab, "Tab"),
    ("enter", KeyCode::Enter, "Enter"),
    ("esc", KeyCode::Esc, "Esc"),
    ("up", KeyCode::Up, "↑"),
    ("down", KeyCode::Down, "↓"),
    ("left", KeyCode::Left, "←"),
    ("right", KeyCode::Right, "→"),
    ("home", KeyCode::Home, "Home"),
    ("end", KeyCode::End, "End"),
    ("pageup", KeyCode::PageUp, "PgUp"),
    ("pagedown", KeyCode::PageDown, "PgDn"),
    ("backspace", KeyCode::Backspace, "BS"),
    ("space", KeyCode::Char(' '), "Space"),
];

impl Key {
    /// Brings an event to the form of the table.
    ///
    /// Terminals report shift with a capital letter or without it, and shift-tab as a key of its own.
    pub(super) fn of(event: KeyEvent) -> Self {
        let mut modifiers =
            event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let code = match event.code {
            KeyCode::BackTab => {
                modifiers |= KeyModifiers::SHIFT;
                KeyCode::Tab
            }
            KeyCode::Char(c) if modifiers.contains(KeyModifiers::CONTROL) => {
                KeyCode::Char(c.to_ascii_lowercase())
            }
            code => code,
        };
        if matches!(code, KeyCode::Char(_)) {
            modifiers -= KeyModifiers::SHIFT;
        }
        Self { code, modifiers }
    }

    /// Reads `ctrl-s`, `shift-tab`, `alt-x`, `f5`, `j`, `G`, `space`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        loop {
            let part = ["ctrl-", "alt-", "shift-"]
                .into_iter()
                .zip([
                    KeyModifiers::CONTROL,
                    KeyModifiers::ALT,
                    KeyModifiers::SHIFT,
                ])
                .find_map(|(name, modifier)| Some((rest.strip_prefix(name)?, modifier)));
            match part {
                Some((after, modifier)) if !after.is_empty() => {
                    modifiers |= modifier;
                    rest = after;
                }
                _ => break,
            }
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_control() && c != ' ' => KeyCode::Char(c),
            _ => NAMED
                .iter()
                .find(|(name, ..)| *name == rest)
                .map(|(_, code, _)| *code)
                .or_else(|| function_key(rest))?,
        };
        // Shift and a character is another character; which one depends on the keyboard.
        if modifiers.contains(KeyModifiers::SHIFT) && matches!(code, KeyCode::Char(_)) {
            return None;
        }
        Some(Self::of(KeyEvent::new(code, modifiers)))
    }

    /// Whether it would be typed into a text.
    pub(super) fn is_text(self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && self.modifiers.is_empty()
    }
}

fn function_key(text: &str) -> Option<KeyCode> {
    let number = text.strip_prefix('f')?.parse().ok()?;
    (1..=12).contains(&number).then_some(KeyCode::F(number))
}

impl fmt::Display for Key {
    /// As it stands on the screen: `^S`, `S-Tab`, `M-x`, `j`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("M-")?;
        }
        if self.modifiers.contains(KeyModifiers::SHIFT) {
            f.write_str("S-")?;
        }
        let control = self.modifiers.contains(KeyModifiers::CONTROL);
        let named = NAMED.iter().find(|(_, code, _)| *code == self.code);
        match (named, self.code) {
            (Some((.., shown)), _) => {
                write!(f, "{}{shown}", if control { "C-" } else { "" })
            }
            (None, KeyCode::Char(c)) if control => write!(f, "^{}", c.to_ascii_uppercase()),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, KeyCode::F(number)) => write!(f, "F{number}"),
            (None, code) => write!(f, "{code:?}"),
        }
    }
}
