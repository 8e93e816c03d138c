//! Lossless transmission line by the method of characteristics (Branin, Proc. IEEE 55 (1967) 2012):
//!
//! ```text
//! v1(t) - Z0 i1(t) = v2(t - td) + Z0 i2(t - td) = e1(t)      row i1
//! v2(t) - Z0 i2(t) = v1(t - td) + Z0 i1(t - td) = e2(t)      row i2
//! ```
//!
//! v1 and v2 are the port voltages, i1 and i2 the currents into p1 and p2. In OP and DC the delayed quantities equal
//! the present ones: a wire from p1 to p2 and one from n1 to n2. In AC they are multiplied by exp(-jω td), exactly.
//!
//! The waves sent at accepted points are kept for one delay. Between them they are interpolated by a parabola through
//! three points on the same side of a corner, but by a straight line where there is no such third point. A corner is a
//! change of slope that is large against the slopes (by `rel`/10) and against the bend of the wave before it, since a
//! smooth wave bends evenly from step to step and a corner all at once. It is seen when the following point is accepted
//! and makes an echo at the far end one delay later, which is stepped on exactly, as the corners are that the echo makes
//! in turn. Steps are not longer than the delay, and not longer than a straight line follows the waves that arrive: an end
//! of a line may carry nothing whose truncation error would tell how fast they bend.

use std::collections::VecDeque;

use num_complex::Complex64;

use super::common::node;
use super::*;
use crate::diag::Diagnostic;
use crate::diag::codes::device as codes;

crate::param_table! { pub static INSTANCE = [
    Z0: "z0" | "zo" real "Ω", Range::POSITIVE, "Characteristic impedance";
    TD: "td" real "s", Range::POSITIVE, "Delay from end to end";
    F: "f" | "freq" real "Hz", Range::POSITIVE, "Frequency at which the line is nl wavelengths long (in place of td)";
    NL: "nl" real "" = 0.25, Range::POSITIVE, "Length in wavelengths at f";
    IC: "ic" vector "V,A", Range::ANY, "v1, i1, v2, i2 before time 0, used with uic";
    REL: "rel" real "" = 1.0, Range::POSITIVE, "A change of slope by more than this fraction is a corner whose echo is stepped on exactly";
    ABS: "abs" real "" = 1.0, Range::POSITIVE, "The same, as a factor on the absolute change";
] }

pub static INFO: DeviceInfo = DeviceInfo {
    name: "tline",
    letter: 't',
    model_types: &[],
    levels: &[],
    model_required: false,
    terminals: &[
        Terminal { name: "p1", doc: "port 1, positive", optional: false },
        Terminal { name: "n1", doc: "port 1, negative", optional: false },
        Terminal { name: "p2", doc: "port 2, positive", optional: false },
        Terminal { name: "n2", doc: "port 2, negative", optional: false },
    ],
    instance: INSTANCE,
    model: &[],
    positional: None,
    has_branch: false,
    doc: "Lossless transmission line. Internal unknowns i1 and i2 are the currents into p1 and p2.",
};

pub struct Tline;

impl DeviceType for Tline {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }

    fn batch(&self, group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        let mut faults = vec![];
        let mut lines = vec![];
        for inst in group.iter() {
            let delay = inst.given(TD).or_else(|| inst.given(F).map(|f| inst.real(NL) / f));
            let (Some(z0), Some(td)) = (inst.given(Z0), delay) else {
                let what = if delay.is_some() { "z0" } else { "td or f" };
                faults.push(
                    Diagnostic::error(codes::BAD_LINE, format!("transmission line without {what}"))
                        .at(inst.span, "write `T1 a 0 b 0 z0=50 td=1n`"),
                );
                continue;
            };
            if !(z0 > 0.0 && td > 0.0 && z0.is_finite() && td.is_finite()) {
                faults.push(
                    Diagnostic::error(codes::BAD_LINE, "impedance and delay of a line must be above zero")
                        .at(inst.span, format!("z0 = {z0}, td = {td}")),
                );
                continue;
            }
            let ic = match inst.get(IC) {
                Some(Value::Vector(v)) => Some(v.to_vec()),
                Some(Value::Num(x)) => Some(vec![*x]),
                _ => None,
            };
            lines.push(Line {
                nodes: [0, 1, 2, 3].map(|k| node(&inst, k)),
                i: [0, 0],
                z0,
                td,
                ic: ic.map(|v| [0, 1, 2, 3].map(|k| v.get(k).copied().unwrap_or(0.0))),
                rel: inst.real(REL),
                abs: inst.real(ABS),
                slots: [[0; 8]; 2],
                history: VecDeque::new(),
                echoes: VecDeque::new(),
            });
        }
        if faults.is_empty() { Ok(Box::new(Lines { lines })) } else { Err(faults) }
    }
}

