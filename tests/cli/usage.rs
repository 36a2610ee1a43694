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
