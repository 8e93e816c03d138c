//! The machine code of a batch at work: chunks of neighbouring instances, in each of them groups of the same class, on all
//! threads if there are many.
//!
//! What a chunk computes is summed in arrays of its own, and these are added to the system one after the other: sums are
//! the same to the last bit for any number of threads.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator};

use super::batch::VaBatch;
use super::codes::{Code, Plan};
use super::share::Share;
use super::targets::Targets;
use crate::base::pair;
use crate::device::{IterMem, Load, Point};
use crate::veriloga::ir::{signal, sim};
use crate::veriloga::jit::{Args, KEYS};

/// Operations of a large chunk: enough instances for those of one code and class to fill groups, also where most of them rest;
/// and of a batch that is worth another thread.
const CHUNK: usize = 5_000_000;
const PARALLEL_FROM: usize = 200_000;
/// Instances of a chunk at most, and at least in a large batch.
const MOST: usize = 256;
const LEAST: usize = 32;

thread_local! {
    /// Results of the chunk that a thread is at, and scratch.
    static RESULTS: RefCell<(Vec<f64>, Vec<f64>)> = const { RefCell::new((vec![], vec![])) };
}

/// Some neighbouring instances.
pub(super) struct Chunk {
    /// Number of the first one.
    pub first: usize,
    /// All of them, those of a code together, and of these those of a class.
    order: Vec<u32>,
    /// Where those of each code are.
    parts: Vec<(u32, Range<usize>)>,
    /// What is to be evaluated, as many at once as the machine code does.
    groups: Vec<u32>,
    /// The unknowns now, and those of the last evaluation, instance by instance.
    pub x: Vec<f64>,
    pub at: Vec<f64>,
    /// Sums of the last evaluation, one for each place of `Targets`.
    sums: Vec<f64>,
    /// And of all of these, what goes to the system.
    share: Share,
    pub is_kept: Vec<bool>,
    /// By instance: evaluated at `x` itself.
    pub is_fresh: Vec<bool>,
    /// By instance: a limiting function changed its value.
    is_limited: Vec<bool>,
    /// What limiting functions returned, instance by instance.
    old: Vec<f64>,
    /// How many instances were not evaluated, and whether a limiting function changed a value of one that was.
    reused: usize,
    has_limited: bool,
}

impl Chunk {
    fn new(first: usize, classes: &[u32], codes: &[u32], nu: usize, limits: usize, targets: &Targets) -> Chunk {
        let n = classes.len();
        let mut order: Vec<u32> = (0..n as u32).collect();
        let code = |i: &u32| codes[*i as usize];
        order.sort_by_key(|i| (code(i), classes[*i as usize]));
        let mut parts: Vec<(u32, Range<usize>)> = vec![];
        for same in order.chunk_by(|a, b| code(a) == code(b)) {
            let begin = parts.last().map_or(0, |p| p.1.end);
            parts.push((code(&same[0]), begin..begin + same.len()));
        }
        Chunk {
            first,
            order,
            parts,
            // Each instance may be a class of its own, in a group of its own.
            groups: Vec::with_capacity(4 * n),
            x: vec![0.0; n * nu],
            at: vec![0.0; n * nu],
            sums: vec![0.0; targets.range(first, first + n).len()],
            is_kept: vec![false; n],
            is_fresh: vec![true; n],
            is_limited: vec![false; n],
            old: vec![0.0; n * limits],
            share: Share::new(targets, first..first + n),
            reused: 0,
            has_limited: false,
        }
    }

    pub fn len(&self) -> usize {
        self.is_kept.len()
    }

    /// Groups those of a part that are to be evaluated; where a group of a class is not full, its last one stands in for
    /// the rest.
    fn group(&mut self, part: Range<usize>, classes: &[u32], lanes: usize) {
        self.groups.clear();
        let class = |i: &u32| classes[*i as usize];
        for i in self.order[part].iter().copied().filter(|i| self.is_fresh[*i as usize]) {
            if self.groups.last().is_some_and(|last| class(last) != class(&i)) {
                fill(&mut self.groups, lanes);
            }
            self.groups.push(i);
        }
        fill(&mut self.groups, lanes);
    }
}

