//! The fields of an object schema.
//!
//! Documents come from outside. Every walk here is bounded: a `$ref` that leads back to itself, an object inside too
//! many others and more fields than a form can have become raw JSON.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Error, media};
use crate::{
    catalog::{Field, FieldKind, limits::Bound, limits::Limits},
    model::CleanText,
};

/// References and wrappers that are followed from one schema to what it means.
const MOST_STEPS: usize = 16;
/// Objects inside each other that are fields of the form.
const DEEPEST: usize = 4;
/// Characters of a title or description that are kept.
const LONGEST_TEXT: usize = 1000;

/// The fields of the object `schema` and whether it takes other names, too; `None` where it is no object.
pub(super) fn read(
    document: &Value,
    schema: &Value,
    most: usize,
) -> Result<Option<(Vec<Field>, bool)>, Error> {
    let mut reader = Reader {
        document,
        left: most,
        open: Vec::new(),
    };
    let meant = reader.follow(schema);
    let Some(properties) = meant.last["properties"].as_object() else {
        return Ok(None);
    };
    if properties.len() > most {
        return Err(Error::TooLarge("more input fields than a form can show"));
    }
    reader.left -= properties.len();
    reader.open.extend(meant.references);
    let fields = reader.children(properties, meant.last, None);
    Ok(Some((fields, is_open(meant.last))))
}

/// One line for people, not endless.
pub(super) fn line(value: &Value) -> CleanText {
    let text = value.as_str().unwrap_or_default();
    let end = text
        .char_indices()
        .nth(LONGEST_TEXT)
        .map_or(text.len(), |(end, _)| end);
    CleanText::line(&text[..end])
}

struct Reader<'a> {
    document: &'a Value,
    /// Fields inside of objects that may still be read.
    left: usize,
    /// The references that lead to where the reader is.
    open: Vec<&'a str>,
}

/// A schema with all that leads to it: each may carry a title, a default.
struct Meant<'a> {
    chain: Vec<&'a Value>,
    last: &'a Value,
    nullable: bool,
    references: Vec<&'a str>,
    /// Whether it can be said what it means.
    is_clear: bool,
}

impl<'a> Meant<'a> {
    /// What the first of the chain says about `key`.
    fn says(&self, key: &str) -> &'a Value {
        let said = self.chain.iter().find_map(|schema| schema.get(key));
        said.unwrap_or(&Value::Null)
    }
}

