//! Mutual inductance: adds `M_ij i_j` to the flux of every winding i, with M_ij = k sqrt(L_i L_j).
//!
//! An instance has no terminals of its own: its refs are the coupled inductors, two or more. Elaboration also fills
//! `windings`, the concatenation of [`super::inductor::winding`] of each ref in order, so that M follows the
//! temperature of both inductors, and sets `coupled=1` on those inductors.

use super::inductor::{WINDING_LEN, Winding};
use super::*;
use crate::diag::Diagnostic;
use crate::diag::codes::device as codes;

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

    fn batch(&self, group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        let mut faults = vec![];
        let mut b = MutualBatch { k: vec![], pairs: vec![] };
        for inst in group.iter() {
            let k = inst.given(K).unwrap_or(f64::NAN);
            if k.is_nan() || k.abs() > 1.0 {
                faults.push(
                    Diagnostic::error(codes::BAD_COUPLING, "coupling coefficient outside -1 to 1")
                        .at(inst.span, format!("k is {k}"))
                        .help("a coupling beyond 1 would make energy from nothing"),
                );
            }
            if inst.refs.len() < 2 {
                faults.push(
                    Diagnostic::error(codes::TOO_FEW_WINDINGS, "a mutual inductance couples two or more inductors")
                        .at(inst.span, format!("{} given", inst.refs.len()))
                        .help("write `K1 L1 L2 0.99`"),
                );
                continue;
            }
            let list = inst.vector(WINDINGS).unwrap_or(&[]);
            let windings: Vec<Winding> = list.chunks(WINDING_LEN).filter_map(Winding::from_slice).collect();
            if windings.len() != inst.refs.len() {
                faults.push(
                    Diagnostic::error(codes::TOO_FEW_WINDINGS, "the coupled inductors have no values")
                        .at(inst.span, format!("{} inductors, {} values", inst.refs.len(), windings.len())),
                );
                continue;
            }
            if let Some(w) = windings.iter().find(|w| w.l < 0.0) {
                faults.push(
                    Diagnostic::error(codes::BAD_COUPLING, "a negative inductance cannot be coupled")
                        .at(inst.span, format!("one of these inductors has {} H", w.l)),
                );
                continue;
            }
            for i in 0..windings.len() {
                for j in 0..i {
                    b.pairs.push(Pair {
                        instance: inst.index as u32,
                        refs: (inst.refs[i], inst.refs[j]),
                        windings: (windings[i], windings[j]),
                        rows: (0, 0),
                        slots: (0, 0),
                        m: 0.0,
                    });
                }
            }
            b.k.push(k);
        }
        if faults.is_empty() { Ok(Box::new(b)) } else { Err(faults) }
    }

    fn lint(&self, group: &Group, _env: &Env) -> Vec<Diagnostic> {
        // Equal couplings k of n windings have the eigenvalues 1 - k and 1 + (n - 1) k.
        group
            .iter()
            .filter(|inst| inst.refs.len() > 2 && 1.0 + (inst.refs.len() as f64 - 1.0) * inst.real(K) < 0.0)
            .map(|inst| {
                Diagnostic::warning(codes::ACTIVE_COUPLING, "these couplings would make energy from nothing")
                    .at(inst.span, format!("k must be at least {:.4}", -1.0 / (inst.refs.len() as f64 - 1.0)))
            })
            .collect()
    }
}

#[derive(Clone)]
struct Pair {
    instance: u32,
    refs: (crate::base::Sym, crate::base::Sym),
    windings: (Winding, Winding),
    rows: (Unknown, Unknown),
    slots: (Slot, Slot),
    /// H
    m: f64,
}

#[derive(Clone)]
struct MutualBatch {
    /// By instance.
    k: Vec<f64>,
    pairs: Vec<Pair>,
}

impl Batch for MutualBatch {
    fn len(&self) -> usize {
        self.k.len()
    }

    fn assign(&mut self, binder: &Binder) {
        for pair in &mut self.pairs {
            pair.rows = ((binder.branch)(pair.refs.0), (binder.branch)(pair.refs.1));
        }
    }

    fn connect(&mut self, w: &mut dyn Wiring) {
        for pair in &mut self.pairs {
            let (i, j) = pair.rows;
            pair.slots = (w.slot(i, j), w.slot(j, i));
        }
    }

    fn linearity(&self) -> Linearity {
        Linearity::Linear
    }

    fn set_temperature(&mut self, temp: f64) {
        for pair in &mut self.pairs {
            let (a, b) = (pair.windings.0.inductance(temp), pair.windings.1.inductance(temp));
            pair.m = self.k[pair.instance as usize] * (a * b).max(0.0).sqrt();
        }
    }

    fn eval(&self, at: &Point, x: &[f64], _mem: &mut IterMem, out: &mut Load) {
        for pair in &self.pairs {
            let (i, j) = pair.rows;
            for (row, col, slot, ic) in
                [(i, j, pair.slots.0, pair.windings.1.ic), (j, i, pair.slots.1, pair.windings.0.ic)]
            {
                if at.is_uic_start && !ic.is_nan() {
                    out.q(row, pair.m * ic);
                } else {
                    out.q(row, pair.m * x[col as usize]);
                    out.c(slot, pair.m);
                }
            }
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        &[OpVar { name: "k", unit: "", doc: "coupling" }, OpVar { name: "m", unit: "H", doc: "M of the first pair" }]
    }

    fn op_values(&self, i: usize, _at: &Point, _x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let m = self.pairs.iter().find(|p| p.instance as usize == i).map_or(0.0, |p| p.m);
        for (o, value) in out.iter_mut().zip([self.k[i], m]) {
            *o = value;
        }
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        let ok = id == K && value.abs() <= 1.0 && instance < self.k.len();
        if ok {
            self.k[instance] = value;
        }
        ok
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        if id == K { self.k.get(instance).copied() } else { None }
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
