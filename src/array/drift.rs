//! Memory cells with one state x between 0 (off) and 1 (on) that drifts with the voltage:
//!
//! ```text
//!   i     = G(x) sinh(κ v)/κ,     G = Goff^(1-x) Gon^x
//!   dx/dt = k sinh(v/v0) F(x)     F = 1 - x^(2p) where v > 0,  1 - (1 - x)^(2p) where v < 0
//! ```
//!
//! The window F (Y. N. Joglekar and S. J. Wolf, Eur. J. Phys. 30 (2009) 661, one side as by Z. Biolek, D. Biolek and
//! V. Biolkova, Radioengineering 18 (2009) 210) stops the state at either end and lets it go again. With p = 0 there is no
//! window, and x follows the closed form x0 + k sinh(v/v0) t at constant voltage.
//!
//! The state is eliminated cell by cell: a0 x + past = k sinh(v/v0) F(x) is one equation for x, solved by Newton's method.

use super::cells::{Cells, Frame, Internal, Moment, Stuck, run_of};
use super::geometry::{Listing, place};
use super::laws::sinh_cosh;
use crate::diag::Diagnostic;
use crate::diag::codes::array::{ARRAY_CELL, ARRAY_LAW};

/// Parameters, the same for all cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// Conductances at x = 0 and x = 1, S.
    pub off: f64,
    pub on: f64,
    /// 1/V; 0: ohmic.
    pub kappa: f64,
    /// Rate, 1/s, and its voltage scale, V.
    pub rate: f64,
    pub v0: f64,
    /// Exponent of the window; 0: none.
    pub window: u32,
}

impl Default for Drift {
    fn default() -> Self {
        Drift { off: 1e-6, on: 1e-4, kappa: 2.0, rate: 1.0, v0: 0.1, window: 2 }
    }
}

/// Cells with their states.
#[derive(Clone, Debug)]
pub struct DriftCells {
    drift: Drift,
    /// States before anything happens.
    x: Vec<f64>,
    internals: [Internal; 1],
}

impl DriftCells {
    /// States row by row, 0 to 1.
    pub fn new(drift: Drift, x: Vec<f64>, cols: usize) -> Result<DriftCells, Vec<Diagnostic>> {
        let mut faults = vec![];
        for (name, v) in [("off", drift.off), ("on", drift.on), ("rate", drift.rate), ("v0", drift.v0)] {
            if !(v > 0.0 && v.is_finite()) {
                faults.push(Diagnostic::error(ARRAY_LAW, format!("`{name}` of the cells is {v}; it must be above 0")));
            }
        }
        if !(drift.kappa >= 0.0 && drift.kappa.is_finite()) {
            faults.push(Diagnostic::error(ARRAY_LAW, format!("`kappa` of the cells is {}", drift.kappa)));
        }
        let mut bad = Listing::default();
        for (k, x) in x.iter().enumerate() {
            if !(0.0..=1.0).contains(x) {
                bad.add(|| format!("{}: {x}", place(k, cols.max(1))));
            }
        }
        bad.report(&mut faults, ARRAY_CELL, |n| format!("{n} states are not between 0 and 1"));
        let state = Internal { name: "x".into(), unit: "".into(), is_dynamic: true, abstol: 1e-6 };
        if faults.is_empty() { Ok(DriftCells { drift, x, internals: [state] }) } else { Err(faults) }
    }

    /// dx/dt, and its slopes in v and x.
    fn rate(&self, v: f64, x: f64) -> (f64, f64, f64) {
        let d = &self.drift;
        let (s, c) = sinh_cosh(v / d.v0);
        let (f, df) = if d.window == 0 {
            (1.0, 0.0)
        } else {
            let p = 2 * d.window as i32;
            if v >= 0.0 {
                (1.0 - x.powi(p), -f64::from(p) * x.powi(p - 1))
            } else {
                (1.0 - (1.0 - x).powi(p), f64::from(p) * (1.0 - x).powi(p - 1))
            }
        };
        (d.rate * s * f, d.rate * c / d.v0 * f, d.rate * s * df)
    }
}

impl Cells for DriftCells {
    fn len(&self) -> usize {
        self.x.len()
    }

    fn internals(&self) -> &[Internal] {
        &self.internals
    }

    fn start(&self, z: &mut [f64]) {
        z.copy_from_slice(&self.x);
    }

    fn eval(&self, at: &Moment, frame: Frame) -> Result<(), Stuck> {
        let d = &self.drift;
        let ratio = (d.on / d.off).ln();
        for (k, cell) in run_of(&frame).enumerate() {
            let v = frame.v[k];
            let mut x = frame.z[k];
            // dx/dv along the solution of the state's equation.
            let mut along = 0.0;
            if at.a0 > 0.0 {
                let past = at.past[2 * k + 1];
                let mut last = f64::INFINITY;
                let mut is_done = false;
                for _ in 0..60 {
                    let (r, rv, rx) = self.rate(v, x);
                    // The window falls with what drives towards it, so that the slope is at least a0 there.
                    let slope = at.a0 - rx.min(0.0);
                    let dx = (r - at.a0 * x - past) / slope;
                    along = rv / slope;
                    // A step back over the solution again and again is halved.
                    let dx = if dx.abs() > 0.9 * last { 0.5 * dx } else { dx };
                    last = dx.abs();
                    x = (x + dx.clamp(-0.5, 0.5)).clamp(-0.5, 1.5);
                    if dx.abs() <= 1e-13 {
                        is_done = true;
                        break;
                    }
                }
                if !is_done && !(last < 1e-9) {
                    return Err(Stuck { cell, text: format!("the state's equation is not solved at {v:.4} V") });
                }
                frame.z[k] = x;
            }
            let g = d.off * (ratio * x).exp();
            let (s, c) = if d.kappa > 0.0 { sinh_cosh(d.kappa * v) } else { (v, 1.0) };
            let shape = if d.kappa > 0.0 { s / d.kappa } else { v };
            frame.i[k] = g * shape;
            frame.g[k] = g * c + g * ratio * shape * along;
            if !frame.c.is_empty() {
                frame.c[2 * k] = 0.0;
                frame.c[2 * k + 1] = x;
            }
        }
        Ok(())
    }
}
