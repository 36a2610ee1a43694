//! Forms of endpoints that talkdeck was not made for, from documents in the shape that fal publishes (`tests/openapi`).
//!
//! Each is drawn, filled in by keys, and what would be sent is looked at.

use insta::assert_snapshot;
use serde_json::{Value, json};
use talkdeck::{
    app::{Effect, Message, effect::Written},
    catalog::{Catalog, Endpoint, FieldKind, Listed},
    model::{Arguments, EndpointId},
};

use crate::screen::Screen;

const TALL: (u16, u16) = (110, 44);

fn document(name: &str) -> String {
    let path = format!("{}/tests/openapi/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn open(name: &str) -> Screen {
    let mut screen = Screen::of_document(TALL, &document(name));
    screen.key("z");
    screen
}

fn endpoint(name: &str) -> Endpoint {
    Endpoint::from_openapi(&document(name)).unwrap()
}

impl Screen {
    /// What would be sent: the newest draft that was to be kept.
    fn arguments(&self) -> Value {
        let draft = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::SaveDraft { draft, .. } => Some(draft),
            _ => None,
        });
        serde_json::to_value(&draft.unwrap().arguments).unwrap()
    }

    /// Types `text` into the field with this label, line by line, and leaves it.
    fn fill(&mut self, label: &str, text: &str) -> &mut Self {
        self.go_to_field(label).key("enter").clear_field();
        for (at, line) in text.lines().enumerate() {
            if at > 0 {
                self.key("enter");
            }
            self.typed(line);
        }
        self.key("esc")
    }
}

