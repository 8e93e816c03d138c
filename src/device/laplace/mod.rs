//! Transfer-function sources: `laplace_v` (E ... LAPLACE) and `laplace_i` (G ... LAPLACE).
//!
//! output(s) = H(s) input(s), H = (num0 + num1 s + ...)/(den0 + den1 s + ...); the input is any expression.

//!
//! Realised in controllable canonical form (C.-T. Chen, "Linear System Theory and Design", ch. 4) with time measured in
//! 1/w0, w0 = |den0/denn|^(1/n) the geometric mean of the poles, so that the states are of the size of the input:
//!
//! ```text
//! (1/w0) dz_k/dt = z_k+1,   (1/w0) dz_n/dt = u - sum_k a_k z_k+1,   y = d u + sum_k (b_k - d a_k) z_k+1
//! a_k = den_k w0^(k-n)/den_n,   b_k = num_k w0^(k-n)/den_n,   d = b_n
//! ```
//!
//! H is rational, so AC is exact. A pole at s = 0 has no DC gain: its state is held at 0 in OP and DC.

use super::behavioural::formula::{Formulas, Sink, program_of};
use super::common::{Bank, BranchSlots, node};
use super::*;
use crate::diag::Diagnostic;
use crate::diag::codes::device as codes;

mod rational;

pub use rational::rational;

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
    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        build(true, group, env)
    }
}

impl DeviceType for LaplaceI {
    fn info(&self) -> &DeviceInfo {
        &LAPLACE_I
    }
    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        build(false, group, env)
    }
}

/// Most poles: beyond this a polynomial in s loses its zeros to rounding.
const MAX_ORDER: usize = 32;

static STATE_NAMES: [&str; MAX_ORDER] = [
    "z1", "z2", "z3", "z4", "z5", "z6", "z7", "z8", "z9", "z10", "z11", "z12", "z13", "z14", "z15", "z16", "z17",
    "z18", "z19", "z20", "z21", "z22", "z23", "z24", "z25", "z26", "z27", "z28", "z29", "z30", "z31", "z32",
];

/// A transfer function in scaled canonical form.
#[derive(Clone, Debug, PartialEq)]
struct Canonical {
    /// a_0 .. a_n-1
    a: Vec<f64>,
    /// b_k - d a_k
    c: Vec<f64>,
    d: f64,
    /// 1/w0, s
    tau: f64,
    /// Number of poles at 0.
    integrators: usize,
}

fn trimmed(v: &[f64]) -> &[f64] {
    let n = v.iter().rposition(|x| *x != 0.0).map_or(0, |k| k + 1);
    &v[..n]
}

fn canonical(num: &[f64], den: &[f64]) -> Result<Canonical, (crate::diag::Code, String)> {
    let (num, den) = (trimmed(num), trimmed(den));
    let Some(last) = den.last() else {
        return Err((codes::NOT_RATIONAL, "the denominator of the transfer function is zero".into()));
    };
    let n = den.len() - 1;
    if num.len() > den.len() {
        let text = format!("numerator of degree {} over denominator of degree {n}", num.len() - 1);
        return Err((codes::IMPROPER, text));
    }
    if n > MAX_ORDER || num.iter().chain(den).any(|x| !x.is_finite()) {
        return Err((codes::NOT_RATIONAL, format!("transfer function of degree {n}; at most {MAX_ORDER} is possible")));
    }
    let integrators = den.iter().position(|x| *x != 0.0).unwrap_or(0);
    let w0 = if n > integrators {
        ((den[integrators].abs().ln() - last.abs().ln()) / (n - integrators) as f64).exp()
    } else {
        1.0
    };
    let scale = |k: usize| w0.powi(k as i32 - n as i32) / last;
    let a: Vec<f64> = (0..n).map(|k| den[k] * scale(k)).collect();
    let b = |k: usize| num.get(k).map_or(0.0, |x| x * scale(k));
    let d = b(n);
    let c = (0..n).map(|k| b(k) - d * a[k]).collect();
    Ok(Canonical { a, c, d, tau: 1.0 / w0, integrators })
}

#[derive(Clone)]
struct Item {
    p: Unknown,
    n: Unknown,
    branch: Unknown,
    /// First of its states in the arenas.
    first: usize,
    order: usize,
    integrators: usize,
    d: f64,
    tau: f64,
    /// The input in the output rows, and the same in the row of the last state.
    input: usize,
    drive: usize,
    /// End of the states of its input's `ddt` and `idt`.
    states_end: usize,
    branch_slots: BranchSlots,
}

