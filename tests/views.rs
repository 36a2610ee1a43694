//! Screens as a person would see them, at the sizes that matter.
//!
//! Everything goes through the real keys and the real state; only the world outside is made up.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

#[path = "views/forms.rs"]
mod forms;
#[path = "views/screen.rs"]
mod screen;

use insta::assert_snapshot;
use ratatui::style::Modifier;
use screen::{Screen, job, jobs_of_a_day, log_lines};
use talkdeck::{
    app::{
        Effect, Message,
        message::{DraftNews, FileFacts, PathEntry},
    },
    model::{
        Draft, JobState, ServerId, Usd,
        budget::Spent,
        draft::{KeptDraft, Slot},
    },
};

const WIDE: (u16, u16) = (120, 36);
const MEDIUM: (u16, u16) = (80, 24);
const SMALL: (u16, u16) = (60, 16);

/// A deck with a day's work behind it: jobs in every state, the log of the running one.
fn busy(size: (u16, u16)) -> Screen {
    let mut screen = Screen::at_fal(size);
    screen.tell(Message::JobsLoaded(jobs_of_a_day()));
    screen.tell(Message::Spent(Spent {
        session: Usd::ZERO,
        day: Usd::from_dollars(4.64),
    }));
    screen.key("2");
    let id = job("3f2a").id;
    screen.tell(Message::LogsLoaded {
        id,
        from: 0,
        lines: log_lines(40),
        total: 40,
    });
    screen
}

#[test]
fn first_start_in_the_preview() {
    for (size, name) in [(WIDE, "wide"), (MEDIUM, "medium"), (SMALL, "small")] {
        let screen = Screen::in_preview(size);
        assert_snapshot!(format!("first_start_{name}"), screen.text());
    }
}

#[test]
fn jobs_in_every_state_and_the_log_of_the_selected_one() {
    for (size, name) in [(WIDE, "wide"), (MEDIUM, "medium"), (SMALL, "small")] {
        let screen = busy(size);
        assert_snapshot!(format!("busy_{name}"), screen.text());
    }
}

#[test]
fn the_request_beside_running_jobs_in_a_small_window() {
    let mut screen = busy(MEDIUM);
    screen.key("1");
    assert_snapshot!("request_medium", screen.text());
    screen.key("3");
    assert_snapshot!("log_medium", screen.text());
    let mut screen = busy(SMALL);
    screen.key("3");
    assert_snapshot!("log_small", screen.text());
}

#[test]
fn a_tall_narrow_window_stacks_all_three() {
    let screen = busy((72, 50));
    assert_snapshot!("busy_tall", screen.text());
}

#[test]
fn the_detail_of_a_failed_job_begins_with_the_reason() {
    for (size, name) in [(WIDE, "wide"), (SMALL, "small")] {
        let mut screen = busy(size);
        screen.select("02c9");
        screen.key("enter");
        assert_snapshot!(format!("detail_failed_{name}"), screen.text());
    }
}

#[test]
fn the_detail_of_a_finished_job_has_cost_times_files_and_arguments() {
    let mut screen = busy((120, 60));
    screen.select("7d11");
    screen.key("enter").key("z");
    assert_snapshot!("detail_done_zoomed", screen.text());
}

#[test]
fn a_paid_submit_asks_with_its_cost() {
    for (size, name) in [(WIDE, "wide"), (MEDIUM, "medium"), (SMALL, "small")] {
        let mut screen = busy(size);
        screen.key("ctrl-s");
        assert_snapshot!(format!("confirm_{name}"), screen.text());
    }
}

#[test]
fn faults_stand_at_their_fields() {
    for (size, name) in [(WIDE, "wide"), (SMALL, "small")] {
        let mut screen = Screen::at_fal(size);
        screen
            .go_to_field("frames")
            .key("enter")
            .clear_field()
            .typed("40")
            .key("enter");
        screen
            .go_to_field("script")
            .key("enter")
            .clear_field()
            .key("esc");
        screen.key("ctrl-s");
        assert_snapshot!(format!("faults_{name}"), screen.text());
    }
}