impl<'a> Reader<'a> {
    /// Follows references, and wrappers that say no more than "or null".
    fn follow(&self, schema: &'a Value) -> Meant<'a> {
        let mut meant = Meant {
            chain: Vec::new(),
            last: schema,
            nullable: false,
            references: Vec::new(),
            is_clear: true,
        };
        for _ in 0..MOST_STEPS {
            let schema = meant.last;
            meant.chain.push(schema);
            meant.nullable |= schema["nullable"] == true || types(schema).any(|of| of == "null");
            if let Some(path) = schema["$ref"].as_str() {
                let target = path
                    .strip_prefix('#')
                    .and_then(|at| self.document.pointer(at));
                let is_cycle = self.open.contains(&path) || meant.references.contains(&path);
                let Some(target) = target.filter(|_| !is_cycle) else {
                    meant.is_clear = false;
                    return meant;
                };
                meant.references.push(path);
                meant.last = target;
                continue;
            }
            let wrapper = ["anyOf", "oneOf", "allOf"]
                .into_iter()
                .find_map(|name| schema[name].as_array());
            let Some(choices) = wrapper else {
                return meant;
            };
            let is_null = |choice: &Value| choice["type"] == "null";
            meant.nullable |= choices.iter().any(is_null);
            let mut others = choices.iter().filter(|choice| !is_null(choice));
            match (others.next(), others.next()) {
                (Some(only), None) => meant.last = only,
                // Several ways to write a text, or a number, are one.
                (Some(first), Some(_)) if are_alike(choices) => {
                    meant.last = first;
                    meant.chain.push(first);
                    return meant;
                }
                _ => {
                    meant.is_clear = false;
                    return meant;
                }
            }
        }
        meant.is_clear = false;
        meant
    }

    /// The fields of an object, in display order.
    fn children(
        &mut self,
        properties: &'a Map<String, Value>,
        schema: &'a Value,
        parent: Option<&str>,
    ) -> Vec<Field> {
        let required: Vec<&str> = strings(&schema["required"]).collect();
        in_order(properties, &schema["x-fal-order-properties"])
            .into_iter()
            .map(|(key, schema)| {
                let name = match parent {
                    Some(parent) => format!("{parent}.{key}"),
                    None => key.to_owned(),
                };
                self.field(name, key, schema, required.contains(&key))
            })
            .collect()
    }

    fn field(&mut self, name: String, key: &str, schema: &'a Value, required: bool) -> Field {
        let meant = self.follow(schema);
        let before = self.open.len();
        self.open.extend(&meant.references);
        let kind = if meant.is_clear {
            self.kind(&name, key, &meant)
        } else {
            FieldKind::Json
        };
        self.open.truncate(before);
        let has_null = |value: &Value| {
            value
                .as_array()
                .is_some_and(|values| values.contains(&Value::Null))
        };
        let examples = meant.says("examples");
        let mut field = Field {
            name,
            title: line(meant.says("title")),
            description: line(meant.says("description")),
            nullable: meant.nullable || has_null(&meant.last["enum"]),
            kind,
            required,
            default: None,
            example: examples
                .get(0)
                .or_else(|| {
                    meant
                        .says("example")
                        .as_str()
                        .map(|_| meant.says("example"))
                })
                .filter(|value| !value.is_null())
                .cloned(),
            doubt: meant.says("x-talkdeck-doubt").as_str().map(CleanText::line),
        };
        // A default that the server itself would refuse helps nobody.
        let default = Some(meant.says("default")).filter(|value| !value.is_null());
        field.default = default.filter(|value| field.check(value).is_ok()).cloned();
        field
    }

    fn kind(&mut self, name: &str, key: &str, meant: &Meant<'a>) -> FieldKind {
        let schema = meant.last;
        if let Some(only) = schema.get("const") {
            return choice(std::slice::from_ref(only));
        }
        if let Some(options) = schema["enum"].as_array() {
            return choice(options);
        }
        let kinds: Vec<_> = types(schema).filter(|of| *of != "null").collect();
        match kinds[..] {
            ["string"] => media::of(key, meant.says("description"), schema).map_or_else(
                || FieldKind::Text {
                    multiline: is_long(key, meant),
                },
                FieldKind::File,
            ),
            ["integer"] => integer(schema),
            ["number"] | ["integer", "number"] | ["number", "integer"] => {
                FieldKind::Number(limits(schema))
            }
            ["boolean"] => FieldKind::Boolean,
            ["array"] => self.list(name, key, meant),
            ["object"] => self.object(name, schema),
            [] if schema["properties"].is_object() => self.object(name, schema),
            [] if schema["items"].is_object() => self.list(name, key, meant),
            _ => FieldKind::Json,
        }
    }

    fn list(&mut self, name: &str, key: &str, meant: &Meant<'a>) -> FieldKind {
        let schema = meant.last;
        let count = |key: &str| schema[key].as_u64().and_then(|count| count.try_into().ok());
        let mut item = self.field(name.to_owned(), key, &schema["items"], true);
        if let FieldKind::Text { .. } = item.kind {
            // The list says what its texts are.
            let of = media::of(key, meant.says("description"), &schema["items"]);
            item.kind = of.map_or(FieldKind::Text { multiline: false }, FieldKind::File);
        }
        FieldKind::List {
            item: Box::new(item),
            least: count("minItems").filter(|least| *least > 0),
            most: count("maxItems"),
        }
    }

    fn object(&mut self, name: &str, schema: &'a Value) -> FieldKind {
        let Some(properties) = schema["properties"].as_object() else {
            return FieldKind::Json;
        };
        let is_deep = self.open.len() > MOST_STEPS * DEEPEST || depth(name) > DEEPEST;
        if properties.is_empty() || properties.len() > self.left || is_deep {
            return FieldKind::Json;
        }
        self.left -= properties.len();
        FieldKind::Object {
            fields: self.children(properties, schema, Some(name)),
            open: is_open(schema),
        }
    }
}

/// How many objects are around the fields of `name`.
fn depth(name: &str) -> usize {
    1 + name.matches('.').count()
}

fn is_open(schema: &Value) -> bool {
    let more = &schema["additionalProperties"];
    *more == true || more.is_object()
}

/// The schema's types, of which newer documents may list several.
fn types(schema: &Value) -> impl Iterator<Item = &str> {
    let of = &schema["type"];
    of.as_str().into_iter().chain(strings(of))
}

/// Whether all choices, `null` aside, are free texts, or all are numbers.
fn are_alike(choices: &[Value]) -> bool {
    let all = |names: &[&str]| {
        choices.iter().all(|choice| {
            let of = choice["type"].as_str().unwrap_or_default();
            (names.contains(&of) && choice.get("enum").is_none()) || of == "null"
        })
    };
    all(&["string"]) || all(&["number"])
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// The properties in the display order: first the listed ones that exist, then the rest.
fn in_order<'a>(properties: &'a Map<String, Value>, order: &'a Value) -> Vec<(&'a str, &'a Value)> {
    // A document may list a name twice, and thousands of them.
    let mut seen = HashSet::new();
    let listed = strings(order).filter_map(|name| properties.get_key_value(name));
    listed
        .chain(properties)
        .filter(|(name, _)| seen.insert(name.as_str()))
        .map(|(name, schema)| (name.as_str(), schema))
        .collect()
}

fn choice(options: &[Value]) -> FieldKind {
    let values: Vec<Value> = options
        .iter()
        .filter(|value| !value.is_null())
        .cloned()
        .collect();
    let texts: Option<Vec<String>> = values
        .iter()
        .map(|value| value.as_str().map(str::to_owned))
        .collect();
    match texts {
        Some(texts) if texts.is_empty() => FieldKind::Json,
        Some(texts) => FieldKind::Choice(texts),
        None => FieldKind::OneOf(values),
    }
}

fn integer(schema: &Value) -> FieldKind {
    let limits = limits(schema);
    // A limit that is out of reach of a whole number is none.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and within the exact range of a float"
    )]
    let whole = |at: f64| (at.abs() < 9e15).then_some(at as i64);
    // The next whole number inside, one further where the end itself is outside.
    let minimum = limits.least.and_then(|bound| {
        whole(if bound.inclusive {
            bound.at.ceil()
        } else {
            bound.at.floor() + 1.0
        })
    });
    let maximum = limits.most.and_then(|bound| {
        whole(if bound.inclusive {
            bound.at.floor()
        } else {
            bound.at.ceil() - 1.0
        })
    });
    // Floats are not exact at the ends of the range.
    let exact = |bound: Option<Bound>, key: &str| {
        bound
            .filter(|bound| bound.inclusive)
            .and(schema[key].as_i64())
    };
    FieldKind::Integer {
        minimum: exact(limits.least, "minimum").or(minimum),
        maximum: exact(limits.most, "maximum").or(maximum),
    }
}

