//! Caps, prices, twins and lost answers on the command line, against a server that counts its bills.

use tokio::runtime::Runtime;

use crate::{
    fal::{FakeFal, Submit},
    machine::{Machine, Ran},
};

const ENDPOINT: &str = "fal-ai/infinitalk/single-text";

/// A server, and a machine whose requests go there with its key.
pub(crate) struct Desk {
    pub(crate) machine: Machine,
    pub(crate) fal: FakeFal,
    _runtime: Runtime,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let fal = runtime.block_on(FakeFal::start());
        let mut machine = Machine::new();
        machine.set("FAL_KEY", "id:secret");
        machine.set("TALKDECK_SERVER", fal.url().as_str());
        Self {
            machine,
            fal,
            _runtime: runtime,
        }
    }

    pub(crate) fn configure(&self, text: &str) -> String {
        self.machine.file("config.toml", text.as_bytes())
    }

    pub(crate) fn submit(&self, seed: &str, more: &[&str]) -> Ran {
        let image = format!("image_url={}", self.machine.portrait());
        let mut args = vec!["submit", ENDPOINT, "-i", &image];
        let texts = ["text_input=Hello there.", "voice=Bill", "prompt=A man"];
        for text in texts {
            args.extend(["-i", text]);
        }
        let seed = format!("seed={seed}");
        args.extend(["-i", &seed]);
        args.extend(more);
        self.machine.run(&args)
    }
}

pub(crate) fn states(ran: &Ran) -> Vec<String> {
    let state = |line: &serde_json::Value| line["state"].as_str().unwrap().to_owned();
    ran.lines().iter().map(state).collect()
}

