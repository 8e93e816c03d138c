//! Excess phase: the forward part u = if/qb of the collector current arrives late by td = ptf tf.
//!
//! In the time domain the delay is Bessel's filter of second order, whose delay is maximally flat:
//!
//! ```text
//! Y/U = 3/(3 + 3 s td + (s td)²)
//! td/3 dy/dt - w = 0                 (row of w)
//! td dw/dt + 3 w + y - u = 0         (row of y)
//! ```
//!
//! Both states are currents. A static point gives w = 0 and y = u, the transistor without delay. Small-signal analyses
//! have the delay itself, exp(-jω td): [`Phase::turn`] is what the filter lacks.
//! Weil and McNamee, "Simulation of excess phase in bipolar transistors", IEEE Trans. Circuits Syst. 25 (1978) 114.

use num_complex::Complex64;

use super::core::D;
use crate::device::{Load, Slot, Unknown, UnknownKind, UnknownSpec, Wiring};

/// The numbers of one transistor's filter; all 0 where there is no delay.
#[derive(Clone, Copy, Debug, Default)]
pub struct Phase {
    pub y: Unknown,
    pub w: Unknown,
    ci_y: Slot,
    ei_y: Slot,
    y_y: Slot,
    y_w: Slot,
    w_y: Slot,
    w_w: Slot,
    /// Row of y, columns of base, emitter and collector.
    y_v: [Slot; 3],
}

pub fn unknowns(instance: usize) -> [UnknownSpec; 2] {
    ["delayed", "delayed_rate"].map(|name| UnknownSpec {
        instance: instance as u32,
        name,
        kind: UnknownKind::State { unit: "A", abstol: 1e-12, residual_tol: 1e-12 },
        hold: None,
        initial: 0.0,
    })
}

impl Phase {
    pub fn connect(&mut self, w: &mut dyn Wiring, [ci, bi, ei]: [Unknown; 3]) {
        let Phase { y, w: rate, .. } = *self;
        self.ci_y = w.slot(ci, y);
        self.ei_y = w.slot(ei, y);
        self.y_y = w.slot(y, y);
        self.y_w = w.slot(y, rate);
        self.w_y = w.slot(rate, y);
        self.w_w = w.slot(rate, rate);
        self.y_v = [w.slot(y, bi), w.slot(y, ei), w.slot(y, ci)];
    }

    /// Replaces u, which the caller left out of the current from collector to emitter, by y. `u` is its value at x with
    /// slopes by (vbe, vbc). The content of w's row is the caller's ([`Phase::charge`]).
    pub fn eval(&self, pol: f64, td: f64, u: f64, slopes: [f64; 2], nodes: [Unknown; 2], x: &[f64], out: &mut Load) {
        let (y, w) = (x[self.y as usize], x[self.w as usize]);
        let [ci, ei] = nodes;
        out.f(ci, pol * y);
        out.f(ei, -pol * y);
        out.g(self.ci_y, pol);
        out.g(self.ei_y, -pol);
        out.f(self.w, -w);
        out.g(self.w_w, -1.0);
        out.c(self.w_y, td / 3.0);
        out.f(self.y, 3.0 * w + y - u);
        out.g(self.y_w, 3.0);
        out.g(self.y_y, 1.0);
        out.c(self.y_w, td);
        out.q(self.y, td * w);
        for (slot, d) in self.y_v.into_iter().zip(by_nodes(slopes)) {
            out.g(slot, -pol * d);
        }
    }

    /// The content of the row that integrates y.
    pub fn charge(&self, td: f64, y: f64, out: &mut Load) {
        out.q(self.w, td / 3.0 * y);
    }

    /// Makes the small-signal transfer exp(-jω td): u's slopes enter the filter multiplied by what it lacks.
    pub fn turn(&self, pol: f64, td: f64, u: &D, omega: f64, y: &mut [Complex64]) {
        let s = Complex64::new(0.0, omega * td);
        let lacks = (-s).exp() * (1.0 + s + s * s / 3.0) - 1.0;
        for (slot, d) in self.y_v.into_iter().zip(by_nodes(u.d)) {
            y[slot as usize] -= pol * d * lacks;
        }
    }
}

/// Slopes by (vbe, vbc) as slopes by base, emitter, collector.
fn by_nodes([be, bc]: [f64; 2]) -> [f64; 3] {
    [be + bc, -be, -bc]
}
