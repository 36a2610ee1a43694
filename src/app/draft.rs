//! A request while it is being written.

use crate::model::{Arguments, CleanText, EndpointId, JobId};

/// What the request editor holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What is to run.
    pub endpoint: EndpointId,
    /// Its input so far; a value that does not fit its field's type is kept as the text that was typed.
    pub arguments: Arguments,
    /// What the job will be called; empty means that a name is made from the script.
    pub name: CleanText,
    /// The job it is a copy of.
    pub parent: Option<JobId>,
}
