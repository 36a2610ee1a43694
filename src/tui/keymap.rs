//! Keys: one table feeds dispatch, help, hints, palette, config names and the README.

use std::collections::HashMap;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::app::{Action, App, Command, Context, Message};

/// One row of the table.
#[derive(Clone, Debug)]
struct Binding {
    context: Context,
    keys: Vec<Key>,
    action: Action,
    description: &'static str,
    /// One or two words for the bottom line; empty where it is not worth the room.
    hint: &'static str,
}

/// A key with its modifiers, in the one form that events are brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// A configured key that cannot be had.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The name before the `=` is no action.
    #[error("[keys] {name}: there is no such action; `talkdeck` lists them under ?{}", hint(.nearest.as_deref()))]
    UnknownAction {
        /// What stands there.
        name: String,
        /// The action that was perhaps meant.
        nearest: Option<String>,
    },
    /// The text after the `=` is no key.
    #[error(
        "[keys] {name}: {text:?} is no key; write it like ctrl-s, shift-tab, enter, f5, j or G"
    )]
    NotAKey {
        /// The action.
        name: String,
        /// What stands there.
        text: String,
    },
    /// A terminal could not be left without it.
    #[error("[keys] {name}: a letter alone would be typed here; take one with ctrl- or alt-")]
    PlainLetter {
        /// The action.
        name: String,
    },
    /// Two actions want the same key at the same place.
    #[error("[keys] {key} would mean both {first} and {second}; give one of them another key")]
    Conflict {
        /// The key.
        key: String,
        /// An action.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean {name}?)"))
}

/// Which key means what.
#[derive(Clone, Debug)]
pub struct Keymap {
    bindings: Vec<Binding>,
    lookup: HashMap<(Context, Key), Action>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::of(table())
    }
}

impl Keymap {
    /// The default keys with some replaced: pairs of a config name and keys, several parted by spaces, none to unbind.
    ///
    /// # Errors
    /// When a name is no action, a text no key, or a key would mean two things at one place.
    pub fn with<N: AsRef<str>, K: AsRef<str>>(overrides: &[(N, K)]) -> Result<Self, Error> {
        let mut bindings = table();
        for (name, text) in overrides {
            let (name, text) = (name.as_ref(), text.as_ref());
            let keys = text
                .split_whitespace()
                .map(|word| {
                    Key::parse(word).ok_or_else(|| Error::NotAKey {
                        name: name.to_owned(),
                        text: word.to_owned(),
                    })
                })
                .collect::<Result<Vec<_>, _>>()?;
            let mut known = false;
            for binding in &mut bindings {
                if config_name(binding.action) != name {
                    continue;
                }
                known = true;
                if binding.context.takes_text() && keys.iter().any(|key| key.is_text()) {
                    return Err(Error::PlainLetter {
                        name: name.to_owned(),
                    });
                }
                binding.keys.clone_from(&keys);
            }
            if !known {
                return Err(Error::UnknownAction {
                    name: name.to_owned(),
                    nearest: nearest(name),
                });
            }
        }
        refuse_conflicts(&bindings)?;
        Ok(Self::of(bindings))
    }

    fn of(bindings: Vec<Binding>) -> Self {
        let lookup = bindings
            .iter()
            .flat_map(|binding| {
                binding
                    .keys
                    .iter()
                    .map(|key| ((binding.context, *key), binding.action))
            })
            .collect();
        Self { bindings, lookup }
    }

    /// The rows as the state needs them for help, hints and the palette.
    #[must_use]
    pub fn commands(&self) -> Vec<Command> {
        self.bindings
            .iter()
            .map(|binding| Command {
                context: binding.context,
                action: binding.action,
                keys: shown(&binding.keys),
                description: binding.description,
                hint: binding.hint,
            })
            .collect()
    }

    /// What `key` means in `contexts`, the first that knows it.
    fn action(&self, contexts: &[Context], key: Key) -> Option<Action> {
        contexts
            .iter()
            .find_map(|context| self.lookup.get(&(*context, key)).copied())
    }
}

impl Context {
    /// Whether letters are typed there.
    const fn takes_text(self) -> bool {
        matches!(
            self,
            Self::Anywhere | Self::Deck | Self::Typing | Self::Prompt | Self::Menu
        )
    }
}

/// What an event of the terminal means now.
#[must_use]
pub fn translate(event: &Event, app: &App, keymap: &Keymap) -> Vec<Message> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => {
            let action = keymap.action(app.contexts(), Key::of(*key));
            vec![action.map_or(Message::Key(*key), Message::Action)]
        }
        Event::Paste(text) => vec![Message::Paste(text.clone())],
        Event::Resize(columns, rows) => vec![Message::Resized {
            columns: *columns,
            rows: *rows,
        }],
        _ => vec![],
    }
}

fn refuse_conflicts(bindings: &[Binding]) -> Result<(), Error> {
    for stack in Context::STACKS {
        let mut taken: HashMap<Key, Action> = HashMap::new();
        for binding in bindings.iter().filter(|row| stack.contains(&row.context)) {
            for key in &binding.keys {
                let before = taken.insert(*key, binding.action);
                if let Some(first) = before.filter(|first| *first != binding.action) {
                    return Err(Error::Conflict {
                        key: key.to_string(),
                        first: config_name(first),
                        second: config_name(binding.action),
                    });
                }
            }
        }
    }
    Ok(())
}

fn nearest(name: &str) -> Option<String> {
    table()
        .iter()
        .map(|binding| config_name(binding.action))
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, _)| *distance <= 4)
        .map(|(_, known)| known.to_owned())
}

/// The table for the README, in Markdown.
#[must_use]
pub fn markdown_table() -> String {
    let mut out = String::from("| where | key | what | `[keys]` name |\n|---|---|---|---|\n");
    for context in Context::ALL {
        for binding in table().iter().filter(|row| row.context == context) {
            let keys: Vec<_> = binding.keys.iter().map(|key| format!("`{key}`")).collect();
            let row = format!(
                "| {} | {} | {} | `{}` |\n",
                context.title(),
                keys.join(" "),
                binding.description,
                config_name(binding.action)
            );
            out.push_str(&row);
        }
    }
    out
}

fn shown(keys: &[Key]) -> String {
    let keys: Vec<_> = keys.iter().map(Key::to_string).collect();
    keys.join(" ")
}

mod key;
mod table;

use table::{config_name, table};

#[cfg(test)]
mod tests;
