//! Keeps the house in order: who may import whom, how long a file may be, what the README says.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use clap::CommandFactory;
use talkdeck::{cli::args::Args, tui::keymap};

/// The folders of `src/` and what of ours each may use; what is not listed is forbidden.
///
/// A file may be freer than its folder: it then has a row of its own, which replaces the folder's.
const RULES: &[(&str, &[&str])] = &[
    ("model", &["model"]),
    ("catalog", &["catalog", "model"]),
    ("fal", &["fal", "model"]),
    ("store", &["store", "model"]),
    ("studio", &["studio", "model"]),
    ("config", &["config", "model"]),
    (
        "tracker",
        &["tracker", "fal", "store", "catalog", "model", "config"],
    ),
    (
        "server",
        &["server", "model", "catalog", "studio", "fal::wire"],
    ),
    ("app", &["app", "model", "catalog"]),
    ("tui", &["tui", "app", "model", "catalog", "config"]),
    (
        "tui/runtime",
        &[
            "tui", "app", "model", "catalog", "config", "tracker", "store", "studio",
        ],
    ),
    (
        "cli",
        &[
            "cli", "config", "server", "tracker", "store", "studio", "fal", "catalog", "model",
            "tui",
        ],
    ),
];

/// Lines of a source file without its tests; past this it is two files.
const MOST_LINES: usize = 500;

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.sort();
    let name = |path: &Path| {
        path.strip_prefix(&root)
            .unwrap()
            .with_extension("")
            .to_str()
            .unwrap()
            .replace('\\', "/")
    };
    found
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).unwrap()))
        .collect()
}

