//! Drafts in the store and in files.

use super::{Hands, blocking, files};
use crate::{
    app::{Message, effect::DraftTask, message::DraftNews},
    model::{CleanText, Draft, Timestamp, draft::Slot},
    store::Store,
};

impl Hands {
    pub(super) async fn on_drafts(&self, task: DraftTask) -> Result<Option<Message>, CleanText> {
        let news = match task {
            DraftTask::Keep { slot, draft } => {
                self.keep_draft(slot, draft).await?;
                return Ok(None);
            }
            DraftTask::Add { slot, draft } => {
                let of_store = slot.clone();
                if self
                    .read(move |store| store.draft(&of_store))
                    .await?
                    .is_some()
                {
                    let text = format!("“{}” is there already; take another name", slot.name());
                    return Err(text.into());
                }
                self.keep_draft(slot.clone(), draft).await?;
                DraftNews::Added(slot)
            }
            DraftTask::Drop(slot) => {
                self.read(move |store| store.delete_draft(&slot)).await?;
                return Ok(None);
            }
            DraftTask::List => DraftNews::Listed(self.read(Store::drafts).await?),
            DraftTask::Import { path, endpoint } => {
                let read = blocking(move || files::read_draft(&path, &endpoint)).await?;
                DraftNews::Imported(Box::new(read))
            }
            DraftTask::Export { path, draft } => {
                DraftNews::Exported(blocking(move || files::write_draft(&path, &draft)).await?)
            }
        };
        Ok(Some(Message::Drafts(news)))
    }

    pub(super) async fn keep_draft(&self, slot: Slot, draft: Draft) -> Result<(), CleanText> {
        self.read(move |store| store.save_draft(&slot, &draft, Timestamp::now()))
            .await
    }
}
