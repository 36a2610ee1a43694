//! From a wish to a job.

use super::{Hands, blocking};
use crate::{
    app::Message,
    model::{CleanText, request::Wish},
    studio,
    tracker::{Error, inputs},
};

impl Hands {
    pub(super) async fn submit(&self, wishes: Vec<Wish>) -> Result<Message, CleanText> {
        if wishes.iter().any(|wish| wish.server.is_preview()) {
            self.add_preview().await?;
        }
        let prepared = match self.tracker.prepare_all(wishes.clone()).await {
            Ok(prepared) => prepared,
            Err((_, faults)) => return Ok(Message::Refused { wishes, faults }),
        };
        match self.tracker.submit_all(prepared).await {
            Ok(jobs) => Ok(Message::Submitted(jobs)),
            Err(Error::Arguments(faults)) => Ok(Message::Refused { wishes, faults }),
            Err(Error::AlreadyHave(twins)) => {
                let twins = twins.into_iter().map(|twin| (twin.number, twin.job));
                Ok(Message::AlreadyHave {
                    wishes,
                    twins: twins.collect(),
                })
            }
            Err(error) => Err(error.to_string().into()),
        }
    }

    /// Checks wishes, and marks those whose speech will be cut off.
    pub(super) async fn weigh(&self, wishes: Vec<Wish>) -> Result<Message, CleanText> {
        let prepared = match self.tracker.prepare_all(wishes.clone()).await {
            Ok(prepared) => prepared,
            Err((_, faults)) => return Ok(Message::Refused { wishes, faults }),
        };
        let mut measured = studio::Measured::at(self.rates().await);
        let catalog = self.tracker.catalog(&self.server);
        Ok(blocking(move || {
            let mut wishes = wishes;
            for (wish, prepared) in wishes.iter_mut().zip(prepared) {
                let endpoint = catalog.get(&wish.endpoint);
                let cut_off = endpoint.and_then(|endpoint| {
                    let said = endpoint.utterances(&prepared.arguments);
                    let video = endpoint.video_length(&prepared.arguments)?;
                    measured.cut_off(&said, video, inputs::sound_length)
                });
                wish.consent.cut_off = cut_off.is_some();
            }
            Message::Weighed(wishes)
        })
        .await)
    }
}
