//! Operators that look back: what they were given at accepted points, and what follows for the step to come.

use std::collections::VecDeque;

use num_complex::Complex64;

use crate::device::history::History;
use crate::device::{Point, Wishes};
use crate::veriloga::ir::signal;
use crate::veriloga::lower::{SignalInfo, SignalKind};

/// Times closer than this fraction are one.
const SAME: f64 = 1e-9;

/// One operator of one instance.
#[derive(Clone, Debug)]
enum State {
    Delay { history: History<1>, td: f64 },
    Transition(Ramp),
    Sampled(Sampler),
}

/// All operators of all instances.
#[derive(Clone, Debug)]
pub struct Signals {
    infos: Vec<SignalInfo>,
    states: Vec<State>,
}

/// A piecewise linear course: where it bends, in order of time.
#[derive(Clone, Debug, Default)]
struct Ramp {
    points: VecDeque<(f64, f64)>,
    /// Where it ends up.
    target: f64,
}

impl Ramp {
    fn at(&self, t: f64) -> f64 {
        let p = &self.points;
        let j = p.partition_point(|x| x.0 < t);
        match (j.checked_sub(1).and_then(|i| p.get(i)), p.get(j)) {
            (Some(a), Some(b)) => a.1 + (b.1 - a.1) * (t - a.0) / (b.0 - a.0),
            (Some(end), None) => end.1,
            (None, Some(start)) => start.1,
            (None, None) => self.target,
        }
    }

    fn restart(&mut self, t: f64, v: f64) {
        self.points.clear();
        self.points.push_back((t, v));
        self.target = v;
    }

    /// From `start` on it goes to `v`, from wherever it is then; what was to come later is dropped.
    fn go(&mut self, start: f64, v: f64, rise: f64, fall: f64) {
        let here = self.at(start);
        while self.points.back().is_some_and(|p| p.0 >= start) {
            self.points.pop_back();
        }
        self.points.push_back((start, here));
        let length = if v > here { rise } else { fall };
        self.points.push_back((start + length, v));
        self.target = v;
    }

    /// Forgets what is over; returns when the course bends next.
    fn advance(&mut self, t: f64) -> Option<f64> {
        while self.points.len() > 1 && self.points[1].0 <= t {
            self.points.pop_front();
        }
        let slack = 4.0 * f64::EPSILON * t.abs();
        self.points.iter().map(|p| p.0).find(|x| *x > t + slack)
    }
}

/// A filter in 1/z.
#[derive(Clone, Debug, Default)]
struct Sampler {
    /// Newest first.
    u: VecDeque<f64>,
    y: VecDeque<f64>,
    /// Number of the sample to come.
    next: f64,
    out: Ramp,
}

impl Sampler {
    fn restart(&mut self, t: f64, args: &[f64], num: usize) {
        let ([u, period, _, start], (b, a)) = (first(args), args[4..].split_at(num));
        let rest = gain(b, a, Complex64::new(1.0, 0.0)).re * u;
        self.u = std::iter::repeat_n(u, b.len()).collect();
        self.y = std::iter::repeat_n(rest, a.len()).collect();
        self.next = ((t - start) / period).floor().max(-1.0) + 1.0;
        self.out.restart(t, rest);
    }

    /// True: the output jumps.
    fn accept(&mut self, t: f64, args: &[f64], num: usize) -> bool {
        let ([u, period, tau, start], (b, a)) = (first(args), args[4..].split_at(num));
        if t < start + self.next * period - SAME * period {
            return false;
        }
        self.next = ((t - start) / period + SAME).floor() + 1.0;
        self.u.push_front(u);
        self.u.truncate(b.len().max(1));
        let forward: f64 = b.iter().zip(&self.u).map(|(b, u)| b * u).sum();
        let back: f64 = a.iter().skip(1).zip(&self.y).map(|(a, y)| a * y).sum();
        let y = (forward - back) / a.first().copied().unwrap_or(1.0);
        self.y.push_front(y);
        self.y.truncate(a.len().max(1));
        let tau = tau.max(0.0);
        self.out.go(t, y, tau, tau);
        tau == 0.0
    }
}

fn first(args: &[f64]) -> [f64; 4] {
    [0, 1, 2, 3].map(|k| args.get(k).copied().unwrap_or(0.0))
}

/// sum b_k z^-k / sum a_k z^-k
fn gain(b: &[f64], a: &[f64], inverse_z: Complex64) -> Complex64 {
    let sum = |c: &[f64]| c.iter().rev().fold(Complex64::new(0.0, 0.0), |s, c| s * inverse_z + c);
    sum(b) / sum(a)
}

impl Signals {
    pub fn new(infos: &[SignalInfo], n: usize) -> Signals {
        let one = |i: &SignalInfo| match i.kind {
            SignalKind::Delay { .. } => State::Delay { history: History::new(1.0), td: 0.0 },
            SignalKind::Transition => State::Transition(Ramp::default()),
            SignalKind::Sampled { .. } => State::Sampled(Sampler::default()),
        };
        Signals { infos: infos.to_vec(), states: (0..n).flat_map(|_| infos.iter().map(one)).collect() }
    }

    pub fn reset(&mut self) {
        let n = self.states.len() / self.infos.len().max(1);
        *self = Signals::new(&self.infos, n);
    }

