//! The key table and what the config file may do to it.

use super::*;

fn event(text: &str) -> KeyEvent {
    let key = Key::parse(text).unwrap();
    KeyEvent::new(key.code, key.modifiers)
}

#[test]
fn the_default_table_has_no_conflict_and_every_key_reads_back() {
    let none: [(&str, &str); 0] = [];
    assert!(Keymap::with(&none).is_ok());
}

#[test]
fn no_default_key_swallows_a_letter_where_text_is_typed() {
    for binding in table() {
        if binding.context.takes_text() {
            assert!(!binding.keys.iter().any(|key| key.is_text()), "{binding:?}");
        }
    }
}

#[test]
fn a_config_name_means_one_action() {
    let mut names: HashMap<&str, Action> = HashMap::new();
    for binding in table() {
        let name = config_name(binding.action);
        assert_eq!(*names.entry(name).or_insert(binding.action), binding.action);
    }
}

#[test]
fn an_override_takes_the_place_of_the_default_everywhere() {
    let keymap = Keymap::with(&[("submit", "f5 alt-s")]).unwrap();
    let stack = Context::STACKS[0];
    assert_eq!(
        keymap.action(stack, Key::of(event("f5"))),
        Some(Action::Submit)
    );
    assert_eq!(keymap.action(stack, Key::of(event("ctrl-s"))), None);
    let command = keymap
        .commands()
        .into_iter()
        .find(|command| command.action == Action::Submit)
        .unwrap();
    assert_eq!(command.keys, "F5 M-s");
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    let cases = [
        ("sumbit", "ctrl-s", "did you mean submit?"),
        ("submit", "ctrl-", "is no key"),
        ("submit", "shift-s", "is no key"),
        ("submit", "s", "a letter alone would be typed"),
        ("cancel", "e", "e would mean both edit_job and cancel"),
        ("filter", "?", "? would mean both"),
    ];
    for (name, keys, want) in cases {
        let said = Keymap::with(&[(name, keys)]).unwrap_err().to_string();
        assert!(said.contains(want), "{said}");
        assert!(!said.contains('\n'));
    }
}

#[test]
fn the_same_key_may_mean_two_things_at_two_places() {
    let keymap = Keymap::default();
    let slash = Key::of(event("/"));
    assert_eq!(
        keymap.action(Context::STACKS[0], slash),
        Some(Action::FilterJobs)
    );
    assert_eq!(
        keymap.action(Context::STACKS[1], slash),
        Some(Action::SearchLog)
    );
}

#[test]
fn terminals_that_report_shift_differently_mean_the_same() {
    let plain = KeyEvent::new(KeyCode::Char('R'), KeyModifiers::NONE);
    let shifted = KeyEvent::new(KeyCode::Char('R'), KeyModifiers::SHIFT);
    assert_eq!(Key::of(plain), Key::of(shifted));
    let back_tab = KeyEvent::new(KeyCode::BackTab, KeyModifiers::NONE);
    assert_eq!(Key::of(back_tab), Key::parse("shift-tab").unwrap());
    let capital = KeyEvent::new(
        KeyCode::Char('S'),
        KeyModifiers::CONTROL | KeyModifiers::SHIFT,
    );
    assert_eq!(Key::of(capital), Key::parse("ctrl-s").unwrap());
}

#[test]
fn the_readme_table_has_a_row_for_every_binding() {
    let table_rows = table().len();
    assert_eq!(markdown_table().lines().count(), table_rows + 2);
    assert!(markdown_table().contains("| Deck") || markdown_table().contains("`^S`"));
}
