//! Where the results of an evaluation go.
//!
//! Nodes of a module that are one node of the circuit (collapsed, or connected to each other) make many results go to one
//! row or matrix entry. They are summed before anything is kept or added: a transistor of 180 results has some 40 places.

use std::collections::HashMap;
use std::ops::Range;

use super::codes::Plan;
use crate::veriloga::ir::{Func, Out};
use crate::veriloga::passes::Ties;

/// Where outputs of the evaluation go: number of the output, and of the module's unknown, matrix entry or limited value.
#[derive(Debug, Default)]
pub struct Sinks {
    pub count: usize,
    f: Vec<(u32, u32)>,
    q: Vec<(u32, u32)>,
    g: Vec<(u32, u32)>,
    c: Vec<(u32, u32)>,
    pub old: Vec<(u32, u32)>,
    pub is_limited: Vec<u32>,
}

impl Sinks {
    /// Of an evaluation of the unknowns that `ties` leaves; `entries` are those of the module.
    pub fn of(eval: &Func, entries: &[(u32, u32)], ties: &Ties) -> Sinks {
        let mut s = Sinks { count: eval.outputs.len(), ..Sinks::default() };
        let tied = |(r, c): &(u32, u32)| (ties[*r as usize], ties[*c as usize]);
        for (k, (sink, _)) in eval.outputs.iter().enumerate() {
            let k = k as u32;
            let own = (Some(sink.a), Some(sink.b));
            let entry = || entries.iter().position(|e| tied(e) == own).map(|e| (k, e as u32));
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

/// How the results of an instance are summed; the same for all whose nodes coincide alike. Places are numbered from the
/// first of the instance: those of f, q, g and c.
#[derive(Clone, Debug, Default)]
pub struct Pattern {
    /// Numbers of the outputs that are summed, place by place, and where those of each place end.
    of: Vec<u32>,
    ends: Vec<u32>,
    /// Where the places of q, g and c begin, and where they end.
    parts: [usize; 4],
    /// For each place of g and c the place of its row, and the unknown as the module numbers it.
    entries: Vec<(u32, u32)>,
}

impl Pattern {
    pub fn places(&self) -> usize {
        self.parts[3]
    }

    /// Numbers of the places of f, q, g or c.
    pub fn part(&self, k: usize) -> Range<usize> {
        k.checked_sub(1).map_or(0, |k| self.parts[k])..self.parts[k]
    }

    /// Derivatives among the sums of an instance: the place of the row, the unknown, and dy/dx.
    pub fn slopes(&self, sums: &[f64]) -> impl Iterator<Item = (usize, usize, f64)> {
        let slopes = self.entries.iter().zip(&sums[self.parts[1]..]);
        slopes.map(|((row, u), y)| (*row as usize, *u as usize, *y))
    }

    /// Sums the results of some instances, the places of which begin there: `result` gives all of one output. Each
    /// addition waits for the one before: sums of several instances go side by side.
    pub fn reduce<const N: usize>(&self, result: impl Fn(usize) -> [f64; N], sums: &mut [f64], begins: [usize; N]) {
        let mut rest = &self.of[..];
        let mut begin = 0;
        for (place, end) in self.ends.iter().enumerate() {
            let (own, others) = rest.split_at((end - begin) as usize);
            let mut sum = [0.0; N];
            for k in own {
                sum.iter_mut().zip(result(*k as usize)).for_each(|(s, r)| *s += r);
            }
            sum.iter().zip(&begins).for_each(|(s, b)| sums[b + place] = *s);
            (rest, begin) = (others, *end);
        }
    }
}

/// For each instance of a batch the rows and slots that it adds to. What would go to ground is not there.
#[derive(Clone, Default)]
pub struct Targets {
    patterns: Vec<Pattern>,
    /// By instance.
    pattern: Vec<u32>,
    /// Where the places of each instance begin.
    starts: Vec<u32>,
    /// Rows of f and q, slots of g and c.
    places: Vec<u32>,
}

impl Targets {
    pub fn new(plan: &Plan, entries: &[(u32, u32)], rows: &[u32], slots: &[u32]) -> Targets {
        let mut t = Targets { starts: vec![0], ..Targets::default() };
        let n = plan.of.len();
        let (nu, ne) = (rows.len() / n.max(1), slots.len() / n.max(1));
        // By the code and the place of every output of it.
        let mut known: HashMap<(u32, Vec<u32>), u32> = HashMap::new();
        let mut local: Vec<u32> = vec![];
        for (i, code) in plan.of.iter().enumerate() {
            let sinks = &plan.codes[*code as usize].sinks;
            let (rows, slots) = (&rows[i * nu..][..nu], &slots[i * ne..][..ne]);
            let first = t.places.len();
            local.clear();
            let mut parts = [0; 4];
            for (part, (list, places)) in
                [(&sinks.f, rows), (&sinks.q, rows), (&sinks.g, slots), (&sinks.c, slots)].into_iter().enumerate()
            {
                let begin = t.places.len();
                for (_, at) in list {
                    let place = places[*at as usize];
                    let found = t.places[begin..].iter().position(|p| *p == place);
                    local.push(match (place, found) {
                        (0, _) => u32::MAX,
                        (_, Some(k)) => (begin - first + k) as u32,
                        (_, None) => {
                            t.places.push(place);
                            (t.places.len() - 1 - first) as u32
                        }
                    });
                }
                parts[part] = t.places.len() - first;
            }
            t.starts.push(t.places.len() as u32);
            let key = (*code, std::mem::take(&mut local));
            let number = known.get(&key).copied().unwrap_or_else(|| {
                let local = key.1.clone();
                known.insert((*code, local.clone()), t.patterns.len() as u32);
                t.patterns.push(pattern(sinks, entries, rows, &t.places[first..], &local, parts));
                t.patterns.len() as u32 - 1
            });
            t.pattern.push(number);
            local = key.1;
        }
        t
    }

    pub fn pattern(&self, i: usize) -> &Pattern {
        &self.patterns[self.pattern[i] as usize]
    }

    /// Have these instances, counted from `first`, one pattern?
    pub fn are_alike(&self, first: usize, some: &[u32]) -> bool {
        some.windows(2).all(|w| self.pattern[first + w[0] as usize] == self.pattern[first + w[1] as usize])
    }

    /// The rows and slots of an instance.
    pub fn places(&self, i: usize) -> &[u32] {
        &self.places[self.range(i, i + 1)]
    }

    /// Numbers of the places of some neighbouring instances.
    pub fn range(&self, first: usize, end: usize) -> Range<usize> {
        self.starts[first] as usize..self.starts[end] as usize
    }
}

/// The pattern of an instance with these rows and places whose outputs go to `local` ones of them.
fn pattern(
    sinks: &Sinks,
    entries: &[(u32, u32)],
    rows: &[u32],
    places: &[u32],
    local: &[u32],
    parts: [usize; 4],
) -> Pattern {
    let matrix = || sinks.g.iter().chain(&sinks.c);
    let outputs = sinks.f.iter().chain(&sinks.q).chain(matrix()).map(|s| s.0);
    let mut sums: Vec<(u32, u32)> = outputs.zip(local.iter().copied()).filter(|(_, l)| *l != u32::MAX).collect();
    sums.sort_by_key(|(_, place)| *place);
    let first = parts[1];
    let mut of_place = vec![(0, 0); parts[3] - first];
    let matrix_local = &local[sinks.f.len() + sinks.q.len()..];
    for ((_, e), place) in matrix().zip(matrix_local).filter(|(_, place)| **place != u32::MAX) {
        let (row, unknown) = entries[*e as usize];
        let same = if (*place as usize) < parts[2] { 0..parts[0] } else { parts[0]..first };
        // Who has a derivative has a value.
        let row = same.clone().find(|k| places[*k] == rows[row as usize]).unwrap_or(same.start);
        of_place[*place as usize - first] = (row as u32, unknown);
    }
    let ends = (0..parts[3] as u32).map(|place| sums.partition_point(|s| s.1 <= place) as u32).collect();
    Pattern { of: sums.into_iter().map(|s| s.0).collect(), ends, parts, entries: of_place }
}
