//! The accepted past: times, unknowns, contents and the last derivative, in a ring that never allocates after `new`.

use super::method::{Coefficients, MAX_ORDER};

/// Points kept.
pub const DEPTH: usize = MAX_ORDER + 2;

/// Accepted points, newest first.
#[derive(Clone, Debug)]
pub struct History {
    times: [f64; DEPTH],
    x: [Vec<f64>; DEPTH],
    q: [Vec<f64>; DEPTH],
    /// dq/dt at the newest point.
    pub qdot: Vec<f64>,
    len: usize,
    /// False after a restart: the derivative belongs to the other side of a discontinuity.
    pub has_derivative: bool,
}

impl History {
    pub fn new(n: usize) -> Self {
        History {
            times: [0.0; DEPTH],
            x: std::array::from_fn(|_| vec![0.0; n]),
            q: std::array::from_fn(|_| vec![0.0; n]),
            qdot: vec![0.0; n],
            len: 0,
            has_derivative: false,
        }
    }

    /// Number of points that may be used.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn times(&self) -> &[f64] {
        &self.times[..self.len]
    }

    pub fn time(&self) -> f64 {
        self.times[0]
    }

    pub fn x(&self, back: usize) -> &[f64] {
        &self.x[back]
    }

    pub fn q(&self, back: usize) -> &[f64] {
        &self.q[back]
    }

    /// Starts anew at a point: the derivative is unknown.
    pub fn start(&mut self, t: f64, x: &[f64], q: &[f64]) {
        self.len = 1;
        self.times[0] = t;
        self.x[0].copy_from_slice(x);
        self.q[0].copy_from_slice(q);
        self.qdot.fill(0.0);
        self.has_derivative = false;
    }

    /// Moves the newest point by a rounding error of time.
    pub fn set_time(&mut self, t: f64) {
        self.times[0] = t;
    }

    /// Forgets everything but the newest point: after a discontinuity nothing older may be extrapolated.
    pub fn restart(&mut self) {
        self.len = self.len.min(1);
        self.has_derivative = false;
    }

    /// Adds an accepted point; `c` are the coefficients with which it was computed.
    pub fn push(&mut self, t: f64, x: &[f64], q: &[f64], qdot: &[f64]) {
        self.times.copy_within(0..DEPTH - 1, 1);
        self.x.rotate_right(1);
        self.q.rotate_right(1);
        self.times[0] = t;
        self.x[0].copy_from_slice(x);
        self.q[0].copy_from_slice(q);
        self.qdot.copy_from_slice(qdot);
        self.len = (self.len + 1).min(DEPTH);
        self.has_derivative = true;
    }

    /// The part of q' that the past decides: `Σ bᵢ qₙ₋ᵢ + c q'ₙ`.
    pub fn combine(&self, c: &Coefficients, out: &mut [f64]) {
        let (b0, q0) = (c.b[0], &self.q[0]);
        if c.c != 0.0 {
            for ((o, q), d) in out.iter_mut().zip(q0).zip(&self.qdot) {
                *o = b0 * q + c.c * d;
            }
        } else {
            for (o, q) in out.iter_mut().zip(q0) {
                *o = b0 * q;
            }
        }
        for (b, q) in c.b[1..c.used].iter().zip(&self.q[1..]) {
            for (o, q) in out.iter_mut().zip(q) {
                *o += b * q;
            }
        }
    }

    /// Weights of the polynomial of `degree` through the newest points, evaluated at `t`; the degree is lowered to
    /// what the past allows. Returns the degree used.
    pub fn weights(&self, t: f64, degree: usize, w: &mut [f64; DEPTH]) -> usize {
        let degree = degree.min(self.len.saturating_sub(1));
        for j in 0..=degree {
            let mut p = 1.0;
            for i in 0..=degree {
                if i != j {
                    p *= (t - self.times[i]) / (self.times[j] - self.times[i]);
                }
            }
            w[j] = p;
        }
        degree
    }

    /// Extrapolates the unknowns to `t`. Returns the degree used.
    pub fn predict(&self, t: f64, degree: usize, out: &mut [f64]) -> usize {
        let mut w = [0.0; DEPTH];
        let degree = self.weights(t, degree, &mut w);
        for (o, x) in out.iter_mut().zip(&self.x[0]) {
            *o = w[0] * x;
        }
        for (w, x) in w[1..=degree].iter().zip(&self.x[1..]) {
            for (o, x) in out.iter_mut().zip(x) {
                *o += w * x;
            }
        }
        degree
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prediction_is_exact_for_polynomials() {
        let mut h = History::new(1);
        let p = |t: f64| 1.0 + t - 3.0 * t * t + t * t * t;
        h.start(0.0, &[p(0.0)], &[0.0]);
        for t in [0.2, 0.3, 0.7] {
            h.push(t, &[p(t)], &[0.0], &[0.0]);
        }
        let mut out = [0.0];
        assert_eq!(h.predict(1.0, 3, &mut out), 3);
        assert!((out[0] - p(1.0)).abs() < 1e-12);
        h.restart();
        assert_eq!(h.predict(1.0, 3, &mut out), 0);
        assert_eq!(out[0], p(0.7));
    }
}
