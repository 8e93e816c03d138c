//! Transfer-function sources: `laplace_v` (E ... LAPLACE) and `laplace_i` (G ... LAPLACE).
//!
//! output(s) = H(s) input(s), H = (num0 + num1 s + ...)/(den0 + den1 s + ...); the input is any expression.

use super::*;

crate::param_table! { pub static INSTANCE = [
    INPUT: "input" expr "", Range::ANY, "The quantity that is transferred";
    NUM: "num" vector "", Range::ANY, "Coefficients of the numerator, ascending powers of s";
    DEN: "den" vector "", Range::ANY, "Coefficients of the denominator, ascending powers of s";
    M: "m" real "" = 1.0, Range::POSITIVE, "Number of equal sources in parallel (scales a current, not a voltage)";
] }

const fn info(name: &'static str, letter: char, has_branch: bool, doc: &'static str) -> DeviceInfo {
    DeviceInfo {
        name,
        letter,
        model_types: &[],
        levels: &[],
        model_required: false,
        terminals: common::TWO,
        instance: INSTANCE,
        model: &[],
        positional: None,
        has_branch,
        doc,
    }
}

pub static LAPLACE_V: DeviceInfo =
    info("laplace_v", 'e', true, "Voltage source: v(s) = H(s) input(s), H a rational function.");
pub static LAPLACE_I: DeviceInfo =
    info("laplace_i", 'g', false, "Current source: i(s) = H(s) input(s), H a rational function.");

pub struct LaplaceV;
pub struct LaplaceI;

impl DeviceType for LaplaceV {
    fn info(&self) -> &DeviceInfo {
        &LAPLACE_V
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}

impl DeviceType for LaplaceI {
    fn info(&self) -> &DeviceInfo {
        &LAPLACE_I
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}
