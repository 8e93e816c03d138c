//! Independent voltage source: the row of its branch current `i` is `v_p - v_n - E(t) = 0`.

use super::drive::{Drives, OP_VARS};
use super::*;
use crate::device::common::Branches;
use crate::diag::Diagnostic;
use crate::diag::codes::device as codes;

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

    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        let mut faults = vec![];
        let drives = Drives::new(group, env, &mut faults);
        for inst in group.iter().filter(|i| i.get(COMPLIANCE).is_some()) {
            faults.push(
                Diagnostic::error(codes::BAD_COMPLIANCE, "an ideal voltage source has no compliance")
                    .at(inst.span, "use the type vsource_limited"),
            );
        }
        let b = VsourceBatch { branches: Branches::new(group), drives };
        if faults.is_empty() { Ok(Box::new(b)) } else { Err(faults) }
    }
}

#[derive(Clone)]
struct VsourceBatch {
    branches: Branches,
    drives: Drives,
}

impl Batch for VsourceBatch {
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

    fn linearity(&self) -> Linearity {
        Linearity::Affine
    }

    fn set_temperature(&mut self, _temp: f64) {
        self.drives.refresh();
    }

    fn eval(&self, at: &Point, x: &[f64], _mem: &mut IterMem, out: &mut Load) {
        for i in 0..self.branches.len() {
            self.branches.eval(i, out, x, 1.0);
            out.f(self.branches.b[i], -self.drives.value(i, at));
        }
    }

    fn accept(&mut self, at: &Point, _x: &[f64]) -> Wishes {
        self.drives.accept(at)
    }

    fn ac(&self, _at: &Point, _x: &[f64], _omega: f64, out: &mut AcLoad) {
        for (b, e) in self.branches.b.iter().zip(&self.drives.ac) {
            out.rhs[*b as usize] += e;
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        OP_VARS
    }

    fn op_values(&self, i: usize, _at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let (v, current) = self.branches.at(i, x);
        for (o, value) in out.iter_mut().zip([current, v, v * current]) {
            *o = value;
        }
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        id != COMPLIANCE && self.drives.set(instance, id, value)
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        self.drives.bank.get(instance, id)
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
