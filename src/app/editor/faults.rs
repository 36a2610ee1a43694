//! What is wrong with a draft, field by field.

use super::{Editor, OWN_ROWS, field::FieldEditor};
use crate::model::{Arguments, CleanText, job::FieldError};

impl Editor {
    /// Looks for faults anew.
    pub(super) fn refresh(&mut self) {
        let (arguments, unreadable) = self.read();
        let checked = self.endpoint.check(&arguments);
        for field in &mut self.fields {
            let of_file = field
                .finding
                .as_ref()
                .and_then(|finding| finding.as_ref().err())
                .or(field.refusal.as_ref())
                .map(|message| FieldError::new(&field.field.name, message.as_str()));
            field.fault = of_file.map(|error| field.fault(&error));
        }
        self.unplaced = None;
        // The first that is said about a row counts, and more than what a file or the server says.
        for error in unreadable.iter().chain(&checked).rev() {
            match self.row_of(error.name.as_str()) {
                Some(at) => {
                    let field = &mut self.fields[at];
                    field.fault = Some(field.fault(error));
                }
                None => self.unplaced = Some(error.clone()),
            }
        }
    }

    /// The row of the field `name`, or of the innermost one that it is inside of.
    fn row_of(&self, name: &str) -> Option<usize> {
        let fits = |field: &FieldEditor| {
            let own = CleanText::line(&field.field.name);
            let rest = name.strip_prefix(own.as_str())?;
            (rest.is_empty() || rest.starts_with('.')).then_some(own.as_str().len())
        };
        (0..self.fields.len())
            .filter_map(|at| Some((fits(&self.fields[at])?, at)))
            .max_by_key(|(length, at)| (*length, std::cmp::Reverse(*at)))
            .map(|(_, at)| at)
    }

    /// Shows every fault and goes to the first; returns whether the draft may be sent.
    pub(crate) fn check_all(&mut self) -> Result<(), (usize, FieldError)> {
        self.refresh();
        for field in &mut self.fields {
            field.touched = true;
        }
        let mut faulty = self.fields.iter().enumerate().filter_map(|(at, field)| {
            let fault = field.fault.as_ref()?;
            Some((at, FieldError::new(&field.label(), fault.full.as_str())))
        });
        let Some((at, error)) = faulty.next() else {
            return self
                .unplaced
                .clone()
                .map_or(Ok(()), |error| Err((1, error)));
        };
        let count = 1 + faulty.count();
        self.stop_typing();
        self.select(at + OWN_ROWS);
        Err((count, error))
    }

    /// Shows what was found wrong with these very arguments; returns whether they are still the draft's.
    pub(crate) fn refuse(&mut self, arguments: &Arguments, faults: &[FieldError]) -> bool {
        let now = self.read().0;
        let same = now
            .iter()
            .all(|(name, value)| arguments.get(name) == Some(value));
        if !same {
            return false;
        }
        for fault in faults.iter().rev() {
            if let Some(at) = self.row_of(fault.name.as_str()) {
                let field = &mut self.fields[at];
                field.refusal = Some(field.fault(fault).full);
                field.touched = true;
            }
        }
        self.refresh();
        let first = self.fields.iter().position(|field| field.refusal.is_some());
        if let Some(at) = first {
            self.stop_typing();
            self.select(at + OWN_ROWS);
        }
        true
    }
}
