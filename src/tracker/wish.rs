//! From a wish of the user's to a job that can be sent.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Error, Tracker, blocking, inputs, now};
use crate::{
    catalog::{Catalog, Endpoint, FieldKind},
    model::{
        Job, JobId, JobState,
        job::{Account, FieldError},
        request::{Consent, Wish},
    },
};

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
        sweep: None,
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
        let mut wishes = self
            .prepare_all(vec![wish])
            .await
            .map_err(|(_, faults)| faults)?;
        Ok(wishes.pop().expect("one wish, one prepared"))
    }

    /// As [`Tracker::prepare`], for many; a file that many of them name is looked at once.
    ///
    /// # Errors
    /// The place of the first that is not in order, and everything that is wrong with it.
    pub async fn prepare_all(
        &self,
        wishes: Vec<Wish>,
    ) -> Result<Vec<Wish>, (usize, Vec<FieldError>)> {
        for (
            number,
            Wish {
                server, endpoint, ..
            },
        ) in wishes.iter().enumerate()
        {
            if self.shared.catalog(server).get(endpoint).is_none() {
                let asked = self.shared.refresh_endpoint(server, endpoint).await;
                let reason = |error: Error| FieldError::new("endpoint", error.to_string());
                asked.map_err(|error| (number, vec![reason(error)]))?;
            }
        }
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let mut files = inputs::Checked::default();
            let prepare = |(number, wish): (usize, Wish)| {
                let catalog = shared.catalog(&wish.server);
                prepared(&catalog, wish, &mut files).map_err(|faults| (number, faults))
            };
            wishes.into_iter().enumerate().map(prepare).collect()
        })
        .await
    }

    /// Submits a prepared wish: one job comes of it. See [`Tracker::submit_all`].
    ///
    /// # Errors
    /// As there.
    pub async fn submit(&self, wish: Wish) -> Result<Job, Error> {
        let mut jobs = self.submit_all(vec![wish]).await?;
        Ok(jobs.pop().expect("one wish, one job"))
    }

    /// Submits prepared wishes: one job comes of each. When this returns, all intents are on disk, stored together; the
    /// rest goes on by itself and is reported.
    ///
    /// # Errors
    /// When the intents could not be stored, and then nothing is sent; when an endpoint or server is not known here;
    /// [`Error::AlreadyHave`] when some of them were asked for already, or are the same, and do not agree to a repetition.
    pub async fn submit_all(&self, wishes: Vec<Wish>) -> Result<Vec<Job>, Error> {
        let shared = &self.shared;
        let mut jobs = Vec::with_capacity(wishes.len());
        // One after the other, so that a list of jobs has them in the order in which they were wished for.
        let mut created_at = now();
        for wish in wishes {
            let catalog = shared.catalog(&wish.server);
            let endpoint = catalog
                .get(&wish.endpoint)
                .ok_or_else(|| Error::Arguments(vec![unknown(&wish)]))?;
            let account =
                shared
                    .servers
                    .account(&wish.server)
                    .ok_or_else(|| Error::OtherAccount {
                        server: wish.server.clone(),
                    })?;
            let mut job = job_of(wish, endpoint, account);
            job.created_at = created_at;
            created_at += Duration::from_millis(1);
            jobs.push((job, catalog));
        }
        let jobs = blocking(move || with_hashes(jobs)).await;
        let (intents, me) = (jobs.clone(), shared.owners.me().clone());
        let twins = shared
            .store(move |store| store.insert_unless_twins(&intents, &me))
            .await?;
        if !twins.is_empty() {
            return Err(Error::AlreadyHave(twins));
        }
        for job in &jobs {
            shared.reports.job(job.clone());
            shared.drive(&job.id);
        }
        Ok(jobs)
    }
}

fn prepared(
    catalog: &Catalog,
    mut wish: Wish,
    files: &mut inputs::Checked,
) -> Result<Wish, Vec<FieldError>> {
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
    errors.extend(files.check(catalog, &wish.endpoint, &mut arguments));
    if !errors.is_empty() {
        return Err(errors);
    }
    wish.estimated_cost = wish
        .estimated_cost
        .or_else(|| endpoint.estimate(&arguments));
    wish.arguments = arguments;
    Ok(wish)
}

/// The jobs with the hashes of what they ask for; a file that many of them name is read once.
fn with_hashes(jobs: Vec<(Job, Arc<Catalog>)>) -> Vec<Job> {
    let mut known = HashMap::new();
    let hash = |(mut job, catalog): (Job, Arc<Catalog>)| {
        job.request_hash = request_hash(&catalog, &job, &mut known);
        job
    };
    jobs.into_iter().map(hash).collect()
}

/// What is asked for, in one short text: equal for equal requests, whatever their local files are called.
///
/// Without it, where a file cannot be read, the request counts as one of its kind; its upload will say why.
fn request_hash(
    catalog: &Catalog,
    job: &Job,
    known: &mut HashMap<PathBuf, Option<String>>,
) -> Option<String> {
    let mut arguments = job.arguments.clone();
    for (file, path) in inputs::local_files(catalog, &job.endpoint, &job.arguments) {
        let content = known
            .entry(path)
            .or_insert_with_key(|path| inputs::content_hash(path).ok())
            .as_ref()?;
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
        endpoint.name_for(&wish.arguments)
    } else {
        wish.name
    };
    Job {
        id: JobId::random(),
        request_id: None,
        endpoint: wish.endpoint,
        name,
        parent: wish.parent,
        sweep: wish.sweep,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CleanText, ServerId, server::KeyFingerprint};

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
            sweep: None,
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
}
