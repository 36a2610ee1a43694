//! From a wish of the user's to a job that can be sent.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Error, Shared, Tracker, blocking, inputs, now};
use crate::{
    catalog::{Catalog, Endpoint, FieldKind},
    model::{
        CleanText, Job, JobId, JobState,
        job::{Account, FieldError},
        request::{Consent, Wish},
    },
};

/// Words of the script that a name is made of.
const NAME_WORDS: usize = 4;
/// Characters that a made name may have.
const NAME_LENGTH: usize = 32;
/// Seeds are drawn from 0 up to this, which every server can hold.
const LARGEST_SEED: i64 = i32::MAX as i64;

/// The same wish as `job`'s; a seed that talkdeck drew is left open, so that it is drawn anew.
#[must_use]
pub fn again(job: &Job) -> Wish {
    let mut arguments = job.arguments.clone();
    if job.seed_drawn {
        arguments.remove("seed");
    }
    Wish {
        endpoint: job.endpoint.clone(),
        arguments,
        name: job.name.clone(),
        parent: Some(job.id.clone()),
        server: job.account.server.clone(),
        // The price may be another one by now.
        estimated_cost: None,
        consent: Consent::default(),
    }
}

impl Tracker {
    /// Checks a wish as far as this machine can, and completes it: defaults filled in, paths absolute.
    ///
    /// A seed that is left open stays so; it is drawn when the wish is submitted.
    ///
    /// # Errors
    /// Everything that is wrong, field by field.
    pub async fn prepare(&self, wish: Wish) -> Result<Wish, Vec<FieldError>> {
        let (server, endpoint) = (&wish.server, &wish.endpoint);
        if self.shared.catalog(server).get(endpoint).is_none() {
            let asked = self.shared.refresh_endpoint(server, endpoint).await;
            let reason = |error: Error| FieldError::new("endpoint", error.to_string());
            asked.map_err(|error| vec![reason(error)])?;
        }
        let catalog = self.shared.catalog(&wish.server);
        blocking(move || {
            let mut wish = wish;
            let endpoint = catalog
                .get(&wish.endpoint)
                .ok_or_else(|| vec![unknown(&wish)])?;
            let seed_open = is_open(&wish);
            let mut arguments = endpoint.complete(&wish.arguments);
            if seed_open {
                arguments.remove("seed");
            }
            for field in endpoint.fields.iter().filter(|field| !field.required) {
                let is_empty = arguments.text(&field.name) == Some("");
                if is_empty {
                    arguments.remove(&field.name);
                }
            }
            let mut errors = endpoint.check(&arguments);
            errors.extend(inputs::check_files(
                &catalog,
                &wish.endpoint,
                &mut arguments,
            ));
            if !errors.is_empty() {
                return Err(errors);
            }
            wish.estimated_cost = wish
                .estimated_cost
                .or_else(|| endpoint.estimate(&arguments));
            wish.arguments = arguments;
            Ok(wish)
        })
        .await
    }

    /// Submits a prepared wish: one job comes of it. When this returns, the intent is on disk; the rest goes on by
    /// itself and is reported.
    ///
    /// # Errors
    /// When the intent could not be stored, and then nothing is sent; when the endpoint or server is not known here;
    /// [`Error::AlreadyHave`] when the same was asked for already and the wish does not agree to a repetition.
    pub async fn submit(&self, wish: Wish) -> Result<Job, Error> {
        let shared = &self.shared;
        let catalog = shared.catalog(&wish.server);
        let endpoint = catalog
            .get(&wish.endpoint)
            .ok_or_else(|| Error::Arguments(vec![unknown(&wish)]))?;
        let account = shared
            .servers
            .account(&wish.server)
            .ok_or_else(|| Error::OtherAccount {
                server: wish.server.clone(),
            })?;
        let mut job = job_of(wish, endpoint, account);
        let (of, arguments) = (catalog.clone(), job.clone());
        job.request_hash = blocking(move || request_hash(&of, &arguments)).await;
        store_intent(shared, &job).await?;
        shared.reports.job(job.clone());
        shared.drive(&job.id);
        Ok(job)
    }
}

async fn store_intent(shared: &Shared, job: &Job) -> Result<(), Error> {
    let (intent, me) = (job.clone(), shared.owners.me().clone());
    let takes_any = job.consent.repeat || job.account.server.is_preview();
    let twin = shared
        .store(move |store| {
            if takes_any {
                store.insert(&intent, Some(&me)).map(|()| None)
            } else {
                store.insert_unless_twin(&intent, Some(&me))
            }
        })
        .await?;
    match twin {
        Some(twin) => Err(Error::AlreadyHave(Box::new(twin))),
        None => Ok(()),
    }
}

/// What is asked for, in one short text: equal for equal requests, whatever their local files are called.
///
/// Without it, where a file cannot be read, the request counts as one of its kind; its upload will say why.
fn request_hash(catalog: &Catalog, job: &Job) -> Option<String> {
    let mut arguments = job.arguments.clone();
    for (file, path) in inputs::local_files(catalog, &job.endpoint, &job.arguments) {
        let content = inputs::content_hash(&path).ok()?;
        arguments.set_at(&file.pointer, format!("sha256:{content}"));
    }
    let text = format!("{}\n{}", job.endpoint, arguments.canonical_json());
    Some(inputs::hex(&Sha256::digest(text)))
}

