//! Command lines that cannot be read.

use crate::{ENDPOINT, machine::Machine};

#[test]
fn a_wrong_command_line_is_one_line_that_says_what_to_do() {
    let machine = Machine::new();
    let cases: [(&[&str], &str); 16] = [
        (
            &["submit", ENDPOINT, "--wiat"],
            "unexpected argument “--wiat”; did you mean --wait? (talkdeck submit --help)",
        ),
        (
            &["--fooo"],
            "unexpected argument “--fooo” (talkdeck --help)",
        ),
        (
            &["show", "a", "b"],
            "unexpected argument “b” (talkdeck show --help)",
        ),
        (
            &["sumbit"],
            "no command “sumbit”; did you mean resubmit or submit? (talkdeck --help)",
        ),
        (&["xyz"], "no command “xyz” (talkdeck --help)"),
        (
            &["submit"],
            "missing argument <ENDPOINT> (talkdeck submit --help)",
        ),
        (
            &["submit", ENDPOINT, "--output", "x"],
            "missing argument --wait (talkdeck submit --help)",
        ),
        (
            &["--json", "submit", ENDPOINT, "--name"],
            "--name <TEXT> needs a value (talkdeck submit --help)",
        ),
        (
            &["--color", "blue", "jobs"],
            "--color blue: not one of auto, always, never (talkdeck jobs --help)",
        ),
        (
            &["jobs", "--state", "faild"],
            "cancelled, expired; did you mean failed? (talkdeck jobs --help)",
        ),
        (
            &["jobs", "--limit", "0"],
            "--limit 0: not a whole number from 1 on (talkdeck jobs --help)",
        ),
        (
            &["serve", "--listen", "here"],
            "--listen here: no address; write it as 127.0.0.1:PORT (talkdeck serve --help)",
        ),
        (&["serve", "--listen", "0.0.0.0:0"], "use 127.0.0.1:PORT"),
        (
            &["submit", ENDPOINT, "--dry-run", "--wait"],
            "--dry-run does not go together with --wait (talkdeck submit --help)",
        ),
        (
            &["logs", "a", "-f", "-f"],
            "--follow is given twice (talkdeck logs --help)",
        ),
        (
            &["completions", "csh"],
            "<SHELL> csh: not one of bash, elvish",
        ),
    ];
    for (args, want) in cases {
        let ran = machine.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{args:?}");
        let told: Vec<_> = ran.stderr.lines().collect();
        assert_eq!(told.len(), 1, "{args:?}: {told:?}");
        assert!(
            told[0].starts_with("talkdeck: ") && told[0].contains(want),
            "{args:?}: {told:?}"
        );
    }
}

#[test]
fn a_control_character_in_a_wrong_argument_stays_inert() {
    let ran = Machine::new().run(&["jobs", "--\u{1b}[2J"]);
    assert_eq!(ran.code, 2);
    assert!(!ran.stderr.contains('\u{1b}'), "{:?}", ran.stderr);
}

#[test]
fn a_server_that_is_no_address_is_refused_by_every_command() {
    let mut machine = Machine::new();
    let commands: [&[&str]; 12] = [
        &["submit", ENDPOINT],
        &["resubmit", "a"],
        &["jobs"],
        &["show", "a"],
        &["logs", "a"],
        &["watch"],
        &["cancel", "a"],
        &["download", "a"],
        &["endpoints"],
        &["serve"],
        &["completions", "bash"],
        &[],
    ];
    let refused = |machine: &Machine, args: &[&str], option: &str| {
        let ran = machine.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{args:?}");
        let want = format!(
            "talkdeck: {option} ftp://x: write it as https://host or http://127.0.0.1:PORT\n"
        );
        assert_eq!(ran.stderr, want, "{args:?}");
    };
    for args in commands {
        refused(
            &machine,
            &[args, &["--server", "ftp://x"]].concat(),
            "--server",
        );
    }
    let ran = machine.run(&["endpoints", "--server", "https://me:pass@x.test"]);
    assert_eq!(ran.code, 2);
    assert!(!ran.stderr.contains("pass@"), "{}", ran.stderr);
    machine.set("TALKDECK_SERVER", "ftp://x");
    refused(&machine, &["endpoints"], "TALKDECK_SERVER");
    refused(
        &machine,
        &["endpoints", "--server", "ftp://x"],
        "TALKDECK_SERVER",
    );
    let ran = machine.run(&["endpoints", "--server", "https://x.test"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn a_theme_that_is_not_there_is_noticed_by_commands_that_need_none() {
    let machine = Machine::new();
    let config = machine.file("config.toml", b"theme = 'nope'");
    let ran = machine.run(&["jobs", "--config", &config]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert!(
        ran.stderr
            .starts_with("talkdeck: no theme \"nope\": there are dark, ")
            && ran.stderr.contains("the dashboard does not open"),
        "{}",
        ran.stderr
    );
    let config = machine.file("fine.toml", b"theme = 'light'");
    let ran = machine.run(&["jobs", "--config", &config]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}
