//! Independent voltage source.

use super::super::*;
use super::*;

pub static INFO: DeviceInfo = DeviceInfo {
    name: "vsource",
    letter: 'v',
    model_types: &[],
    levels: &[],
    model_required: false,
    terminals: common::TWO,
    instance: INSTANCE,
    model: &[],
    positional: Some(DC),
    has_branch: true,
    doc: "Ideal voltage source with dc, ac and transient values; its branch current flows from the first terminal through the source to the second.",
};

pub struct Vsource;

impl DeviceType for Vsource {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}