#[test]
fn a_text_is_typed_with_wide_characters_and_the_cursor_is_where_it_should_be() {
    let mut screen = Screen::at_fal(WIDE);
    screen.go_to_field("script").key("enter").clear_field();
    screen.tell(Message::Paste("日本語のテキストを話します。👩\u{200d}👩\u{200d}👧 family, naïve café, and some more words to wrap.".to_owned()));
    assert_snapshot!("typing_wide_characters", screen.text_with_cursor());
}

#[test]
fn the_smallest_window_gives_a_text_that_is_typed_some_rows() {
    let mut screen = Screen::at_fal(SMALL);
    screen
        .go_to_field("prompt")
        .key("enter")
        .typed(" He looks into the camera and smiles while he speaks to us.");
    assert_snapshot!("typing_small", screen.text_with_cursor());
}

#[test]
fn a_choice_opens_as_a_list() {
    let mut screen = Screen::at_fal(WIDE);
    screen.go_to_field("voice").key("enter");
    assert_snapshot!("picker_voice", screen.text());
    screen.typed("ch");
    assert_snapshot!("picker_voice_narrowed", screen.text());
}

#[test]
fn paths_are_completed_from_a_list() {
    let mut screen = Screen::at_fal(WIDE);
    screen
        .go_to_field("image")
        .key("enter")
        .clear_field()
        .typed("~/faces/")
        .key("tab");
    assert!(screen.effects.contains(&Effect::ListPaths {
        dir: "~/faces/".to_owned()
    }));
    let entry = |name: &str, is_dir| PathEntry {
        name: name.to_owned(),
        is_dir,
        bytes: 312_000,
    };
    let entries = vec![
        entry("bill.png", false),
        entry("anna.jpg", false),
        entry("notes.txt", false),
        entry("old", true),
    ];
    screen.tell(Message::PathsListed {
        dir: "~/faces/".to_owned(),
        entries,
    });
    assert_snapshot!("path_candidates", screen.text_with_cursor());
}

#[test]
fn the_palette_lists_what_works_with_its_keys() {
    let mut screen = busy(WIDE);
    screen.key(":");
    assert_snapshot!("palette_wide", screen.text());
    let mut screen = busy(SMALL);
    screen.key(":");
    assert_snapshot!("palette_small", screen.text());
}

#[test]
fn help_lists_every_key() {
    let mut screen = busy(WIDE);
    screen.key("?");
    assert_snapshot!("help_wide", screen.text());
    screen.key("G");
    assert_snapshot!("help_wide_end", screen.text());
    let mut screen = busy(SMALL);
    screen.key("?");
    assert_snapshot!("help_small", screen.text());
}

#[test]
fn a_search_in_the_log_says_where_it_is() {
    let mut screen = busy(WIDE);
    screen.key("3").key("/").typed("step");
    assert_snapshot!("log_search", screen.text_with_cursor());
    screen.key("enter").key("N");
    assert_snapshot!("log_search_kept", screen.text());
}

#[test]
fn names_with_wide_characters_and_emoji_keep_the_columns() {
    for (size, name) in [(WIDE, "wide"), (SMALL, "small")] {
        let mut screen = Screen::at_fal(size);
        let names = [
            "日本語の長い名前がここにあります",
            "👩\u{200d}👩\u{200d}👧 family portrait in emoji, long",
            "naïve café",
            "short",
        ];
        let jobs = names
            .into_iter()
            .zip(["aaaa", "bbbb", "cccc", "dddd"])
            .map(|(name, id)| {
                let mut job = job(id);
                job.name = name.into();
                job.state = JobState::InProgress;
                job.percent = Some(40);
                job
            });
        screen.tell(Message::JobsLoaded(jobs.collect()));
        screen.key("2");
        assert_snapshot!(format!("wide_names_{name}"), screen.text());
    }
}

#[test]
fn troubles_stay_and_say_the_way_out() {
    let mut screen = busy(WIDE);
    screen.tell(Message::AccountLocked(
        "User is locked. Reason: Exhausted balance.".into(),
    ));
    screen.tell(Message::EffectFailed {
        effect: "read log",
        reason: "the disk is full".into(),
    });
    screen.key("j");
    assert_snapshot!("troubles_wide", screen.text());
    let mut screen = busy(SMALL);
    screen.tell(Message::AccountLocked(
        "User is locked. Reason: Exhausted balance.".into(),
    ));
    assert_snapshot!("troubles_small", screen.text());
}

