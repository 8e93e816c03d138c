//! Operators that look back: delays, ramps, sampled-data filters, times of crossings.
//!
//! What they were given at accepted points is kept outside of the module (`bind::signals`); in a step they are linear in
//! the present.

use super::operator::DEFAULT_EDGE;
use super::{Cell, Lower, SignalInfo, SignalKind, UnknownSource};
use crate::veriloga::hir::Roots;
use crate::veriloga::ir::{BinOp, In, Ty, UnOp, Val, signal, sim};

impl Lower<'_> {
    fn site(&mut self, kind: SignalKind, ends: Option<(u32, u32)>, args: &[Val]) -> u32 {
        let k = self.out.signals.len() as u32;
        self.out.signals.push(SignalInfo { kind, input: ends.map(|e| e.0), output: ends.map(|e| e.1) });
        for (b, v) in args.iter().enumerate() {
            self.write(Cell::Signal(k, b as u32), *v);
        }
        k
    }

    fn number(&mut self, site: u32, which: u32) -> Val {
        self.b.input(In::Signal, site * signal::COUNT as u32 + which, Ty::Real)
    }

    /// Two unknowns, w = u and y, between which a frequency response may stand.
    fn ends(&mut self, u: Val, name: &str) -> (u32, u32) {
        let n = self.out.unknowns.len();
        let add = |l: &mut Self, what: &str| {
            l.add_unknown(format!("{name}{n}_{what}"), UnknownSource::Filter, "", Some((1e-9, 1e-9)), false)
        };
        let (w, y) = (add(self, "in"), add(self, "out"));
        let input = self.probe(Some(w), None);
        let row = self.b.sub(input, u);
        self.row(w, row);
        (w, y)
    }

    /// y(t) = u(t - td); y = u at rest.
    pub(super) fn delay(&mut self, u: Val, td: Val, most: Option<Val>) -> Val {
        let (w, y) = self.ends(u, "delay");
        let zero = self.b.real(0.0);
        let td = self.largest(td, zero);
        let (td, is_fixed) = match most {
            Some(m) => {
                let c = self.b.bin(BinOp::Lt, m, td);
                (self.b.select(c, m, td), false)
            }
            None => (td, true),
        };
        let k = self.site(SignalKind::Delay { is_fixed }, Some((w, y)), &[td]);
        let input = self.probe(Some(w), None);
        let output = self.probe(Some(y), None);
        let (known, present) = (self.number(k, signal::KNOWN), self.number(k, signal::PRESENT));
        let part = self.b.mul(present, input);
        let mut value = self.b.add(known, part);
        if !is_fixed {
            let (slope, before) = (self.number(k, signal::SLOPE), self.number(k, signal::DELAY));
            let moved = self.b.sub(td, before);
            let change = self.b.mul(slope, moved);
            value = self.b.sub(value, change);
        }
        let is_static = self.is_static();
        let value = self.b.select(is_static, input, value);
        let row = self.b.sub(output, value);
        self.row(y, row);
        output
    }

    fn largest(&mut self, a: Val, b: Val) -> Val {
        let c = self.b.bin(BinOp::Lt, a, b);
        self.b.select(c, b, a)
    }

    /// Ramps from value to value of an argument that jumps; in a static solution and at all frequencies the argument.
    pub(super) fn transition(&mut self, arg: Val, delay: Val, rise: Val, fall: Val) -> Val {
        let zero = self.b.real(0.0);
        let edge = self.b.real(DEFAULT_EDGE);
        let [rise, fall] = [rise, fall].map(|t| {
            let is_given = self.b.bin(BinOp::Lt, zero, t);
            self.b.select(is_given, t, edge)
        });
        let delay = self.largest(delay, zero);
        let k = self.site(SignalKind::Transition, None, &[arg, delay, rise, fall]);
        let ramp = self.number(k, signal::KNOWN);
        let is_static = self.is_static();
        self.b.select(is_static, arg, ramp)
    }

    /// a_0 y_n = sum b_k u_n-k - sum a_k y_n-k at t0 + n T, held in between; sum b / sum a times u at rest.
    pub(super) fn sampled(&mut self, u: Val, times: [Val; 3], num: &[Val], den: &[Val]) -> Val {
        let (w, y) = self.ends(u, "zi");
        let mut args = vec![u];
        args.extend(times);
        args.extend(num);
        args.extend(den);
        let kind = SignalKind::Sampled { num: num.len() as u32, den: den.len() as u32 };
        let k = self.site(kind, Some((w, y)), &args);
        let zero = self.b.real(0.0);
        let [top, bottom] = [num, den].map(|list| list.iter().fold(zero, |sum, c| self.b.add(sum, *c)));
        let gain = self.b.div(top, bottom);
        let input = self.probe(Some(w), None);
        let output = self.probe(Some(y), None);
        let rest = self.b.mul(gain, input);
        let held = self.number(k, signal::KNOWN);
        let is_static = self.is_static();
        let value = self.b.select(is_static, rest, held);
        let row = self.b.sub(output, value);
        self.row(y, row);
        output
    }

    /// Coefficients of z^0, z^-1, ...: given, or the products of (1 - r z^-1).
    pub(super) fn in_z(&mut self, r: &Roots) -> Vec<Val> {
        let one = self.b.real(1.0);
        let zero = self.b.real(0.0);
        match r {
            Roots::Coefficients(c) => c.iter().map(|e| self.real_expr(*e)).collect(),
            Roots::Pairs(pairs) => {
                let (mut re, mut im) = (vec![one], vec![zero]);
                for (a, c) in pairs {
                    let (a, c) = (self.real_expr(*a), self.real_expr(*c));
                    let n = re.len();
                    re.push(zero);
                    im.push(zero);
                    for k in (1..=n).rev() {
                        let b = &mut self.b;
                        let (ar, ci) = (b.mul(a, re[k - 1]), b.mul(c, im[k - 1]));
                        let (ai, cr) = (b.mul(a, im[k - 1]), b.mul(c, re[k - 1]));
                        let (x, y) = (b.sub(ar, ci), b.add(ai, cr));
                        re[k] = b.sub(re[k], x);
                        im[k] = b.sub(im[k], y);
                    }
                }
                re
            }
        }
    }

    /// The time of the last crossing of zero, by the straight line between accepted points; negative before the first.
    pub(super) fn last_crossing(&mut self, v: Val, direction: Val) -> Val {
        let [value, at, found] = std::array::from_fn(|_| {
            self.aux += 1;
            Cell::Aux(self.aux - 1)
        });
        let [v0, t0, past] = [value, at, found].map(|c| self.read(c));
        let time = self.sim(sim::TIME);
        let first = self.sim_flag(sim::INITIAL_STEP);
        let is_static = self.is_static();
        let b = &mut self.b;
        let zero = b.real(0.0);
        let minus = b.real(-1.0);
        let started = b.select(first, minus, past);
        let cross = |b: &mut crate::veriloga::ir::Builder, from: Val, to: Val, wanted: Val| {
            let a = b.bin(BinOp::Le, from, zero);
            let c = b.bin(BinOp::Lt, zero, to);
            let w = b.bin(BinOp::Le, zero, wanted);
            let ac = b.and(a, c);
            b.and(ac, w)
        };
        let up = cross(b, v0, v, direction);
        let (n0, n, nd) = (b.neg(v0), b.neg(v), b.neg(direction));
        let down = cross(b, n0, n, nd);
        let any = b.bin(BinOp::Or, up, down);
        let quiet = b.bin(BinOp::Or, first, is_static);
        let moves = b.not(quiet);
        let any = b.and(any, moves);
        let span = b.sub(time, t0);
        let rise = b.sub(v0, v);
        let part = b.div(v0, rise);
        let gone = b.mul(span, part);
        let when = b.add(t0, gone);
        let latest = b.select(any, when, started);
        self.write(value, v);
        self.write(at, time);
        self.write(found, latest);
        // In the step in which it happens the crossing is not known yet.
        started
    }

    /// Does an expression reach above zero in a static solution in which it was not before?
    pub(super) fn above_at_rest(&mut self, v: Val) -> Val {
        self.aux += 1;
        let cell = Cell::Aux(self.aux - 1);
        let before = self.read(cell);
        self.write(cell, v);
        let is_static = self.is_static();
        let b = &mut self.b;
        let zero = b.real(0.0);
        let now = b.bin(BinOp::Lt, zero, v);
        let was = b.bin(BinOp::Lt, zero, before);
        let new = b.un(UnOp::Not, was);
        let new = b.and(now, new);
        b.and(is_static, new)
    }
}
