//! Instances that stand still are continued along the tangent of their last evaluation, and large batches are evaluated
//! on all threads.
//!
//! ```text
//! f(x) = f(l) + G(l) (x - l),    q(x) = q(l) + C(l) (x - l)        while x is near l
//! ```
//! as the native transistors do (`device::mosfet::quiet` says why the error is small: it is of second order; a law that is
//! steeper than a junction's makes it larger by the square, and `.options bypass=0` or a smaller reltol helps). What a
//! module computes must then depend on its unknowns alone: whatever else it reads (the time, what persists, random
//! numbers) must be what it was. Modules with operators that look back are always evaluated.
//!
//! Each chunk of neighbouring instances is evaluated into arrays of its own, and these are added to the system one after
//! the other: sums are the same to the last bit for any number of threads.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator};

use super::batch::VaBatch;
use crate::device::{IterMem, Load, Point, UnknownKind};
use crate::veriloga::ir::{Def, Func, In, Op, sim};
use crate::veriloga::jit::{Args, KEYS, Kernel};

/// Instances of a chunk.
const CHUNK: usize = 16;
/// Fewer instances than this are not worth another thread.
const PARALLEL_FROM: usize = 64;

/// What an evaluation reads besides its unknowns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    sim: [bool; sim::COUNT],
    /// Something that changes when a point is accepted.
    remembers: bool,
    /// Values that operators give which look back in time.
    looks_back: bool,
}

impl Reads {
    pub fn of(eval: &Func) -> Reads {
        let mut r = Reads::default();
        for value in &eval.vals {
            let Def::Op(op) = &value.def else { continue };
            match op {
                Op::Input(In::Sim, k, _) => match r.sim.get_mut(*k as usize) {
                    Some(s) => *s = true,
                    // Numbers of integrals follow those of the simulator.
                    None => r.looks_back = true,
                },
                Op::Input(In::Hidden | In::Uniform | In::Normal | In::Key | In::Event, _, _) => r.remembers = true,
                Op::Input(In::Signal, _, _) => r.looks_back = true,
                _ => {}
            }
        }
        r
    }

    pub fn remembers(&self) -> bool {
        self.remembers
    }
}

/// Some neighbouring instances. Number `i nu + u + 1` of an array by rows is that of the unknown u of instance i here.
#[derive(Default)]
struct Chunk {
    /// Where compiled code finds and puts its numbers: one after the other.
    rows: Vec<u32>,
    slots: Vec<u32>,
    /// The unknowns now, and those of the last evaluation.
    x: Vec<f64>,
    at: Vec<f64>,
    f: Vec<f64>,
    q: Vec<f64>,
    g: Vec<f64>,
    c: Vec<f64>,
    old: Vec<f64>,
    is_kept: Vec<bool>,
    /// By instance: evaluated at `x` itself.
    is_fresh: Vec<bool>,
}

impl Chunk {
    fn new(n: usize, nu: usize, ne: usize, no: usize) -> Chunk {
        let by_row = || vec![0.0; n * nu + 1];
        let by_slot = || vec![0.0; n * ne + 1];
        Chunk {
            rows: (1..=(n * nu) as u32).collect(),
            slots: (1..=(n * ne) as u32).collect(),
            x: by_row(),
            at: by_row(),
            f: by_row(),
            q: by_row(),
            g: by_slot(),
            c: by_slot(),
            old: vec![0.0; n * no],
            is_kept: vec![false; n],
            is_fresh: vec![false; n],
        }
    }
}

/// The last evaluations of a batch. Not state: without them everything is evaluated anew. A copy begins without.
#[derive(Default)]
pub struct Memory(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    chunks: Vec<Chunk>,
    numbers: [f64; sim::COUNT],
    version: u32,
}

