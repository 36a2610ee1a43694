//! What the video's shape cuts off a picture.

use serde_json::Value;

use super::Editor;
use crate::{
    app::message::FileFacts,
    model::crop::{self, Resolution},
};

impl Editor {
    /// The size of the video that a picture of this size becomes, where the endpoint has one of the known sizes.
    pub(crate) fn video_size(&self, picture: (u32, u32)) -> Option<(u32, u32)> {
        let field = self.fields.iter().find(|f| f.pointer == "/resolution")?;
        let default = || field.field.default.as_ref()?.as_str().map(str::to_owned);
        let name = match field.value() {
            Some(Ok(Value::String(name))) => name,
            Some(_) => return None,
            None => default()?,
        };
        let is_seen = picture.0 > 0 && picture.1 > 0;
        is_seen.then_some(crop::video_size(picture, Resolution::from_name(&name)?))
    }

    /// What the video keeps of a picture, in words; nothing when that is all of it.
    pub(crate) fn cut_of(&self, facts: &FileFacts) -> Option<String> {
        let picture = facts.size?;
        let part = crop::kept(picture, self.video_size(picture)?);
        crop::in_words(picture, part)
    }
}
