//! Homes of values in memory.
//!
//! An evaluation is thousands of operations in a row, with hundreds of values that wait long for their use: more than
//! registers can hold, and more than a register allocator can think about in a short time. A value that is used far from
//! where it is made gets a place in memory instead. Its uses read it from there, as an operand of the instruction that
//! needs it; what stays in registers lives for some instructions only.

use crate::veriloga::ir::{Func, Node, Val, for_each_operand};

/// Operations after which a value is far.
const NEAR: u32 = 32;

/// Where values are made, and where they are kept.
pub struct Frame {
    /// By value: number of the operation, and of the body, that makes it.
    made: Vec<(u32, u32)>,
    /// By value: its place.
    home: Vec<Option<u32>>,
    /// Places, of two numbers each.
    pub len: usize,
}

/// A use of a value: at which operation, in which body.
type At = (u32, u32);

struct Walk<'a> {
    func: &'a Func,
    at: u32,
    bodies: u32,
    made: Vec<At>,
    /// By value: its last use.
    last: Vec<u32>,
    is_far: Vec<bool>,
    /// Values in the order in which their homes are first written: results of an `if` before its bodies.
    order: Vec<(u32, Val)>,
}

impl Walk<'_> {
    fn used(&mut self, v: Val, body: u32) {
        let (at, made_in) = self.made[v.index()];
        self.is_far[v.index()] |= made_in != body || self.at - at > NEAR;
        self.last[v.index()] = self.last[v.index()].max(self.at);
    }

    fn make(&mut self, v: Val, body: u32) {
        self.made[v.index()] = (self.at, body);
        self.order.push((self.at, v));
    }

    fn nodes(&mut self, nodes: &[Node], body: u32) {
        let func = self.func;
        for n in nodes {
            self.at += 1;
            match n {
                Node::Let(v) => {
                    for_each_operand(n, func, |x| self.used(x, body));
                    self.make(*v, body);
                }
                Node::Effect(_, args) => args.iter().for_each(|x| self.used(*x, body)),
                Node::If(i) => {
                    self.used(i.cond, body);
                    for r in &i.results {
                        self.make(*r, body);
                        // Written in its bodies and read after them: never from a register.
                        self.is_far[r.index()] = true;
                    }
                    for part in [&i.then, &i.els] {
                        self.bodies += 1;
                        let inner = self.bodies;
                        self.nodes(&part.nodes, inner);
                        part.yields.iter().for_each(|x| self.used(*x, inner));
                        // Which way was gone decides what is blended in the end.
                        self.used(i.cond, inner);
                    }
                    self.at += 1;
                }
                Node::Loop(l) => {
                    l.init.iter().for_each(|x| self.used(*x, body));
                    let first = self.at;
                    self.bodies += 1;
                    let inner = self.bodies;
                    l.params.iter().for_each(|p| self.made[p.index()] = (self.at, inner));
                    self.nodes(&l.head, inner);
                    self.used(l.cond, inner);
                    self.nodes(&l.body.nodes, inner);
                    l.body.yields.iter().for_each(|x| self.used(*x, inner));
                    self.at += 1;
                    // What was there before is needed until the last pass is over.
                    for v in 0..self.last.len() {
                        if self.last[v] >= first && self.made[v].0 <= first {
                            self.last[v] = self.last[v].max(self.at);
                        }
                    }
                    l.results.iter().for_each(|r| self.made[r.index()] = (self.at, body));
                }
            }
        }
    }
}

impl Frame {
    /// Homes for those values that may have one.
    pub fn new(func: &Func, may: impl Fn(Val) -> bool) -> Frame {
        let n = func.vals.len();
        let mut w = Walk {
            func,
            at: 0,
            bodies: 0,
            made: vec![(0, 0); n],
            last: vec![0; n],
            is_far: vec![false; n],
            order: vec![],
        };
        w.nodes(&func.nodes, 0);
        w.at += 1;
        func.outputs.iter().for_each(|(_, v)| w.used(*v, 0));

        let mut home = vec![None; n];
        let (mut free, mut len) = (vec![], 0);
        // Places by the operation after which nobody reads them.
        let mut ends: Vec<Vec<u32>> = vec![vec![]; w.at as usize + 1];
        let mut passed = 0;
        for (at, v) in w.order {
            while passed < at {
                free.append(&mut ends[passed as usize]);
                passed += 1;
            }
            if !w.is_far[v.index()] || !may(v) {
                continue;
            }
            let place = free.pop().unwrap_or_else(|| {
                len += 1;
                len as u32 - 1
            });
            home[v.index()] = Some(place);
            ends[w.last[v.index()].max(at) as usize].push(place);
        }
        Frame { made: w.made, home, len }
    }

    pub fn home(&self, v: Val) -> Option<u32> {
        self.home[v.index()]
    }

    /// Is a value still in its register at an operation of a body?
    pub fn is_near(&self, v: Val, (at, body): At) -> bool {
        let (made, made_in) = self.made[v.index()];
        made_in == body && at - made <= NEAR
    }
}
