//! What is wrong with a draft, field by field.

use super::{Editor, OWN_ROWS};
use crate::model::{Arguments, job::FieldError};

impl Editor {
    /// Looks for faults anew.
    pub(super) fn refresh(&mut self) {
        let (arguments, unreadable) = self.read();
        let checked = self.endpoint.check(&arguments);
        for field in &mut self.fields {
            let name = field.field.name.as_str();
            let of_check = unreadable
                .iter()
                .chain(&checked)
                .find(|error| error.name.as_str() == name)
                .cloned();
            let of_file = field
                .finding
                .as_ref()
                .and_then(|finding| finding.as_ref().err())
                .or(field.refusal.as_ref())
                .map(|message| FieldError::new(name, message.as_str()));
            field.fault = of_check.or(of_file).map(|error| field.fault(&error));
        }
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
            return Ok(());
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
        for field in &mut self.fields {
            let fault = faults
                .iter()
                .find(|fault| fault.name.as_str() == field.field.name);
            if let Some(fault) = fault {
                field.refusal = Some(fault.message.clone());
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