/// The limits of a number: an exclusive one is a number of its own, or a switch beside the inclusive one in older
/// documents.
fn limits(schema: &Value) -> Limits {
    let bound = |inclusive: &str, exclusive: &str, is_tighter: fn(f64, f64) -> bool| {
        let switch = &schema[exclusive];
        let plain = schema[inclusive].as_f64().map(|at| Bound {
            at,
            inclusive: *switch != true,
        });
        let open = switch.as_f64().map(|at| Bound {
            at,
            inclusive: false,
        });
        match (plain, open) {
            (Some(plain), Some(open)) if is_tighter(plain.at, open.at) => Some(plain),
            (plain, open) => open.or(plain),
        }
    };
    Limits {
        least: bound("minimum", "exclusiveMinimum", |plain, open| plain > open),
        most: bound("maximum", "exclusiveMaximum", |plain, open| plain < open),
    }
}

/// Whether a text is worth several rows.
fn is_long(key: &str, meant: &Meant<'_>) -> bool {
    const NAMES: [&str; 13] = [
        "prompt",
        "text",
        "text_input",
        "script",
        "lyrics",
        "caption",
        "transcript",
        "message",
        "instruction",
        "instructions",
        "description",
        "story",
        "ssml",
    ];
    const LONG: usize = 120;
    let key = key.to_lowercase();
    let is_named = NAMES
        .iter()
        .any(|name| key == *name || key.ends_with(&format!("_{name}")));
    let is_long = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| text.len() > LONG || text.contains('\n'))
    };
    let length = meant.says("maxLength").as_u64();
    is_named
        || length.is_some_and(|most| most > 500)
        || is_long(meant.says("default"))
        || is_long(&meant.says("examples")[0])
}
