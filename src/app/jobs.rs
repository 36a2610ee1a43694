//! The list of jobs: order, filter, selection.

use std::collections::{HashMap, HashSet};

use crate::model::{CleanText, Job, JobId, JobState, SweepId};

mod sweeps;

/// How many jobs there are of a kind, as the header tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) running: usize,
    pub(crate) queued: usize,
    pub(crate) done: usize,
    pub(crate) failed: usize,
    pub(crate) unconfirmed: usize,
    /// Of all these, those whose row shows a time that goes on.
    timed: usize,
}

/// All jobs that the screens know.
///
/// Kept oldest first, so that a new job is an addition at the end; shown newest first.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    all: Vec<Job>,
    places: HashMap<JobId, usize>,
    /// The places of the jobs that pass the filter, rising.
    shown: Vec<usize>,
    selected: Option<JobId>,
    /// Rows above the window.
    pub(crate) top: usize,
    /// Of those, rows that came while the user looked at the top.
    unseen: usize,
    height: usize,
    filter: String,
    /// Bytes sent and in all, of jobs whose files are on their way.
    uploads: HashMap<JobId, (u64, u64)>,
    /// Jobs that an earlier run left unsent.
    held: HashSet<JobId>,
    /// The places of the jobs of each sweep, rising.
    sweeps: HashMap<SweepId, Vec<usize>>,
    /// Jobs that the user marked, in that order.
    marked: Vec<JobId>,
    /// Sweeps whose jobs are shown one by one.
    unfolded: HashSet<SweepId>,
    counts: Counts,
}

impl Jobs {
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn shown_len(&self) -> usize {
        self.shown.len()
    }