    /// The numbers of instance i for an evaluation at time t.
    pub fn fill(&self, i: usize, t: f64, out: &mut [f64]) {
        let n = self.infos.len();
        for (state, out) in self.states[i * n..(i + 1) * n].iter().zip(out.chunks_exact_mut(signal::COUNT)) {
            out.fill(0.0);
            match state {
                State::Transition(r) => out[signal::KNOWN as usize] = r.at(t),
                State::Sampled(s) => out[signal::KNOWN as usize] = s.out.at(t),
                State::Delay { history, td } => {
                    let from = t - td;
                    let last = history.last().unwrap_or(0.0);
                    out[signal::DELAY as usize] = *td;
                    out[signal::SLOPE as usize] = history.slope(0, from);
                    if from <= last || t <= last {
                        out[signal::KNOWN as usize] = history.at(0, from);
                    } else {
                        // Shorter than the step: between the last accepted point and the one to be solved.
                        let part = (from - last) / (t - last);
                        out[signal::KNOWN as usize] = (1.0 - part) * history.newest(0);
                        out[signal::PRESENT as usize] = part;
                    }
                }
            }
        }
    }

    /// An accepted point: arguments of operator k of instance i, and its input.
    pub fn accept(&mut self, i: usize, k: usize, at: &Point, args: &[f64], input: f64, wishes: &mut Wishes) {
        let t = at.time;
        let is_start = at.is_static;
        let n = self.infos.len();
        match (&mut self.states[i * n + k], self.infos[k].kind) {
            (State::Delay { history, td }, SignalKind::Delay { is_fixed }) => {
                if is_start || history.last().is_none_or(|last| last >= t) {
                    history.restart(t, [input]);
                    *td = args[0];
                } else {
                    history.accept(t, [input], args[0].max(*td));
                    if !is_fixed {
                        *td = args[0];
                    }
                }
                if let Some(echo) = history.next_echo(t, *td).filter(|_| *td > 0.0) {
                    wishes.next_break = wishes.next_break.min(echo);
                }
                if let Some(h) = history.straight(t, *td).filter(|h| *h > 0.0) {
                    wishes.max_step = wishes.max_step.min(h);
                }
            }
            (State::Transition(ramp), _) => {
                let [v, delay, rise, fall] = first(args);
                if is_start || ramp.points.is_empty() {
                    ramp.restart(t, v);
                } else if v != ramp.target {
                    ramp.go(t + delay, v, rise, fall);
                }
                if let Some(bend) = ramp.advance(t) {
                    wishes.next_break = wishes.next_break.min(bend);
                }
            }
            (State::Sampled(s), SignalKind::Sampled { num, .. }) => {
                if is_start || s.out.points.is_empty() {
                    s.restart(t, args, num as usize);
                } else {
                    wishes.discontinuity |= s.accept(t, args, num as usize);
                }
                let due = args[3] + s.next * args[1];
                for bend in s.out.advance(t).into_iter().chain([due]) {
                    if bend > t {
                        wishes.next_break = wishes.next_break.min(bend);
                    }
                }
            }
            _ => {}
        }
    }

    /// What a frequency response has beyond that at rest, by its arguments.
    pub fn response(info: &SignalInfo, args: &[f64], omega: f64) -> Complex64 {
        match info.kind {
            SignalKind::Delay { .. } => Complex64::from_polar(1.0, -omega * args[0]) - 1.0,
            SignalKind::Transition => Complex64::new(0.0, 0.0),
            SignalKind::Sampled { num, .. } => {
                let (b, a) = args[4..].split_at(num as usize);
                let one = Complex64::new(1.0, 0.0);
                gain(b, a, Complex64::from_polar(1.0, -omega * args[1])) - gain(b, a, one)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramps_queue_and_are_interrupted() {
        let mut r = Ramp::default();
        r.restart(0.0, 0.0);
        // Two changes within the delay of 2: both arrive.
        r.go(3.0, 1.0, 0.5, 0.5);
        r.go(4.0, 0.0, 0.5, 1.0);
        let at = |r: &Ramp, t: f64| (r.at(t) * 1e12).round() / 1e12;
        assert_eq!([2.9, 3.25, 3.8, 4.5, 5.0, 9.0].map(|t| at(&r, t)), [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]);
        // On its way up it is called back: from where it is, in the full time.
        r.restart(0.0, 0.0);
        r.go(0.0, 1.0, 1.0, 1.0);
        r.go(0.5, 0.0, 1.0, 1.0);
        assert_eq!([0.5, 1.0, 1.5].map(|t| at(&r, t)), [0.5, 0.25, 0.0]);
        assert_eq!(r.advance(0.6), Some(1.5));
    }

    #[test]
    fn a_sampler_is_its_difference_equation() {
        // y_n = u_n / 2 + y_n-1 / 2, T = 1, from t = 0; the step comes at 0.5.
        let args = |u: f64| [u, 1.0, 0.0, 0.0, 0.5, 1.0, -0.5];
        let mut s = Sampler::default();
        s.restart(0.0, &args(0.0), 1);
        assert!(!s.accept(0.5, &args(1.0), 1));
        for (t, y) in [(1.0, 0.5), (2.0, 0.75), (3.0, 0.875)] {
            assert!(s.accept(t, &args(1.0), 1));
            assert!((s.out.at(t + 0.1) - y).abs() < 1e-15);
        }
    }
}