/// What is wrong with arguments, as lines.
fn faults(name: &str, arguments: &Value) -> Vec<String> {
    let arguments: Arguments = serde_json::from_value(arguments.clone()).unwrap();
    let found = endpoint(name).check(&arguments);
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn nested_objects_are_indented_rows() {
    let mut screen = open("nested");
    assert_snapshot!("form_nested", screen.text());
    screen.fill("prompt", "He waves.").fill("  zoom", "2.5");
    screen.go_to_field("  move").key("right");
    screen.fill("    degrees", "90").fill("  warmth", "0");
    let want = json!({
        "prompt": "He waves.",
        "camera": {"move": "pan", "zoom": 2.5, "orbit": {"degrees": 90}},
        "lighting": {"warmth": 0},
    });
    assert_eq!(screen.arguments(), want);
    assert_snapshot!("form_nested_filled", screen.text());
    assert_eq!(
        faults("nested", &want),
        ["lighting.warmth: 0 is not a number, above 0 and at most 1"]
    );
    let bad = json!({"prompt": "x", "camera": {"orbit": {"smooth": 1}, "lens": "wide"}});
    assert_eq!(
        faults("nested", &bad),
        [
            "camera.orbit.degrees: missing; it takes a whole number from -360 to 360",
            "camera.orbit.smooth: 1 is not true or false",
            "camera.lens: no such field; there are move, zoom, orbit",
        ]
    );
}

#[test]
fn an_emptied_field_that_may_be_null_is_null() {
    let mut screen = open("nullable");
    assert_snapshot!("form_nullable", screen.text());
    screen.fill("strength", "");
    screen.go_to_field("mode").key("backspace");
    screen
        .fill("steps", "12")
        .fill("steps", "")
        .fill("must", "1")
        .fill("must", "");
    screen.fill("tags", "calm\nslow");
    let want = json!({"strength": null, "mode": null, "tags": ["calm", "slow"], "must": null});
    assert_eq!(screen.arguments(), want);
    assert_eq!(faults("nullable", &want), Vec::<String>::new());
    assert_eq!(
        faults("nullable", &json!({})),
        ["must: missing; it takes a whole number"]
    );
}

#[test]
fn a_list_is_one_line_and_one_item_a_line_while_it_is_typed() {
    let mut screen = open("arrays");
    assert_snapshot!("form_arrays", screen.text());
    screen
        .go_to_field("prompts")
        .key("enter")
        .typed("He nods.")
        .key("enter")
        .typed("He waves.");
    assert_snapshot!("form_arrays_typing", screen.text());
    screen.key("esc");
    screen.fill("timings", "0\n61").fill("voices", "Bill\nAnna");
    screen
        .fill("loras", r#"[{"path": "me/weights", "scale": 9}]"#)
        .fill("grid", "[[1, 2], [3]");
    assert_snapshot!("form_arrays_filled", screen.text());
    let arguments = screen.arguments();
    assert_eq!(arguments["prompts"], json!(["He nods.", "He waves."]));
    assert_eq!(arguments["timings"], json!([0, 61]));
    assert_eq!(
        arguments["grid"], "[[1, 2], [3]",
        "what was typed is not lost"
    );
    assert_eq!(
        faults("arrays", &arguments),
        [
            "timings.1: 61 is not a number, at least 0 and below 60",
            "voices.1: \"Anna\" is not one of Bill, Aria, Roger",
            "loras.0.scale: 9 is not a number, 0 to 4",
            "grid: \"[[1, 2], [3]\" is not a list of items, each a list of items, each a whole number",
        ]
    );
}

#[test]
fn what_no_kind_describes_is_json() {
    let mut screen = open("unknown");
    assert_snapshot!("form_unknown", screen.text());
    screen
        .fill("table", r#"{"a": 1}"#)
        .fill("anything", "[1, \"two\"]")
        .fill("odd", "{");
    screen.fill("plain", "text");
    let arguments = screen.arguments();
    assert_eq!(arguments["table"], json!({"a": 1}));
    assert_eq!(arguments["anything"], json!([1, "two"]));
    screen.go_to_field("odd");
    assert!(
        screen
            .text()
            .contains("EOF while parsing an object at line 1 column 1")
    );
    // The schema says that it takes more than it lists.
    assert_eq!(faults("unknown", &json!({"more": 1})), Vec::<String>::new());
}

#[test]
fn choices_may_be_numbers() {
    let mut screen = open("number-enums");
    assert_snapshot!("form_choices", screen.text());
    screen.go_to_field("duration").key("right");
    screen.go_to_field("quality").key("right");
    screen.go_to_field("switch").key("right");
    screen.go_to_field("version").key("right");
    screen.go_to_field("twins").key("left");
    assert_eq!(
        screen.arguments(),
        json!({"duration": 10, "fps": 25, "quality": 1, "switch": true, "version": 2, "twins": 1})
    );
    assert_eq!(
        faults("number-enums", &json!({"duration": "5", "fps": 24})),
        [
            "duration: \"5\" is not one of 5, 10",
            "fps: 24 is not one of 12.5, 25, 50"
        ]
    );
}

#[test]
fn one_way_of_several_is_read_and_others_are_json() {
    let mut screen = open("all-of");
    assert_snapshot!("form_mixed", screen.text());
    screen.fill("image size", r#"{"width": 640, "height": 360}"#);
    screen.go_to_field("deep").key("right");
    let arguments = screen.arguments();
    assert_eq!(
        arguments["image_size"],
        json!({"width": 640, "height": 360})
    );
    assert_eq!(arguments["deep"], true);
    assert_eq!(faults("all-of", &arguments), Vec::<String>::new());
    assert_eq!(
        faults("all-of", &json!({"image_size": "square", "amount": 1})),
        ["amount: 1 is not a whole number of at least 2"]
    );
}

#[test]
fn references_that_go_in_circles_end_as_json() {
    let mut screen = open("cycles");
    assert_snapshot!("form_cycles", screen.text());
    screen
        .fill("  name", "root")
        .fill("  left", r#"{"name": "leaf"}"#)
        .fill("chain", "3");
    assert_eq!(
        screen.arguments(),
        json!({"tree": {"name": "root", "left": {"name": "leaf"}}, "chain": 3})
    );
    assert_eq!(
        faults("cycles", &json!({"chain": 4})),
        ["chain: 4 is not a whole number from 1 to 3"]
    );
}

#[test]
fn files_are_told_by_name_and_description() {
    let mut screen = open("files");
    assert_snapshot!("form_files", screen.text());
    screen.fill("image urls", "a.png\nhttps://example.test/b.png");
    screen.fill("  audio url", "talk.wav");
    let arguments = screen.arguments();
    assert_eq!(
        arguments["image_urls"],
        json!(["a.png", "https://example.test/b.png"])
    );
    let named = endpoint("files").files(&serde_json::from_value(arguments).unwrap());
    let named: Vec<_> = named
        .iter()
        .map(|file| (&*file.name, &*file.pointer))
        .collect();
    assert_eq!(
        named,
        [
            ("image_urls.0", "/image_urls/0"),
            ("image_urls.1", "/image_urls/1"),
            ("speaker.audio_url", "/speaker/audio_url"),
        ]
    );
    assert_eq!(
        faults(
            "files",
            &json!({"image_url": "a.png", "image_urls": ["a.png"]})
        ),
        [
            "image_urls: 1 item is not a list of 2 to 3 items, each a picture (a path, a URL or a data URI)"
        ]
    );
}

#[test]
fn eighty_fields_scroll() {
    let mut screen = Screen::of_document((80, 24), &document("eighty"));
    assert_snapshot!("form_eighty", screen.text());
    for _ in 0..78 {
        screen.key("down");
    }
    assert_snapshot!("form_eighty_below", screen.text());
    screen.key("right");
    assert_eq!(
        faults("eighty", &json!({"text_00": "x"})),
        Vec::<String>::new()
    );
}

#[test]
fn a_hostile_document_is_a_form_that_does_nothing() {
    let mut screen = open("hostile");
    let text = screen.text();
    assert_snapshot!("form_hostile", text);
    assert!(
        !text.contains(|c: char| c.is_control() && c != '\n'),
        "{text:?}"
    );
    assert!(!text.contains('\u{202e}'));
    screen.go_to_field("choice").key("right").key("enter");
    assert_snapshot!("form_hostile_choices", screen.text());
    screen.key("esc").fill("dotted", "x").fill("pointer", "5");
    let arguments = screen.arguments();
    assert_eq!(
        (&arguments["a.b"], &arguments["/~"]),
        (&json!("x"), &json!(5))
    );
    assert_eq!(
        faults("hostile", &arguments),
        ["required: missing; it takes text"]
    );
}

// ---- all arguments as JSON ----

/// Chooses `:raw` and answers it with `text`; gives what was offered.
fn raw(screen: &mut Screen, text: &str) -> String {
    screen.key("1").key(":").typed("raw").key("enter");
    let Some(Effect::OpenEditor {
        what: Written::Arguments,
        text: offered,
    }) = screen.effects.pop()
    else {
        panic!("{:?}", screen.effects)
    };
    screen.tell(Message::EditorReturned {
        what: Written::Arguments,
        text: Some(text.to_owned()),
    });
    offered
}

#[test]
fn all_arguments_are_written_as_json_and_a_mistake_is_told_and_offered_again() {
    let mut screen = open("nested");
    let offered = raw(&mut screen, "{\"prompt\": \"Hi\",\n oops}");
    assert_eq!(
        offered,
        "{\n  \"camera\": {\n    \"move\": \"still\",\n    \"zoom\": 1\n  }\n}"
    );
    assert!(
        screen
            .text()
            .contains("not JSON: key must be a string at line 2 column 2")
    );
    assert_snapshot!("raw_refused", screen.text());
    let whole = json!({
        "prompt": "Hi", "camera": {"zoom": 9, "lens": "wide"}, "made_up": {"a": [1]}
    });
    let offered = raw(&mut screen, &whole.to_string());
    assert_eq!(offered, "{\"prompt\": \"Hi\",\n oops}", "nothing is lost");
    assert_eq!(screen.arguments(), whole, "names that are not known stay");
    assert_snapshot!("raw_taken", screen.text());
    let offered = raw(&mut screen, "[]");
    assert_eq!(serde_json::from_str::<Value>(&offered).unwrap(), whole);
    screen.key("ctrl-u");
    assert_eq!(
        screen.arguments(),
        json!({"camera": {"move": "still", "zoom": 1}})
    );
}

// ---- an endpoint that the server describes anew ----

#[test]
fn a_schema_that_has_changed_is_told_and_what_is_typed_stays() {
    let mut screen = Screen::at_fal((120, 36));
    screen
        .go_to_field("frames")
        .key("enter")
        .clear_field()
        .typed("400");
    let mut endpoint = Catalog::builtin().first().clone();
    let frames = endpoint
        .fields
        .iter_mut()
        .find(|field| field.name == "num_frames");
    frames.unwrap().kind = FieldKind::Integer {
        minimum: Some(41),
        maximum: Some(301),
    };
    screen.tell(Message::EndpointLoaded {
        id: endpoint.id.clone(),
        change: endpoint.changes_since(Catalog::builtin().first()),
        catalog: Catalog::builtin().with(endpoint),
    });
    screen.typed("0");
    assert_snapshot!("schema_changed", screen.text());
    let text = screen.text();
    assert!(
        text.contains("schema changed on the server: num_frames now 41–301"),
        "{text}"
    );
    assert!(
        text.contains("✎ frames       4000") && text.contains("only 41 to 301"),
        "{text}"
    );
}

// ---- which endpoint ----

fn listed() -> Vec<Listed> {
    let of = |id: &str, title: &str, category: &str| Listed {
        id: id.parse().unwrap(),
        title: title.into(),
        category: category.into(),
    };
    let mut models = vec![
        of("fal-ai/infinitalk", "Infinitalk", "audio-to-video"),
        of(
            "fal-ai/kling-video/ai-avatar/v2/pro",
            "Kling AI Avatar v2 Pro",
            "audio-to-video",
        ),
        of(
            "fal-ai/bytedance/omnihuman/v1.5",
            "OmniHuman v1.5",
            "image-to-video",
        ),
        of("veed/fabric-1.0", "Fabric 1.0", "image-to-video"),
        of(
            "fal-ai/a-very-long-name-of-an-endpoint/with/many/parts/that/no/list/can/show/whole",
            "A title that is as long as the name of its endpoint, and longer than any list",
            "image-to-video",
        ),
    ];
    models.extend((0..30).map(|at| {
        of(
            &format!("someone/model-{at:02}"),
            "Some model",
            "text-to-image",
        )
    }));
    models
}

fn open_endpoints(screen: &mut Screen) {
    screen.key("1");
    for _ in 0..20 {
        screen.key("up");
    }
    screen.key("enter");
}

#[test]
fn endpoints_are_listed_found_by_letters_and_taken() {
    for (size, name) in [
        ((120, 36), "wide"),
        ((80, 24), "medium"),
        ((60, 16), "small"),
    ] {
        let mut screen = Screen::at_fal(size);
        screen.tell(Message::JobsLoaded(crate::screen::jobs_of_a_day()));
        open_endpoints(&mut screen);
        assert_eq!(screen.effects.pop(), Some(Effect::LoadModels));
        assert_snapshot!(format!("endpoints_asked_{name}"), screen.text());
        screen.tell(Message::Models(listed()));
        assert_snapshot!(format!("endpoints_{name}"), screen.text());
        screen.typed("omnihmn");
        assert_snapshot!(format!("endpoints_found_{name}"), screen.text());
        screen.key("enter");
        let id: EndpointId = "fal-ai/bytedance/omnihuman/v1.5".parse().unwrap();
        assert_eq!(screen.effects.pop(), Some(Effect::LoadEndpoint(id)));
        assert!(
            screen.text().contains("what fal-ai/bytedance"),
            "{}",
            screen.text()
        );
    }
}

#[test]
fn an_id_that_no_list_has_can_be_typed() {
    let mut screen = Screen::at_fal((120, 36));
    open_endpoints(&mut screen);
    screen.typed("studio/camera");
    assert_snapshot!("endpoints_typed", screen.text());
    screen.key("enter");
    let camera = endpoint("nested");
    let id = camera.id.clone();
    assert_eq!(screen.effects.pop(), Some(Effect::LoadEndpoint(id.clone())));
    screen.tell(Message::EndpointLoaded {
        id,
        catalog: Catalog::builtin().with(camera),
        change: None,
    });
    // What both have in common stays.
    let arguments = screen.arguments();
    assert_eq!(arguments["camera"], json!({"move": "still", "zoom": 1}));
    assert!(
        arguments["prompt"]
            .as_str()
            .is_some_and(|prompt| !prompt.is_empty())
    );
    assert_eq!(arguments.get("voice"), None);
}

#[test]
fn an_endpoint_that_the_server_does_not_have_is_told_and_the_draft_stays() {
    let mut screen = Screen::at_fal((120, 36));
    open_endpoints(&mut screen);
    screen.typed("studio/nowhere").key("enter");
    screen.tell(Message::EndpointMissing {
        id: "studio/nowhere".parse().unwrap(),
        reason: "fal.ai has no endpoint “studio/nowhere”".into(),
    });
    let text = screen.text();
    assert!(
        text.contains("fal.ai has no endpoint “studio/nowhere”"),
        "{text}"
    );
    assert!(text.contains("Request · infinitalk/single-text"), "{text}");
}

#[test]
fn every_built_in_endpoint_has_its_form() {
    for endpoint in Catalog::builtin().endpoints() {
        let mut screen = Screen::of_document(TALL, &endpoint.document.to_string());
        screen.key("z");
        let name = endpoint.id.short().replace('/', "_");
        assert_snapshot!(format!("built_in_{name}"), screen.text());
    }
}