    pub(crate) const fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) fn filter(&self) -> &str {
        &self.filter
    }

    /// Rows that came above the window while the user looked at the top.
    pub(crate) const fn unseen(&self) -> usize {
        self.unseen
    }

    pub(crate) fn get(&self, id: &JobId) -> Option<&Job> {
        self.places.get(id).map(|&place| &self.all[place])
    }

    /// The job in a row, the newest in row 0.
    pub(crate) fn row(&self, row: usize) -> Option<&Job> {
        let from_end = self.shown.len().checked_sub(row + 1)?;
        Some(&self.all[self.shown[from_end]])
    }

    pub(crate) fn selected(&self) -> Option<&Job> {
        self.get(self.selected.as_ref()?)
    }

    pub(crate) const fn selected_id(&self) -> Option<&JobId> {
        self.selected.as_ref()
    }

    /// The row of the selected job.
    pub(crate) fn selected_row(&self) -> Option<usize> {
        let place = self.places.get(self.selected.as_ref()?)?;
        let at = self.shown.binary_search(place).ok()?;
        Some(self.shown.len() - 1 - at)
    }

    pub(crate) fn is_held(&self, id: &JobId) -> bool {
        self.held.contains(id)
    }

    pub(crate) fn upload(&self, id: &JobId) -> Option<(u64, u64)> {
        self.uploads.get(id).copied()
    }

    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Job> {
        self.all.iter().rev()
    }

    /// Jobs that something is under way for.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Job> {
        self.all
            .iter()
            .filter(|job| job.state.is_live() && !self.is_held(&job.id))
    }

    /// Whether a timer on the screen is running.
    pub(crate) const fn has_timers(&self) -> bool {
        self.counts.timed > 0
    }

    // ---- what the store says ----

    /// Takes the jobs that the store had. What is known already came as news and is newer than that.
    pub(crate) fn load(&mut self, mut jobs: Vec<Job>) {
        jobs.retain(|job| !self.places.contains_key(&job.id));
        jobs.append(&mut self.all);
        jobs.sort_by(|a, b| {
            a.created_at
                .cmp(&b.created_at)
                .then_with(|| a.id.cmp(&b.id))
        });
        jobs.dedup_by(|a, b| a.id == b.id);
        self.all = jobs;
        self.index();
        self.recount();
        self.refilter();
    }

    /// Takes a job as it is now; returns whether it is new.
    pub(crate) fn apply(&mut self, job: Job) -> bool {
        if !matches!(job.state, JobState::Uploading) {
            self.uploads.remove(&job.id);
        }
        if let Some(&place) = self.places.get(&job.id) {
            self.count(place, false);
            if !matches!(job.state, JobState::QueuedLocally | JobState::Uploading) {
                self.held.remove(&job.id);
            }
            self.all[place] = job;
            self.count(place, true);
            self.reconsider(place);
            return false;
        }
        let after = |known: &Job| (known.created_at, &known.id) <= (job.created_at, &job.id);
        let place = self.all.partition_point(after);
        let id = job.id.clone();
        self.all.insert(place, job);
        if place + 1 == self.all.len() {
            self.places.insert(id, place);
            if let Some(sweep) = self.all[place].sweep.clone() {
                self.sweeps.entry(sweep).or_default().push(place);
            }
        } else {
            self.index();
            for shown in &mut self.shown {
                *shown += usize::from(*shown >= place);
            }
        }
        self.count(place, true);
        self.reconsider(place);
        self.put_behind(place);
        if self.selected.is_none() {
            self.select_row(0);
        }
        true
    }

    pub(crate) fn remove(&mut self, id: &JobId) {
        let Some(&place) = self.places.get(id) else {
            return;
        };
        let row = self.selected_row();
        self.count(place, false);
        self.all.remove(place);
        self.uploads.remove(id);
        self.held.remove(id);
        self.marked.retain(|marked| marked != id);
        self.index();
        let was_selected = self.selected.as_ref() == Some(id);
        self.refilter_keeping_selection();
        if was_selected {
            self.selected = None;
            self.select_row(row.unwrap_or(0).min(self.shown.len().saturating_sub(1)));
        }
    }

    pub(crate) fn set_upload(&mut self, id: JobId, sent: u64, total: u64) {
        if self.places.contains_key(&id) {
            self.uploads.insert(id, (sent, total));
        }
    }

    pub(crate) fn hold(&mut self, id: JobId) {
        if let Some(&place) = self.places.get(&id) {
            self.count(place, false);
            self.held.insert(id);
            self.count(place, true);
        }
    }

    /// The user has decided about a held job.
    pub(crate) fn release(&mut self, id: &JobId) {
        if let Some(&place) = self.places.get(id) {
            self.count(place, false);
            self.held.remove(id);
            self.count(place, true);
        }
    }

    fn index(&mut self) {
        self.places = self
            .all
            .iter()
            .enumerate()
            .map(|(place, job)| (job.id.clone(), place))
            .collect();
        self.sweeps.clear();
        for (place, job) in self.all.iter().enumerate() {
            if let Some(sweep) = &job.sweep {
                self.sweeps.entry(sweep.clone()).or_default().push(place);
            }
        }
    }

    fn recount(&mut self) {
        self.counts = Counts::default();
        for place in 0..self.all.len() {
            self.count(place, true);
        }
    }

    fn count(&mut self, place: usize, there: bool) {
        let job = &self.all[place];
        let counts = &mut self.counts;
        let is_timed = matches!(
            job.state,
            JobState::Uploading
                | JobState::Submitting
                | JobState::InQueue { .. }
                | JobState::InProgress
                | JobState::Saving
        ) && !self.held.contains(&job.id);
        let change = |number: &mut usize| {
            *number = if there { *number + 1 } else { *number - 1 };
        };
        if is_timed {
            change(&mut counts.timed);
        }
        let number = match job.state {
            JobState::InProgress | JobState::Saving => &mut counts.running,
            _ if self.held.contains(&job.id) => return,
            JobState::QueuedLocally
            | JobState::Uploading
            | JobState::Submitting
            | JobState::InQueue { .. } => &mut counts.queued,
            JobState::Completed => &mut counts.done,
            JobState::Failed | JobState::Expired => &mut counts.failed,
            JobState::Unconfirmed { .. } => &mut counts.unconfirmed,
            JobState::Draft | JobState::Cancelled => return,
        };
        change(number);
    }

    // ---- filter ----

    pub(crate) fn set_filter(&mut self, filter: &str) {
        if self.filter != filter {
            filter.clone_into(&mut self.filter);
            self.refilter();
        }
    }

    fn refilter(&mut self) {
        self.refilter_keeping_selection();
        if self.selected_row().is_none() {
            self.select_row(0);
        } else {
            self.keep_in_sight();
        }
    }

    fn refilter_keeping_selection(&mut self) {
        let needle = self.filter.to_lowercase();
        self.shown = (0..self.all.len())
            .filter(|&place| self.is_shown(place, &needle))
            .collect();
        self.unseen = 0;
        self.keep_in_sight();
    }

    /// Puts the job at `place` among those shown, or takes it out.
    fn reconsider(&mut self, place: usize) {
        let fits = self.is_shown(place, &self.filter.to_lowercase());
        match (self.shown.binary_search(&place), fits) {
            (Err(at), true) => {
                let row = self.shown.len() - at;
                self.shown.insert(at, place);
                if self.selected.is_some() && row <= self.top {
                    // What is looked at stays where it is on the screen; the new row is above it.
                    self.unseen += usize::from(self.top == self.unseen);
                    self.top += 1;
                }
            }
            // The selected job stays in the list although it does not fit any more: it is being looked at.
            (Ok(at), false) if self.selected.as_ref() != Some(&self.all[place].id) => {
                let row = self.shown.len() - 1 - at;
                self.shown.remove(at);
                self.top -= usize::from(row < self.top);
            }
            _ => {}
        }
    }

    fn is_shown(&self, place: usize, needle: &str) -> bool {
        fits(&self.all[place], needle) && !self.is_folded_away(place)
    }

    // ---- selection ----

    pub(crate) fn select(&mut self, id: &JobId) {
        if let Some(&place) = self.places.get(id) {
            if self.is_folded_away(place)
                && let Some(sweep) = self.all[place].sweep.clone()
            {
                self.unfolded.insert(sweep);
                self.refilter_keeping_selection();
            }
            self.selected = Some(id.clone());
            self.keep_in_sight();
        }
    }

    /// Selects the job in `row`, the last one if there are fewer.
    pub(crate) fn select_row(&mut self, row: usize) {
        let row = row.min(self.shown.len().saturating_sub(1));
        self.selected = self.row(row).map(|job| job.id.clone());
        self.keep_in_sight();
    }

    /// Moves the selection by `rows`.
    pub(crate) fn step(&mut self, rows: isize) {
        let row = self.selected_row().unwrap_or(0);
        self.select_row(row.saturating_add_signed(rows));
    }

    /// Goes to the newest row if the user was at the top before it came.
    pub(crate) fn show_newest(&mut self) {
        if self.top == self.unseen {
            (self.top, self.unseen) = (0, 0);
            self.keep_in_sight();
        }
    }

    /// Rows of the window.
    pub(crate) const fn height(&self) -> usize {
        self.height
    }

    pub(crate) fn resize(&mut self, height: usize) {
        if self.height != height {
            self.height = height;
            self.keep_in_sight();
        }
    }

    fn keep_in_sight(&mut self) {
        let height = self.height.max(1);
        self.top = self
            .top
            .min(self.shown.len().saturating_sub(height).max(self.unseen));
        if let Some(row) = self.selected_row() {
            self.top = self.top.min(row).max((row + 1).saturating_sub(height));
        }
        self.unseen = self.unseen.min(self.top);
    }
}

