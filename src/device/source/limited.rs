//! Voltage source with current compliance: an ideal source while |i| < I, a current source ±I beyond.
//!
//! With u = (v_p - v_n - E)/V0 and w = i/I the ideal law is: w = clip(u + w) to [-1, 1] (u = 0 inside, w = ±1 outside,
//! and u then has the sign of w, as in any passive limiter in series with E). The row of the branch current is
//!
//! `V0 (sigma(u + w) - w) = 0`, sigma(s) = (sqrt((s + 1)² + d²) - sqrt((s - 1)² + d²))/2,
//!
//! a clip with corners rounded over d = 1e-3 and a slope between 0 and 1, so both partial derivatives are bounded and
//! never vanish together: d/du = sigma', d/dw = -(1 - sigma'). With V0 = 1 V the source's voltage is off by 0.3 µV
//! at half the compliance and by 0.5 mV at 99.95 % of it; the current overshoots never, and falls short of I by
//! 0.25e-6 I / (excess voltage in V). (Complementarity functions: Qi and Sun, Math. Program. 58 (1993) 353.)
//!
//! Newton's method on such a law can leap from one current limit to the other for ever; an iterate that would leap
//! passes through the voltage-source region first (the batch's iteration memory holds the last s).

use super::drive::Drives;
use super::*;
use crate::device::common::Branches;
use crate::diag::Diagnostic;
use crate::diag::codes::device as codes;

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

/// V
const V0: f64 = 1.0;
const CORNER: f64 = 1e-3;

/// sigma and its slope.
fn clip(s: f64) -> (f64, f64) {
    let (a, b) = ((s + 1.0).hypot(CORNER), (s - 1.0).hypot(CORNER));
    // (a - b)/2 without cancellation: a² - b² = 4 s.
    (2.0 * s / (a + b), 0.5 * ((s + 1.0) / a - (s - 1.0) / b))
}

impl DeviceType for VsourceLimited {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }

    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        let mut faults = vec![];
        let drives = Drives::new(group, env, &mut faults);
        for inst in group.iter() {
            if !inst.given(COMPLIANCE).is_some_and(|i| i > 0.0 && i.is_finite()) {
                faults.push(
                    Diagnostic::error(codes::BAD_COMPLIANCE, "compliance must be above zero")
                        .at(inst.span, "the largest current of this source, A"),
                );
            }
        }
        let mut b = LimitedBatch { branches: Branches::new(group), limit: vec![], drives };
        b.set_temperature(env.temp);
        if faults.is_empty() { Ok(Box::new(b)) } else { Err(faults) }
    }
}

#[derive(Clone)]
struct LimitedBatch {
    branches: Branches,
    limit: Vec<f64>,
    drives: Drives,
}

impl LimitedBatch {
    fn s(&self, i: usize, at: &Point, x: &[f64]) -> f64 {
        let (v, current) = self.branches.at(i, x);
        (v - self.drives.value(i, at)) / V0 + current / self.limit[i]
    }
}

impl Batch for LimitedBatch {
    fn len(&self) -> usize {
        self.branches.len()
    }

    fn unknowns(&self) -> Vec<UnknownSpec> {
        self.branches.unknowns()
    }

    fn assign(&mut self, binder: &Binder) {
        self.branches.assign(binder);
    }

    fn connect(&mut self, w: &mut dyn Wiring) {
        self.branches.connect(w);
    }

    fn set_temperature(&mut self, _temp: f64) {
        self.drives.refresh();
        self.limit = (0..self.branches.len()).map(|i| self.drives.bank.real(i, COMPLIANCE)).collect();
    }

    fn iter_len(&self) -> usize {
        self.branches.len()
    }

    fn eval(&self, at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load) {
        for i in 0..self.branches.len() {
            let (b, sl) = (self.branches.b[i], &self.branches.slots[i]);
            let current = x[b as usize];
            let s = self.s(i, at, x);
            let last = mem.values[i];
            let leaps = last <= -1.0 && s > 1.0 || last >= 1.0 && s < -1.0;
            let held = if leaps || at.is_first_iteration && s.abs() > 1.0 { 0.0 } else { s };
            if held != s {
                mem.limited = true;
            }
            mem.values[i] = held;
            let (y, slope) = clip(held);
            out.f(self.branches.p[i], current);
            out.f(self.branches.n[i], -current);
            out.g(sl.p_b, 1.0);
            out.g(sl.n_b, -1.0);
            out.f(b, V0 * (y + slope * (s - held) - current / self.limit[i]));
            out.g(sl.b_p, slope);
            out.g(sl.b_n, -slope);
            out.g(sl.b_b, V0 * (slope - 1.0) / self.limit[i]);
        }
    }

    fn accept(&mut self, at: &Point, _x: &[f64]) -> Wishes {
        self.drives.accept(at)
    }

    fn ac(&self, at: &Point, x: &[f64], _omega: f64, out: &mut AcLoad) {
        for i in 0..self.branches.len() {
            out.rhs[self.branches.b[i] as usize] += self.drives.ac[i] * clip(self.s(i, at, x)).1;
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        &[
            OpVar { name: "i", unit: "A", doc: "current from p through the source to n" },
            OpVar { name: "v", unit: "V", doc: "voltage from p to n" },
            OpVar { name: "p", unit: "W", doc: "power taken up; negative when the source delivers" },
            OpVar { name: "limited", unit: "", doc: "1 when the compliance determines the current" },
        ]
    }

    fn op_values(&self, i: usize, at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let (v, current) = self.branches.at(i, x);
        let limited = f64::from(u8::from(self.s(i, at, x).abs() > 1.0));
        for (o, value) in out.iter_mut().zip([current, v, v * current, limited]) {
            *o = value;
        }
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        self.drives.set(instance, id, value)
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        self.drives.bank.get(instance, id)
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