/// Every `crate::…` path of a source text, grouped imports taken apart, comments left out.
fn imports(source: &str) -> BTreeSet<String> {
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate::`, `other_crate::` and `pub(in crate::…)` are not imports of ours.
        if at > 0 && code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            found.extend(group_members(group));
        } else {
            found.insert(path_start(rest));
        }
    }
    found
}

/// The leading path of `text`, two segments at most.
fn path_start(text: &str) -> String {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .unwrap_or(text.len());
    text[..end]
        .split("::")
        .filter(|segment| !segment.is_empty())
        .take(2)
        .collect::<Vec<_>>()
        .join("::")
}

/// The members of `a::b, c::{d, e}, f}` at the first level.
fn group_members(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut members) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                members.push(path_start(group[start..at].trim()));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(path_start(group[start..at].trim()));
                start = at + 1;
            }
            _ => {}
        }
    }
    members.retain(|member| !member.is_empty());
    members
}

fn allowed(file: &str) -> Option<&'static [&'static str]> {
    let by_file = RULES.iter().find(|(name, _)| {
        name.contains('/') && (file == *name || file.starts_with(&format!("{name}/")))
    });
    let folder = file.split('/').next().unwrap_or(file);
    by_file
        .or_else(|| RULES.iter().find(|(name, _)| *name == folder))
        .map(|(_, allowed)| *allowed)
}

fn breaches(file: &str, source: &str) -> Vec<String> {
    let Some(allowed) = allowed(file) else {
        return Vec::new();
    };
    let permits = |path: &String| {
        allowed
            .iter()
            .any(|rule| path == rule || path.starts_with(&format!("{rule}::")))
    };
    imports(source)
        .into_iter()
        .filter(|path| !permits(path))
        .map(|path| format!("{file} uses {path}"))
        .collect()
}

#[test]
fn folders_import_only_what_the_architecture_allows() {
    let found: Vec<_> = sources()
        .iter()
        .flat_map(|(file, source)| breaches(file, source))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_forbidden_import_is_found_in_every_spelling() {
    let cases = [
        ("model/job", "use crate::store::Store;"),
        ("app/update", "fn f() { crate::tracker::go() }"),
        (
            "server/queue",
            "use crate::{catalog::Catalog, fal::client::Client};",
        ),
        (
            "server/queue",
            "use crate::{\n    model::{Job, JobId},\n    store,\n};",
        ),
        ("tui/event_loop", "use crate::tracker::Tracker;"),
        ("cli/submit", "use crate::app::App;"),
    ];
    for (file, source) in cases {
        assert_eq!(breaches(file, source).len(), 1, "{file}: {source}");
    }
    for (file, source) in [
        ("server/queue", "use crate::fal::wire::{Status, IN_QUEUE};"),
        ("tui/runtime", "use crate::tracker::Tracker;"),
        ("model/job", "// crate::store is not known here"),
    ] {
        assert_eq!(breaches(file, source), [""; 0], "{file}: {source}");
    }
}

#[test]
fn every_folder_has_a_rule() {
    let top: BTreeSet<_> = sources()
        .into_iter()
        .map(|(file, _)| file.split('/').next().unwrap().to_owned())
        .collect();
    let known: BTreeSet<_> = RULES
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .chain(["lib", "main"].map(str::to_owned))
        .collect();
    let strangers: Vec<_> = top.difference(&known).collect();
    assert!(strangers.is_empty(), "no import rule for {strangers:?}");
}

#[test]
fn files_stay_short_and_open_with_their_purpose() {
    for (file, source) in sources() {
        if file.ends_with("/tests") {
            continue;
        }
        let code = source
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap()
            .lines()
            .count();
        assert!(
            code <= MOST_LINES,
            "src/{file}.rs has {code} lines; split it by meaning"
        );
        assert!(
            source.starts_with("//!"),
            "src/{file}.rs opens without a //! line"
        );
    }
}

#[test]
fn the_program_file_only_starts_the_program() {
    let main =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/main.rs")).unwrap();
    assert!(main.lines().count() <= 60);
}

/// Set to have the README's tables written anew instead of compared.
const UPDATE: &str = "UPDATE_README";

/// The subcommands as the command line itself explains them.
fn command_table() -> String {
    let mut out = String::from("| command | what |\n|---|---|\n| `talkdeck` | the dashboard |\n");
    for command in Args::command().get_subcommands_mut() {
        let usage = command
            .clone()
            .bin_name(format!("talkdeck {}", command.get_name()))
            .render_usage()
            .to_string();
        let usage = usage.trim_start_matches("Usage: ").replace('|', "\\|");
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        writeln!(out, "| `{usage}` | {about} |").unwrap();
    }
    out.push_str("\nEvery command also takes:\n\n| option | what |\n|---|---|\n");
    for option in Args::command()
        .get_arguments()
        .filter(|option| option.is_global_set())
    {
        let value = option
            .get_value_names()
            .map(|names| format!(" {}", names[0]))
            .unwrap_or_default();
        let value = if option.get_action().takes_values() {
            value
        } else {
            String::new()
        };
        let help = option
            .get_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let name = option.get_long().unwrap();
        writeln!(out, "| `--{name}{value}` | {help} |").unwrap();
    }
    out
}

/// The configuration keys as the module documents them.
fn config_table() -> String {
    let source =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config.rs")).unwrap();
    let rows = source
        .lines()
        .filter_map(|line| line.strip_prefix("//! "))
        .filter(|line| line.starts_with('|'));
    rows.flat_map(|row| [row, "\n"]).collect()
}

#[test]
fn the_readme_says_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let mut readme = fs::read_to_string(&path).unwrap();
    let tables = [
        ("keys", keymap::markdown_table()),
        ("cli", command_table()),
        ("config", config_table()),
    ];
    for (name, table) in tables {
        let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let from = readme.find(&start).unwrap() + start.len();
        let to = readme.find(&end).unwrap();
        if std::env::var_os(UPDATE).is_some() {
            readme.replace_range(from..to, &table);
            continue;
        }
        assert!(
            readme[from..to] == table,
            "the table {name} is old: {UPDATE}=1 cargo test --test tidy"
        );
    }
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&path, readme).unwrap();
    }
}

#[test]
fn the_readme_names_every_theme_that_ships() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    for theme in fs::read_dir(root.join("themes")).unwrap() {
        let name = theme
            .unwrap()
            .path()
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        assert!(readme.contains(&format!("`{name}`")), "{name}");
    }
}

/// The tests that a cell of the matrix names: `tests/file.rs::name`, or `src/file.rs::name`.
fn named_tests(row: &str) -> impl Iterator<Item = (&str, &str)> {
    row.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|word| word.split_once("::"))
        .filter(|(file, _)| file.contains('/'))
}

#[test]
fn every_row_of_the_matrix_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("tests/README.md")).unwrap();
    let mut rows = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let row = line.trim_start_matches("| ").split(' ').next().unwrap();
        let is_row = row.len() > 1 && row[1..].bytes().all(|byte| byte.is_ascii_digit());
        if !is_row {
            continue;
        }
        rows.insert(row.to_owned());
        let mut named = 0;
        for (file, name) in named_tests(line) {
            let source = fs::read_to_string(root.join(file))
                .unwrap_or_else(|error| panic!("{row}: {file}: {error}"));
            assert!(
                source.contains(&format!("fn {name}(")),
                "{row}: there is no {name} in {file}"
            );
            named += 1;
        }
        assert!(named > 0, "{row} names no test");
    }
    let wanted = (1..=17).map(|n| format!("N{n}"));
    let wanted = wanted.chain((1..=9).flat_map(|n| [format!("S{n}"), format!("X{n}")]));
    for row in wanted.chain((1..=8).map(|n| format!("D{n}"))) {
        assert!(rows.contains(&row), "{row} is missing");
    }
}
