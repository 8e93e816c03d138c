//! The machine code of a batch at work: chunks of neighbouring instances, in each of them pairs of the same class, on all
//! threads if there are many.
//!
//! What a chunk computes goes into arrays of its own, and these are added to the system one after the other: sums are the
//! same to the last bit for any number of threads.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator};

use super::batch::VaBatch;
use crate::device::{IterMem, Load, Point};
use crate::veriloga::ir::{Func, Out, signal, sim};
use crate::veriloga::jit::{Args, KEYS, Kernel, Tiers};

/// Instances of a chunk.
const CHUNK: usize = 32;
/// Fewer instances than this are not worth another thread.
const PARALLEL_FROM: usize = 64;

/// Where outputs of the evaluation go: number of the output, and of the module's unknown, matrix entry or limited value.
#[derive(Debug, Default)]
pub struct Sinks {
    count: usize,
    f: Vec<(u32, u32)>,
    q: Vec<(u32, u32)>,
    g: Vec<(u32, u32)>,
    c: Vec<(u32, u32)>,
    old: Vec<(u32, u32)>,
    is_limited: Vec<u32>,
}

impl Sinks {
    pub fn of(eval: &Func, entries: &[(u32, u32)]) -> Sinks {
        let mut s = Sinks { count: eval.outputs.len(), ..Sinks::default() };
        for (k, (sink, _)) in eval.outputs.iter().enumerate() {
            let k = k as u32;
            let entry = || entries.iter().position(|e| *e == (sink.a, sink.b)).map(|e| (k, e as u32));
            match sink.class {
                Out::F => s.f.push((k, sink.a)),
                Out::Q => s.q.push((k, sink.a)),
                Out::G => s.g.extend(entry()),
                Out::C => s.c.extend(entry()),
                Out::Old => s.old.push((k, sink.a)),
                Out::IsLimited => s.is_limited.push(k),
                _ => {}
            }
        }
        s
    }
}

/// For each instance what is added where: number of the output, row or slot; in the order of places, since collapsed nodes
/// have many in common. What would go to ground is not there.
#[derive(Clone, Default)]
pub struct Targets {
    list: Vec<(u32, u32)>,
    /// Where the lists of an instance begin: of f, q, g, c.
    starts: Vec<[u32; 4]>,
}

impl Targets {
    pub fn new(sinks: &Sinks, n: usize, rows: &[u32], slots: &[u32]) -> Targets {
        let mut t = Targets::default();
        let (nu, ne) = (rows.len() / n.max(1), slots.len() / n.max(1));
        for i in 0..n {
            let (rows, slots) = (&rows[i * nu..][..nu], &slots[i * ne..][..ne]);
            let parts = [(&sinks.f, rows), (&sinks.q, rows), (&sinks.g, slots), (&sinks.c, slots)];
            t.starts.push(parts.map(|(sinks, places)| {
                let start = t.list.len() as u32;
                let targets = sinks.iter().map(|(k, at)| (*k, places[*at as usize]));
                t.list.extend(targets.filter(|(_, place)| *place != 0));
                t.list[start as usize..].sort_by_key(|(_, place)| *place);
                start
            }));
        }
        t.starts.push([t.list.len() as u32; 4]);
        t
    }

    fn of(&self, i: usize) -> [&[(u32, u32)]; 4] {
        let ([f, q, g, c], end) = (self.starts[i], self.starts[i + 1][0]);
        [(f, q), (q, g), (g, c), (c, end)].map(|(a, b)| &self.list[a as usize..b as usize])
    }
}

/// Adds results to their places, those of one place together.
fn add_sums(targets: &[(u32, u32)], results: &[f64], mut add: impl FnMut(u32, f64)) {
    let Some(((k, place), rest)) = targets.split_first() else { return };
    let (mut place, mut sum) = (*place, results[*k as usize]);
    for (k, p) in rest {
        if *p != place {
            add(place, sum);
            (place, sum) = (*p, 0.0);
        }
        sum += results[*k as usize];
    }
    add(place, sum);
}