/// A change of slope by more than this fraction of the slopes, times `rel`, may be a corner,
const CORNER: f64 = 0.1;
/// if it is this many times what the wave's bend explains,
const BEND: f64 = 5.0;
/// and if within the shorter of the steps on either side it moves the wave by this part of its size. Steps shorten at
/// corners until they are seen well (the first after a corner is the twentieth part of the way to the next), so this need only
/// stay above what Newton's method leaves of an error.
const VISIBLE: f64 = 1e-4;
/// A step's chord over the wave that arrives meanwhile stays this close to it, as a part of its size.
const CHORD: f64 = 3e-4;

/// The waves sent from ports 1 and 2 at an accepted point: v + Z0 i.
#[derive(Clone, Copy, Debug)]
struct Sent {
    t: f64,
    wave: [f64; 2],
    /// The slope of the wave changes here.
    is_corner: bool,
}

#[derive(Clone)]
struct Line {
    nodes: [Unknown; 4],
    i: [Unknown; 2],
    z0: f64,
    td: f64,
    ic: Option<[f64; 4]>,
    rel: f64,
    abs: f64,
    /// Per port k: current entries (p_k, i_k), (n_k, i_k), then row i_k by p_k, n_k, i_k and by the other port's
    /// p, n, i.
    slots: [[Slot; 8]; 2],
    history: VecDeque<Sent>,
    /// Times at which corners arrive, in order.
    echoes: VecDeque<f64>,
}

impl Line {
    fn port(&self, k: usize, x: &[f64]) -> (f64, f64) {
        let v = x[self.nodes[2 * k] as usize] - x[self.nodes[2 * k + 1] as usize];
        (v, x[self.i[k] as usize])
    }

    fn sent(&self, k: usize, x: &[f64]) -> f64 {
        let (v, i) = self.port(k, x);
        v + self.z0 * i
    }

    /// What port k sent at time t.
    fn delayed(&self, k: usize, t: f64) -> f64 {
        let h = &self.history;
        let j = h.partition_point(|s| s.t <= t);
        let Some(before) = j.checked_sub(1).and_then(|j| h.get(j)) else {
            return h.front().map_or(0.0, |s| s.wave[k]);
        };
        let Some(after) = h.get(j) else { return before.wave[k] };
        let (t1, t2, y1, y2) = (before.t, after.t, before.wave[k], after.wave[k]);
        let slope = (y2 - y1) / (t2 - t1);
        let line = y1 + slope * (t - t1);
        // A third point on a side without a corner: the earlier one if it is there, else the later.
        let third = if !before.is_corner && j >= 2 {
            h.get(j - 2)
        } else if !after.is_corner {
            h.get(j + 1)
        } else {
            None
        };
        let Some(third) = third else { return line };
        // Newton's form: second divided difference over the three points.
        let bend = ((third.wave[k] - y1) / (third.t - t1) - slope) / (third.t - t2);
        if bend.is_finite() { line + bend * (t - t1) * (t - t2) } else { line }
    }