#[test]
fn a_submit_over_the_cap_ends_with_6_and_a_draft_and_goes_out_with_force() {
    let desk = Desk::new();
    let config = desk.configure("[budget]\nday_usd = 2\n");
    let first = desk.submit("1", &["--config", &config]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    let over = desk.submit("2", &["--config", &config]);
    assert_eq!(over.code, 6, "{}", over.stderr);
    assert!(
        over.stderr
            .contains("≈$1.16 more would pass the day cap of $2.00")
            && over.stderr.contains("--force"),
        "{}",
        over.stderr
    );
    let last = over.lines().pop().unwrap();
    assert_eq!(last["state"], "draft");
    assert_eq!(last["error"]["type"], "talkdeck_over_cap");
    assert_eq!(desk.fal.bills(), 1);
    let forced = desk.submit("2", &["--config", &config, "--force"]);
    assert_eq!((forced.code, desk.fal.bills()), (0, 2), "{}", forced.stderr);
}

#[test]
fn the_same_request_again_ends_with_2_and_names_the_job_that_has_it() {
    let desk = Desk::new();
    let first = desk.submit("7", &[]);
    let id = first.lines()[0]["id"].as_str().unwrap().to_owned();
    let again = desk.submit("7", &[]);
    assert_eq!(again.code, 2);
    assert!(
        again.stderr.contains("you already have this")
            && again.stderr.contains(&id)
            && again.stderr.contains("--force"),
        "{}",
        again.stderr
    );
    assert_eq!(desk.fal.bills(), 1);
    assert_eq!(desk.submit("7", &["--force"]).code, 0);
    assert_eq!(desk.fal.bills(), 2);
}

#[test]
fn the_estimate_follows_the_price_of_the_server_and_says_how_old_it_is() {
    let desk = Desk::new();
    let dry = desk.submit("1", &["--dry-run"]);
    assert!(dry.stderr.contains("≈ $1.16") && dry.stderr.contains("built-in price"));
    desk.fal.ask_for(0.5);
    let sent = desk.submit("1", &[]);
    assert!(
        sent.stderr.contains("≈ $2.90") && sent.stderr.contains("price of now"),
        "{}",
        sent.stderr
    );
    assert_eq!(sent.lines()[0]["estimated_cost_usd"], 2.9);
    // Without asking again.
    let dry = desk.submit("2", &["--dry-run"]);
    assert!(dry.stderr.contains("≈ $2.90"), "{}", dry.stderr);
}

#[test]
fn a_lost_answer_ends_in_one_bill_and_a_video() {
    let desk = Desk::new();
    desk.fal.plan(Submit::BadGateway);
    desk.fal.complete();
    let ran = desk.submit("1", &["--wait"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let states = states(&ran);
    assert!(states.contains(&"unconfirmed".to_owned()), "{states:?}");
    assert_eq!(states.last().unwrap(), "completed");
    assert_eq!((desk.fal.posts(), desk.fal.bills()), (1, 1));
}

#[test]
fn a_job_in_doubt_is_settled_by_the_list_or_by_the_users_word() {
    let desk = Desk::new();
    // The server has it, and hides it until the command has given up.
    desk.fal.plan(Submit::BadGateway);
    desk.fal.hide_list(true);
    let left = desk.submit("1", &[]);
    assert_eq!(left.code, 5, "{}", left.stderr);
    let id = left.lines()[0]["id"].as_str().unwrap().to_owned();
    let missing = desk.machine.run(&["confirm", &id]);
    assert_eq!(missing.code, 5);
    assert!(missing.stderr.contains("--not-sent"), "{}", missing.stderr);
    desk.fal.hide_list(false);
    let found = desk.machine.run(&["confirm", &id]);
    assert_eq!(found.code, 0, "{}", found.stderr);
    assert_eq!(states(&found), ["in-queue"]);
    let twice = desk.machine.run(&["confirm", &id]);
    assert_eq!(twice.code, 2);
    assert!(
        twice.stderr.contains("only an unconfirmed job"),
        "{}",
        twice.stderr
    );
    assert_eq!((desk.fal.posts(), desk.fal.bills()), (1, 1));
}

#[test]
fn of_several_requests_the_user_names_one_and_what_was_never_sent_fails() {
    let desk = Desk::new();
    desk.fal.plan(Submit::BadGateway);
    desk.fal.twin_the_next();
    let left = desk.submit("1", &[]);
    assert_eq!(left.code, 5, "{}", left.stderr);
    let id = left.lines()[0]["id"].as_str().unwrap().to_owned();
    let several = desk.machine.run(&["confirm", &id]);
    assert_eq!(several.code, 5);
    let named: Vec<_> = several
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(',').next())
        .collect();
    assert_eq!(named.len(), 2, "{}", several.stderr);
    let chosen = desk.machine.run(&["confirm", &id, named[1]]);
    assert_eq!(chosen.lines()[0]["request_id"], named[1]);

    desk.fal.plan(Submit::LoseUnread);
    let left = desk.submit("2", &[]);
    let id = left.lines()[0]["id"].as_str().unwrap().to_owned();
    let failed = desk.machine.run(&["confirm", &id, "--not-sent"]);
    assert_eq!(
        (failed.code, states(&failed)),
        (0, vec!["failed".to_owned()])
    );
    assert_eq!(desk.machine.run(&["resubmit", &id]).code, 0);
    assert_eq!(desk.fal.bills(), 2);
}

#[test]
fn a_script_that_surely_outlasts_its_video_ends_with_2_and_names_what_is_heard() {
    let desk = Desk::new();
    let script = "text_input=".to_owned()
        + &"Spend more time with people who make you feel alive. ".repeat(8);
    let refused = desk.submit("1", &["-i", &script]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("cut off after “…") && refused.stderr.contains("--force"),
        "{}",
        refused.stderr
    );
    assert_eq!(desk.fal.posts(), 0);
    assert_eq!(desk.submit("1", &["-i", &script, "--force"]).code, 0);
    assert_eq!(
        desk.submit("2", &["-i", &script, "-i", "num_frames=721"])
            .code,
        0
    );
    assert_eq!(desk.fal.bills(), 2);
}
