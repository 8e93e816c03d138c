//! What a batch keeps of its last evaluations, and when that is enough.
//!
//! Most devices of a large circuit stand still most of the time, and in the last iterations of a step nearly all do.
//! While its voltages v are within `quiet` of those of its last evaluation, l, a device *rests*: it is not evaluated again
//! but continued along its tangent,
//!
//! ```text
//! f(v) = f(l) + G(l) (v - l),    q(v) = q(l) + C(l) (v - l)
//! ```
//! The error is of second order: for an exponential, the steepest law there is, ½ (quiet/vt)² of the current. SPICE's
//! bypass takes f(l) itself, an error of first order, which is why it is known to harm; this one is on by default.
//!
//! The tangents of all devices of a batch are kept as *sums*, G x + f0 by matrix entry and by row. A device that rests
//! costs a look at its voltages and nothing else; one that is evaluated replaces its part. The sums are formed anew before
//! the roundings of many replacements could be seen.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::batch::{Load, Point, Slot, Unknown};

/// The sums are formed anew after so many replacements for each device.
const RENEWED_AFTER: usize = 16;

/// Whether evaluations at this point may be used again: a static solution is exact.
#[inline]
pub fn is_on(at: &Point) -> bool {
    at.quiet > 0.0 && !at.is_static && !at.is_first_iteration && !at.is_uic_start
}

/// The voltages that a device depends on, and where it was evaluated.
#[derive(Clone)]
struct Watch<const V: usize> {
    pairs: [(Unknown, Unknown); V],
    at: [f64; V],
    /// To be evaluated however near it is.
    is_stale: bool,
    /// Evaluated since the last accepted point.
    is_touched: bool,
}

impl<const V: usize> Watch<V> {
    /// False for NaN.
    #[inline(always)]
    fn is_near(&self, x: &[f64], quiet: f64) -> bool {
        let mut near = !self.is_stale;
        for (&(p, n), l) in self.pairs.iter().zip(&self.at) {
            near &= (x[p as usize] - x[n as usize] - l).abs() <= quiet;
        }
        near
    }
}

/// A device's part of the sums: of the constants by row, of the slopes by entry.
#[derive(Clone)]
struct Part<const R: usize, const W: usize> {
    f: [f64; R],
    q: [f64; R],
    g: [f64; W],
    c: [f64; W],
}

impl<const R: usize, const W: usize> Part<R, W> {
    const NONE: Self = Part { f: [0.0; R], q: [0.0; R], g: [0.0; W], c: [0.0; W] };
}

/// Where a device's rows and entries are among those of the batch; 0 where it has fewer.
#[derive(Clone)]
struct Places<const R: usize, const W: usize> {
    rows: [u32; R],
    wires: [u32; W],
    cols: [Unknown; W],
    /// Local row of each entry.
    row_of: [u8; W],
    n_rows: u8,
    n_wires: u8,
}

/// How a device is connected, as its batch describes it.
pub struct Connection<'a, const V: usize> {
    /// The voltages that it depends on.
    pub pairs: [(Unknown, Unknown); V],
    /// Rows that it adds to.
    pub rows: &'a [Unknown],
    /// Entries that it adds to: local row, column, slot.
    pub wires: &'a [(u8, Unknown, Slot)],
}

/// What a device adds at x.
pub struct Added<'a> {
    pub f: &'a [f64],
    pub q: &'a [f64],
    pub g: &'a [f64],
    pub c: &'a [f64],
}

/// An entry of the matrix or a row, and its sums.
#[derive(Clone, Copy, Default)]
struct Sum {
    /// g and c of an entry, f0 and q0 of a row.
    now: f64,
    stored: f64,
}

