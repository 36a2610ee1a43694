//! The same request for other programs: a shell command, curl, JavaScript, Python.
//!
//! No snippet holds a key: each reads it from `FAL_KEY`, as fal's own clients do.

use std::fmt::Write;

use serde_json::Value;

use super::{Endpoint, FieldKind};
use crate::model::Arguments;

/// What a request is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `talkdeck submit …`.
    Talkdeck,
    /// `curl`, in a POSIX shell.
    Curl,
    /// fal's JavaScript client.
    JavaScript,
    /// fal's Python client.
    Python,
}

impl Language {
    /// All of them, the most useful first.
    pub const ALL: [Self; 4] = [Self::Talkdeck, Self::Curl, Self::JavaScript, Self::Python];

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Talkdeck => "shell command",
            Self::Curl => "curl",
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
        }
    }
}

impl Endpoint {
    /// `arguments` as a request in `language`; local files are uploaded by it, or sent along.
    #[must_use]
    pub fn snippet(&self, arguments: &Arguments, language: Language) -> String {
        match language {
            Language::Talkdeck => self.talkdeck(arguments),
            Language::Curl => self.curl(arguments),
            Language::JavaScript => self.javascript(arguments),
            Language::Python => self.python(arguments),
        }
    }

    /// Whether `value` of the field `name` is a file of this machine.
    fn is_local(&self, name: &str, value: &Value) -> bool {
        let is_file = self
            .field(name)
            .is_some_and(|field| matches!(field.kind, FieldKind::File(_)));
        let remote = |text: &str| {
            let lower = text.trim_start().to_ascii_lowercase();
            ["http://", "https://", "data:"]
                .iter()
                .any(|start| lower.starts_with(start))
        };
        is_file
            && value
                .as_str()
                .is_some_and(|text| !text.is_empty() && !remote(text))
    }

    fn talkdeck(&self, arguments: &Arguments) -> String {
        let mut command = format!("talkdeck submit {}", self.id);
        for (name, value) in arguments.iter() {
            let text = match value {
                // Only a path may begin with an @ and mean a file.
                Value::String(text) if self.is_local(name, value) => format!("@{text}"),
                Value::String(text) if text.starts_with('@') => format!("@{text}"),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            command.push_str(" \\\n  -i ");
            command.push_str(&quoted(&format!("{name}={text}")));
        }
        command
    }

    fn curl(&self, arguments: &Arguments) -> String {
        let mut before = String::new();
        let mut body = String::from("{");
        for (at, (name, value)) in arguments.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let name_json = Value::from(name);
            if let Some(path) = value.as_str().filter(|_| self.is_local(name, value)) {
                let variable = format!("file_{at}");
                let kind = mime(path);
                add(
                    &mut before,
                    format_args!(
                        "{variable}=\"data:{kind};base64,$(base64 < {} | tr -d '\\n')\"\n",
                        quoted_path(path)
                    ),
                );
                add(
                    &mut body,
                    format_args!("{comma}\n  {name_json}: \"${{{variable}}}\""),
                );
            } else {
                add(
                    &mut body,
                    format_args!("{comma}\n  {name_json}: {}", in_heredoc(&value.to_string())),
                );
            }
        }
        body.push_str("\n}");
        format!(
            "{before}curl https://queue.fal.run/{} \\\n  -H \"Authorization: Key $FAL_KEY\" \\\n  \
             -H 'Content-Type: application/json' \\\n  --data-binary @- <<JSON\n{body}\nJSON",
            self.id
        )
    }

    fn javascript(&self, arguments: &Arguments) -> String {
        let mut input = String::new();
        let mut has_files = false;
        for (name, value) in arguments.iter() {
            let text = if self.is_local(name, value) {
                has_files = true;
                format!("await file({value})")
            } else {
                value.to_string()
            };
            add(
                &mut input,
                format_args!("    {}: {text},\n", Value::from(name)),
            );
        }
        let files = if has_files {
            "import { openAsBlob } from \"node:fs\";\n\n\
             const home = (path) => path.replace(/^~(?=\\/)/, process.env.HOME);\n\
             const file = async (path) => fal.storage.upload(await openAsBlob(home(path)));\n"
        } else {
            ""
        };
        format!(
            "import {{ fal }} from \"@fal-ai/client\";\n{files}\nconst result = await fal.subscribe({}, {{\n  input: {{\n{input}  \
             }},\n}});\nconsole.log(result.data);",
            Value::from(self.id.as_str())
        )
    }

