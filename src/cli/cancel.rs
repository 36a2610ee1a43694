//! `talkdeck cancel`: asks the server, and tells truthfully what came of it.

use std::time::Duration;

use super::{
    Exit, Fault, Output,
    follow::{Until, follow},
    job_text,
    output::notice,
    session::{Context, Session},
};
use crate::{model::JobState, tracker::CancelOutcome};

/// How long the server's last word is waited for once it has taken the request.
const LAST_WORD: Duration = Duration::from_secs(5);
