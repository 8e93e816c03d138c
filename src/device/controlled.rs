//! Linear controlled sources: `vcvs` (E), `vccs` (G), `cccs` (F), `ccvs` (H).
//!
//! vcvs: row `v_p - v_n - gain (v_cp - v_cn) = 0` of its branch current. vccs: `i = m gain (v_cp - v_cn)` from p to n.
//! cccs: `i = m gain i_ref`. ccvs: row `v_p - v_n - gain i_ref = 0`. The controlling branch of F and H is ref 0.

use super::common::{Bank, BranchSlots, Quad, node};
use super::*;
use crate::base::Sym;
use crate::diag::Diagnostic;
use crate::diag::codes::device as codes;

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

macro_rules! device_type {
    ($($ty:ident, $info:ident, $kind:ident;)*) => {$(
        impl DeviceType for $ty {
            fn info(&self) -> &DeviceInfo {
                &$info
            }
            fn batch(&self, group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
                build(Kind::$kind, group)
            }
        }
    )*};
}

device_type! {
    Vcvs, VCVS, Vcvs;
    Vccs, VCCS, Vccs;
    Cccs, CCCS, Cccs;
    Ccvs, CCVS, Ccvs;
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Vcvs,
    Vccs,
    Cccs,
    Ccvs,
}

impl Kind {
    fn has_branch(self) -> bool {
        matches!(self, Kind::Vcvs | Kind::Ccvs)
    }

    fn reads_voltage(self) -> bool {
        matches!(self, Kind::Vcvs | Kind::Vccs)
    }
}

fn build(kind: Kind, group: &Group) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
    let mut faults = vec![];
    let size = group.len();
    let mut b = Controlled {
        kind,
        p: Vec::with_capacity(size),
        n: Vec::with_capacity(size),
        control: vec![(0, 0); size],
        refs: vec![],
        branch: vec![0; if kind.has_branch() { size } else { 0 }],
        slots: vec![Quad::default(); size],
        branch_slots: vec![BranchSlots::default(); if kind.has_branch() { size } else { 0 }],
        gain: vec![0.0; size],
        bank: Bank::of_instances(INSTANCE, group),
    };
    for inst in group.iter() {
        b.p.push(node(&inst, 0));
        b.n.push(node(&inst, 1));
        if kind.reads_voltage() {
            b.control[inst.index] = (node(&inst, 2), node(&inst, 3));
        } else if let Some(r) = inst.refs.first() {
            b.refs.push(*r);
        } else {
            faults.push(
                Diagnostic::error(codes::NO_CONTROL, "controlled source without the element whose current controls it")
                    .at(inst.span, "name a voltage source here")
                    .help("write `F1 out 0 Vsense 2`"),
            );
        }
        if inst.given(GAIN).is_none() {
            faults.push(
                Diagnostic::error(codes::MISSING_VALUE, "controlled source without a gain")
                    .at(inst.span, "the gain comes after the controlling nodes or source"),
            );
        }
    }
    if faults.is_empty() { Ok(Box::new(b)) } else { Err(faults) }
}

#[derive(Clone)]
struct Controlled {
    kind: Kind,
    p: Vec<Unknown>,
    n: Vec<Unknown>,
    /// Columns that control: two nodes, or a branch and ground.
    control: Vec<(Unknown, Unknown)>,
    refs: Vec<Sym>,
    branch: Vec<Unknown>,
    /// Rows p, n (a current) or branch, ground (a voltage) by the control columns.
    slots: Vec<Quad>,
    branch_slots: Vec<BranchSlots>,
    gain: Vec<f64>,
    bank: Bank,
}

impl Controlled {
    fn control(&self, i: usize, x: &[f64]) -> f64 {
        let (a, b) = self.control[i];
        x[a as usize] - x[b as usize]
    }
}

impl Batch for Controlled {
    fn len(&self) -> usize {
        self.p.len()
    }

    fn unknowns(&self) -> Vec<UnknownSpec> {
        (0..self.branch.len()).map(UnknownSpec::branch).collect()
    }

    fn assign(&mut self, binder: &Binder) {
        self.branch.copy_from_slice(binder.internals);
        for (i, r) in self.refs.iter().enumerate() {
            self.control[i] = ((binder.branch)(*r), 0);
        }
    }

    fn connect(&mut self, w: &mut dyn Wiring) {
        for i in 0..self.p.len() {
            let mut rows = (self.p[i], self.n[i]);
            if self.kind.has_branch() {
                self.branch_slots[i] = BranchSlots::connect(w, self.p[i], self.n[i], self.branch[i]);
                rows = (self.branch[i], 0);
            }
            self.slots[i] = Quad::connect(w, rows, self.control[i]);
        }
    }

    fn linearity(&self) -> Linearity {
        Linearity::Linear
    }

    fn set_temperature(&mut self, _temp: f64) {
        for i in 0..self.p.len() {
            let m = if self.kind.has_branch() { 1.0 } else { self.bank.real(i, M) };
            self.gain[i] = m * self.bank.real(i, GAIN);
        }
    }

    fn eval(&self, _at: &Point, x: &[f64], _mem: &mut IterMem, out: &mut Load) {
        let has_branch = self.kind.has_branch();
        for i in 0..self.p.len() {
            let value = self.gain[i] * self.control(i, x);
            if has_branch {
                self.branch_slots[i].eval(out, x, self.p[i], self.n[i], self.branch[i], 1.0);
                out.f(self.branch[i], -value);
                self.slots[i].g(out, -self.gain[i]);
            } else {
                out.f(self.p[i], value);
                out.f(self.n[i], -value);
                self.slots[i].g(out, self.gain[i]);
            }
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        &[
            OpVar { name: "i", unit: "A", doc: "current from p through the source to n" },
            OpVar { name: "v", unit: "V", doc: "voltage from p to n" },
            OpVar { name: "p", unit: "W", doc: "power taken up" },
        ]
    }

    fn op_values(&self, i: usize, _at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let v = x[self.p[i] as usize] - x[self.n[i] as usize];
        let current = self.branch.get(i).map_or_else(|| self.gain[i] * self.control(i, x), |b| x[*b as usize]);
        for (o, value) in out.iter_mut().zip([current, v, v * current]) {
            *o = value;
        }
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        self.bank.set(instance, id, value)
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        self.bank.get(instance, id)
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
