//! An instance being put together.

use std::sync::Arc;

use crate::base::Sym;
use crate::device::{DeviceType, ParamId, Unknown, Value};

/// An instance being put together.
pub(super) struct Draft {
    pub ty: Arc<dyn DeviceType>,
    pub model: Option<u32>,
    pub nodes: Vec<Unknown>,
    pub refs: Vec<Sym>,
    pub params: Vec<(ParamId, Value)>,
}

impl Draft {
    pub fn new(ty: Arc<dyn DeviceType>) -> Self {
        Draft { ty, model: None, nodes: vec![], refs: vec![], params: vec![] }
    }

    pub fn set(&mut self, id: ParamId, v: Value) {
        self.params.retain(|(i, _)| *i != id);
        self.params.push((id, v));
    }
}
