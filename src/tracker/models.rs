//! The list of models that a server has: asked for once a day at most, and only when somebody looks.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::{Deserialize, Serialize};

use super::{Error, now, place, prices::is_fresh};
use crate::{
    catalog::Listed,
    fal::Client,
    model::{CleanText, ServerId, Timestamp},
};

/// The file in the cache directory.
const FILE: &str = "models.json";
/// Larger than any that we have written.
const LARGEST: u64 = 16 << 20;
/// Models that are kept; fal has some fifteen hundred.
const MOST: usize = 10_000;
/// Characters of a title that are kept.
const LONGEST: usize = 120;

/// Of each server, by its id, what it lists.
type Book = BTreeMap<String, Kept>;

#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    at: Timestamp,
    models: Vec<Listed>,
}

/// What the cache has of `server`, and whether it is to be asked again.
pub(super) fn known(dir: Option<&Path>, server: &ServerId) -> (Vec<Listed>, bool) {
    let kept = dir.and_then(|dir| read(dir).remove(server.as_str()));
    match kept {
        Some(kept) => (kept.models, !is_fresh(kept.at)),
        None => (Vec::new(), true),
    }
}

pub(super) async fn load(client: &Client) -> Result<Vec<Listed>, Error> {
    let text = |text: Option<String>| {
        let text: String = text.unwrap_or_default().chars().take(LONGEST).collect();
        CleanText::line(&text)
    };
    let models = client.models().await?.into_iter();
    Ok(models
        .filter_map(|model| {
            let metadata = model.metadata.unwrap_or_default();
            Some(Listed {
                id: model.endpoint_id.parse().ok()?,
                title: text(metadata.display_name),
                category: text(metadata.category),
            })
        })
        .take(MOST)
        .collect())
}

pub(super) fn keep(dir: Option<&Path>, server: &ServerId, models: &[Listed]) -> io::Result<()> {
    let Some(dir) = dir else { return Ok(()) };
    let mut book = read(dir);
    let kept = Kept {
        at: now(),
        models: models.to_vec(),
    };
    book.insert(server.as_str().to_owned(), kept);
    place::make_dir(dir)?;
    let (unfinished, mut file) = place::Unfinished::create(dir, "models")?;
    io::Write::write_all(&mut file, &serde_json::to_vec(&book)?)?;
    unfinished.replace(&dir.join(FILE))
}

fn read(dir: &Path) -> Book {
    let path = dir.join(FILE);
    let is_ours = fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() <= LARGEST);
    is_ours
        .then(|| serde_json::from_slice(&fs::read(path).ok()?).ok())
        .flatten()
        .unwrap_or_default()
}
