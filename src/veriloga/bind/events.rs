//! Accepted points: events, persisting variables, step bounds, messages.
//!
//! While a step is being solved, no event is true and persisting variables have their committed values. When the step is
//! accepted, watched expressions are compared with those of the point before; where an event has happened, the module is
//! run with it, and what it leaves in its variables is committed. The effect on the equations begins with the next step.

use super::VaDevice;
use super::batch::VaBatch;
use super::text::Message;
use crate::device::{Point, Wishes};
use crate::veriloga::interp::{Machine, World};
use crate::veriloga::ir::{Const, Func, In, Out, sim};
use crate::veriloga::lower::assemble::event;
use crate::veriloga::lower::{EffectKind, EventInfo};

/// An event is located to this fraction of the step in which it was first seen; it is approached from behind.
const NEAR: f64 = 1e-4;
/// Times closer than this fraction are one.
const SAME: f64 = 1e-9;

/// Watched expressions at the last accepted point.
#[derive(Clone, Debug)]
pub struct Events {
    per_instance: usize,
    last: Vec<f64>,
    /// Next time of timers.
    due: Vec<f64>,
}

/// What one run of the module at an accepted point says.
#[derive(Clone, Debug, Default)]
struct Seen {
    watch: Vec<[f64; 5]>,
    hidden: Vec<(u32, f64)>,
    bound: f64,
    next_break: f64,
    jump: bool,
    effects: Vec<(u32, Vec<Const>)>,
}

impl Events {
    pub fn new(dev: &VaDevice, n: usize) -> Events {
        let per_instance = dev.program.lowered.events.len();
        Events { per_instance, last: vec![f64::NAN; n * per_instance], due: vec![f64::NAN; n * per_instance] }
    }

    pub fn reset(&mut self) {
        self.last.fill(f64::NAN);
        self.due.fill(f64::NAN);
    }
}

/// Did an expression cross zero in this direction?
fn crossed(before: f64, now: f64, direction: f64) -> bool {
    (before <= 0.0 && now > 0.0 && direction >= 0.0) || (before >= 0.0 && now < 0.0 && direction <= 0.0)
}

struct Runner<'a> {
    batch: &'a VaBatch,
    i: usize,
    numbers: [f64; sim::COUNT],
    x: &'a [f64],
    fired: &'a [bool],
    effects: Vec<(u32, Vec<Const>)>,
}

impl World for Runner<'_> {
    fn input(&mut self, class: In, k: u32) -> f64 {
        match class {
            In::Event => f64::from(u8::from(self.fired.get(k as usize).copied().unwrap_or(false))),
            _ => self.batch.input(self.i, &self.numbers, self.x, class, k),
        }
    }

    fn effect(&mut self, site: u32, args: &[Const]) {
        self.effects.push((site, args.to_vec()));
    }
}

impl VaBatch {
    fn look(
        &self,
        func: &Func,
        i: usize,
        numbers: [f64; sim::COUNT],
        x: &[f64],
        fired: &[bool],
        machine: &mut Machine,
    ) -> Seen {
        let mut seen = Seen {
            watch: vec![[0.0; 5]; self.events.per_instance],
            bound: f64::INFINITY,
            next_break: f64::INFINITY,
            ..Seen::default()
        };
        let mut world = Runner { batch: self, i, numbers, x, fired, effects: vec![] };
        machine.run(func, &mut world, &mut |s, v| match s.class {
            Out::Event => seen.watch[s.a as usize][s.b as usize] = v,
            Out::Hidden => seen.hidden.push((s.a, v)),
            Out::Step if s.a == 0 => seen.bound = v,
            Out::Step if s.a == 1 => seen.jump = v != 0.0,
            Out::Step => seen.next_break = v,
            _ => {}
        });
        seen.effects = world.effects;
        seen
    }

    pub(super) fn find_crossing(&self, at0: &Point, x0: &[f64], at: &Point, x: &[f64]) -> Option<f64> {
        let func = self.program().accept.as_ref()?;
        let watched = |e: &EventInfo| matches!(e, EventInfo::Cross | EventInfo::Above);
        if !self.program().lowered.events.iter().any(watched) {
            return None;
        }
        let mut machine = Machine::default();
        let none = vec![false; self.events.per_instance];
        let mut first: Option<f64> = None;
        for i in 0..self.n {
            let before = self.look(func, i, self.sim_numbers(at0), x0, &none, &mut machine);
            let now = self.look(func, i, self.sim_numbers(at), x, &none, &mut machine);
            for (k, e) in self.program().lowered.events.iter().enumerate() {
                let (b, n) = (&before.watch[k], &now.watch[k]);
                let on = n[event::ON as usize] != 0.0 && b[event::ON as usize] != 0.0;
                if !watched(e) || !on {
                    continue;
                }
                let (w0, w1) = (b[event::WATCH as usize], n[event::WATCH as usize]);
                if crossed(w0, w1, n[event::DIRECTION as usize]) {
                    // Just behind the crossing, as the secant tells it.
                    let part = w0 / (w0 - w1);
                    let part = part + NEAR * (1.0 - part).max(NEAR);
                    if part < 1.0 - 10.0 * NEAR {
                        first = Some(first.map_or(part, |f: f64| f.min(part)));
                    }
                }
            }
        }
        first.map(|part| at0.time + part.max(NEAR) * (at.time - at0.time))
    }

