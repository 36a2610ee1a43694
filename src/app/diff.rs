//! What differs between two jobs.

use serde_json::Value;

use super::{App, Effect, action::Action, jobs, modal::Modal, notice::Tone};
use crate::model::{Arguments, CleanText, Job};

/// Two jobs beside each other.
pub(crate) struct Diff {
    pub(crate) title: CleanText,
    pub(crate) rows: Vec<DiffRow>,
    pub(crate) top: usize,
}

/// One thing of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiffRow {
    pub(crate) name: CleanText,
    pub(crate) left: CleanText,
    pub(crate) right: CleanText,
    pub(crate) differs: bool,
}

impl Diff {
    pub(crate) fn of(left: &Job, right: &Job) -> Self {
        let mut rows = Vec::new();
        let mut add = |name: &str, left: CleanText, right: CleanText| {
            rows.push(DiffRow {
                name: CleanText::line(name),
                differs: left != right,
                left,
                right,
            });
        };
        let text = |of: &dyn Fn(&Job) -> String| (of(left).into(), of(right).into());
        let (a, b) = text(&|job| job.id.short().to_owned());
        add("job", a, b);
        let (a, b) = text(&|job| jobs::name(job).to_string());
        add("name", a, b);
        let (a, b) = text(&|job| job.endpoint.to_string());
        add("endpoint", a, b);
        for name in names(&left.arguments, &right.arguments) {
            let value = |job: &Job| {
                job.arguments
                    .get(&name)
                    .map_or_else(|| "not given".into(), shown)
            };
            add(&name, value(left), value(right));
        }
        let (a, b) = text(&|job| job.state.name().to_owned());
        add("state", a, b);
        let (a, b) = text(&|job| {
            job.cost()
                .map_or_else(|| "unknown".to_owned(), |cost| cost.to_string())
        });
        add("cost", a, b);
        let (a, b) = text(&|job| {
            job.inference_time.map_or_else(
                || "unknown".to_owned(),
                |time| format!("{:.1} s", time.as_secs_f64()),
            )
        });
        add("inference time", a, b);
        Self {
            title: format!("{} and {}", left.id.short(), right.id.short()).into(),
            rows,
            top: 0,
        }
    }

    /// How many of the rows are not the same, the names of the jobs aside.
    pub(crate) fn differing(&self) -> usize {
        self.rows[1..].iter().filter(|row| row.differs).count()
    }

    pub(crate) fn scroll(&mut self, rows: isize) {
        self.top = self
            .top
            .saturating_add_signed(rows)
            .min(self.rows.len().saturating_sub(1));
    }
}

/// The names of both, in the order of the first.
fn names(left: &Arguments, right: &Arguments) -> Vec<String> {
    let mut names: Vec<_> = left.iter().map(|(name, _)| name.to_owned()).collect();
    for (name, _) in right.iter() {
        if left.get(name).is_none() {
            names.push(name.to_owned());
        }
    }
    names
}

/// A value as it is shown in a line.
pub(crate) fn shown(value: &Value) -> CleanText {
    const LONGEST: usize = 2000;
    match value {
        Value::String(text) => CleanText::line(&text.chars().take(LONGEST).collect::<String>()),
        other => CleanText::line(&other.to_string()),
    }
}

impl App {
    /// The two jobs that a comparison is about: the marked ones, the marked and the selected one, or the selected one and
    /// the one it was made from.
    pub(crate) fn pair(&self) -> Option<(&Job, &Job)> {
        let selected = self.jobs.selected()?;
        match self.jobs.marked() {
            [] => {
                let parent = self.jobs.get(selected.parent.as_ref()?)?;
                Some((parent, selected))
            }
            [one] if *one != selected.id => Some((self.jobs.get(one)?, selected)),
            [one, other] => Some((self.jobs.get(one)?, self.jobs.get(other)?)),
            _ => None,
        }
    }

    pub(super) fn compare(&mut self) -> Vec<Effect> {
        let Some((left, right)) = self.pair() else {
            let key = self.keys_of(Action::MarkJob);
            let text = format!("{key} marks a job; mark two of them to compare");
            self.notices.tell(Tone::Warning, text);
            return vec![];
        };
        let diff = Diff::of(left, right);
        self.modals.push(Modal::Diff(Box::new(diff)));
        vec![]
    }

    /// Looks for the job that the draft is a copy of, so that changes can be shown.
    pub(super) fn find_origin(&mut self) {
        let parent = self.editor.parent.as_ref();
        let origin = parent.and_then(|parent| self.jobs.get(parent));
        self.editor.origin = origin.map(|job| job.arguments.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::testing::{act, app_with, id, job, notice},
        model::JobState,
    };

    fn two() -> App {
        let mut second = job(2, JobState::Completed);
        second.parent = Some(id(1));
        second.arguments.set("voice", "Aria");
        second.arguments.remove("seed");
        app_with(vec![job(1, JobState::Completed), second])
    }

    fn differing(app: &App) -> Vec<&str> {
        let Some(Modal::Diff(diff)) = app.modals.last() else {
            panic!("nothing is compared");
        };
        let rows = diff.rows.iter().filter(|row| row.differs);
        rows.map(|row| row.name.as_str()).collect()
    }

    #[test]
    fn a_copy_is_compared_with_its_parent() {
        let mut app = two();
        act(&mut app, Action::CompareJobs);
        assert_eq!(differing(&app), ["job", "name", "voice", "seed"]);
    }

    #[test]
    fn marked_jobs_are_compared_in_the_order_of_their_marks() {
        let mut app = two();
        app.jobs.select(&id(1));
        act(&mut app, Action::CompareJobs);
        assert!(notice(&app).contains("mark two"), "{}", notice(&app));
        act(&mut app, Action::MarkJob);
        app.jobs.select(&id(2));
        act(&mut app, Action::MarkJob);
        act(&mut app, Action::CompareJobs);
        let Some(Modal::Diff(diff)) = app.modals.last() else {
            panic!("nothing is compared");
        };
        assert_eq!(diff.rows[0].left.as_str(), id(1).short());
    }
}
