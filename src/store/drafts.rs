//! Drafts, so that a dropped line loses no word.

use rusqlite::{OptionalExtension, Row, params};

use super::{Error, Store, row};
use crate::model::{
    CleanText, Draft, JobId, Timestamp,
    draft::{KeptDraft, Slot},
};

impl Store {
    /// Keeps `draft` in `slot`, in place of what was there.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn save_draft(&self, slot: &Slot, draft: &Draft, now: Timestamp) -> Result<(), Error> {
        self.main().write(|db| {
            db.execute(
                "INSERT OR REPLACE INTO drafts (key, endpoint, arguments, name, parent, saved_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    slot.key(),
                    draft.endpoint.as_str(),
                    draft.arguments.to_json(),
                    draft.name.as_str(),
                    draft.parent.as_ref().map(JobId::as_str),
                    now.as_millisecond(),
                ],
            )
        })?;
        Ok(())
    }

    /// All drafts that can be read, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn drafts(&self) -> Result<Vec<KeptDraft>, Error> {
        self.main().read(|db| {
            let mut select = db.prepare("SELECT * FROM drafts ORDER BY saved_at DESC, key")?;
            let rows = select.query_map([], |row| Ok(read(row).ok().flatten()))?;
            rows.filter_map(Result::transpose).collect()
        })
    }

    /// The draft in `slot`, if there is one that can be read.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn draft(&self, slot: &Slot) -> Result<Option<Draft>, Error> {
        let kept = self.main().read(|db| {
            db.query_row("SELECT * FROM drafts WHERE key = ?1", [slot.key()], read)
                .optional()
        })?;
        Ok(kept.flatten().map(|kept| kept.draft))
    }

    /// Forgets the draft in `slot`.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn delete_draft(&self, slot: &Slot) -> Result<(), Error> {
        self.main()
            .write(|db| db.execute("DELETE FROM drafts WHERE key = ?1", [slot.key()]))?;
        Ok(())
    }
}

/// A row; nothing where its slot is none that is known here.
fn read(row: &Row<'_>) -> rusqlite::Result<Option<KeptDraft>> {
    let Some(slot) = Slot::from_key(&row.get::<_, String>("key")?) else {
        return Ok(None);
    };
    let draft = Draft {
        endpoint: row::parsed(row, "endpoint")?,
        arguments: row::json(row, "arguments")?.unwrap_or_default(),
        name: CleanText::multiline(&row.get::<_, String>("name")?),
        parent: row
            .get::<_, Option<String>>("parent")?
            .and_then(|text| text.parse().ok()),
    };
    let saved_at = Timestamp::from_millisecond(row.get("saved_at")?);
    Ok(Some(KeptDraft {
        slot,
        draft,
        saved_at: saved_at.unwrap_or(Timestamp::UNIX_EPOCH),
    }))
}
