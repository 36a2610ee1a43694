//! What was learned of voices from finished videos.

use std::{collections::HashMap, time::Duration};

use rusqlite::params;

use super::{Error, Store};
use crate::model::{
    Job, JobId, Timestamp,
    speech::{Rate, Rates, Take},
};

/// So many of the newest takes of a voice count: voices change with the models.
const NEWEST: usize = 20;

impl Store {
    /// Finished jobs of servers that speak with real voices that nothing was learned of so far, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn unlearned(&self, most: u32) -> Result<Vec<Job>, Error> {
        let records = self.records(
            "WHERE state = 'completed' AND server <> 'preview' AND id NOT IN (SELECT job FROM takes)
             ORDER BY created_at DESC LIMIT ?1",
            vec![most.into()],
        )?;
        Ok(records.into_iter().map(|record| record.job).collect())
    }

    /// Keeps what `job` has told of `voice`: how long its script was reckoned and heard; `None` tells nothing.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn learn(
        &self,
        job: &JobId,
        voice: &str,
        reckoned: Duration,
        heard: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.main().write(|db| {
            db.execute(
                "INSERT OR REPLACE INTO takes (job, at, voice, reckoned_ms, heard_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    job.as_str(),
                    now.as_millisecond(),
                    voice,
                    ms(reckoned),
                    heard.map(ms)
                ],
            )
        })?;
        Ok(())
    }

    /// What is known of voices.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn rates(&self) -> Result<Rates, Error> {
        let takes = self.main().read(|db| {
            let mut select = db.prepare(
                "SELECT voice, reckoned_ms, heard_ms FROM takes WHERE heard_ms IS NOT NULL ORDER BY at DESC",
            )?;
            let time = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or_default());
            let rows = select.query_map([], |row| {
                let take = Take {
                    reckoned: time(row.get(1)?),
                    heard: time(row.get(2)?),
                };
                Ok((row.get::<_, String>(0)?, take))
            })?;
            rows.collect::<Result<Vec<_>, _>>()
        })?;
        let mut by_voice: HashMap<String, Vec<Take>> = HashMap::new();
        for (voice, take) in takes {
            let takes = by_voice.entry(voice).or_default();
            if takes.len() < NEWEST {
                takes.push(take);
            }
        }
        let rate = |(voice, takes): (String, Vec<Take>)| Some((voice, Rate::of(&takes)?));
        Ok(by_voice.into_iter().filter_map(rate).collect())
    }
}
