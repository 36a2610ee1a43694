//! Scenarios: files that say which calls to the server go wrong, and how, to try a client on a bad line.
//!
//! ```toml
//! runners = 1                   # requests that are rendered at the same time; 2 when left out
//!
//! [[fault]]
//! on = "submit"                 # submit, status, stream, result, cancel, upload, list, pricing or media
//! nth = 1                       # the first call of its kind that is hit; 1 when left out
//! times = 1                     # and so many in a row; 1 when left out, 0 is all that follow
//! do = "reset"
//! arrives = true                # the server does what it was asked, and only its answer is lost
//! ```
//!
//! | `do` | what the client sees | takes |
//! |---|---|---|
//! | `reset` | the connection is reset without an answer | `arrives` |
//! | `hang` | no answer, and a connection that stays open | `arrives` |
//! | `status` | this answer | `arrives`, `code` (503), `headers`, `body` |
//! | `html` | the page of a proxy or a captive portal | `arrives`, `code` (200) |
//! | `slow` | the server's answer in pieces of `bytes` (16), each after `seconds` (0.1) | `bytes`, `seconds` |
//! | `cut` | the first `bytes` (64) of the server's answer, its head included, and no more | `bytes` |
//!
//! Of several faults that fit a call the first one counts. A key that is not in this list is refused, with its line.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use serde::Deserialize;

use super::Error;

/// No scenario is longer.
const LONGEST: u64 = 1 << 20;

/// What goes wrong.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Requests that are rendered at the same time.
    pub runners: Option<usize>,
    #[serde(default, rename = "fault")]
    faults: Vec<Fault>,
}

/// One way in which some calls go wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    on: Kind,
    #[serde(default = "one")]
    nth: u32,
    #[serde(default = "one")]
    times: u32,
    #[serde(rename = "do")]
    what: What,
    pub(super) arrives: Option<bool>,
    code: Option<u16>,
    headers: Option<BTreeMap<String, String>>,
    body: Option<String>,
    bytes: Option<usize>,
    seconds: Option<f64>,
}

fn one() -> u32 {
    1
}

/// The calls that a scenario tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Submit,
    Status,
    Stream,
    Result,
    Cancel,
    Upload,
    List,
    Pricing,
    Media,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    Reset,
    Hang,
    Status,
    Html,
    Slow,
    Cut,
}

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fate {
    Reset,
    Hang,
    /// This answer, byte for byte.
    Answer(String),
    Slow {
        bytes: usize,
        pause: Duration,
    },
    Cut {
        bytes: usize,
    },
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// [`Error::Scenario`] with the line that is wrong.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Scenario {
            path: path.to_owned(),
            reason: reason.trim_end().replace('\n', " "),
        };
        let size = fs::metadata(path)
            .map_err(|error| wrong(error.to_string()))?
            .len();
        if size > LONGEST {
            return Err(wrong("it is too long for a scenario".to_owned()));
        }
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        text.parse().map_err(wrong)
    }
}

impl std::str::FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let scenario: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for (index, fault) in scenario.faults.iter().enumerate() {
            if let Some(name) = fault.misplaced() {
                let number = index + 1;
                return Err(format!(
                    "fault {number}: {name} says nothing about this `do`"
                ));
            }
        }
        Ok(scenario)
    }
}

impl Fault {
    /// A key that is given and not used.
    fn misplaced(&self) -> Option<&'static str> {
        let (answers, passes) = match self.what {
            What::Reset | What::Hang => (false, false),
            What::Status | What::Html => (true, false),
            What::Slow | What::Cut => (false, true),
        };
        let is_status = self.what == What::Status;
        let given = [
            ("arrives", self.arrives.is_some() && passes),
            ("code", self.code.is_some() && !answers),
            ("headers", self.headers.is_some() && !is_status),
            ("body", self.body.is_some() && !is_status),
            ("bytes", self.bytes.is_some() && !passes),
            ("seconds", self.seconds.is_some() && self.what != What::Slow),
        ];
        given
            .into_iter()
            .find(|(_, wrong)| *wrong)
            .map(|(name, _)| name)
    }

    pub(super) fn fate(&self) -> Fate {
        match self.what {
            What::Reset => Fate::Reset,
            What::Hang => Fate::Hang,
            What::Status => Fate::Answer(answer(
                self.code.unwrap_or(503),
                self.headers.as_ref(),
                self.body.as_deref().unwrap_or_default(),
            )),
            What::Html => {
                let kind = ("content-type".to_owned(), "text/html".to_owned());
                let page = "<html><head><title>Sign in</title></head><body>Welcome to the hotel</body></html>";
                Fate::Answer(answer(self.code.unwrap_or(200), Some(&[kind].into()), page))
            }
            What::Slow => Fate::Slow {
                bytes: self.bytes.unwrap_or(16).max(1),
                pause: Duration::try_from_secs_f64(self.seconds.unwrap_or(0.1)).unwrap_or_default(),
            },
            What::Cut => Fate::Cut {
                bytes: self.bytes.unwrap_or(64),
            },
        }
    }
}

