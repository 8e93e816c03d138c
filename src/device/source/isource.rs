//! Independent current source: `m I(t)` flows from p through the source to n.

use super::drive::{Drives, OP_VARS};
use super::*;
use crate::device::common::node;
use crate::diag::Diagnostic;
use crate::diag::codes::device as codes;

pub static INFO: DeviceInfo = DeviceInfo {
    name: "isource",
    letter: 'i',
    model_types: &[],
    levels: &[],
    model_required: false,
    terminals: common::TWO,
    instance: INSTANCE,
    model: &[],
    positional: Some(DC),
    has_branch: false,
    doc: "Ideal current source: the current flows from the first terminal through the source to the second.",
};

pub struct Isource;

impl DeviceType for Isource {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }

    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        let mut faults = vec![];
        let drives = Drives::new(group, env, &mut faults);
        for inst in group.iter().filter(|i| i.get(COMPLIANCE).is_some()) {
            faults.push(
                Diagnostic::error(codes::BAD_COMPLIANCE, "a current source has no compliance")
                    .at(inst.span, "its current is given already")
                    .help("limit a voltage source instead: `V1 a 0 1 compliance=1m`"),
            );
        }
        let mut b = IsourceBatch {
            p: group.iter().map(|i| node(&i, 0)).collect(),
            n: group.iter().map(|i| node(&i, 1)).collect(),
            m: vec![],
            drives,
        };
        b.set_temperature(env.temp);
        if faults.is_empty() { Ok(Box::new(b)) } else { Err(faults) }
    }
}

#[derive(Clone)]
struct IsourceBatch {
    p: Vec<Unknown>,
    n: Vec<Unknown>,
    m: Vec<f64>,
    drives: Drives,
}

impl Batch for IsourceBatch {
    fn len(&self) -> usize {
        self.p.len()
    }

    fn assign(&mut self, _binder: &Binder) {}

    fn connect(&mut self, _w: &mut dyn Wiring) {}

    fn linearity(&self) -> Linearity {
        Linearity::Affine
    }

    fn set_temperature(&mut self, _temp: f64) {
        self.drives.refresh();
        self.m = (0..self.p.len()).map(|i| self.drives.bank.real(i, M)).collect();
    }

    fn eval(&self, at: &Point, _x: &[f64], _mem: &mut IterMem, out: &mut Load) {
        for i in 0..self.p.len() {
            let current = self.m[i] * self.drives.value(i, at);
            out.f(self.p[i], current);
            out.f(self.n[i], -current);
        }
    }

    fn accept(&mut self, at: &Point, _x: &[f64]) -> Wishes {
        self.drives.accept(at)
    }

    fn ac(&self, _at: &Point, _x: &[f64], _omega: f64, out: &mut AcLoad) {
        for (i, current) in self.drives.ac.iter().enumerate() {
            out.rhs[self.p[i] as usize] -= current * self.m[i];
            out.rhs[self.n[i] as usize] += current * self.m[i];
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        OP_VARS
    }

    fn op_values(&self, i: usize, at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let (v, current) = (x[self.p[i] as usize] - x[self.n[i] as usize], self.m[i] * self.drives.value(i, at));
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
