//! Accepted points: events, persisting variables, step bounds, messages.
//!
//! While a step is being solved, no event is true and persisting variables have their committed values. When the step is
//! accepted, watched expressions are compared with those of the point before; where an event has happened, the module is
//! run with it, and what it leaves in its variables is committed. The effect on the equations begins with the next step.

use super::VaDevice;
use super::batch::VaBatch;
use super::routine::Routine;
use crate::device::{Point, Wishes};
use crate::veriloga::ir::{Out, Sink, Val, signal, sim};
use crate::veriloga::jit::plain::Log;
use crate::veriloga::lower::EventInfo;
use crate::veriloga::lower::assemble::event;

/// An event is located to this fraction of the step in which it was first seen; it is approached from behind.
const NEAR: f64 = 1e-4;
/// Times closer than this fraction are one.
const SAME: f64 = 1e-9;

/// Watched expressions at the last accepted point.
#[derive(Clone, Debug)]
pub struct Events {
    per_instance: usize,
    last: Vec<f64>,
    /// Next time of timers; the value at the last time of `absdelta`.
    due: Vec<f64>,
    /// The start that a timer was last given.
    starts: Vec<f64>,
    /// Which have happened at the point that is being accepted, 0 or 1.
    fired: Vec<f64>,
    none: Vec<f64>,
    /// Where the numbers of an event stand among the results of the routine, instance by instance.
    in_accept: Vec<[Option<usize>; event::COUNT]>,
    in_watch: Vec<[Option<usize>; event::COUNT]>,
    /// The first argument of each operator that looks back, and how many there are.
    arguments: Vec<(usize, usize)>,
}

/// Numbers of an event.
type Watch = [f64; event::COUNT];

fn places(routine: Option<&Routine>, events: usize) -> Vec<[Option<usize>; event::COUNT]> {
    let mut out = vec![[None; event::COUNT]; events];
    for (k, (s, _)) in routine.iter().flat_map(|r| r.func.outputs.iter().enumerate()) {
        if s.class == Out::Event {
            out[s.a as usize][s.b as usize] = Some(k);
        }
    }
    out
}

fn watch(places: &[Option<usize>; event::COUNT], results: &[f64]) -> Watch {
    let of = |k: usize| places[k].and_then(|p| results.get(p)).copied().unwrap_or(0.0);
    std::array::from_fn(of)
}

impl Events {
    pub fn new(dev: &VaDevice, n: usize) -> Events {
        let l = &dev.program.lowered;
        let per_instance = l.events.len();
        let outputs: &[(Sink, Val)] = dev.accept.as_ref().map_or(&[], |r| &r.func.outputs);
        let arguments = (0..l.signals.len() as u32)
            .map(|k| {
                let is = |s: &Sink| s.class == Out::Signal && s.a == k;
                let first = outputs.iter().position(|(s, _)| is(s)).unwrap_or(0);
                (first, outputs.iter().filter(|(s, _)| is(s)).count())
            })
            .collect();
        Events {
            per_instance,
            last: vec![f64::NAN; n * per_instance],
            due: vec![f64::NAN; n * per_instance],
            starts: vec![f64::NAN; n * per_instance],
            fired: vec![0.0; n * per_instance],
            none: vec![0.0; n * per_instance],
            in_accept: places(dev.accept.as_ref(), per_instance),
            in_watch: places(dev.watch.as_ref(), per_instance),
            arguments,
        }
    }

    pub fn reset(&mut self) {
        self.last.fill(f64::NAN);
        self.due.fill(f64::NAN);
        self.starts.fill(f64::NAN);
    }

    /// Timers follow the latest value of their start (LRM 5.10.3.3).
    fn schedule(&mut self, infos: &[EventInfo], i: usize, at: &Point, results: &[f64], wishes: &mut Wishes) {
        for (k, e) in infos.iter().enumerate() {
            let EventInfo::Timer { .. } = e else { continue };
            let w = watch(&self.in_accept[k], results);
            let (start, period) = (w[event::START as usize], w[event::PERIOD as usize]);
            let place = i * self.per_instance + k;
            let slack = SAME * at.time.abs().max(1e-15);
            if start != self.starts[place] && (self.starts[place].is_nan() || start > at.time + slack) {
                self.due[place] = start;
            } else if start != self.starts[place] {
                self.due[place] = next_time(start, period, at.time);
            }
            self.starts[place] = start;
            if self.due[place] > at.time {
                wishes.next_break = wishes.next_break.min(self.due[place]);
            }
        }
    }