    /// Whether the newest point turns out to be a corner when (t, wave) follows it.
    fn is_corner(&self, t: f64, wave: [f64; 2]) -> bool {
        let h = &self.history;
        let n = h.len();
        let (a, b) = (h[n - 2], h[n - 1]);
        let slope = |k: usize, p: &Sent, q: &Sent| (q.wave[k] - p.wave[k]) / (q.t - p.t);
        (0..2).any(|k| {
            let (left, right) = (slope(k, &a, &b), (wave[k] - b.wave[k]) / (t - b.t));
            let change = (right - left).abs();
            // What the bend of the wave so far would make of the change here; a bend across a corner says nothing.
            let expected = match n.checked_sub(3).and_then(|j| h.get(j)) {
                Some(before) if !a.is_corner => (left - slope(k, before, &a)).abs() * (t - a.t) / (b.t - before.t),
                _ => 0.0,
            };
            let size = h.iter().fold(wave[k].abs(), |m, s| m.max(s.wave[k].abs()));
            change > CORNER * self.rel * self.abs * left.abs().max(right.abs())
                && change > BEND * expected
                && change * (t - b.t).min(b.t - a.t) > VISIBLE * size + 1e-12
        })
    }

    /// How far beyond `t` a straight line follows both arriving waves, which are known for one delay.
    fn straight(&self, t: f64) -> f64 {
        let from = t - self.td;
        let first = self.history.partition_point(|s| s.t <= from);
        let mut longest = self.td;
        for k in 0..2 {
            let start = self.delayed(k, from);
            let known = || self.history.iter().skip(first);
            let allowed = CHORD * known().fold(start.abs(), |m, s| m.max(s.wave[k].abs()));
            // Slopes of the chords that pass all points so far closely enough.
            let (mut least, mut most) = (f64::NEG_INFINITY, f64::INFINITY);
            let mut end = 0.0;
            for s in known() {
                let (dt, rise) = (s.t - from, s.wave[k] - start);
                if end > 0.0 && !(least..=most).contains(&(rise / dt)) {
                    longest = longest.min(end);
                    break;
                }
                least = least.max((rise - allowed) / dt);
                most = most.min((rise + allowed) / dt);
                end = dt;
            }
        }
        longest
    }

    fn restart(&mut self, t: f64, wave: [f64; 2]) {
        self.history.clear();
        self.echoes.clear();
        self.history.push_back(Sent { t, wave, is_corner: true });
    }

    fn accept(&mut self, t: f64, wave: [f64; 2]) {
        let n = self.history.len();
        if n >= 2 {
            let b = self.history[n - 1];
            if self.is_corner(t, wave) {
                self.history[n - 1].is_corner = true;
                self.echoes.push_back(b.t + self.td);
            }
        } else if n == 1 && self.history[0].wave.iter().zip(&wave).any(|(a, b)| a != b) {
            // The start of the transient is a corner if anything moves from it.
            let start = self.history[0].t;
            self.echoes.push_back(start + self.td);
        }
        self.history.push_back(Sent { t, wave, is_corner: false });
        // Keep two points before the oldest that can still be asked for.
        while self.history.len() > 3 && self.history[2].t < t - self.td {
            self.history.pop_front();
        }
    }
}

#[derive(Clone)]
struct Lines {
    lines: Vec<Line>,
}

impl Batch for Lines {
    fn len(&self) -> usize {
        self.lines.len()
    }

    fn unknowns(&self) -> Vec<UnknownSpec> {
        let one = |i: usize, name| UnknownSpec { name, ..UnknownSpec::branch(i) };
        (0..self.lines.len()).flat_map(|i| [one(i, "i1"), one(i, "i2")]).collect()
    }

    fn assign(&mut self, binder: &Binder) {
        for (line, i) in self.lines.iter_mut().zip(binder.internals.chunks_exact(2)) {
            line.i = [i[0], i[1]];
        }
    }

    fn connect(&mut self, w: &mut dyn Wiring) {
        for line in &mut self.lines {
            let (n, i) = (line.nodes, line.i);
            for k in 0..2 {
                let o = 1 - k;
                line.slots[k] = [
                    w.slot(n[2 * k], i[k]),
                    w.slot(n[2 * k + 1], i[k]),
                    w.slot(i[k], n[2 * k]),
                    w.slot(i[k], n[2 * k + 1]),
                    w.slot(i[k], i[k]),
                    w.slot(i[k], n[2 * o]),
                    w.slot(i[k], n[2 * o + 1]),
                    w.slot(i[k], i[o]),
                ];
            }
        }
    }

