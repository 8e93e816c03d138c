//! Independent current source.

use super::super::*;
use super::*;

pub static INFO: DeviceInfo = DeviceInfo {
    name: "isource",
    letter: 'i',
    model_types: &[],
    levels: &[],
    model_required: false,
    terminals: common::TWO,
    instance: INSTANCE,
    model: &[],
    positional: Some(DC),
    has_branch: false,
    doc: "Ideal current source: the current flows from the first terminal through the source to the second.",
};

pub struct Isource;

impl DeviceType for Isource {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}