/// Whether the words of `job` contain `needle`, which is in lower case.
fn fits(job: &Job, needle: &str) -> bool {
    // A data URI is no word.
    const LONGEST: usize = 20_000;
    if needle.is_empty() {
        return true;
    }
    let contains = |text: &str| text.to_lowercase().contains(needle);
    contains(job.name.as_str())
        || job.id.as_str().starts_with(needle)
        || job.state.name().contains(needle)
        || contains(job.endpoint.as_str())
        || job
            .request_id
            .as_ref()
            .is_some_and(|id| contains(id.as_str()))
        || job
            .arguments
            .iter()
            .filter_map(|(_, value)| value.as_str())
            .any(|text| text.len() < LONGEST && contains(text))
}

/// A job's name, or its script where it has none.
pub(crate) fn name(job: &Job) -> CleanText {
    if job.name.is_empty() {
        job.arguments
            .iter()
            .find(|(name, _)| name.ends_with("text_input"))
            .and_then(|(_, value)| value.as_str())
            .map_or_else(
                || CleanText::line(job.endpoint.short()),
                // The start is all that a row has room for.
                |script| CleanText::line(&script.chars().take(200).collect::<String>()),
            )
    } else {
        job.name.clone()
    }
}

#[cfg(test)]
mod tests;
