//! What stands between a key press and a bill, as the user of the dashboard meets it.

use talkdeck::model::{Budget, JobState, Usd};
use tokio::runtime::Runtime;

use crate::{
    fal::{FakeFal, Submit},
    session::{Home, Session},
};

/// A server that counts its bills, and a dashboard that sends there.
struct Desk {
    // Dropped in this order: the dashboard before the server it talks to.
    deck: Session,
    home: Home,
    fal: FakeFal,
    _runtime: Runtime,
}

impl Desk {
    fn open() -> Self {
        Self::with(Budget::default(), |_| {})
    }

    fn with(budget: Budget, prepare: impl FnOnce(&FakeFal)) -> Self {
        let runtime = Runtime::new().unwrap();
        let fal = runtime.block_on(FakeFal::start());
        prepare(&fal);
        let mut home = Home::new();
        home.budget = budget;
        let deck = home.open_at(Some(fal.url().as_str()));
        deck.wait_for("submit");
        Self {
            deck,
            home,
            fal,
            _runtime: runtime,
        }
    }

    /// Sends the draft and says yes to its cost.
    fn submit(&self) {
        self.deck.press("C-s");
        self.deck.wait_for("Send to");
        self.deck.press("Enter");
    }
}

#[test]
fn a_lost_answer_is_shown_loudly_and_ends_in_one_bill_and_a_video() {
    let desk = Desk::with(Budget::default(), |fal| {
        fal.plan(Submit::BadGateway);
        fal.hide_list(true);
    });
    desk.submit();
    desk.deck.wait_for("UNCONFIRMED");
    desk.deck.wait_for("⚠ 1");
    desk.fal.hide_list(false);
    desk.fal.complete();
    desk.deck.wait_for("1 done");
    let [job] = desk.home.jobs().try_into().unwrap();
    assert_eq!(job.state, JobState::Completed);
    assert!(job.video().unwrap().path.exists());
    assert_eq!((desk.fal.posts(), desk.fal.bills()), (1, 1));
}

#[test]
fn of_two_requests_that_could_be_it_the_user_chooses_one() {
    let desk = Desk::with(Budget::default(), |fal| {
        fal.plan(Submit::BadGateway);
        fal.twin_the_next();
    });
    desk.submit();
    desk.deck.wait_for("UNCONFIRMED");
    desk.deck.press("2 u");
    desk.deck.wait_for("several requests could be it");
    desk.deck.press("Enter");
    desk.deck.wait_for("in queue");
    assert_eq!(desk.fal.posts(), 1);
}

#[test]
fn a_submit_over_the_cap_goes_out_only_when_the_user_says_so() {
    let budget = Budget {
        session: None,
        day: Some(Usd::from_dollars(1.0)),
    };
    let desk = Desk::with(budget, |_| {});
    desk.deck.wait_for("of $1.00");
    desk.deck.press("C-s");
    desk.deck.wait_for("would pass the day cap of $1.00");
    // The marked answer sends nothing.
    desk.deck.press("Enter");
    desk.deck.wait_for("No jobs yet");
    desk.deck.press("C-s");
    desk.deck.wait_for("would pass the day cap of $1.00");
    desk.deck.press("o");
    desk.deck.wait_for("in queue");
    let [job] = desk.home.jobs().try_into().unwrap();
    assert!(job.consent.over_cap, "it is kept that the user said so");
    assert_eq!(desk.fal.bills(), 1);
}

#[test]
fn the_same_draft_twice_is_shown_before_it_is_paid_for_again() {
    let desk = Desk::open();
    desk.submit();
    desk.deck.wait_for("in queue");
    desk.submit();
    desk.deck.wait_for("You already have this");
    desk.deck.press("Esc");
    assert_eq!(desk.fal.posts(), 1);
    desk.submit();
    desk.deck.wait_for("You already have this");
    desk.deck.press("o");
    desk.deck.wait_for("Jobs 2");
    desk.deck.wait_for("2 queued");
    let two = || desk.fal.bills() == 2;
    desk.deck.wait_until("two bills", |_| two());
}

#[test]
fn a_locked_account_stops_all_sends_once_and_enter_goes_on() {
    let desk = Desk::with(Budget::default(), |fal| fal.lock_account(true));
    desk.submit();
    desk.deck.wait_for("The account is locked");
    let posts = desk.fal.posts();
    desk.fal.lock_account(false);
    desk.deck.press("Enter");
    desk.deck.wait_for("in queue");
    assert_eq!((posts, desk.fal.bills()), (1, 1));
}

#[test]
fn a_refused_key_is_replaced_without_a_new_start() {
    let desk = Desk::open();
    desk.fal.accept_key("id:new-secret");
    desk.submit();
    desk.deck.wait_for("The key was refused");
    *desk.home.key.lock().unwrap() = "id:new-secret";
    desk.deck.press("Enter");
    desk.deck.wait_for("in queue");
    assert_eq!(desk.fal.bills(), 1);
}
