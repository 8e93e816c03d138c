//! What a transistor keeps of its last evaluation, and when that is enough.
//!
//! Most transistors of a large circuit stand still most of the time, and in the last iterations of a step nearly all do.
//! While its voltages v are within `quiet` of those of its last evaluation, l, a transistor is not evaluated again but
//! continued along its tangent:
//!
//! ```text
//! f(v) = f(l) + G(l) (v - l),    q(v) = q(l) + C(l) (v - l)
//! ```
//! The error is of second order: for an exponential, the steepest law there is, ½ (quiet/vt)² of the current. SPICE's
//! bypass takes f(l) itself, an error of first order, which is why it is known to harm; this one is on by default.
//!
//! Rows and columns of the source are not kept: each row of f and q, and each column of G and C, sums to zero, and so does
//! each row of G and C (nothing depends on the zero of potential). The gate carries no direct current.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::stamp::{Row, Stamp};
use crate::device::Point;

/// Rows d, g, b of the charges and d, b of the currents; columns by vd, vg, vb.
#[derive(Clone, Copy, Default)]
pub struct Kept {
    /// (vgs, vds, vbs) of the evaluation, and how far from it the transistor is now.
    v: [f64; 3],
    dv: [f64; 3],
    pub von: f64,
    gmin: f64,
    f: [f64; 2],
    q: [f64; 3],
    g: [[f64; 3]; 2],
    c: [[f64; 3]; 3],
    /// Of the gate charges' path and the temperature; 0: nothing is kept.
    version: u32,
}

#[inline(always)]
fn columns(r: &Row) -> [f64; 3] {
    [r[0], r[1], r[3]]
}

#[inline(always)]
fn row(r: [f64; 3]) -> Row {
    [r[0], r[1], -(r[0] + r[1] + r[2]), r[2]]
}

#[inline(always)]
fn dot(r: &[f64; 3], [vgs, vds, vbs]: [f64; 3]) -> f64 {
    r[0] * vds + r[1] * vgs + r[2] * vbs
}

/// The row that makes all four sum to zero.
#[inline(always)]
fn rest(a: Row, b: Row, c: Row) -> Row {
    [-(a[0] + b[0] + c[0]), -(a[1] + b[1] + c[1]), -(a[2] + b[2] + c[2]), -(a[3] + b[3] + c[3])]
}

/// Component by component; closures over arrays (`map`, `from_fn`) are calls in this innermost loop.
#[inline(always)]
fn sub(a: &[f64; 3], b: &[f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// Whether every voltage of `v` is near that of `l`. False for NaN.
#[inline(always)]
pub fn is_near(v: &[f64; 3], l: &[f64; 3], quiet: f64) -> bool {
    (v[0] - l[0]).abs() <= quiet && (v[1] - l[1]).abs() <= quiet && (v[2] - l[2]).abs() <= quiet
}

/// Whether evaluations at this point may be used again: a static solution is exact.
#[inline]
pub fn is_on(at: &Point) -> bool {
    at.quiet > 0.0 && !at.is_static && !at.is_first_iteration && !at.is_uic_start
}

impl Kept {
    /// Takes the last evaluation for the one at `v`, where it is enough.
    #[inline(always)]
    pub fn continues(&mut self, v: &[f64; 3], at: &Point, version: u32) -> bool {
        let may = self.version == version && self.gmin == at.gmin && is_near(v, &self.v, at.quiet);
        if may {
            self.dv = sub(v, &self.v);
        }
        may
    }

    /// Keeps an evaluation at `l` of a transistor whose voltages are `v`.
    #[inline(always)]
    pub fn keep(&mut self, s: &Stamp, von: f64, (v, l): ([f64; 3], [f64; 3]), at: &Point, version: u32) {
        *self = Kept {
            v: l,
            dv: sub(&v, &l),
            von,
            gmin: at.gmin,
            f: [s.f[0], s.f[3]],
            q: [s.q[0], s.q[1], s.q[3]],
            g: [columns(&s.g[0]), columns(&s.g[3])],
            c: [columns(&s.c[0]), columns(&s.c[1]), columns(&s.c[3])],
            // In static and small-signal analyses the gate's capacitances are not those of a path.
            version: if at.is_static || at.hertz > 0.0 { 0 } else { version },
        };
    }

    /// What the transistor adds to its four nodes now.
    #[inline(always)]
    pub fn stamp(&self) -> Stamp {
        let Kept { dv, f, q, g, c, .. } = self;
        let (fd, fb) = (f[0] + dot(&g[0], *dv), f[1] + dot(&g[1], *dv));
        let (qd, qg, qb) = (q[0] + dot(&c[0], *dv), q[1] + dot(&c[1], *dv), q[2] + dot(&c[2], *dv));
        let (gd, gb) = (row(g[0]), row(g[1]));
        let (cd, cg, cb) = (row(c[0]), row(c[1]), row(c[2]));
        Stamp {
            f: [fd, 0.0, -(fd + fb), fb],
            q: [qd, qg, -(qd + qg + qb), qb],
            g: [gd, [0.0; 4], rest(gd, [0.0; 4], gb), gb],
            c: [cd, cg, rest(cd, cg, cb), cb],
        }
    }
}

/// The last evaluations of a batch. Not state: without them everything is evaluated anew. A copy begins without.
#[derive(Default)]
pub struct Memory(Mutex<Vec<Kept>>);

impl Clone for Memory {
    fn clone(&self) -> Self {
        Memory::default()
    }
}

impl Memory {
    /// Those of `n` transistors.
    pub fn of(&self, n: usize) -> MutexGuard<'_, Vec<Kept>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() != n {
            *kept = vec![Kept::default(); n];
        }
        kept
    }
}