#[test]
fn a_job_that_cannot_be_sent_says_why_while_it_is_tried_again() {
    let mut screen = Screen::at_fal(WIDE);
    let mut stuck = job("5a01");
    stuck.state = JobState::QueuedLocally;
    stuck.notice = Some("not sent: no way to fal.run".into());
    screen.tell(Message::JobsLoaded(vec![stuck.clone()]));
    let row = |screen: &Screen| {
        let text = screen.text();
        text.lines()
            .find(|row| row.contains("5a01"))
            .unwrap()
            .to_owned()
    };
    let waiting = row(&screen);
    assert!(waiting.contains("‖ not sent: no way"), "{waiting}");
    stuck.state = JobState::Uploading;
    screen.tell(Message::JobChanged(Box::new(stuck.clone())));
    assert_eq!(row(&screen), waiting);
    screen.tell(Message::UploadProgress {
        id: stuck.id,
        sent: 1,
        total: 2,
    });
    assert!(row(&screen).contains("uploading  50 %"), "{}", row(&screen));
}

#[test]
fn a_take_of_the_preview_engine_is_marked_among_paid_ones() {
    let mut screen = Screen::at_fal(WIDE);
    let mut take = job("5a01");
    take.state = JobState::InProgress;
    take.account.server = ServerId::preview();
    screen.tell(Message::JobsLoaded(vec![take, job("3f2a")]));
    let text = screen.text();
    let row = |id: &str| text.lines().find(|row| row.contains(id)).unwrap();
    assert!(row("5a01").contains(" preview "), "{text}");
    assert!(!row("3f2a").contains(" preview "), "{text}");
}

#[test]
fn a_selected_row_is_one_bar_where_the_theme_reverses() {
    let mut screen = busy(WIDE);
    screen.select("3f2a");
    let buffer = screen.draw(true);
    let row = (0..buffer.area.height)
        .find(|&y| (0..buffer.area.width).any(|x| buffer[(x, y)].symbol() == "▰"))
        .unwrap();
    let looks: std::collections::HashSet<_> = (0..buffer.area.width)
        .map(|x| buffer[(x, row)].style())
        .filter(|style| style.add_modifier.contains(Modifier::REVERSED))
        .map(|style| (style.fg, style.bg, style.add_modifier))
        .collect();
    assert_eq!(looks.len(), 1, "{looks:?}");
}

#[test]
fn held_jobs_are_asked_about_once() {
    let mut screen = busy(WIDE);
    let held = ["5a01", "5b02"].map(|id| {
        let mut job = job(id);
        job.state = JobState::QueuedLocally;
        job
    });
    screen.tell(Message::HeldFound(held.into()));
    assert_snapshot!("held_wide", screen.text());
}

#[test]
fn leaving_says_what_goes_on() {
    let mut screen = busy(WIDE);
    screen.key("q");
    assert_snapshot!("quit_wide", screen.text());
    let mut screen = busy(WIDE);
    screen.key("ctrl-c");
    assert_snapshot!("interrupt_wide", screen.text());
}

#[test]
fn a_window_that_is_too_small_says_so_in_one_line() {
    let screen = Screen::at_fal((50, 10));
    assert_snapshot!("too_small", screen.text());
}

#[test]
fn the_picture_is_looked_at_and_its_facts_stand_below_it() {
    let mut screen = Screen::at_fal(MEDIUM);
    screen.tell(Message::FileInspected {
        field: "image_url".to_owned(),
        path: "~/faces/anna.png".to_owned(),
        finding: Err("no such file".into()),
    });
    assert!(screen.text().contains("✗ no such file"));
    let facts = FileFacts {
        format: "png".into(),
        size: Some((1024, 1024)),
        is_turned: false,
        length: None,
        bytes: 312_000,
    };
    screen.tell(Message::FileInspected {
        field: "image_url".to_owned(),
        path: "~/faces/anna.png".to_owned(),
        finding: Ok(facts),
    });
    assert!(
        screen.text().contains("1024×1024 png, 312 kB"),
        "{}",
        screen.text()
    );
}