    /// No event, for all instances.
    pub fn none(&self) -> &[f64] {
        &self.none
    }
}

/// When a timer comes next after `now`.
fn next_time(start: f64, period: f64, now: f64) -> f64 {
    if period > 0.0 && period.is_finite() {
        start + period * (((now - start) / period + 1e-6).floor() + 1.0)
    } else {
        f64::INFINITY
    }
}

/// Did an expression cross zero in this direction?
fn crossed(before: f64, now: f64, direction: f64) -> bool {
    (before <= 0.0 && now > 0.0 && direction >= 0.0) || (before >= 0.0 && now < 0.0 && direction <= 0.0)
}

/// The part of a step after which an event happens, by the secant.
fn part(e: &EventInfo, b: &Watch, n: &Watch, reference: f64) -> Option<f64> {
    let on = n[event::ON as usize] != 0.0 && b[event::ON as usize] != 0.0;
    let (w0, w1) = (b[event::WATCH as usize], n[event::WATCH as usize]);
    let direction = n[event::DIRECTION as usize];
    match e {
        _ if !on => None,
        EventInfo::Cross | EventInfo::Above => crossed(w0, w1, direction).then(|| w0 / (w0 - w1)),
        EventInfo::AbsDelta => {
            let level = reference + (w1 - reference).signum() * direction;
            let passes = direction > 0.0 && (w1 - reference).abs() > direction && (w0 - reference).abs() < direction;
            passes.then(|| (level - w0) / (w1 - w0))
        }
        _ => None,
    }
}

impl VaBatch {
    pub(super) fn find_crossing(&self, at0: &Point, x0: &[f64], at: &Point, x: &[f64]) -> Option<f64> {
        let routine = self.dev.watch.as_ref()?;
        let l = &self.program().lowered;
        let ne = self.events.per_instance;
        let n = routine.outputs();
        let step = at.time - at0.time;
        let mut first: Option<f64> = None;
        // The results at the beginning stay in the batch's own scratch only while the two runs are compared.
        self.consult_twice(routine, (at0, x0), (at, x), &mut |i, before, now| {
            debug_assert_eq!(before.len(), n);
            for (k, e) in l.events.iter().enumerate() {
                let places = &self.events.in_watch[k];
                let (b, w) = (watch(places, before), watch(places, now));
                let Some(at_part) = part(e, &b, &w, self.events.due[i * ne + k]) else { continue };
                let (time_tol, tol) = (w[event::TIME_TOL as usize], w[event::TOL as usize]);
                let time_tol = if time_tol > 0.0 && time_tol.is_finite() { time_tol } else { 10.0 * NEAR * step };
                let is_near = (1.0 - at_part) * step <= time_tol;
                let off = match e {
                    EventInfo::AbsDelta => 0.0,
                    _ => w[event::WATCH as usize].abs(),
                };
                let is_small = !(tol > 0.0) || off <= tol;
                let is_last = (1.0 - at_part) * step <= 8.0 * f64::EPSILON * at.time.abs();
                if (is_near && is_small) || is_last {
                    continue;
                }
                // Just behind the crossing.
                let behind = (NEAR * (1.0 - at_part).max(NEAR)).min(0.5 * time_tol / step);
                let to = (at_part + behind).max(NEAR.min(0.5 * time_tol / step));
                if to < 1.0 {
                    first = Some(first.map_or(to, |f: f64| f.min(to)));
                }
            }
        });
        first.map(|part| at0.time + part * step)
    }