/// Some neighbouring instances.
pub(super) struct Chunk {
    /// Number of the first one.
    pub first: usize,
    /// All of them, those of a class together.
    order: Vec<u32>,
    /// What is to be evaluated.
    pairs: Vec<[u32; 2]>,
    /// The unknowns now, and those of the last evaluation, instance by instance.
    pub x: Vec<f64>,
    pub at: Vec<f64>,
    /// Results of the last evaluation.
    pub out: Vec<f64>,
    pub is_kept: Vec<bool>,
    /// By instance: evaluated at `x` itself.
    pub is_fresh: Vec<bool>,
}

impl Chunk {
    fn new(first: usize, classes: &[u32], nu: usize, outputs: usize) -> Chunk {
        let n = classes.len();
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.sort_by_key(|i| classes[*i as usize]);
        Chunk {
            first,
            order,
            pairs: Vec::with_capacity(n),
            x: vec![0.0; n * nu],
            at: vec![0.0; n * nu],
            out: vec![0.0; n * outputs],
            is_kept: vec![false; n],
            is_fresh: vec![true; n],
        }
    }

    pub fn len(&self) -> usize {
        self.is_kept.len()
    }

    /// Pairs up those that are to be evaluated; one that is left over is paired with itself.
    fn pair_up(&mut self, classes: &[u32]) {
        self.pairs.clear();
        let mut waiting: Option<u32> = None;
        for i in self.order.iter().copied().filter(|i| self.is_fresh[*i as usize]) {
            match waiting.take() {
                Some(w) if classes[w as usize] == classes[i as usize] => self.pairs.push([w, i]),
                other => {
                    self.pairs.extend(other.map(|w| [w, w]));
                    waiting = Some(i);
                }
            }
        }
        self.pairs.extend(waiting.map(|w| [w, w]));
    }
}

/// The last evaluations of a batch. Not state: without them everything is evaluated anew. A copy begins without.
#[derive(Default)]
pub struct Memory(Mutex<Kept>);

#[derive(Default)]
pub(super) struct Kept {
    chunks: Vec<Chunk>,
    pub numbers: [f64; sim::COUNT],
    pub version: u32,
}

impl Kept {
    /// No evaluation holds any more.
    pub fn forget(&mut self) {
        self.chunks.iter_mut().for_each(|c| c.is_kept.fill(false));
    }
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
    /// Evaluates all instances at x.
    pub(super) fn eval_native(
        &self,
        code: &Tiers,
        numbers: &[f64; sim::COUNT],
        (at, x): (&Point, &[f64]),
        mem: &mut IterMem,
        out: &mut Load,
    ) {
        let l = &self.program().lowered;
        let no = l.limit_states as usize;
        let sinks = &self.dev.sinks;
        let mut kept = self.memory.lock();
        if kept.chunks.is_empty() {
            let starts = (0..self.n).step_by(CHUNK);
            let new = |i: usize| Chunk::new(i, &self.class_of[i..self.n.min(i + CHUNK)], l.unknowns.len(), sinks.count);
            kept.chunks = starts.map(new).collect();
        }
        let quiet = self.quiet(at, numbers, &mut kept);
        let (old, signals) = mem.values.split_at(self.n * no);
        let kernel = code.best();
        let work = |chunk: &mut Chunk| {
            self.gather(x, quiet, chunk);
            self.evaluate(kernel, numbers, old, signals, chunk);
        };
        if self.n >= PARALLEL_FROM && rayon::current_num_threads() > 1 {
            kept.chunks.par_iter_mut().with_max_len(1).for_each(work);
        } else {
            kept.chunks.iter_mut().for_each(work);
        }
        let mut reused = 0;
        for chunk in &mut kept.chunks {
            for i in 0..chunk.len() {
                let results = &chunk.out[i * sinks.count..][..sinks.count];
                self.add(chunk, i, results, out);
                if !chunk.is_fresh[i] {
                    reused += 1;
                    continue;
                }
                let own = &mut mem.values[(chunk.first + i) * no..][..no];
                sinks.old.iter().for_each(|(k, l)| own[*l as usize] = results[*k as usize]);
                let is_limited = sinks.is_limited.iter().any(|k| results[*k as usize] != 0.0);
                mem.limited |= is_limited;
                // A tangent at a place that limiting chose is not one at a solution.
                chunk.is_kept[i] = quiet.is_some() && !is_limited;
            }
        }
        mem.reused = reused;
        if code.count(self.n - reused) {
            self.improve();
        }
    }

