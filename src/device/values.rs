//! A card's numbers in the order of its table, so that temperature updates read them without searching.

use super::{DeviceInfo, InstanceRef, ModelCard, ParamId, ParamSpec};
use crate::base::consts::ZERO_C;
use crate::diag::{Diagnostic, codes};

/// One number per table entry: given, else the table's default, else NaN ("not given, derived").
#[derive(Clone, Debug)]
pub struct Values(Box<[f64]>);

impl Values {
    pub fn of_model(card: &ModelCard, info: &DeviceInfo) -> Self {
        Self::collect(info.model, |id| card.given(id))
    }

    pub fn of_instance(inst: &InstanceRef) -> Self {
        Self::collect(inst.info.instance, |id| inst.given(id))
    }

    fn collect(table: &[ParamSpec], given: impl Fn(ParamId) -> Option<f64>) -> Self {
        Values(
            table
                .iter()
                .enumerate()
                .map(|(i, spec)| given(i as ParamId).or(spec.default).unwrap_or(f64::NAN))
                .collect(),
        )
    }

    /// The number; NaN where it was not given and the table has no default.
    #[inline]
    pub fn get(&self, id: ParamId) -> f64 {
        self.0[id as usize]
    }

    pub fn given(&self, id: ParamId) -> Option<f64> {
        let x = self.get(id);
        (!x.is_nan()).then_some(x)
    }

    pub fn or(&self, id: ParamId, default: f64) -> f64 {
        self.given(id).unwrap_or(default)
    }

    /// False when the table has no such entry.
    pub fn set(&mut self, id: ParamId, x: f64) -> bool {
        self.0.get_mut(id as usize).map(|v| *v = x).is_some()
    }

    pub fn read(&self, id: ParamId) -> Option<f64> {
        self.0.get(id as usize).copied().filter(|x| !x.is_nan())
    }
}

/// Temperature of an instance, K, from its `temp` (°C) and `dtemp`.
pub fn device_temperature(circuit: f64, temp_c: Option<f64>, dtemp: f64) -> f64 {
    temp_c.map_or(circuit + dtemp, |t| t + ZERO_C)
}

/// Flicker noise kf |i|^af of `m` equal devices that share the current `i`.
pub fn flicker_of(m: f64, kf: f64, af: f64, i: f64) -> f64 {
    if kf > 0.0 { m * kf * (i / m).abs().powf(af) } else { 0.0 }
}

/// An instance that came without its model or with a wrong number of nodes.
pub fn incomplete(inst: &InstanceRef) -> Diagnostic {
    let info = inst.info;
    Diagnostic::error(
        codes::device::INCOMPLETE_INSTANCE,
        format!("a {} needs a model and {} nodes", info.name, info.terminals.len()),
    )
    .at(inst.span, format!("{} nodes{}", inst.nodes.len(), if inst.model.is_some() { "" } else { ", no model" }))
}