fn unknown(wish: &Wish) -> FieldError {
    FieldError::new(
        "endpoint",
        format!(
            "{} is not known; `talkdeck endpoints` lists them",
            wish.endpoint
        ),
    )
}

fn is_open(wish: &Wish) -> bool {
    matches!(wish.arguments.get("seed"), None | Some(Value::Null))
}

fn job_of(wish: Wish, endpoint: &Endpoint, account: Account) -> Job {
    let mut arguments = wish.arguments.clone();
    let drawn = if is_open(&wish) {
        draw_seed(endpoint)
    } else {
        None
    };
    if let Some(seed) = drawn {
        arguments.set("seed", seed);
        arguments = endpoint.complete(&arguments);
    }
    let name = if wish.name.is_empty() {
        name_from_script(endpoint, &wish)
    } else {
        wish.name
    };
    Job {
        id: JobId::random(),
        request_id: None,
        endpoint: wish.endpoint,
        name,
        parent: wish.parent,
        account,
        state: JobState::QueuedLocally,
        remote_status: None,
        cancel_requested: false,
        percent: None,
        created_at: now(),
        submitted_at: None,
        started_at: None,
        completed_at: None,
        inference_time: None,
        estimated_cost: wish.estimated_cost,
        unit_price: endpoint.price.map(|price| price.unit_price),
        billed_units: None,
        arguments,
        seed_drawn: drawn.is_some(),
        request_hash: None,
        consent: wish.consent,
        output: None,
        files: Vec::new(),
        error: None,
        notice: None,
    }
}

/// A seed within the field's limits, if the endpoint has one: it makes the body unlike any other, so that a lost answer
/// can be found again.
fn draw_seed(endpoint: &Endpoint) -> Option<i64> {
    match endpoint.seed_field()?.kind {
        FieldKind::Integer { minimum, maximum } => {
            let least = minimum.unwrap_or(0).max(0);
            let most = maximum.unwrap_or(LARGEST_SEED).min(LARGEST_SEED);
            Some(fastrand::i64(least..=most.max(least)))
        }
        _ => None,
    }
}

fn name_from_script(endpoint: &Endpoint, wish: &Wish) -> CleanText {
    let script = endpoint
        .script_field()
        .and_then(|field| wish.arguments.text(&field.name))
        .or_else(|| wish.arguments.text("prompt"))
        .unwrap_or_default();
    let script = CleanText::line(script);
    let mut name = String::new();
    for word in script.as_str().split_whitespace().take(NAME_WORDS) {
        if !name.is_empty() && name.chars().count() + 1 + word.chars().count() > NAME_LENGTH {
            break;
        }
        if !name.is_empty() {
            name.push(' ');
        }
        name.push_str(word);
    }
    // Scripts without spaces have words of any length.
    let name: String = name.chars().take(NAME_LENGTH).collect();
    let name = name.trim_end_matches(|c: char| c.is_ascii_punctuation());
    if name.is_empty() {
        CleanText::line(endpoint.id.short())
    } else {
        CleanText::line(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ServerId, server::KeyFingerprint};

    fn wish(script: &str, seed: Option<i64>) -> Wish {
        let mut arguments = Catalog::builtin().first().defaults();
        arguments.remove("seed");
        arguments.set("text_input", script);
        if let Some(seed) = seed {
            arguments.set("seed", seed);
        }
        Wish {
            endpoint: Catalog::builtin().first().id.clone(),
            arguments,
            name: CleanText::default(),
            parent: None,
            server: ServerId::fal(),
            estimated_cost: None,
            consent: Consent::default(),
        }
    }

    fn job(wish: Wish) -> Job {
        let account = Account {
            server: ServerId::fal(),
            key: KeyFingerprint::from_stored("0".repeat(16)),
        };
        job_of(wish, Catalog::builtin().first(), account)
    }

    #[test]
    fn an_open_seed_is_drawn_and_drawn_anew_for_the_next_take() {
        let first = job(wish("hello", None));
        assert!(first.seed_drawn);
        let seeds: std::collections::HashSet<_> = (0..8)
            .map(|_| job(again(&first)).arguments.integer("seed").unwrap())
            .collect();
        assert!(seeds.len() > 1, "{seeds:?}");
        assert!(seeds.iter().all(|seed| (0..=LARGEST_SEED).contains(seed)));
        let next = job(again(&first));
        assert_eq!(next.parent, Some(first.id));
    }

    #[test]
    fn a_seed_that_the_user_chose_stays() {
        let first = job(wish("hello", Some(42)));
        assert!(!first.seed_drawn);
        assert_eq!(job(again(&first)).arguments.integer("seed"), Some(42));
    }

    #[test]
    fn a_job_without_a_name_is_named_by_the_first_words_of_its_script() {
        let cases = [
            ("Spend more time with people who", "Spend more time with"),
            ("Hello, world!", "Hello, world"),
            ("  a\nb  c ", "a b c"),
            ("\u{1b}[2J", "infinitalk/single-text"),
            ("…", "…"),
        ];
        for (script, want) in cases {
            assert_eq!(job(wish(script, None)).name.as_str(), want, "{script:?}");
        }
        let long = job(wish(&"日".repeat(500), None)).name;
        assert_eq!(long.as_str().chars().count(), NAME_LENGTH);
    }
}