#[derive(Clone)]
struct Laplace {
    is_voltage: bool,
    bank: Bank,
    items: Vec<Item>,
    m: Vec<f64>,
    /// By state, all items one after the other.
    a: Vec<f64>,
    c: Vec<f64>,
    z: Vec<Unknown>,
    /// Row of the last state by this state; this row by itself and by the next state; output rows by this state.
    slots: Vec<[Slot; 5]>,
    formulas: Formulas,
}

fn build(is_voltage: bool, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
    let mut faults = vec![];
    let mut b = Laplace {
        is_voltage,
        bank: Bank::of_instances(INSTANCE, group),
        items: vec![],
        m: vec![1.0; group.len()],
        a: vec![],
        c: vec![],
        z: vec![],
        slots: vec![],
        formulas: Formulas::default(),
    };
    for inst in group.iter() {
        let list = |id| match inst.get(id) {
            Some(Value::Num(x)) => vec![*x],
            Some(Value::Vector(v)) => v.to_vec(),
            _ => vec![],
        };
        let Some(program) = program_of(inst.get(INPUT)) else {
            faults.push(
                Diagnostic::error(codes::MISSING_EXPRESSION, "LAPLACE source without an input expression")
                    .at(inst.span, "write `E1 out 0 LAPLACE {v(in)} {1/(1 + s*1u)}`"),
            );
            continue;
        };
        let h = match canonical(&list(NUM), &list(DEN)) {
            Ok(h) => h,
            Err((code, text)) => {
                faults.push(Diagnostic::error(code, text).at(inst.span, "in this source"));
                continue;
            }
        };
        let input = b.formulas.add(&program);
        let drive = b.formulas.again(input);
        b.items.push(Item {
            p: node(&inst, 0),
            n: node(&inst, 1),
            branch: 0,
            first: b.a.len(),
            order: h.a.len(),
            integrators: h.integrators,
            d: h.d,
            tau: h.tau,
            input,
            drive,
            states_end: b.formulas.state_count(),
            branch_slots: BranchSlots::default(),
        });
        b.a.extend(&h.a);
        b.c.extend(&h.c);
    }
    b.z = vec![0; b.a.len()];
    b.slots = vec![[0; 5]; b.a.len()];
    b.set_temperature(env.temp);
    if faults.is_empty() { Ok(Box::new(b)) } else { Err(faults) }
}

impl Laplace {
    fn input_states(&self, i: usize) -> std::ops::Range<usize> {
        (if i == 0 { 0 } else { self.items[i - 1].states_end })..self.items[i].states_end
    }

    /// Rows that the output enters with + and -.
    fn rows(&self, item: &Item) -> (Unknown, Unknown) {
        if self.is_voltage { (item.branch, 0) } else { (item.p, item.n) }
    }

    /// Factor of the output in its rows.
    fn weight(&self, i: usize) -> f64 {
        if self.is_voltage { -1.0 } else { self.m[i] }
    }

    /// Adds all that depends on the input; returns the input.
    fn input_terms<S: Sink>(&self, i: usize, at: &Point, x: &[f64], buf: &mut [f64], out: &mut S) -> f64 {
        let item = &self.items[i];
        let u = self.formulas.eval(item.input, at, x, buf, None);
        let (plus, minus) = self.rows(item);
        let k = self.weight(i) * item.d;
        out.f(plus, k * u);
        out.f(minus, -k * u);
        self.formulas.stamp(item.input, buf, k, false, out);
        if item.order > 0 {
            out.f(self.z[item.first + item.order - 1], -u);
            self.formulas.stamp(item.drive, buf, -1.0, false, out);
        }
        u
    }

    fn output(&self, i: usize, u: f64, x: &[f64]) -> f64 {
        let item = &self.items[i];
        let states = item.first..item.first + item.order;
        item.d * u + states.map(|k| self.c[k] * x[self.z[k] as usize]).sum::<f64>()
    }
}

impl Batch for Laplace {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn unknowns(&self) -> Vec<UnknownSpec> {
        let mut out = vec![];
        for (i, item) in self.items.iter().enumerate() {
            if self.is_voltage {
                out.push(UnknownSpec::branch(i));
            }
            for (k, name) in STATE_NAMES.iter().enumerate().take(item.order) {
                let hold = (k < item.integrators).then_some(0.0);
                let kind = UnknownKind::State { unit: "", abstol: 1e-9, residual_tol: 1e-9 };
                out.push(UnknownSpec { instance: i as u32, name, kind, hold, initial: 0.0 });
            }
            self.formulas.unknowns(i, self.input_states(i), &mut out);
        }
        out
    }