    pub(super) fn accept_point(&mut self, at: &Point, x: &[f64]) -> Wishes {
        let mut wishes = Wishes::default();
        let dev = self.dev.clone();
        let program = &dev.program;
        if let Some(func) = &program.accept {
            let numbers = self.sim_numbers(at);
            let ne = self.events.per_instance;
            let cells = program.lowered.cells.len();
            let mut machine = std::mem::take(&mut self.machine);
            // A point may be accepted twice, when it turns out to lie on a corner: nothing moved but the clock's last bit.
            let is_again = self.started && !at.is_static && (at.time - self.last_time).abs() <= SAME * at.time.abs();
            for i in 0..self.n {
                let none = vec![false; ne];
                let mut seen = self.look(func, i, numbers, x, &none, &mut machine);
                let fired = self.fired(i, at, &seen, &mut wishes);
                if fired.contains(&true) {
                    seen = self.look(func, i, numbers, x, &fired, &mut machine);
                    wishes.discontinuity |= !at.is_static;
                }
                for k in 0..ne {
                    self.events.last[i * ne + k] = seen.watch[k][event::WATCH as usize];
                }
                if is_again && !fired.contains(&true) {
                    continue;
                }
                for (k, v) in &seen.hidden {
                    self.hidden[i * cells + *k as usize] = *v;
                }
                if seen.next_break > at.time {
                    wishes.next_break = wishes.next_break.min(seen.next_break);
                }
                if seen.bound > 0.0 {
                    wishes.max_step = wishes.max_step.min(seen.bound);
                }
                wishes.discontinuity |= seen.jump && !self.jumped[i] && !at.is_static;
                self.jumped[i] = seen.jump;
                for (site, args) in seen.effects {
                    wishes.stop |= self.say(i, at, site, args);
                }
            }
            self.machine = machine;
        }
        self.started = true;
        self.last_time = at.time;
        if program.lowered.uniforms + program.lowered.normals > 0 {
            self.next_cycle();
        }
        wishes
    }

    /// Which events have happened since the point before; timers say when they come next.
    fn fired(&mut self, i: usize, at: &Point, seen: &Seen, wishes: &mut Wishes) -> Vec<bool> {
        let ne = self.events.per_instance;
        let infos = &self.dev.program.lowered.events;
        let mut fired = vec![false; ne];
        for (k, e) in infos.iter().enumerate() {
            let w = &seen.watch[k];
            let on = w[event::ON as usize] != 0.0;
            let before = self.events.last[i * ne + k];
            let now = w[event::WATCH as usize];
            match e {
                EventInfo::Cross => fired[k] = on && crossed(before, now, w[event::DIRECTION as usize]),
                EventInfo::Above => fired[k] = on && now > 0.0 && !(before > 0.0),
                EventInfo::Timer { .. } => {
                    let (start, period) = (w[event::START as usize], w[event::PERIOD as usize]);
                    let due = &mut self.events.due[i * ne + k];
                    if due.is_nan() {
                        *due = start;
                    }
                    let slack = SAME * at.time.abs().max(1e-15);
                    if on && !at.is_static && at.time >= *due - slack {
                        fired[k] = true;
                    }
                    if !at.is_static && at.time >= *due - slack {
                        *due = if period > 0.0 && period.is_finite() {
                            start + period * (((at.time - start) / period + 1e-6).floor() + 1.0)
                        } else {
                            f64::INFINITY
                        };
                    }
                    if *due > at.time {
                        wishes.next_break = wishes.next_break.min(*due);
                    }
                }
                EventInfo::InitialStep | EventInfo::FinalStep => {}
            }
        }
        fired
    }

    /// The last point of an analysis.
    pub(super) fn final_step(&mut self, at: &Point, x: &[f64]) {
        let dev = self.dev.clone();
        let Some(func) = &dev.program.accept else { return };
        let mut numbers = self.sim_numbers(at);
        numbers[sim::FINAL_STEP as usize] = 1.0;
        let mut machine = Machine::default();
        let none = vec![false; self.events.per_instance];
        // What is said at every point was said when this one was accepted.
        for i in 0..self.n {
            let plain = self.look(func, i, self.sim_numbers(at), x, &none, &mut machine);
            let last = self.look(func, i, numbers, x, &none, &mut machine);
            for (site, args) in last.effects {
                if !plain.effects.iter().any(|e| e.0 == site) {
                    self.say(i, at, site, args);
                }
            }
        }
    }

    /// Keeps a message; true if the run is to end.
    fn say(&mut self, i: usize, at: &Point, site: u32, args: Vec<Const>) -> bool {
        let Some(info) = self.dev.program.lowered.effects.get(site as usize) else { return false };
        let kind = info.kind;
        match kind {
            EffectKind::Text(_) => {
                self.messages.push(Message { instance: i as u32, time: at.time, site, args });
                matches!(kind, EffectKind::Text(crate::veriloga::hir::TextKind::Fatal))
            }
            EffectKind::Finish | EffectKind::Stop => true,
        }
    }
}
