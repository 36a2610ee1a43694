//! Marks, and sweeps that are one row.

use super::Jobs;
use crate::model::{Job, JobId, SweepId};

impl Jobs {
    // ---- marks ----

    pub(crate) fn marked(&self) -> &[JobId] {
        &self.marked
    }

    pub(crate) fn is_marked(&self, id: &JobId) -> bool {
        self.marked.contains(id)
    }

    /// Marks the selected job or takes its mark away, and goes on to the next.
    pub(crate) fn mark(&mut self) {
        let Some(id) = self.selected.clone() else {
            return;
        };
        if self.is_marked(&id) {
            self.marked.retain(|marked| *marked != id);
        } else {
            self.marked.push(id);
        }
        self.step(1);
    }

    // ---- sweeps ----

    /// Whether the job at `place` stands behind the one row of its sweep. A filter looks into sweeps.
    pub(super) fn is_folded_away(&self, place: usize) -> bool {
        let Some(sweep) = self.all[place].sweep.as_ref() else {
            return false;
        };
        self.filter.is_empty() && !self.unfolded.contains(sweep) && self.head(sweep) != Some(place)
    }

    /// The newest job of a sweep, whose row stands for all when it is folded.
    fn head(&self, sweep: &SweepId) -> Option<usize> {
        self.sweeps.get(sweep)?.last().copied()
    }

    /// The job that stood for the sweep of the new one at `place` so far gives way to it.
    pub(super) fn put_behind(&mut self, place: usize) {
        let Some(places) = self.all[place]
            .sweep
            .as_ref()
            .and_then(|sweep| self.sweeps.get(sweep))
        else {
            return;
        };
        let Some(&before) = places.iter().rev().nth(1) else {
            return;
        };
        if self.is_folded_away(before)
            && let Ok(at) = self.shown.binary_search(&before)
        {
            if self.selected.as_ref() == Some(&self.all[before].id) {
                self.selected = Some(self.all[place].id.clone());
            }
            let row = self.shown.len() - 1 - at;
            self.shown.remove(at);
            self.top -= usize::from(row < self.top);
        }
    }

    /// The jobs of the sweep that the row of `job` stands for, if it does.
    pub(crate) fn group_of(&self, job: &Job) -> Option<Vec<&Job>> {
        let sweep = job.sweep.as_ref()?;
        let places = self.sweeps.get(sweep)?;
        let folded = self.filter.is_empty() && !self.unfolded.contains(sweep) && places.len() > 1;
        folded.then(|| places.iter().map(|&place| &self.all[place]).collect())
    }

    /// The jobs of the selected row, where it stands for a sweep.
    pub(crate) fn selected_group(&self) -> Option<Vec<Job>> {
        let group = self.group_of(self.selected()?)?;
        Some(group.into_iter().cloned().collect())
    }

    /// Selects the row in which the job `id` is: its own, or that of its folded sweep.
    pub(crate) fn select_row_of(&mut self, id: &JobId) {
        let Some(&place) = self.places.get(id) else {
            return;
        };
        let head = self.all[place]
            .sweep
            .as_ref()
            .and_then(|sweep| self.head(sweep));
        match head {
            Some(head) if self.is_folded_away(place) => {
                let head = self.all[head].id.clone();
                self.select(&head);
            }
            _ => self.select(id),
        }
    }

    /// Folds the sweep of the selected job, or unfolds it.
    pub(crate) fn fold(&mut self) {
        let Some(sweep) = self.selected().and_then(|job| job.sweep.clone()) else {
            return;
        };
        if !self.unfolded.remove(&sweep) {
            self.unfolded.insert(sweep);
        } else if let Some(head) = self.head(&sweep) {
            self.selected = Some(self.all[head].id.clone());
        }
        self.refilter();
    }
}
