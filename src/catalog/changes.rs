//! What is different between two states of an endpoint, in words.

use super::{Endpoint, Field, FieldKind};
use crate::model::CleanText;

/// Differences that one line names.
const MOST_NAMED: usize = 3;

impl Endpoint {
    /// What has changed in its fields since `before`, in one line; nothing where a form would be the same.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Option<CleanText> {
        let (old, new) = (all(&before.fields), all(&self.fields));
        let find = |fields: &[&Field], name: &str| -> Option<usize> {
            fields.iter().position(|field| field.name == name)
        };
        let mut changes: Vec<String> = new
            .iter()
            .filter_map(|field| match find(&old, &field.name) {
                Some(at) => change(old[at], field),
                None => Some(format!("new field {}", field.name)),
            })
            .collect();
        let gone = old
            .iter()
            .filter(|field| find(&new, &field.name).is_none())
            .map(|field| format!("{} is gone", field.name));
        changes.extend(gone);
        let more = changes.len().saturating_sub(MOST_NAMED);
        changes.truncate(MOST_NAMED);
        if more > 0 {
            changes.push(format!("{more} more"));
        }
        (!changes.is_empty()).then(|| CleanText::line(&changes.join(", ")))
    }
}

/// All fields, those inside of objects, too.
fn all(fields: &[Field]) -> Vec<&Field> {
    fields
        .iter()
        .flat_map(|field| {
            let inner = match &field.kind {
                FieldKind::Object { fields, .. } => all(fields),
                _ => Vec::new(),
            };
            std::iter::once(field).chain(inner)
        })
        .collect()
}

fn change(old: &Field, new: &Field) -> Option<String> {
    let name = &new.name;
    if old.kind != new.kind
        && let Some(change) = of_kind(name, &old.kind, &new.kind)
    {
        return Some(change);
    }
    if old.required != new.required {
        let now = if new.required { "required" } else { "optional" };
        return Some(format!("{name} now {now}"));
    }
    if old.default != new.default {
        return Some(match &new.default {
            Some(value) => format!("{name} now {value} by default"),
            None => format!("{name} has no default now"),
        });
    }
    None
}

fn of_kind(name: &str, old: &FieldKind, new: &FieldKind) -> Option<String> {
    Some(match (old, new) {
        (
            _,
            FieldKind::Integer {
                minimum: Some(least),
                maximum: Some(most),
            },
        ) => {
            format!("{name} now {least}–{most}")
        }
        (FieldKind::Number(_), FieldKind::Number(limits)) if !limits.to_string().is_empty() => {
            format!("{name} now {limits}")
        }
        (FieldKind::Choice(old), FieldKind::Choice(new)) => {
            let more = new.iter().filter(|option| !old.contains(option)).count();
            let fewer = old.iter().filter(|option| !new.contains(option)).count();
            match (more, fewer) {
                // Another order is no news.
                (0, 0) => return None,
                (more, 0) => format!("{name} has {more} more"),
                (0, fewer) => format!("{name} has {fewer} fewer"),
                (more, fewer) => format!("{name} has {more} more and {fewer} fewer"),
            }
        }
        // What is inside is named by itself.
        (FieldKind::Object { .. }, FieldKind::Object { .. }) => return None,
        _ if old.name() == new.name() => format!("{name} has other limits"),
        _ => format!("{name} now {}", new.name()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn a_change_is_named_by_field_and_limit() {
        let before = Catalog::builtin().first().clone();
        assert_eq!(before.changes_since(&before), None);
        let mut now = before.clone();
        let of = |name: &str| before.fields.iter().position(|f| f.name == name).unwrap();
        now.fields[of("num_frames")].kind = FieldKind::Integer {
            minimum: Some(41),
            maximum: Some(301),
        };
        let said = |now: &Endpoint| now.changes_since(&before).unwrap().to_string();
        assert_eq!(said(&now), "num_frames now 41–301");
        let FieldKind::Choice(voices) = &mut now.fields[of("voice")].kind else {
            panic!("voices are a choice")
        };
        voices.truncate(18);
        voices.push("Zoe".to_owned());
        now.fields[of("prompt")].required = false;
        now.fields.remove(of("seed"));
        assert_eq!(
            said(&now),
            "voice has 1 more and 2 fewer, prompt now optional, num_frames now 41–301, 1 more"
        );
    }
}