impl Clone for Memory {
    fn clone(&self) -> Self {
        Memory::default()
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VaBatch {
    /// Whether evaluations are kept at this point, and whether they are spread over threads.
    pub(super) fn ways(&self, at: &Point) -> (bool, bool) {
        let keeps = at.quiet > 0.0 && !at.is_static && !at.is_first_iteration && !at.is_uic_start;
        let may = !self.dev.reads.looks_back;
        (keeps && may, may && self.n >= PARALLEL_FROM && rayon::current_num_threads() > 1)
    }

    /// As `eval`, by chunks.
    pub(super) fn eval_in_chunks(
        &self,
        kernel: &Kernel,
        numbers: &[f64; sim::COUNT],
        (at, x): (&Point, &[f64]),
        mem: &mut IterMem,
        out: &mut Load,
        (keeps, is_parallel): (bool, bool),
    ) {
        let l = &self.program().lowered;
        let (nu, ne, no) = (l.unknowns.len(), self.program().entries.len(), l.limit_states as usize);
        let mut kept = self.memory.lock();
        if kept.chunks.is_empty() {
            let sizes = (0..self.n).step_by(CHUNK).map(|i| CHUNK.min(self.n - i));
            kept.chunks = sizes.map(|n| Chunk::new(n, nu, ne, no)).collect();
        }
        let differs = |k: usize| self.dev.reads.sim[k] && numbers[k] != kept.numbers[k];
        if !keeps || kept.version != self.version || (0..sim::COUNT).any(differs) {
            kept.chunks.iter_mut().for_each(|c| c.is_kept.fill(false));
            kept.numbers = *numbers;
            kept.version = self.version;
        }
        let old = &*mem.values;
        let work = |(k, chunk): (usize, &mut Chunk)| {
            let count = chunk.old.len();
            chunk.old.copy_from_slice(&old[k * CHUNK * no..][..count]);
            self.refresh(kernel, numbers, x, if keeps { at.quiet } else { -1.0 }, k * CHUNK, chunk)
        };
        let sum = |a: (usize, bool), b: (usize, bool)| (a.0 + b.0, a.1 | b.1);
        let chunks = &mut kept.chunks;
        let (evaluated, limited) = if is_parallel {
            chunks.par_iter_mut().enumerate().map(work).reduce(|| (0, false), sum)
        } else {
            chunks.iter_mut().enumerate().map(work).fold((0, false), sum)
        };
        for (k, chunk) in chunks.iter().enumerate() {
            mem.values[k * CHUNK * no..][..chunk.old.len()].copy_from_slice(&chunk.old);
            self.add(chunk, k * CHUNK, out);
        }
        mem.limited |= limited;
        mem.reused = self.n - evaluated;
    }

    /// Evaluates those instances of a chunk that have moved: how many, and whether something was limited.
    fn refresh(
        &self,
        kernel: &Kernel,
        numbers: &[f64; sim::COUNT],
        x: &[f64],
        quiet: f64,
        first: usize,
        chunk: &mut Chunk,
    ) -> (usize, bool) {
        let l = &self.program().lowered;
        let (nu, n) = (l.unknowns.len(), chunk.is_kept.len());
        for (to, row) in chunk.x[1..].iter_mut().zip(&self.rows[first * nu..(first + n) * nu]) {
            *to = x[*row as usize];
        }
        for i in 0..n {
            let (now, last) = (&chunk.x[i * nu + 1..][..nu], &chunk.at[i * nu + 1..][..nu]);
            let is_near = now.iter().zip(last).zip(&self.dev.unknowns).all(|((x, l), (_, kind))| {
                // Quantities that are not voltages have no scale but their own size.
                let scale = if *kind == UnknownKind::Voltage { 1.0 } else { l.abs() };
                (x - l).abs() <= quiet * scale
            });
            chunk.is_fresh[i] = !(chunk.is_kept[i] && is_near);
        }
        let (mut evaluated, mut limited) = (0, false);
        let mut i = 0;
        while i < n {
            let end = i + chunk.is_fresh[i..].iter().take_while(|f| **f).count();
            if end > i {
                let is_limited = self.evaluate(kernel, numbers, first, i..end, chunk);
                // A tangent at a place that limiting chose is not one at a solution.
                chunk.is_kept[i..end].fill(!is_limited && quiet >= 0.0);
                limited |= is_limited;
                evaluated += end - i;
            }
            i = end + 1;
        }
        (evaluated, limited)
    }

    /// Evaluates some instances of the chunk that begins with instance `first`.
    fn evaluate(
        &self,
        kernel: &Kernel,
        numbers: &[f64; sim::COUNT],
        first: usize,
        part: std::ops::Range<usize>,
        chunk: &mut Chunk,
    ) -> bool {
        let l = &self.program().lowered;
        let (nu, ne, no) = (l.unknowns.len(), self.program().entries.len(), l.limit_states as usize);
        let (nc, nn, nv) = (l.cells.len(), l.normals as usize, l.uniforms as usize);
        let own = first + part.start..first + part.end;
        let (by_row, by_slot) = (part.start * nu..part.end * nu, part.start * ne..part.end * ne);
        let (row1, slot1) = (by_row.start + 1..by_row.end + 1, by_slot.start + 1..by_slot.end + 1);
        for a in [&mut chunk.f, &mut chunk.q] {
            a[row1.clone()].fill(0.0);
        }
        for a in [&mut chunk.g, &mut chunk.c] {
            a[slot1.clone()].fill(0.0);
        }
        let Chunk { x, at, .. } = chunk;
        at[row1.clone()].copy_from_slice(&x[row1]);
        kernel.run(Args {
            count: part.len(),
            x: &chunk.x,
            rows: &chunk.rows[by_row],
            slots: &chunk.slots[by_slot],
            classes: &self.class_of[own.clone()],
            cache: &self.cache,
            sim: numbers,
            hidden: &self.hidden[own.start * nc..own.end * nc],
            uniforms: &self.uniforms[own.start * nv..own.end * nv],
            normals: &self.normals[own.start * nn..own.end * nn],
            keys: &self.keys[own.start * KEYS..own.end * KEYS],
            signals: &[],
            tables: &self.flat.tables,
            old: &mut chunk.old[part.start * no..part.end * no],
            f: &mut chunk.f,
            q: &mut chunk.q,
            g: &mut chunk.g,
            c: &mut chunk.c,
            max_row: chunk.rows.len(),
            max_slot: chunk.slots.len(),
            class_count: self.classes.len(),
        })
    }

    /// Adds what a chunk has to the system.
    fn add(&self, chunk: &Chunk, first: usize, out: &mut Load) {
        let entries = &self.program().entries;
        let (nu, ne) = (self.program().lowered.unknowns.len(), entries.len());
        for (i, is_fresh) in chunk.is_fresh.iter().enumerate() {
            let rows = &self.rows[(first + i) * nu..][..nu];
            let slots = &self.slots[(first + i) * ne..][..ne];
            let (f, q) = (&chunk.f[i * nu + 1..][..nu], &chunk.q[i * nu + 1..][..nu]);
            let (g, c) = (&chunk.g[i * ne + 1..][..ne], &chunk.c[i * ne + 1..][..ne]);
            let (x, at) = (&chunk.x[i * nu + 1..][..nu], &chunk.at[i * nu + 1..][..nu]);
            for (row, (f, q)) in rows.iter().zip(f.iter().zip(q)) {
                out.f(*row, *f);
                out.q(*row, *q);
            }
            for (slot, (g, c)) in slots.iter().zip(g.iter().zip(c)) {
                out.g(*slot, *g);
                out.c(*slot, *c);
            }
            if *is_fresh {
                continue;
            }
            for ((r, u), (g, c)) in entries.iter().zip(g.iter().zip(c)) {
                let dx = x[*u as usize] - at[*u as usize];
                out.f(rows[*r as usize], g * dx);
                out.q(rows[*r as usize], c * dx);
            }
        }
    }
}