#[test]
fn a_picture_of_another_shape_says_how_much_of_it_the_video_keeps() {
    let mut screen = Screen::at_fal(WIDE);
    screen.key("1").key("z");
    let mut tell = |size, is_turned| {
        let facts = FileFacts {
            format: "jpeg".into(),
            size: Some(size),
            is_turned,
            length: None,
            bytes: 2_400_000,
        };
        screen.tell(Message::FileInspected {
            field: "image_url".to_owned(),
            path: "~/faces/anna.png".to_owned(),
            finding: Ok(facts),
        });
        screen.text()
    };
    let text = tell((1080, 2400), true);
    assert!(
        text.contains("keeps the middle 78 % of the height · rotated by EXIF · 1080×2400 jpeg"),
        "{text}"
    );
    let text = tell((2560, 1080), false);
    assert!(
        text.contains("keeps the middle 73 % of the width"),
        "{text}"
    );
}

#[test]
fn the_file_picker_shows_what_files_are_and_what_the_video_keeps() {
    let entry = |name: &str, is_dir, bytes| PathEntry {
        name: name.to_owned(),
        is_dir,
        bytes,
    };
    let picture = |size, is_turned| FileFacts {
        format: "jpeg".into(),
        size: Some(size),
        is_turned,
        length: None,
        bytes: 2_400_000,
    };
    for (size, name) in [(WIDE, "wide"), (MEDIUM, "medium"), (SMALL, "small")] {
        let mut screen = Screen::at_fal(size);
        screen.go_to_field("image").key("ctrl-o");
        screen.tell(Message::PathsListed {
            dir: "~/faces/".to_owned(),
            entries: vec![
                entry("notes.txt", false, 1_200),
                entry("anna.png", false, 312_000),
                entry("wide.jpg", false, 2_400_000),
                entry("half.jpg", false, 96_000),
                entry("old", true, 4_096),
                entry(
                    "a name that is much longer than there is room for, and on.png",
                    false,
                    0,
                ),
            ],
        });
        let mut tell = |name: &str, finding| {
            screen.tell(Message::FileLooked {
                path: format!("~/faces/{name}"),
                finding,
            });
        };
        tell("anna.png", Ok(picture((1080, 2400), true)));
        tell("wide.jpg", Ok(picture((2560, 1080), false)));
        let why = "~/faces/half.jpg is a broken jpeg: it ends early; export it again";
        tell("half.jpg", Err(why.into()));
        assert_snapshot!(format!("files_tall_picture_{name}"), screen.text());
        screen.key("down").key("down").key("down");
        assert_snapshot!(format!("files_wide_picture_{name}"), screen.text());
        screen.key("up").key("up");
        assert!(screen.text().contains("✗ half.jpg is a broken"));
    }
}

#[test]
fn an_unknown_size_counts_as_eighty_by_twenty_four() {
    let screen = Screen::at_fal((0, 0));
    assert_eq!(screen.app.size(), MEDIUM);
}

#[test]
fn focus_and_selection_are_seen_without_colours() {
    let screen = busy(WIDE);
    let plain = screen.draw(false);
    let styled = |text: &str| {
        let (x, y) = screen::find(&plain, text);
        plain[(x, y)].modifier
    };
    assert!(
        styled("▸Jobs").contains(Modifier::REVERSED),
        "title of the focused pane"
    );
    assert!(
        !styled("Request ·").contains(Modifier::REVERSED),
        "title of another pane"
    );
    assert!(
        styled("3f2a anna").contains(Modifier::REVERSED),
        "selected row"
    );
    assert!(
        !styled("91bc anna").contains(Modifier::REVERSED),
        "another row"
    );
    let colours = plain.content().iter().filter(|cell| {
        cell.fg != ratatui::style::Color::Reset || cell.bg != ratatui::style::Color::Reset
    });
    assert_eq!(colours.count(), 0);
}

#[test]
fn a_frame_of_another_size_than_the_state_thinks_is_cut_not_a_crash() {
    for state in [WIDE, MEDIUM, SMALL, (250, 70)] {
        for frame in [(1, 1), (10, 3), (59, 15), (80, 24), (500, 200)] {
            let mut screen = busy(state);
            for keys in [
                "ctrl-s", "esc", "?", "esc", ":", "esc", "1", "enter", "esc", "3", "z",
            ] {
                screen.key(keys);
                screen.draw_at(frame, true);
            }
        }
    }
}

