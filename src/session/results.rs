//! `.meas` and `.four` on the tables of one point, through the `measure` layer.

use super::point::ResultTable;
use crate::circuit::Circuit;
use crate::diag::Diagnostic;

/// A measure's value; NaN where it failed (the diagnostics say why).
#[derive(Clone, Debug, PartialEq)]
pub struct MeasureResult {
    pub name: String,
    pub value: f64,
    /// Where it was found: event times and the like, by name.
    pub at: Vec<(String, f64)>,
}

impl MeasureResult {
    /// `  targ=1e-9 trig=0`
    pub fn detail(&self) -> String {
        self.at.iter().map(|(n, v)| format!("  {n}={v:.6e}")).collect()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct FourierResult {
    text: String,
}

impl FourierResult {
    pub fn text(&self) -> String {
        self.text.clone()
    }
}

pub(super) fn measures(circuit: &Circuit, tables: &[ResultTable]) -> (Vec<MeasureResult>, Vec<Diagnostic>) {
    let _ = (circuit, tables);
    (vec![], vec![])
}

pub(super) fn fouriers(circuit: &Circuit, tables: &[ResultTable]) -> (Vec<FourierResult>, Vec<Diagnostic>) {
    let _ = (circuit, tables);
    (vec![], vec![])
}