    pub(super) fn accept_point(&mut self, at: &Point, x: &[f64]) -> Wishes {
        let mut wishes = Wishes::default();
        let dev = self.dev.clone();
        let l = &dev.program.lowered;
        if let Some(routine) = &dev.accept {
            let mut results = std::mem::take(&mut self.results);
            let (mut log, mut again) = (std::mem::take(&mut self.log), std::mem::take(&mut self.again));
            log.clear();
            again.clear();
            self.run_accept(routine, at, x, false, 0..self.n, &mut results, &mut log);
            let cells = l.cells.len();
            let no = routine.outputs();
            // A point may be accepted twice, when it turns out to lie on a corner: nothing moved but the clock's last bit.
            let is_again = self.started && !at.is_static && (at.time - self.last_time).abs() <= SAME * at.time.abs();
            let mut said = 0;
            for i in 0..self.n {
                let has_fired = self.fired(i, at, &results[i * no..(i + 1) * no], &mut wishes);
                let from = said;
                while log.list.get(said).is_some_and(|h| h.instance == i as u32) {
                    said += 1;
                }
                if has_fired {
                    again.clear();
                    self.run_accept(routine, at, x, true, i..i + 1, &mut results, &mut again);
                    wishes.discontinuity |= !at.is_static;
                }
                let own = &results[i * no..(i + 1) * no];
                if has_fired {
                    self.events.schedule(&l.events, i, at, own, &mut wishes);
                }
                for k in 0..self.events.per_instance {
                    self.events.last[i * self.events.per_instance + k] =
                        watch(&self.events.in_accept[k], own)[event::WATCH as usize];
                }
                if is_again && !has_fired {
                    continue;
                }
                let (mut bound, mut jump) = (f64::INFINITY, false);
                for ((s, _), v) in routine.func.outputs.iter().zip(own) {
                    match (s.class, s.a) {
                        (Out::Hidden, k) => self.hidden[i * cells + k as usize] = *v,
                        (Out::Step, 0) => bound = *v,
                        (Out::Step, _) => jump = *v != 0.0,
                        _ => {}
                    }
                }
                for (k, info) in l.signals.iter().enumerate() {
                    let (first, count) = self.events.arguments[k];
                    let input = info.input.map_or(0.0, |u| x[self.rows[i * l.unknowns.len() + u as usize] as usize]);
                    self.signals.accept(i, k, at, &own[first..first + count], input, &mut wishes);
                }
                if bound > 0.0 {
                    wishes.max_step = wishes.max_step.min(bound);
                }
                wishes.discontinuity |= jump && !self.jumped[i] && !at.is_static;
                self.jumped[i] = jump;
                let (source, range) = if has_fired { (&again, 0..again.list.len()) } else { (&log, from..said) };
                for h in &source.list[range] {
                    wishes.stop |= self.say(h, source.args_of(h));
                }
            }
            (self.results, self.log, self.again) = (results, log, again);
        }
        self.started = true;
        self.last_time = at.time;
        if l.uniforms + l.normals > 0 {
            self.next_cycle();
        }
        wishes
    }

    /// Variables that the module reads before it has written them get the values, where there are any, that an evaluation
    /// leaves in them; it is as yet the initial step. Where the 0 that they start from gives no number (it divides), other
    /// starts are tried: what two of them agree on does not depend on where they start.
    pub(super) fn prime_cells(&mut self, at: &Point, x: &[f64]) {
        let dev = self.dev.clone();
        let Some(routine) = dev.accept.as_ref().filter(|_| !self.started) else { return };
        let start = self.hidden.clone();
        let plain = self.left_in_cells(routine, at, x);
        let mut found = vec![f64::NAN; plain.len()];
        if plain.iter().any(|v| !v.is_finite()) {
            let trial = |this: &mut Self, other: f64| {
                let moved = start.iter().map(|v| if *v == 0.0 { other } else { *v });
                this.hidden.clear();
                this.hidden.extend(moved);
                this.left_in_cells(routine, at, x)
            };
            let (a, b) = (trial(self, 1.0), trial(self, 2.0));
            for (f, (a, b)) in found.iter_mut().zip(a.iter().zip(&b)) {
                if (a - b).abs() <= 1e-9 * a.abs() {
                    *f = *a;
                }
            }
        }
        self.hidden = start;
        for (cell, (plain, other)) in self.hidden.iter_mut().zip(plain.iter().zip(&found)) {
            if let Some(v) = [plain, other].into_iter().find(|v| v.is_finite()) {
                *cell = *v;
            }
        }
    }

