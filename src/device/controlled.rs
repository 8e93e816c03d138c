//! Linear controlled sources: `vcvs` (E), `vccs` (G), `cccs` (F), `ccvs` (H).
//!
//! vcvs: row `v_p - v_n - gain (v_cp - v_cn) = 0` of its branch current. vccs: `i = m gain (v_cp - v_cn)` from p to n.
//! cccs: `i = m gain i_ref`. ccvs: row `v_p - v_n - gain i_ref = 0`. The controlling branch of F and H is ref 0.

use super::*;

crate::param_table! { pub static INSTANCE = [
    GAIN: "gain" | "value" | "gm" | "transconductance" | "transresistance" real "", Range::ANY, "Output over input (V/V, S, A/A or Ω)";
    M: "m" real "" = 1.0, Range::POSITIVE, "Number of equal sources in parallel (scales a current, not a voltage)";
] }

static FOUR: &[Terminal] = &[
    Terminal { name: "p", doc: "positive output", optional: false },
    Terminal { name: "n", doc: "negative output", optional: false },
    Terminal { name: "cp", doc: "positive input", optional: false },
    Terminal { name: "cn", doc: "negative input", optional: false },
];

const fn info(
    name: &'static str,
    letter: char,
    terminals: &'static [Terminal],
    has_branch: bool,
    doc: &'static str,
) -> DeviceInfo {
    DeviceInfo {
        name,
        letter,
        model_types: &[],
        levels: &[],
        model_required: false,
        terminals,
        instance: INSTANCE,
        model: &[],
        positional: Some(GAIN),
        has_branch,
        doc,
    }
}

pub static VCVS: DeviceInfo = info("vcvs", 'e', FOUR, true, "Voltage-controlled voltage source: v = gain v_c.");
pub static VCCS: DeviceInfo = info("vccs", 'g', FOUR, false, "Voltage-controlled current source: i = m gain v_c.");
pub static CCCS: DeviceInfo =
    info("cccs", 'f', common::TWO, false, "Current-controlled current source: i = m gain i(ref).");
pub static CCVS: DeviceInfo =
    info("ccvs", 'h', common::TWO, true, "Current-controlled voltage source: v = gain i(ref).");

pub struct Vcvs;
pub struct Vccs;
pub struct Cccs;
pub struct Ccvs;

impl DeviceType for Vcvs {
    fn info(&self) -> &DeviceInfo {
        &VCVS
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}

impl DeviceType for Vccs {
    fn info(&self) -> &DeviceInfo {
        &VCCS
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}

impl DeviceType for Cccs {
    fn info(&self) -> &DeviceInfo {
        &CCCS
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}

impl DeviceType for Ccvs {
    fn info(&self) -> &DeviceInfo {
        &CCVS
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}
