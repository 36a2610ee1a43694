//! Endpoints that are not built in: fetched, kept, and told about when they cannot be had.

use serde_json::json;

use crate::{
    fake::Fake,
    machine::{Machine, Ran},
};

const NESTED: &str = include_str!("../openapi/nested.json");

fn machine() -> Machine {
    let mut machine = Machine::new();
    machine.set("FAL_KEY", "id:secret");
    machine
}

fn one_line(ran: &Ran) -> &str {
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    ran.stderr.trim_end()
}

#[test]
fn an_endpoint_is_described_by_the_server_and_then_by_the_cache() {
    let machine = machine();
    let fake = Fake::answering(200, NESTED);
    let url = fake.url();
    let describe = || machine.run(&["endpoints", "studio/camera", "--server", &url]);
    let told = describe();
    assert_eq!(told.code, 0, "{}", told.stderr);
    let fields = told.lines()[0]["fields"].clone();
    let zoom = fields
        .as_array()
        .unwrap()
        .iter()
        .find(|field| field["name"] == "camera.zoom");
    assert_eq!(
        *zoom.unwrap(),
        json!({
            "name": "camera.zoom", "type": "number", "required": false, "default": 1, "minimum": 0.5, "maximum": 4.0,
            "options": null, "description": "How near."
        })
    );
    let calls = fake.calls();
    drop(fake);
    assert_eq!(
        (describe().stdout, calls),
        (told.stdout, 1),
        "without a network"
    );
}

#[test]
fn an_endpoint_that_cannot_be_had_says_why() {
    let machine = machine();
    let fake = Fake::answering(404, "null");
    let url = fake.url();
    for command in [&["endpoints"][..], &["submit"]] {
        let args = [command, &["fal-ai/infinitalk/singletext", "--server", &url]].concat();
        let ran = machine.run(&args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{args:?}");
        let said = one_line(&ran);
        assert!(
            said.ends_with("did you mean fal-ai/infinitalk/single-text?"),
            "{said}"
        );
    }
    assert_eq!(fake.posts(), 0);
    let ran = machine.run(&["endpoints", "studio/camera", "--server", &Fake::nobody()]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    let said = one_line(&ran);
    assert!(
        said.starts_with("talkdeck: what studio/camera takes is not known here: cannot reach"),
        "{said}"
    );
    let ran = Machine::new().run(&["endpoints", "studio/camera"]);
    assert_eq!(ran.code, 2);
    assert!(
        one_line(&ran).contains("the local preview has no endpoint"),
        "{}",
        ran.stderr
    );
    let ran = machine.run(&["endpoints", "camera"]);
    assert_eq!(ran.code, 2);
}

#[test]
fn what_is_inside_of_objects_is_given_by_its_path_and_checked() {
    let machine = machine();
    let fake = Fake::answering(200, NESTED);
    let url = fake.url();
    let dry = |pairs: &[&str]| {
        let mut args = vec!["submit", "studio/camera", "--dry-run", "--server", &url];
        for pair in pairs {
            args.extend(["-i", pair]);
        }
        machine.run(&args)
    };
    let good = dry(&[
        "prompt=He waves.",
        "camera.zoom=2.5",
        "camera.orbit.degrees=90",
    ]);
    assert_eq!(good.code, 0, "{}", good.stderr);
    let job = &good.lines()[0];
    assert_eq!(
        job["arguments"],
        json!({"prompt": "He waves.", "camera": {"zoom": 2.5, "orbit": {"degrees": 90}}})
    );
    assert_eq!(job["estimated_cost_usd"], json!(null));
    let bad = dry(&[
        "prompt=x",
        "camera.zoom=9",
        "camera.lens=wide",
        "lighting=[1",
    ]);
    assert_eq!((bad.code, bad.stdout.as_str()), (2, ""));
    for want in [
        "camera.zoom: 9 is not a number, 0.5 to 4",
        "camera.lens: no such field",
        "lighting: not JSON: EOF while parsing a list at line 1 column 2",
    ] {
        assert!(bad.stderr.contains(want), "{}", bad.stderr);
    }
    let missing = dry(&["prompt=x", "camera.orbit.smooth=true"]);
    assert_eq!(missing.code, 2);
    assert!(
        missing.stderr.contains("camera.orbit.degrees: missing"),
        "{}",
        missing.stderr
    );
    assert_eq!(fake.posts(), 0);
}
