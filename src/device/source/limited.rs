//! Voltage source with current compliance.

use super::super::*;
use super::*;

pub static INFO: DeviceInfo = DeviceInfo {
    name: "vsource_limited",
    letter: 'v',
    model_types: &[],
    levels: &[],
    model_required: false,
    terminals: common::TWO,
    instance: INSTANCE,
    model: &[],
    positional: Some(DC),
    has_branch: true,
    doc: "Voltage source whose current is limited to ±compliance: an ideal voltage source below, a current source beyond. With dc=0 it limits the current of any branch it stands in.",
};

pub struct VsourceLimited;

impl DeviceType for VsourceLimited {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}
