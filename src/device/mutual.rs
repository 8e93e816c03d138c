//! Mutual inductance: adds `M_ij i_j` to the flux of every winding i, with M_ij = k sqrt(L_i L_j).
//!
//! An instance has no terminals of its own: its refs are the coupled inductors, two or more. Elaboration also fills
//! `windings`, the concatenation of [`super::inductor::winding`] of each ref in order, so that M follows the
//! temperature of both inductors, and sets `coupled=1` on those inductors.

use super::*;

crate::param_table! { pub static INSTANCE = [
    K: "k" | "coupling" real "", Range::between(-1.0, 1.0), "Coupling coefficient, -1 to 1, of every pair of windings";
    WINDINGS: "windings" vector "", Range::ANY, "Filled by elaboration: inductor::winding of each referenced inductor, one after the other";
] }

pub static INFO: DeviceInfo = DeviceInfo {
    name: "mutual",
    letter: 'k',
    model_types: &[],
    levels: &[],
    model_required: false,
    terminals: &[],
    instance: INSTANCE,
    model: &[],
    positional: Some(K),
    has_branch: false,
    doc: "Coupling of two or more inductors: M = k sqrt(L1 L2) for every pair.",
};

pub struct Mutual;

impl DeviceType for Mutual {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}
