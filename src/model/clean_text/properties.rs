//! The sanitiser against whatever comes: nothing but printable text leaves it.
//!
//! `PROPTEST_CASES=1000000 cargo test --lib properties` looks longer than the usual run.

use proptest::{
    prelude::*,
    test_runner::{Config, TestError, TestRunner},
};

use super::CleanText;
use crate::model::inert_json;

/// Whether a character does anything but show itself, by a list that knows nothing of the sanitiser's own.
fn offends(c: char) -> bool {
    let c = c as u32;
    // C0, DEL and C1; soft hyphen; Arabic letter mark; Mongolian vowel separator.
    c < 0x20
        || (0x7f..=0x9f).contains(&c)
        || [0xad, 0x61c, 0x180e, 0x200b, 0xfeff].contains(&c)
        // Direction marks, line and paragraph separators, embeddings and overrides, isolates, invisible operators.
        || (0x200e..=0x200f).contains(&c)
        || (0x2028..=0x202e).contains(&c)
        || (0x2060..=0x206f).contains(&c)
        // Interlinear annotations, musical controls, tags.
        || (0xfff9..=0xfffb).contains(&c)
        || (0x1d173..=0x1d17a).contains(&c)
        || (0xe0000..=0xe007f).contains(&c)
}

/// What terminals act upon, what looks like it, and what is cut off in the middle of it.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let text = |list: &'static [&'static str]| {
        prop::sample::select(list).prop_map(|text| text.as_bytes().to_vec())
    };
    let in_utf8 = |range: std::ops::RangeInclusive<char>| {
        prop::char::range(*range.start(), *range.end()).prop_map(|c| c.to_string().into_bytes())
    };
    prop_oneof![
        4 => text(&["plain", "Grüße", "日本語", "👩\u{200d}👧", "می\u{200c}خواهم", "e\u{301}", " ", "\n", "\r\n", "\t"]),
        3 => text(&["\u{1b}", "\u{1b}[", "\u{1b}]", "\u{1b}P", "\u{1b}X", "\u{1b}^", "\u{1b}_", "\u{1b}(", "\u{1b} "]),
        3 => text(&["\u{1b}[31m", "\u{1b}[2J", "\u{1b}]0;t\u{7}", "\u{1b}]8;;http://x\u{1b}\\", "\u{1b}]52;c;QQ==\u{7}"]),
        2 => text(&["\u{9b}1;1H", "\u{9d}0;t\u{9c}", "\u{90}q\u{9c}", "\u{9f}x", "\u{98}", "\u{9e}", "\u{85}", "\u{84}"]),
        2 => text(&["0", ";", "?", "m", "h", "\\", "\u{7}", "\u{9c}", "1049", "[31m", "]0;t"]),
        2 => in_utf8('\0'..='\u{1f}'),
        2 => in_utf8('\u{7f}'..='\u{9f}'),
        2 => in_utf8('\u{200b}'..='\u{206f}'),
        1 => in_utf8('\u{e0000}'..='\u{e01ef}'),
        1 => in_utf8('\u{300}'..='\u{36f}'),
        1 => in_utf8('\u{fff0}'..='\u{ffff}'),
        1 => text(&["\u{ad}", "\u{61c}", "\u{180e}", "\u{feff}", "\u{2028}", "\u{2029}", "\u{1d173}", "\u{fe0f}"]),
        2 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        2 => prop::collection::vec(any::<u8>(), 1..6),
        // The beginnings of characters that never end, and ends without a beginning.
        2 => prop::sample::select(vec![vec![0xc2], vec![0xe2, 0x80], vec![0xf3, 0xa0, 0x81], vec![0x9b], vec![0x80, 0xae]]),
    ]
}

fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(fragment(), 0..24)
}

fn runner() -> TestRunner {
    let more = std::env::var("PROPTEST_CASES").ok();
    TestRunner::new(Config {
        cases: more.and_then(|cases| cases.parse().ok()).unwrap_or(4000),
        failure_persistence: None,
        ..Config::default()
    })
}

/// Whether nothing but printable text leaves `clean`: given all at once, or piece by piece as a stream brings it.
fn lets_only_text_out(clean: impl Fn(&[u8]) -> String) -> Result<(), TestError<Vec<Vec<u8>>>> {
    runner().run(&pieces(), |pieces| {
        let whole = clean(&pieces.concat());
        let joined: String = pieces.iter().map(|piece| clean(piece)).collect();
        for text in [whole, joined] {
            let found = text.chars().find(|&c| offends(c));
            prop_assert_eq!(found, None, "in {:?}", text);
        }
        Ok(())
    })
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn nothing_but_printable_text_leaves_the_sanitiser() {
    lets_only_text_out(|bytes| CleanText::from_bytes(bytes).as_str().to_owned()).unwrap();
    // Line ends alone are kept where there may be several lines.
    lets_only_text_out(|bytes| {
        CleanText::multiline(&lossy(bytes))
            .as_str()
            .replace('\n', "")
    })
    .unwrap();
}

/// What a broken sanitiser forgets to take out.
type Forgets = fn(char) -> bool;

#[test]
fn the_property_finds_every_way_in_which_a_sanitiser_may_be_broken() {
    let without = |bytes: &[u8], forgets: Forgets| -> String {
        let dropped = |c: &char| !offends(*c) || forgets(*c);
        lossy(bytes).chars().filter(dropped).collect()
    };
    let broken: [(&str, Forgets); 8] = [
        ("everything", |_| true),
        ("ESC", |c| c == '\u{1b}'),
        ("CR", |c| c == '\r'),
        ("BEL", |c| c == '\u{7}'),
        ("DEL", |c| c == '\u{7f}'),
        ("C1", |c| ('\u{80}'..='\u{9f}').contains(&c)),
        ("overrides", |c| ('\u{202a}'..='\u{202e}').contains(&c)),
        ("tags", |c| c >= '\u{e0000}'),
    ];
    for (name, forgets) in broken {
        let found = lets_only_text_out(|bytes| without(bytes, forgets));
        assert!(
            matches!(found, Err(TestError::Fail(..))),
            "a sanitiser that lets {name} through passes"
        );
    }
    // And it is no property of having no text at all.
    lets_only_text_out(|bytes| without(bytes, |_| false)).unwrap();
}

#[test]
fn what_left_the_sanitiser_leaves_it_again_as_it_is() {
    let pieces = pieces();
    runner()
        .run(&pieces, |pieces| {
            let once = CleanText::from_bytes(&pieces.concat());
            prop_assert_eq!(&CleanText::line(once.as_str()), &once);
            let lines = CleanText::multiline(&lossy(&pieces.concat()));
            prop_assert_eq!(&CleanText::multiline(lines.as_str()), &lines);
            Ok(())
        })
        .unwrap();
}

#[test]
fn json_holds_everything_and_nothing_that_a_terminal_acts_upon() {
    runner()
        .run(&pieces(), |pieces| {
            let text = lossy(&pieces.concat());
            let line = inert_json::to_line(&(&text, [&text])).unwrap();
            let found = line.chars().find(|&c| offends(c));
            prop_assert_eq!(found, None, "in {}", line);
            let back: (String, [String; 1]) = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(&back.0, &text);
            Ok(())
        })
        .unwrap();
}
