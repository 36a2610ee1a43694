//! An endpoint as a server's list of models names it.

use serde::{Deserialize, Serialize};

use crate::model::{CleanText, EndpointId};

/// What a list says of an endpoint, without its fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name.
    pub id: EndpointId,
    /// A few words for people.
    pub title: CleanText,
    /// What it makes of what, such as `image-to-video`.
    pub category: CleanText,
}
