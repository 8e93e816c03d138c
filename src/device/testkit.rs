//! A bench for one device alone: evaluates its batch on a dense system and compares Jacobians with differences.

use std::sync::Arc;

use super::*;
use crate::base::{Names, Sym};

/// ngspice 39 has the k and q of CODATA 2014; the ratio of its k/q to ours. Scaling the temperature by it makes the
/// thermal voltages equal.
pub const NGSPICE_KT: f64 = 1.380_648_52e-23 / 1.602_176_620_8e-19 / crate::base::consts::K_Q;

/// Dense wiring: slot = 1 + row * n + col; row or column 0 goes to the dump.
struct Dense {
    n: u32,
}

impl Wiring for Dense {
    fn slot(&mut self, row: Unknown, col: Unknown) -> Slot {
        if row == 0 || col == 0 { 0 } else { 1 + row * self.n + col }
    }
}

pub struct Bench {
    pub batch: Box<dyn Batch>,
    /// Unknowns with ground: terminals 1..=t, then branches of referenced elements, then internals.
    pub n: usize,
    pub iter: Vec<f64>,
    pub names: Names,
}

pub struct Out {
    pub f: Vec<f64>,
    pub q: Vec<f64>,
    pub g: Vec<f64>,
    pub c: Vec<f64>,
    pub limited: bool,
}

impl Bench {
    /// One instance on terminals 1, 2, ... `refs` are the branch currents it reads; each gets an unknown of its own.
    pub fn new(
        ty: Arc<dyn DeviceType>,
        polarity: f64,
        model: &[(&str, f64)],
        instance: &[(&str, Value)],
        terminals: usize,
        refs: usize,
        env: &Env,
    ) -> Bench {
        let mut names = Names::new();
        let mut group = Group::new(ty.clone());
        let info = ty.info();
        let id = |t: &[ParamSpec], n: &str| param::find(t, n).unwrap_or_else(|| panic!("no parameter {n}"));
        if !info.model_types.is_empty() {
            group.models.push(ModelCard {
                name: "m".into(),
                span: crate::diag::Span::NOWHERE,
                polarity,
                params: model.iter().map(|(n, v)| (id(info.model, n), Value::Num(*v))).collect(),
            });
        }
        let ref_names: Vec<Sym> = (0..refs).map(|k| names.intern(&format!("ref{k}"))).collect();
        group.push(
            names.intern("dut"),
            crate::diag::Span::NOWHERE,
            (!group.models.is_empty()).then_some(0),
            1..=terminals as u32,
            ref_names.iter().copied(),
            instance.iter().map(|(n, v)| (id(info.instance, n), v.clone())),
        );
        let mut batch = ty.batch(&group, env).unwrap_or_else(|d| panic!("{d:?}"));
        let first = 1 + terminals + refs;
        let internals: Vec<Unknown> = (0..batch.unknowns().len()).map(|k| (first + k) as u32).collect();
        let n = first + internals.len();
        let branch = |s: Sym| 1 + terminals as u32 + ref_names.iter().position(|r| *r == s).expect("known ref") as u32;
        batch.assign(&Binder { internals: &internals, branch: &branch });
        let mut wiring = Dense { n: n as u32 };
        batch.connect(&mut wiring);
        batch.connect(&mut wiring);
        batch.set_temperature(env.temp);
        let iter = vec![0.0; batch.iter_len()];
        Bench { batch, n, iter, names }
    }

    /// Evaluates at `x[0..n]` (x[0] must be 0) until limiting has settled.
    pub fn eval(&mut self, at: &Point, x: &[f64]) -> Out {
        let mut out = Out { f: vec![], q: vec![], g: vec![], c: vec![], limited: true };
        for _ in 0..200 {
            let size = 1 + self.n * self.n + self.n;
            out = Out {
                f: vec![0.0; self.n],
                q: vec![0.0; self.n],
                g: vec![0.0; size],
                c: vec![0.0; size],
                limited: false,
            };
            let mut mem = IterMem::new(&mut self.iter);
            let mut load = Load { f: &mut out.f, q: &mut out.q, g: &mut out.g, c: &mut out.c };
            self.batch.eval(at, x, &mut mem, &mut load);
            out.limited = mem.limited;
            if !out.limited {
                break;
            }
        }
        out
    }

    pub fn entry(&self, m: &[f64], row: usize, col: usize) -> f64 {
        if row == 0 || col == 0 { 0.0 } else { m[1 + row * self.n + col] }
    }

    /// Largest relative disagreement between analytic and central-difference Jacobians (f and q) at `x`; entries are
    /// compared against max(|entry|, floor of the row's largest entry times 1e-6).
    pub fn jacobian_error(&mut self, at: &Point, x: &[f64]) -> f64 {
        let base = self.eval(at, x);
        let mut worst: f64 = 0.0;
        for col in 1..self.n {
            let h = 1e-6 * x[col].abs().max(1e-2);
            let shifted = |s: f64, b: &mut Bench| {
                let mut y = x.to_vec();
                y[col] += s * h;
                b.eval(at, &y)
            };
            let (p, m) = (shifted(1.0, self), shifted(-1.0, self));
            let (p2, m2) = (shifted(2.0, self), shifted(-2.0, self));
            for row in 1..self.n {
                for (an, fp, fm, fp2, fm2) in [(&base.g, &p.f, &m.f, &p2.f, &m2.f), (&base.c, &p.q, &m.q, &p2.q, &m2.q)]
                {
                    let d = (8.0 * (fp[row] - fm[row]) - (fp2[row] - fm2[row])) / (12.0 * h);
                    let a = self.entry(an, row, col);
                    let row_max = (1..self.n).map(|c| self.entry(an, row, c).abs()).fold(0.0, f64::max);
                    // Rounding of the function values limits what a difference can resolve.
                    let noise = 1e-15 * (fp[row].abs() + fm[row].abs()) / h * 10.0;
                    let scale = a.abs().max(d.abs()).max(1e-6 * row_max);
                    if (a - d).abs() > noise && scale > 0.0 {
                        worst = worst.max((a - d).abs() / scale);
                    }
                }
            }
        }
        worst
    }
}