    /// Has better code made: in the background, but if there is to be one thread only.
    fn improve(&self) {
        let dev = self.dev.clone();
        let work = move || {
            if let Some(code) = &dev.kernel {
                code.improve(&dev.program);
            }
        };
        if rayon::current_num_threads() == 1 {
            work();
        } else {
            // Nobody waits for it: without it the first code goes on.
            drop(std::thread::Builder::new().name("compiler".into()).spawn(work));
        }
    }

    /// Reads the unknowns of a chunk, and says which instances have moved.
    fn gather(&self, x: &[f64], quiet: Option<f64>, chunk: &mut Chunk) {
        let nu = self.program().lowered.unknowns.len();
        let rows = &self.rows[chunk.first * nu..][..chunk.x.len()];
        for (to, row) in chunk.x.iter_mut().zip(rows) {
            *to = x[*row as usize];
        }
        for i in 0..chunk.len() {
            let own = i * nu..(i + 1) * nu;
            let holds = |limit| chunk.is_kept[i] && self.is_near(&chunk.x[own.clone()], &chunk.at[own.clone()], limit);
            chunk.is_fresh[i] = !quiet.is_some_and(holds);
            if chunk.is_fresh[i] {
                chunk.at[own.clone()].copy_from_slice(&chunk.x[own]);
            }
        }
    }

    /// Evaluates those instances of a chunk that have moved.
    fn evaluate(&self, kernel: &Kernel, numbers: &[f64; sim::COUNT], old: &[f64], signals: &[f64], chunk: &mut Chunk) {
        let l = &self.program().lowered;
        let own = chunk.first..chunk.first + chunk.len();
        chunk.pair_up(&self.class_of[own.clone()]);
        let part = |a: usize| own.start * a..own.end * a;
        kernel.run(Args {
            count: own.len(),
            pairs: &chunk.pairs,
            x: &chunk.x,
            classes: &self.class_of[own.clone()],
            class_count: self.classes.len(),
            cache: &self.cache,
            sim: numbers,
            hidden: &self.hidden[part(l.cells.len())],
            uniforms: &self.uniforms[part(l.uniforms as usize)],
            normals: &self.normals[part(l.normals as usize)],
            keys: &self.keys[part(KEYS)],
            signals: &signals[part(l.signals.len() * signal::COUNT)],
            tables: &self.flat.tables,
            old: &old[part(l.limit_states as usize)],
            out: &mut chunk.out,
        });
    }

    /// Adds the results of the instance `i` of a chunk to the system.
    fn add(&self, chunk: &Chunk, i: usize, results: &[f64], out: &mut Load) {
        let [f, q, g, c] = self.targets.of(chunk.first + i);
        add_sums(f, results, |row, y| out.f(row, y));
        add_sums(q, results, |row, y| out.q(row, y));
        add_sums(g, results, |slot, y| out.g(slot, y));
        add_sums(c, results, |slot, y| out.c(slot, y));
        if chunk.is_fresh[i] {
            return;
        }
        let p = self.program();
        let nu = p.lowered.unknowns.len();
        let rows = &self.rows[(chunk.first + i) * nu..][..nu];
        let (x, at) = (&chunk.x[i * nu..][..nu], &chunk.at[i * nu..][..nu]);
        let sinks = &self.dev.sinks;
        let tangent = |(k, entry): &(u32, u32)| {
            let (r, u) = p.entries[*entry as usize];
            (rows[r as usize], results[*k as usize] * (x[u as usize] - at[u as usize]))
        };
        sinks.g.iter().map(tangent).for_each(|(row, d)| out.f(row, d));
        sinks.c.iter().map(tangent).for_each(|(row, d)| out.q(row, d));
    }
}
