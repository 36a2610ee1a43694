//! What is in the editor, so that a dropped line loses no word.

use rusqlite::{OptionalExtension, params};

use super::{Error, Store, row};
use crate::model::{CleanText, Draft, JobId};

impl Store {
    /// Keeps `draft` under `key`, in place of what was there.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn save_draft(&self, key: &str, draft: &Draft) -> Result<(), Error> {
        self.main().write(|db| {
            db.execute(
                "INSERT OR REPLACE INTO drafts (key, endpoint, arguments, name, parent) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    key,
                    draft.endpoint.as_str(),
                    draft.arguments.to_json(),
                    draft.name.as_str(),
                    draft.parent.as_ref().map(JobId::as_str),
                ],
            )
        })?;
        Ok(())
    }

    /// The draft under `key`, if there is one that can be read.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn load_draft(&self, key: &str) -> Result<Option<Draft>, Error> {
        self.main().read(|db| {
            db.query_row(
                "SELECT endpoint, arguments, name, parent FROM drafts WHERE key = ?1",
                [key],
                |row| {
                    Ok(Draft {
                        endpoint: row::parsed(row, "endpoint")?,
                        arguments: row::json(row, "arguments")?.unwrap_or_default(),
                        name: CleanText::multiline(&row.get::<_, String>("name")?),
                        parent: row
                            .get::<_, Option<String>>("parent")?
                            .and_then(|text| text.parse().ok()),
                    })
                },
            )
            .optional()
        })
    }
}