    /// What an evaluation at a point would leave in the cells that persist.
    fn left_in_cells(&mut self, routine: &Routine, at: &Point, x: &[f64]) -> Vec<f64> {
        let (mut results, mut log) = (vec![], Log::default());
        self.run_accept(routine, at, x, false, 0..self.n, &mut results, &mut log);
        let cells = self.dev.program.lowered.cells.len();
        let mut left = self.hidden.clone();
        for (i, own) in results.chunks_exact(routine.outputs().max(1)).enumerate() {
            for ((s, _), v) in routine.func.outputs.iter().zip(own) {
                if s.class == Out::Hidden {
                    left[i * cells + s.a as usize] = *v;
                }
            }
        }
        left
    }

    /// Runs instances at an accepted point, with the events that have been found or with none.
    #[allow(clippy::too_many_arguments)]
    fn run_accept(
        &mut self,
        routine: &Routine,
        at: &Point,
        x: &[f64],
        with_events: bool,
        range: std::ops::Range<usize>,
        results: &mut Vec<f64>,
        log: &mut Log,
    ) {
        let l = &self.dev.program.lowered;
        results.resize(self.n * routine.outputs(), 0.0);
        let mut signals = std::mem::take(&mut self.signal_numbers);
        signals.resize(self.n * l.signals.len() * signal::COUNT, 0.0);
        self.fill_signals(at.time, &mut signals);
        let numbers = self.sim_numbers(at);
        let events = if with_events { &self.events.fired } else { &self.events.none };
        let inputs = self.inputs(&numbers, x, events, &signals, self.accept_cache());
        routine.run(l, &inputs, range, results, log);
        self.signal_numbers = signals;
    }

    /// Which events have happened since the point before; timers say when they come next.
    fn fired(&mut self, i: usize, at: &Point, results: &[f64], wishes: &mut Wishes) -> bool {
        let ne = self.events.per_instance;
        let infos = &self.dev.program.lowered.events;
        self.events.schedule(infos, i, at, results, wishes);
        let mut any = false;
        for (k, e) in infos.iter().enumerate() {
            let w = watch(&self.events.in_accept[k], results);
            let on = w[event::ON as usize] != 0.0;
            let before = self.events.last[i * ne + k];
            let now = w[event::WATCH as usize];
            let due = &mut self.events.due[i * ne + k];
            let has_fired = match e {
                EventInfo::Cross => !at.is_static && on && crossed(before, now, w[event::DIRECTION as usize]),
                // In a static solution the module sees to it itself.
                EventInfo::Above => !at.is_static && on && now > 0.0 && !(before > 0.0),
                EventInfo::AbsDelta => {
                    let delta = w[event::DIRECTION as usize];
                    let moved = (now - *due).abs() >= delta * (1.0 - SAME);
                    let fires = on && !at.is_static && delta > 0.0 && moved;
                    if due.is_nan() || fires {
                        *due = now;
                    }
                    fires
                }
                EventInfo::Timer { .. } => {
                    let slack = SAME * at.time.abs().max(1e-15);
                    let is_due = !at.is_static && at.time >= *due - slack;
                    if is_due {
                        *due = next_time(w[event::START as usize], w[event::PERIOD as usize], at.time);
                        if *due > at.time {
                            wishes.next_break = wishes.next_break.min(*due);
                        }
                    }
                    on && is_due
                }
                EventInfo::InitialStep | EventInfo::FinalStep => false,
            };
            self.events.fired[i * ne + k] = f64::from(u8::from(has_fired));
            any |= has_fired;
        }
        any
    }

    /// The last point of an analysis.
    pub(super) fn final_step(&mut self, at: &Point, x: &[f64]) {
        let dev = self.dev.clone();
        let Some(routine) = &dev.accept else { return };
        let l = &dev.program.lowered;
        let (mut plain, mut last) = (Log::default(), Log::default());
        let mut results = vec![];
        self.run_accept(routine, at, x, false, 0..self.n, &mut results, &mut plain);
        let mut signals = vec![0.0; self.n * l.signals.len() * signal::COUNT];
        self.fill_signals(at.time, &mut signals);
        let mut numbers = self.sim_numbers(at);
        numbers[sim::FINAL_STEP as usize] = 1.0;
        let inputs = self.inputs(&numbers, x, self.events.none(), &signals, self.accept_cache());
        routine.run(l, &inputs, 0..self.n, &mut results, &mut last);
        // What is said at every point was said when this one was accepted.
        for h in &last.list {
            if !plain.list.iter().any(|p| (p.instance, p.site) == (h.instance, h.site)) {
                self.say(h, last.args_of(h));
            }
        }
    }
}
