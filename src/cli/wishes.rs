//! From a command line to wishes: one, a batch, or a sweep.

use serde_json::Value;

use super::{Fault, args::Request, inputs};
use crate::{
    catalog::{Endpoint, FieldKind},
    model::{
        CleanText, Server, ServerId, Sweep, Usd,
        job::FieldError,
        request::{Consent, Wish},
        sweep::Axis,
    },
};

/// Wishes, and what each is called where something is wrong with it.
pub(super) struct Wishes {
    pub(super) all: Vec<Wish>,
    /// The objects of `--input`, more than one of them.
    is_batch: bool,
    /// Jobs that each object makes.
    each: usize,
}

impl Wishes {
    /// `base` with what the command line says about it; only the command line itself is checked.
    pub(super) fn read(
        endpoint: &Endpoint,
        base: &Wish,
        server: Option<&Server>,
        request: &Request,
    ) -> Result<Self, Fault> {
        let objects = match &request.input {
            Some(path) => inputs::read_file(path)?,
            None => vec![crate::model::Arguments::new()],
        };
        let sweep = read_sweep(endpoint, &request.sweep)?;
        let is_batch = objects.len() > 1;
        let mut all = Vec::new();
        for (number, object) in objects.iter().enumerate() {
            let mut wish = base.clone();
            for (name, value) in object.iter() {
                wish.arguments.set(name, value.clone());
            }
            wish.arguments = inputs::merge(endpoint, wish.arguments, &request.set)
                .map_err(|faults| told(is_batch.then_some(number), faults))?;
            if let Some(name) = &request.name {
                wish.name = CleanText::line(name);
            }
            wish.server = server.map_or_else(ServerId::preview, |server| server.id.clone());
            // What is rendered here costs nothing; anything else is priced when the wish is checked.
            wish.estimated_cost = wish.server.is_preview().then_some(Usd::ZERO);
            if request.force {
                wish.consent = Consent::ALL;
            }
            if sweep.axes.is_empty() {
                all.push(wish);
                continue;
            }
            let name = if wish.name.is_empty() {
                endpoint.name_for(&wish.arguments)
            } else {
                wish.name.clone()
            };
            let wishes = sweep.wishes(&wish, &name).map_err(|error| {
                Fault::arguments(&[FieldError::new("--sweep", error.to_string())])
            })?;
            all.extend(wishes);
        }
        let each = all.len() / objects.len().max(1);
        Ok(Self {
            all,
            is_batch,
            each,
        })
    }

    /// What is wrong with the wish at `number`.
    pub(super) fn fault(&self, number: usize, faults: Vec<FieldError>) -> Fault {
        told(self.is_batch.then(|| number / self.each.max(1)), faults)
    }
}

fn told(object: Option<usize>, mut faults: Vec<FieldError>) -> Fault {
    if let Some(object) = object {
        for fault in &mut faults {
            fault.name = CleanText::line(&format!("object {}: {}", object + 1, fault.name));
        }
    }
    Fault::arguments(&faults)
}

fn read_sweep(endpoint: &Endpoint, specs: &[String]) -> Result<Sweep, Fault> {
    let mut axes: Vec<Axis> = Vec::new();
    let mut faults = Vec::new();
    for spec in specs {
        match read_axis(endpoint, spec) {
            Ok(new) => {
                // The last wins, as with -i.
                axes.retain(|known| known.field != new.field);
                axes.push(new);
            }
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() {
        Ok(Sweep { axes })
    } else {
        Err(Fault::arguments(&faults))
    }
}

fn read_axis(endpoint: &Endpoint, spec: &str) -> Result<Axis, FieldError> {
    let (name, values) = spec
        .split_once('=')
        .ok_or_else(|| FieldError::new(spec, "no =; write --sweep NAME=VALUES"))?;
    let mut axis = endpoint.axis(name, values)?;
    let is_file = endpoint
        .field(name)
        .is_some_and(|field| matches!(field.kind, FieldKind::File(_)));
    if is_file {
        for value in &mut axis.values {
            if let Value::String(text) = value {
                *text = inputs::file(text);
            }
        }
    }
    Ok(axis)
}
