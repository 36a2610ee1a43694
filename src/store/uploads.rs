//! Where uploaded files are at the servers, so that nothing is uploaded twice.

use rusqlite::{OptionalExtension, params};

use super::{Error, Store};
use crate::model::{Timestamp, server::KeyFingerprint};

/// An upload that nobody asked about for so long is forgotten.
const LIFE_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// A file and who may use it where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UploadKey {
    /// The origin of the server's storage: another port of an embedded server is another server.
    pub server: String,
    /// The key it was uploaded with; another account need not be able to read it.
    pub key: KeyFingerprint,
    /// The SHA-256 of its content, in hexadecimal.
    pub hash: String,
}

/// A file that a server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptUpload {
    /// Names it in an endpoint's arguments.
    pub url: String,
    /// When it was last known to be there.
    pub checked_at: Timestamp,
}

impl Store {
    /// Where the file is, as far as is known.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn upload(&self, of: &UploadKey) -> Result<Option<KeptUpload>, Error> {
        self.main().read(|db| {
            db.query_row(
                "SELECT url, checked_at FROM uploads WHERE server = ?1 AND key = ?2 AND hash = ?3",
                params![of.server, of.key.as_str(), of.hash],
                |row| {
                    let checked_at = Timestamp::from_millisecond(row.get("checked_at")?);
                    Ok(KeptUpload {
                        url: row.get("url")?,
                        checked_at: checked_at.unwrap_or(Timestamp::UNIX_EPOCH),
                    })
                },
            )
            .optional()
        })
    }

    /// The file is at `url`: it was uploaded there, or found there, at `now`.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn keep_upload(&self, of: &UploadKey, url: &str, now: Timestamp) -> Result<(), Error> {
        let now = now.as_millisecond();
        self.main().write(|db| {
            db.execute(
                "DELETE FROM uploads WHERE checked_at < ?1",
                [now.saturating_sub(LIFE_MS)],
            )?;
            db.execute(
                "INSERT OR REPLACE INTO uploads (server, key, hash, url, checked_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![of.server, of.key.as_str(), of.hash, url, now],
            )
        })?;
        Ok(())
    }

    /// The content that was uploaded to `url`, as its hash.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn uploaded_content(&self, url: &str) -> Result<Option<String>, Error> {
        self.main().read(|db| {
            db.query_row("SELECT hash FROM uploads WHERE url = ?1", [url], |row| {
                row.get(0)
            })
            .optional()
        })
    }
}