    fn python(&self, arguments: &Arguments) -> String {
        let mut input = String::new();
        let mut has_files = false;
        for (name, value) in arguments.iter() {
            let text = if self.is_local(name, value) {
                has_files = true;
                format!("fal_client.upload_file(os.path.expanduser({value}))")
            } else {
                literal(value)
            };
            add(
                &mut input,
                format_args!("        {}: {text},\n", Value::from(name)),
            );
        }
        let os = if has_files { "import os\n\n" } else { "" };
        format!(
            "{os}import fal_client\n\nresult = fal_client.subscribe(\n    {},\n    arguments={{\n{input}    }},\n)\nprint(result)",
            Value::from(self.id.as_str())
        )
    }
}

fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("a String takes everything");
}

/// A word of a POSIX shell that is exactly `text`.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-=./:@,+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// As [`quoted`]; a leading `~/` is left for the shell to read.
fn quoted_path(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) => format!("~/{}", quoted(rest)),
        None => quoted(path),
    }
}

/// JSON text that a shell takes literally in a here-document.
fn in_heredoc(json: &str) -> String {
    json.replace('\\', r"\\")
        .replace('$', r"\$")
        .replace('`', r"\`")
}

fn mime(path: &str) -> &'static str {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "wav" => "audio/wav",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        _ => "application/octet-stream",
    }
}

/// A value in Python.
fn literal(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(literal).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let pairs: Vec<_> = map
                .iter()
                .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), literal(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
        // JSON's escapes are Python's.
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::json;

    use super::*;
    use crate::catalog::Catalog;

    const SCRIPT: &str =
        "It's \"5 o'clock\", $HOME `date` \\ done.\nSecond line: 日本語 👩\u{200d}👧";

    fn arguments() -> Arguments {
        serde_json::from_value(json!({
            "image_url": "/faces/anna b.png", "text_input": SCRIPT, "voice": "Bill", "prompt": "@home",
            "num_frames": 145, "seed": null
        }))
        .unwrap()
    }

    fn snippet(language: Language) -> String {
        Catalog::builtin().first().snippet(&arguments(), language)
    }

    /// What a shell makes of `words`, in which `talkdeck` or `curl` prints what it is given.
    fn shell(text: &str) -> String {
        let script = format!(
            "talkdeck() {{ printf '%s\\n--\\n' \"$@\"; }}\ncurl() {{ cat; }}\nbase64() {{ echo QUJD; }}\n{text}"
        );
        let script = script.replace("< '/faces/anna b.png'", "< /dev/null");
        let ran = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        String::from_utf8(ran.stdout).unwrap()
    }

    #[test]
    fn a_shell_gives_the_command_exactly_what_was_typed() {
        let words = shell(&snippet(Language::Talkdeck));
        let words: Vec<_> = words.split("\n--\n").collect();
        assert_eq!(
            words[..3],
            ["submit", "fal-ai/infinitalk/single-text", "-i"]
        );
        assert!(words.contains(&"image_url=@/faces/anna b.png"), "{words:?}");
        assert!(
            words.contains(&format!("text_input={SCRIPT}").as_str()),
            "{words:?}"
        );
        assert!(words.contains(&"prompt=@@home"));
    }

    #[test]
    fn curl_sends_the_arguments_and_the_file_with_them() {
        let text = snippet(Language::Curl);
        let body: Value = serde_json::from_str(&shell(&text)).unwrap();
        assert_eq!(body["text_input"], SCRIPT);
        assert_eq!(body["image_url"], "data:image/png;base64,QUJD");
        assert_eq!(
            (&body["num_frames"], &body["seed"]),
            (&json!(145), &Value::Null)
        );
        assert!(text.contains("Key $FAL_KEY"));
    }

    #[test]
    fn python_and_javascript_have_the_same_values() {
        let python = snippet(Language::Python);
        assert!(python.contains(
            r#""image_url": fal_client.upload_file(os.path.expanduser("/faces/anna b.png"))"#
        ));
        assert!(python.contains("\"seed\": None") && python.contains(r"\n"));
        let javascript = snippet(Language::JavaScript);
        assert!(javascript.contains("\"image_url\": await file(\"/faces/anna b.png\")"));
        assert!(javascript.contains("\"seed\": null"));
    }
}