#[test]
fn a_new_row_and_a_longer_number_move_nothing() {
    let mut screen = busy(WIDE);
    screen.select("7d11");
    let before = screen.text();
    let line_of = |text: &str, id: &str| text.lines().position(|line| line.contains(id)).unwrap();
    let mut new = job("9e9e");
    new.created_at = "2026-11-22T09:20:00Z".parse().unwrap();
    new.state = JobState::Uploading;
    screen.tell(Message::JobChanged(Box::new(new)));
    let mut running = job("3f2a");
    running.percent = Some(100);
    screen.tell(Message::JobChanged(Box::new(running)));
    let after = screen.text();
    for id in ["3f2a", "91bc", "7d11", "02c9"] {
        assert_eq!(
            line_of(&before, &format!("{id} ")),
            line_of(&after, &format!("{id} ")),
            "{id}\n{after}"
        );
    }
    assert!(after.contains("↑ 1 new"), "{after}");
}

#[test]
fn the_values_of_a_sweep_are_typed_beside_what_they_come_to() {
    for (size, name) in [(WIDE, "wide"), (SMALL, "small")] {
        let mut screen = busy(size);
        screen
            .key("ctrl-g")
            .typed("Bill,Aria")
            .key("down")
            .key("down");
        screen.key("down").typed("1..5");
        assert_snapshot!(format!("sweep_{name}"), screen.text_with_cursor());
        screen.typed(",x");
        assert_snapshot!(format!("sweep_fault_{name}"), screen.text());
    }
}

#[test]
fn a_sweep_is_asked_about_with_its_sum_and_is_one_row() {
    let mut screen = busy(WIDE);
    screen.key("ctrl-g").typed("Bill,Aria").key("enter");
    let wishes = screen
        .effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Weigh(wishes) => Some(wishes.clone()),
            _ => None,
        })
        .unwrap();
    screen.tell(Message::Weighed(wishes));
    assert_snapshot!("sweep_question", screen.text());
    screen.key("esc");
    let sweep = Some(talkdeck::model::SweepId::from_stored("5eedf00d".to_owned()));
    let jobs: Vec<_> = (0..8)
        .map(|number: u8| {
            let mut job = job(&format!("a{number}00"));
            job.sweep.clone_from(&sweep);
            job.name = format!("anna intro take {number}").into();
            if number < 5 {
                job.state = JobState::Completed;
                job.completed_at = job.started_at;
            }
            job
        })
        .collect();
    screen.tell(Message::Submitted(jobs));
    screen.key("2").key("g");
    assert_snapshot!("sweep_folded", screen.text());
    screen.key("f");
    assert_snapshot!("sweep_unfolded", screen.text());
}

#[test]
fn two_jobs_are_compared_and_a_copy_shows_what_was_changed() {
    let mut screen = busy(WIDE);
    screen.select("7d11").key(" ");
    screen.select("3f2a").key("=");
    assert_snapshot!("diff_wide", screen.text());
    screen.key("esc").key("e");
    screen.go_to_field("voice").key("right");
    assert_snapshot!("copy_changed", screen.text());
}

#[test]
fn the_request_is_copied_for_other_programs() {
    let mut screen = busy(MEDIUM);
    screen.key("1").key("ctrl-y");
    assert_snapshot!("copy_request", screen.text());
}

#[test]
fn drafts_are_listed_with_what_can_be_done_with_them() {
    let mut screen = busy(MEDIUM);
    screen.key("1").key("ctrl-l");
    let kept = |slot, minutes: u64| KeptDraft {
        slot,
        draft: Draft {
            endpoint: "fal-ai/infinitalk/single-text".parse().unwrap(),
            arguments: screen::arguments("~/faces/anna.png"),
            name: "".into(),
            parent: None,
        },
        saved_at: screen::now() - std::time::Duration::from_secs(60 * minutes),
    };
    screen.tell(Message::Drafts(DraftNews::Listed(vec![
        kept(Slot::Editor, 0),
        kept(Slot::Named("teaser".into()), 12),
        kept(Slot::Template("calm, 720p".into()), 9000),
    ])));
    assert_snapshot!("drafts_medium", screen.text());
    screen.typed("under").key("enter").typed("anna, first");
    assert_snapshot!("draft_name", screen.text_with_cursor());
}