    fn set_temperature(&mut self, _temp: f64) {}

    fn eval(&self, at: &Point, x: &[f64], _mem: &mut IterMem, out: &mut Load) {
        for line in &self.lines {
            for k in 0..2 {
                let s = &line.slots[k];
                let (v, i) = line.port(k, x);
                out.f(line.nodes[2 * k], i);
                out.f(line.nodes[2 * k + 1], -i);
                out.g(s[0], 1.0);
                out.g(s[1], -1.0);
                out.f(line.i[k], v - line.z0 * i);
                out.g(s[2], 1.0);
                out.g(s[3], -1.0);
                out.g(s[4], -line.z0);
                if at.is_static {
                    out.f(line.i[k], -line.sent(1 - k, x));
                    out.g(s[5], -1.0);
                    out.g(s[6], 1.0);
                    out.g(s[7], -line.z0);
                } else if let (true, Some(ic)) = (at.is_uic_start, line.ic) {
                    let o = 2 * (1 - k);
                    out.f(line.i[k], -(ic[o] + line.z0 * ic[o + 1]));
                } else {
                    out.f(line.i[k], -line.delayed(1 - k, at.time - line.td));
                }
            }
        }
    }

    fn accept(&mut self, at: &Point, x: &[f64]) -> Wishes {
        let mut wishes = Wishes::default();
        for line in &mut self.lines {
            let wave = match line.ic {
                Some(ic) if at.is_uic_start => [ic[0] + line.z0 * ic[1], ic[2] + line.z0 * ic[3]],
                _ => [line.sent(0, x), line.sent(1, x)],
            };
            if at.is_static || at.time <= 0.0 || line.history.back().is_none_or(|s| s.t >= at.time) {
                line.restart(at.time, wave);
            } else {
                line.accept(at.time, wave);
            }
            if at.is_static && !at.is_tran_op {
                continue;
            }
            let limit = at.time + 4.0 * f64::EPSILON * at.time.abs();
            while line.echoes.front().is_some_and(|t| *t <= limit) {
                line.echoes.pop_front();
            }
            if let Some(t) = line.echoes.front() {
                wishes.next_break = wishes.next_break.min(*t);
            }
            wishes.max_step = wishes.max_step.min(line.straight(at.time));
        }
        wishes
    }

    fn ac(&self, at: &Point, _x: &[f64], omega: f64, out: &mut AcLoad) {
        for line in &self.lines {
            // eval at a static point has put -1 and -z0 for the far port; at any other nothing.
            let delay = Complex64::from_polar(1.0, -omega * line.td);
            let d = if at.is_static { delay - 1.0 } else { delay };
            for s in &line.slots {
                out.y[s[5] as usize] -= d;
                out.y[s[6] as usize] += d;
                out.y[s[7] as usize] -= d * line.z0;
            }
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        &[
            OpVar { name: "v1", unit: "V", doc: "voltage of port 1" },
            OpVar { name: "i1", unit: "A", doc: "current into p1" },
            OpVar { name: "v2", unit: "V", doc: "voltage of port 2" },
            OpVar { name: "i2", unit: "A", doc: "current into p2" },
        ]
    }

    fn op_values(&self, i: usize, _at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let ((v1, i1), (v2, i2)) = (self.lines[i].port(0, x), self.lines[i].port(1, x));
        for (o, value) in out.iter_mut().zip([v1, i1, v2, i2]) {
            *o = value;
        }
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        let Some(line) = self.lines.get_mut(instance).filter(|_| value > 0.0 && value.is_finite()) else {
            return false;
        };
        match id {
            Z0 => line.z0 = value,
            TD => line.td = value,
            _ => return false,
        }
        true
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        let line = self.lines.get(instance)?;
        match id {
            Z0 => Some(line.z0),
            TD => Some(line.td),
            _ => None,
        }
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