    fn assign(&mut self, binder: &Binder) {
        let mut next = binder.internals.iter().copied();
        for i in 0..self.items.len() {
            if self.is_voltage {
                self.items[i].branch = next.next().unwrap_or(0);
            }
            let (first, order) = (self.items[i].first, self.items[i].order);
            for z in &mut self.z[first..first + order] {
                *z = next.next().unwrap_or(0);
            }
            for s in self.input_states(i) {
                self.formulas.set_state(s, next.next().unwrap_or(0));
            }
        }
        self.formulas.resolve(binder);
    }

    fn connect(&mut self, w: &mut dyn Wiring) {
        for i in 0..self.items.len() {
            if self.is_voltage {
                let (p, n, b) = (self.items[i].p, self.items[i].n, self.items[i].branch);
                self.items[i].branch_slots = BranchSlots::connect(w, p, n, b);
            }
            let item = &self.items[i];
            let (plus, minus) = self.rows(item);
            self.formulas.connect(w, item.input, plus, minus);
            let end = item.first + item.order;
            if item.order > 0 {
                self.formulas.connect(w, item.drive, self.z[end - 1], 0);
            }
            for k in item.first..end {
                let z = self.z[k];
                let next = self.z[(k + 1).min(end - 1)];
                self.slots[k] =
                    [w.slot(self.z[end - 1], z), w.slot(z, z), w.slot(z, next), w.slot(plus, z), w.slot(minus, z)];
            }
        }
        self.formulas.connect_states(w);
    }

    fn set_temperature(&mut self, temp: f64) {
        self.formulas.set_temperature(temp);
        for i in 0..self.m.len() {
            self.m[i] = self.bank.real(i, M);
        }
    }

    fn iter_len(&self) -> usize {
        self.formulas.buffer_len()
    }

    fn eval(&self, at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load) {
        for (i, item) in self.items.iter().enumerate() {
            if self.is_voltage {
                item.branch_slots.eval(out, x, item.p, item.n, item.branch, 1.0);
            }
            self.input_terms(i, at, x, mem.values, out);
            let (plus, minus) = self.rows(item);
            let (weight, end) = (self.weight(i), item.first + item.order);
            for k in item.first..end {
                let (row, z) = (self.z[k], x[self.z[k] as usize]);
                let [last_z, z_z, z_next, plus_z, minus_z] = self.slots[k];
                out.q(row, item.tau * z);
                out.c(z_z, item.tau);
                if k + 1 < end {
                    out.f(row, -x[self.z[k + 1] as usize]);
                    out.g(z_next, -1.0);
                }
                out.f(self.z[end - 1], self.a[k] * z);
                out.g(last_z, self.a[k]);
                let c = weight * self.c[k];
                out.f(plus, c * z);
                out.f(minus, -c * z);
                out.g(plus_z, c);
                out.g(minus_z, -c);
            }
        }
        self.formulas.eval_states(0..self.formulas.state_count(), at, x, mem.values, out);
    }

    fn ac(&self, at: &Point, x: &[f64], omega: f64, out: &mut AcLoad) {
        self.formulas.ac(at, x, omega, out, &mut |point, buf, sink| {
            for i in 0..self.items.len() {
                self.input_terms(i, point, x, buf, sink);
            }
        });
    }

    fn op_vars(&self) -> &'static [OpVar] {
        &[
            OpVar { name: "input", unit: "", doc: "value of the input expression" },
            OpVar { name: "output", unit: "", doc: "output of the transfer function" },
            OpVar { name: "i", unit: "A", doc: "current from p through the source to n" },
            OpVar { name: "v", unit: "V", doc: "voltage from p to n" },
            OpVar { name: "p", unit: "W", doc: "power taken up" },
        ]
    }

    fn op_values(&self, i: usize, at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let mut buf = vec![0.0; self.formulas.buffer_len()];
        let item = &self.items[i];
        let u = self.formulas.eval(item.input, at, x, &mut buf, None);
        let y = self.output(i, u, x);
        let v = x[item.p as usize] - x[item.n as usize];
        let current = if self.is_voltage { x[item.branch as usize] } else { self.m[i] * y };
        for (o, value) in out.iter_mut().zip([u, y, current, v, v * current]) {
            *o = value;
        }
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        id == M && self.bank.set(instance, id, value)
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        self.bank.get(instance, id)
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