fn answer(code: u16, headers: Option<&BTreeMap<String, String>>, body: &str) -> String {
    let mut text = format!("HTTP/1.1 {code} As the scenario says\r\n");
    for (name, value) in headers.into_iter().flatten() {
        text.extend([name, ": ", value, "\r\n"]);
    }
    let length = body.len();
    text + &format!("content-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

/// A scenario that is under way.
#[derive(Debug)]
pub(super) struct Plan {
    faults: Vec<Fault>,
    seen: [AtomicU32; 9],
}

impl Plan {
    pub(super) fn new(scenario: Scenario) -> Self {
        Self {
            faults: scenario.faults,
            seen: Default::default(),
        }
    }

    /// Counts a call and says what goes wrong with it.
    pub(super) fn next(&self, method: &str, target: &str) -> Option<&Fault> {
        let kind = Kind::of(method, target)?;
        let number = self.seen[kind as usize].fetch_add(1, Ordering::SeqCst) + 1;
        self.faults.iter().find(|fault| {
            fault.on == kind
                && number >= fault.nth
                && (fault.times == 0 || number - fault.nth < fault.times)
        })
    }
}

impl Kind {
    fn of(method: &str, target: &str) -> Option<Self> {
        let path = target.split('?').next().unwrap_or_default();
        let segments: Vec<_> = path.split('/').skip(1).collect();
        let after = segments.iter().position(|&segment| segment == "requests");
        let after = after.map(|at| &segments[(at + 2).min(segments.len())..]);
        Some(match (method, segments.as_slice(), after) {
            (_, ["v1", "models", "pricing", ..], _) => Self::Pricing,
            (_, ["v1", "models", "requests", ..], _) => Self::List,
            (_, ["v1" | "api", ..], _) => return None,
            ("POST" | "PUT", ["storage" | "files", ..], _) => Self::Upload,
            ("GET", ["files", ..], _) => Self::Media,
            (_, _, Some(["status", "stream"])) => Self::Stream,
            (_, _, Some(["status"])) => Self::Status,
            (_, _, Some(["cancel"])) => Self::Cancel,
            ("GET", _, Some([] | ["response"])) => Self::Result,
            ("POST", _, None) => Self::Submit,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_call_is_known_by_its_method_and_path() {
        let app = "/fal-ai/infinitalk";
        let cases = [
            (
                "POST",
                format!("{app}/single-text?fal_webhook=x"),
                Some(Kind::Submit),
            ),
            (
                "GET",
                format!("{app}/requests/1/status?logs=1"),
                Some(Kind::Status),
            ),
            (
                "GET",
                format!("{app}/requests/1/status/stream"),
                Some(Kind::Stream),
            ),
            ("GET", format!("{app}/requests/1"), Some(Kind::Result)),
            (
                "GET",
                format!("{app}/single-text/requests/1/response"),
                Some(Kind::Result),
            ),
            (
                "PUT",
                format!("{app}/requests/1/cancel"),
                Some(Kind::Cancel),
            ),
            (
                "POST",
                "/storage/upload/initiate?storage_type=x".to_owned(),
                Some(Kind::Upload),
            ),
            ("PUT", "/storage/upload/abc".to_owned(), Some(Kind::Upload)),
            (
                "GET",
                "/v1/models/requests/by-endpoint?limit=1".to_owned(),
                Some(Kind::List),
            ),
            ("GET", "/v1/models/pricing".to_owned(), Some(Kind::Pricing)),
            ("GET", "/files/b/1/out.mp4".to_owned(), Some(Kind::Media)),
            ("GET", "/v1/meta".to_owned(), None),
            ("OPTIONS", "/".to_owned(), None),
            ("GET", "/requests".to_owned(), Some(Kind::Result)),
        ];
        for (method, target, want) in cases {
            assert_eq!(Kind::of(method, &target), want, "{method} {target}");
        }
    }

    #[test]
    fn a_fault_hits_the_calls_that_it_counts() {
        let scenario: Scenario = r#"
            [[fault]]
            on = "submit"
            nth = 2
            times = 2
            do = "reset"

            [[fault]]
            on = "submit"
            nth = 5
            times = 0
            do = "hang"
        "#
        .parse()
        .unwrap();
        let plan = Plan::new(scenario);
        let fates: Vec<_> = (0..7)
            .map(|_| plan.next("POST", "/fal-ai/x").map(Fault::fate))
            .collect();
        let (reset, hang) = (Some(Fate::Reset), Some(Fate::Hang));
        let want = [
            None,
            reset.clone(),
            reset,
            None,
            hang.clone(),
            hang.clone(),
            hang,
        ];
        assert_eq!(fates, want);
        assert!(plan.next("GET", "/x/requests/1/status").is_none());
    }

    #[test]
    fn what_a_scenario_does_not_know_is_refused_with_its_line() {
        let said = |text: &str| text.parse::<Scenario>().unwrap_err();
        let unknown = said("[[fault]]\non = \"submit\"\ndo = \"reset\"\noften = true\n");
        assert!(
            unknown.contains("line 4") && unknown.contains("often"),
            "{unknown}"
        );
        let kind = said("[[fault]]\non = \"supper\"\ndo = \"reset\"\n");
        assert!(kind.contains("line 2") && kind.contains("supper"), "{kind}");
        let useless = said("[[fault]]\non = \"status\"\ndo = \"cut\"\narrives = true\n");
        assert_eq!(useless, "fault 1: arrives says nothing about this `do`");
    }
}