/// The last evaluations of a batch of devices with up to `R` rows, `W` entries and `V` voltages.
#[derive(Clone, Default)]
pub struct Resting<const R: usize, const W: usize, const V: usize> {
    watch: Vec<Watch<V>>,
    places: Vec<Places<R, W>>,
    parts: Vec<Part<R, W>>,
    /// (slot, row, column) and row of the sums; 0 is nobody's.
    entries: Vec<(Slot, Unknown, Unknown)>,
    rows: Vec<Unknown>,
    slopes: Vec<Sum>,
    constants: Vec<Sum>,
    /// Devices to evaluate at the present x; devices evaluated since the last accepted point.
    moved: Vec<u32>,
    touched: Vec<u32>,
    is_valid: bool,
    gmin: f64,
    replaced: usize,
}

impl<const R: usize, const W: usize, const V: usize> Resting<R, W, V> {
    pub fn new<'a>(devices: impl Iterator<Item = Connection<'a, V>>) -> Self {
        let mut s = Resting { entries: vec![(0, 0, 0)], rows: vec![0], ..Default::default() };
        for d in devices {
            let mut p = Places {
                rows: [0; R],
                wires: [0; W],
                cols: [0; W],
                row_of: [0; W],
                n_rows: d.rows.len().min(R) as u8,
                n_wires: 0,
            };
            p.rows[..d.rows.len().min(R)].copy_from_slice(&d.rows[..d.rows.len().min(R)]);
            for &(local, col, slot) in d.wires.iter().filter(|w| w.2 != 0).take(W) {
                let k = p.n_wires as usize;
                (p.wires[k], p.cols[k], p.row_of[k]) = (slot, col, local);
                s.entries.push((slot, d.rows[local as usize], col));
                p.n_wires += 1;
            }
            s.rows.extend(d.rows);
            s.watch.push(Watch { pairs: d.pairs, at: [0.0; V], is_stale: true, is_touched: false });
            s.places.push(p);
        }
        s.entries.sort_unstable();
        s.entries.dedup();
        s.rows.sort_unstable();
        s.rows.dedup();
        // Ground's row and what is not wired share the first place, which is never read.
        for p in &mut s.places {
            for r in &mut p.rows[..p.n_rows as usize] {
                *r = s.rows.binary_search(r).unwrap_or(0) as u32;
            }
            for w in &mut p.wires[..p.n_wires as usize] {
                *w = s.entries.binary_search_by_key(w, |e| e.0).unwrap_or(0) as u32;
            }
        }
        s.parts = vec![Part::NONE; s.watch.len()];
        s.slopes = vec![Sum::default(); s.entries.len()];
        s.constants = vec![Sum::default(); s.rows.len()];
        s.moved.reserve(s.watch.len());
        s.touched.reserve(s.watch.len());
        s
    }

    /// Everything is to be evaluated: parameters or the temperature have changed.
    pub fn forget(&mut self) {
        self.is_valid = false;
    }

    /// Number `k` of the devices touched: is to be evaluated however near it is, if `changes` says so.
    pub fn commit(&mut self, k: usize, changes: impl FnOnce(usize) -> bool) {
        let i = self.touched[k] as usize;
        self.watch[i].is_stale |= changes(i);
    }

    fn clear(&mut self) {
        self.slopes.fill(Sum::default());
        self.constants.fill(Sum::default());
        self.replaced = 0;
    }

    /// Looks which devices have to be evaluated at `x`.
    pub fn look(&mut self, at: &Point, x: &[f64]) -> usize {
        self.moved.clear();
        if !self.is_valid || self.gmin != at.gmin {
            self.clear();
            self.parts.fill(Part::NONE);
            self.moved.extend(0..self.watch.len() as u32);
            (self.is_valid, self.gmin) = (true, at.gmin);
        } else {
            let far = |(i, w): (usize, &Watch<V>)| (!w.is_near(x, at.quiet)).then_some(i as u32);
            self.moved.extend(self.watch.iter().enumerate().filter_map(far));
        }
        self.moved.len()
    }

    /// Device number `k` of those to evaluate.
    pub fn moved(&self, k: usize) -> usize {
        self.moved[k] as usize
    }

    /// The part of device `i` from now on is what it adds at x, and its slopes; `at` says where it was evaluated.
    pub fn replace(&mut self, i: usize, at: [f64; V], x: &[f64], new: &Added) {
        let (p, part) = (&self.places[i], &mut self.parts[i]);
        let (mut f, mut q) = ([0.0; R], [0.0; R]);
        let (n_rows, n_wires) = (p.n_rows as usize, p.n_wires as usize);
        f[..n_rows].copy_from_slice(&new.f[..n_rows]);
        q[..n_rows].copy_from_slice(&new.q[..n_rows]);
        for k in 0..n_wires {
            let (g, c, v) = (new.g[k], new.c[k], x[p.cols[k] as usize]);
            let sum = &mut self.slopes[p.wires[k] as usize];
            sum.now += g - part.g[k];
            sum.stored += c - part.c[k];
            (part.g[k], part.c[k]) = (g, c);
            f[p.row_of[k] as usize] -= g * v;
            q[p.row_of[k] as usize] -= c * v;
        }
        for r in 0..n_rows {
            let sum = &mut self.constants[p.rows[r] as usize];
            sum.now += f[r] - part.f[r];
            sum.stored += q[r] - part.q[r];
            (part.f[r], part.q[r]) = (f[r], q[r]);
        }
        let w = &mut self.watch[i];
        (w.at, w.is_stale) = (at, false);
        if !w.is_touched {
            w.is_touched = true;
            self.touched.push(i as u32);
        }
        self.replaced += 1;
    }

    /// Forms the sums from the parts.
    fn renew(&mut self) {
        self.clear();
        for (p, part) in self.places.iter().zip(&self.parts) {
            for k in 0..p.n_wires as usize {
                let sum = &mut self.slopes[p.wires[k] as usize];
                sum.now += part.g[k];
                sum.stored += part.c[k];
            }
            for r in 0..p.n_rows as usize {
                let sum = &mut self.constants[p.rows[r] as usize];
                sum.now += part.f[r];
                sum.stored += part.q[r];
            }
        }
    }

    /// Adds all devices to the system.
    pub fn add(&mut self, x: &[f64], out: &mut Load) {
        if self.replaced > RENEWED_AFTER * self.watch.len() {
            self.renew();
        }
        for (&(slot, row, col), s) in self.entries.iter().zip(&self.slopes).skip(1) {
            out.g(slot, s.now);
            out.c(slot, s.stored);
            let v = x[col as usize];
            out.f(row, s.now * v);
            out.q(row, s.stored * v);
        }
        for (&row, s) in self.rows.iter().zip(&self.constants).skip(1) {
            out.f(row, s.now);
            out.q(row, s.stored);
        }
    }

    /// How many devices were evaluated since the last accepted point; `None`: any may have been.
    pub fn touched(&self) -> Option<usize> {
        self.is_valid.then_some(self.touched.len())
    }

    /// A point is accepted.
    pub fn accept(&mut self) {
        for i in self.touched.drain(..) {
            self.watch[i as usize].is_touched = false;
        }
    }
}

/// The last evaluations behind a lock, for `eval` of a shared batch. Not state: without them everything is evaluated anew.
/// A copy begins without.
pub struct Memory<const R: usize, const W: usize, const V: usize>(Mutex<Resting<R, W, V>>);

impl<const R: usize, const W: usize, const V: usize> Memory<R, W, V> {
    pub fn new(resting: Resting<R, W, V>) -> Self {
        Memory(Mutex::new(resting))
    }

    pub fn lock(&self) -> MutexGuard<'_, Resting<R, W, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn get_mut(&mut self) -> &mut Resting<R, W, V> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<const R: usize, const W: usize, const V: usize> Default for Memory<R, W, V> {
    fn default() -> Self {
        Memory(Mutex::default())
    }
}

impl<const R: usize, const W: usize, const V: usize> Clone for Memory<R, W, V> {
    fn clone(&self) -> Self {
        let mut copy = self.lock().clone();
        copy.forget();
        Memory::new(copy)
    }
}
