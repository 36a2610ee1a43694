//! The draft against the job that it is a copy of.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::{Editor, field::FieldEditor};
use crate::{
    app::{Effect, diff},
    model::{CleanText, Timestamp},
};

impl Editor {
    /// What the parent has in this field, if it is something else.
    pub(crate) fn was(&self, field: &FieldEditor) -> Option<CleanText> {
        let before = self.origin.as_ref()?.get(&field.field.name);
        let before = before.filter(|value| !value.is_null());
        let same = match (before, field.raw()) {
            (None, now) => now.is_none(),
            (Some(Value::String(before)), Some(now)) => before.trim() == now.trim(),
            (Some(before), Some(now)) => *before.to_string() == *now.trim(),
            (Some(_), None) => false,
        };
        (!same).then(|| before.map_or_else(|| "open".into(), diff::shown))
    }

    /// Whether sending the draft repeats the parent's video: nothing differs, and the seed is not open.
    pub(crate) fn repeats(&self) -> bool {
        let is_seeded = || {
            let seed = self.endpoint.seed_field()?;
            let field = self.fields.iter().find(|f| f.field.name == seed.name)?;
            field.raw()
        };
        self.origin.is_some()
            && is_seeded().is_some()
            && self.fields.iter().all(|field| self.was(field).is_none())
    }

    /// Puts a number that was drawn into the seed.
    pub(crate) fn new_seed(&mut self, now: Timestamp) -> Vec<Effect> {
        let Some(seed) = self.endpoint.seed_field().cloned() else {
            return vec![];
        };
        let at = self.fields.iter().position(|f| f.field.name == seed.name);
        let Some(at) = at else { return vec![] };
        let before = self.draft();
        // Drawn of the time and of what was there: the state knows no chance of its own.
        let text = self.fields[at].raw().unwrap_or_default();
        let drawn = seed_from(&text, now);
        if let Some(field) = self.fields[at].text_mut() {
            field.replace(&drawn.to_string());
        }
        self.remember(before);
        self.changed(at)
    }
}

/// A number of 31 bits that is hardly ever the same twice.
fn seed_from(before: &str, now: Timestamp) -> u32 {
    let mut hasher = DefaultHasher::new();
    (before, now.as_nanosecond()).hash(&mut hasher);
    u32::try_from(hasher.finish() >> 33).expect("31 bits are left")
}
