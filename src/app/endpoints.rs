//! Which endpoint the draft is for: the list to choose from, and endpoints that are not known yet.

use std::{collections::HashSet, sync::Arc};

use super::{
    App, Effect,
    modal::{Chosen, Entry, Modal, Pick},
    notice::Tone,
};
use crate::{
    catalog::{Catalog, Listed},
    model::{CleanText, Draft, EndpointId},
};

/// What an endpoint is wanted for that is being asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    /// For the draft in the editor.
    Switch(EndpointId),
    /// For this draft.
    Load(Box<Draft>),
}

impl Wanted {
    fn id(&self) -> &EndpointId {
        match self {
            Self::Switch(id) => id,
            Self::Load(draft) => &draft.endpoint,
        }
    }
}

impl App {
    /// Lists the endpoints: those that are known, those that jobs were sent to, those that the server lists.
    pub(super) fn open_endpoints(&mut self) -> Vec<Effect> {
        let entries = self.endpoint_entries();
        let own = Chosen::Endpoint(self.editor.endpoint.id.clone());
        let chosen = entries.iter().position(|entry| entry.chosen == own);
        let pick = Pick::of_endpoints(entries, chosen.unwrap_or(0));
        self.modals.push(Modal::Pick(Box::new(pick)));
        vec![Effect::LoadModels]
    }

    fn endpoint_entries(&self) -> Vec<Entry> {
        let mut seen = HashSet::new();
        let known = self.catalog.endpoints().map(|of| {
            let category = of.document["info"]["x-fal-metadata"]["category"].as_str();
            let category = CleanText::line(category.unwrap_or_default());
            let from = if of.built_in { "built in" } else { "known" };
            entry(&of.id, &of.title, &category, from)
        });
        let nothing = CleanText::default();
        let mut sent = HashSet::new();
        let used = self
            .jobs
            .newest_first()
            .map(|job| &job.endpoint)
            .filter(|id| sent.insert(*id))
            .map(|id| entry(id, &nothing, &nothing, "used"));
        let label = self.server.label.as_str();
        let listed = self
            .models
            .iter()
            .map(|of| entry(&of.id, &of.title, &of.category, label));
        known
            .chain(used)
            .chain(listed)
            .filter(|entry| seen.insert(entry.label.clone()))
            .collect()
    }

    /// The server's list of models is there.
    pub(super) fn models_listed(&mut self, models: Vec<Listed>) -> Vec<Effect> {
        self.models = models;
        let entries = self.endpoint_entries();
        if let Some(pick) = self.pick_mut().filter(|pick| pick.is_of_endpoints()) {
            pick.renew(entries);
        }
        vec![]
    }

    /// The user wants the draft to be for `id`.
    pub(super) fn choose_endpoint(&mut self, id: EndpointId) -> Vec<Effect> {
        match self.catalog.get(&id).cloned() {
            Some(endpoint) => {
                let mut effects = self.editor.switch(endpoint);
                effects.extend(self.refresh_endpoint());
                effects
            }
            None => self.want(Wanted::Switch(id)),
        }
    }

    /// Asks how the server describes the draft's endpoint now; the tracker asks once a day.
    pub(super) fn refresh_endpoint(&self) -> Option<Effect> {
        let has_other = !self.server.id.is_preview();
        has_other.then(|| Effect::LoadEndpoint(self.editor.endpoint.id.clone()))
    }

    /// Asks for an endpoint that is not known here.
    pub(super) fn want(&mut self, wanted: Wanted) -> Vec<Effect> {
        let id = wanted.id().clone();
        let text = format!("asking {} what {id} takes…", self.server.label);
        self.notices.tell(Tone::Running, text);
        self.wanted = Some(wanted);
        vec![Effect::LoadEndpoint(id)]
    }

    /// The endpoint `id` is known as the server describes it.
    pub(super) fn endpoint_loaded(
        &mut self,
        id: &EndpointId,
        catalog: Catalog,
        change: Option<CleanText>,
    ) -> Vec<Effect> {
        self.catalog = Arc::new(catalog);
        self.detail_stale = true;
        let Some(endpoint) = self.catalog.get(id).cloned() else {
            return vec![];
        };
        let has_price = endpoint.price_is_told();
        let mut effects = Vec::new();
        if self.editor.endpoint.id == *id {
            self.editor.adopt(endpoint.clone());
            if let Some(change) = change {
                let text = format!("schema changed on the server: {change}");
                self.notices.warn(Tone::Warning, text);
            }
        }
        if let Some(wanted) = self.wanted.take_if(|wanted| wanted.id() == id) {
            effects = match wanted {
                Wanted::Switch(_) => self.editor.switch(endpoint),
                Wanted::Load(draft) => self.load_draft(*draft),
            };
            self.notices.tell(Tone::Done, format!("{id} is there"));
        }
        if !has_price {
            effects.push(Effect::LoadPrices);
        }
        effects
    }

    /// What `id` takes cannot be had. That matters only where it was asked for.
    pub(super) fn endpoint_missing(&mut self, id: &EndpointId, reason: &CleanText) -> Vec<Effect> {
        if self.wanted.take_if(|wanted| wanted.id() == id).is_some() {
            self.notices.warn(Tone::Failed, reason.clone());
        }
        vec![]
    }
}

fn entry(id: &EndpointId, title: &CleanText, category: &CleanText, from: &str) -> Entry {
    let facts = [title.as_str(), category.as_str(), from];
    let facts: Vec<_> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
    Entry {
        label: CleanText::line(id.as_str()),
        aside: facts.join(" · ").into(),
        chosen: Chosen::Endpoint(id.clone()),
    }
}