/// Makes the last group a full one.
fn fill(groups: &mut Vec<u32>, lanes: usize) {
    if let Some(last) = groups.last().copied() {
        groups.resize(groups.len().next_multiple_of(lanes), last);
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
    /// Operations of an evaluation of all instances.
    fn work(&self) -> usize {
        self.n * self.program().by_probe.vals.len()
    }

    /// Not by the number of threads, although results do not depend on it.
    fn chunk_size(&self) -> usize {
        let most = (CHUNK / self.program().by_probe.vals.len().max(1)).clamp(LEAST, MOST);
        if self.work() >= PARALLEL_FROM { most.min(self.n.div_ceil(2)) } else { most }
    }

    /// Evaluates all instances at x.
    pub(super) fn eval_native(
        &self,
        plan: &Plan,
        numbers: &[f64; sim::COUNT],
        (at, x): (&Point, &[f64]),
        mem: &mut IterMem,
        out: &mut Load,
    ) {
        let l = &self.program().lowered;
        let no = l.limit_states as usize;
        let mut kept = self.memory.lock();
        if kept.chunks.is_empty() {
            let size = self.chunk_size();
            let starts = (0..self.n).step_by(size);
            let nu = l.unknowns.len();
            let new = |i: usize| {
                let own = i..self.n.min(i + size);
                Chunk::new(i, &self.class_of[own.clone()], &plan.of[own], nu, no, &self.targets)
            };
            kept.chunks = starts.map(new).collect();
        }
        let quiet = self.quiet(at, numbers, &mut kept);
        let (old, signals) = mem.values.split_at(self.n * no);
        let work = |chunk: &mut Chunk| {
            self.gather(x, quiet, chunk);
            for part in 0..chunk.parts.len() {
                let (code, own) = chunk.parts[part].clone();
                self.evaluate(&plan.codes[code as usize], own, numbers, (old, signals), chunk);
            }
            self.sum(quiet.is_some(), chunk);
        };
        let is_shared = self.work() >= PARALLEL_FROM && rayon::current_num_threads() > 1;
        match &mut kept.chunks[..] {
            [one, other] if is_shared => pair::join(|| work(one), || work(other)),
            all if is_shared => all.par_iter_mut().with_max_len(1).for_each(work),
            all => all.iter_mut().for_each(work),
        }
        mem.reused = 0;
        for chunk in &kept.chunks {
            chunk.share.load(out);
            mem.reused += chunk.reused;
            mem.limited |= chunk.has_limited;
            if no > 0 {
                for i in (0..chunk.len()).filter(|i| chunk.is_fresh[*i]) {
                    mem.values[(chunk.first + i) * no..][..no].copy_from_slice(&chunk.old[i * no..][..no]);
                }
            }
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

    /// Evaluates those instances of a part of a chunk that have moved.
    fn evaluate(
        &self,
        Code { kernel, sinks }: &Code,
        part: Range<usize>,
        numbers: &[f64; sim::COUNT],
        (old, signals): (&[f64], &[f64]),
        chunk: &mut Chunk,
    ) {
        let l = &self.program().lowered;
        let n = sinks.count;
        let own = chunk.first..chunk.first + chunk.len();
        chunk.group(part, &self.class_of[own.clone()], kernel.lanes());
        if chunk.groups.is_empty() {
            return;
        }
        let part = |a: usize| own.start * a..own.end * a;
        RESULTS.with_borrow_mut(|(results, frame)| {
            results.resize(chunk.groups.len() * n, 0.0);
            kernel.run(Args {
                count: own.len(),
                groups: &chunk.groups,
                frame,
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
                out: results,
            });
            let begin = |i: &u32| self.targets.range(own.start, own.start + *i as usize).len();
            let limits = l.limit_states as usize;
            let lanes = kernel.lanes();
            for (group, results) in chunk.groups.chunks(lanes).zip(results.chunks((lanes * n).max(1))) {
                let pattern = |i: &u32| self.targets.pattern(own.start + *i as usize);
                match <&[u32; 4]>::try_from(group) {
                    Ok(four) if self.targets.are_alike(own.start, four) => {
                        let (all, _) = results.as_chunks::<4>();
                        pattern(&four[0]).reduce(|k| all[k], &mut chunk.sums, four.each_ref().map(begin));
                    }
                    _ => group.iter().enumerate().for_each(|(lane, i)| {
                        pattern(i).reduce(|k| [results[k * lanes + lane]], &mut chunk.sums, [begin(i)]);
                    }),
                }
                for (lane, i) in group.iter().map(|i| *i as usize).enumerate() {
                    let result = |k: &u32| results[*k as usize * lanes + lane];
                    sinks.old.iter().for_each(|(k, l)| chunk.old[i * limits + *l as usize] = result(k));
                    chunk.is_limited[i] = sinks.is_limited.iter().any(|k| result(k) != 0.0);
                }
            }
        });
    }

    /// Sums what the instances of a chunk add to the system.
    fn sum(&self, is_quiet: bool, chunk: &mut Chunk) {
        let nu = self.program().lowered.unknowns.len();
        chunk.share.clear();
        (chunk.reused, chunk.has_limited) = (0, false);
        for i in 0..chunk.len() {
            let k = chunk.first + i;
            let begin = self.targets.range(chunk.first, k).len();
            let pattern = self.targets.pattern(k);
            let sums = &chunk.sums[begin..][..pattern.places()];
            chunk.share.add(begin, sums);
            if !chunk.is_fresh[i] {
                chunk.reused += 1;
                let (x, at) = (&chunk.x[i * nu..][..nu], &chunk.at[i * nu..][..nu]);
                for (place, u, y) in pattern.slopes(sums) {
                    chunk.share.add(begin + place, &[y * (x[u] - at[u])]);
                }
                continue;
            }
            chunk.has_limited |= chunk.is_limited[i];
            // A tangent at a place that limiting chose is not one at a solution.
            chunk.is_kept[i] = is_quiet && !chunk.is_limited[i];
        }
    }
}
