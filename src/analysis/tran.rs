//! `.tran`: the time loop.
//!
//! ```text
//! x(0): operating point, or with `uic` the consistent start from the initial conditions
//! repeat
//!     h <- controller's proposal, cut to land on the next breakpoint exactly
//!     predict x, solve f(x) + a0 q(x) + past = 0
//!     Newton failed: forget the past, h <- h/8        (rejected)
//!     an event inside the step: h <- just past it     (rejected)
//!     local error too large: h <- smaller             (rejected)
//!     accept: commit device states, record, ask for wishes (next event, step bound)
//!     at a breakpoint or discontinuity: forget the past; record what jumps there just behind it, too
//! ```
//! The step after the past was forgotten is one of SDIRK2, of second order like the others: backward Euler there would leave
//! a charge behind at every corner, and at every failure, of a train of pulses. It is for what SDIRK2 cannot do.
//!
//! The content q of an accepted point is `q(x_k) + C dx` with the last iterate x_k: then Kirchhoff's laws hold to rounding
//! for the contents that the next step starts from, and charge is conserved however loose the tolerances are.

use super::relref::Relref;
use super::{Probes, bad_range, meta, op, signals, time_axis};
use crate::base::Control;
use crate::base::control::Progress;
use crate::dataset::{PlotKind, Schema, Sink};
use crate::device::Wishes;
use crate::diag::Diagnostic;
use crate::diag::codes::analysis as codes;
use crate::integrate::{Coefficients, Controller, History, Method, SDIRK, Verdict};
use crate::newton::{Failure, Knobs, Newton, Settings};
use crate::sim::{Dynamic, Probe, Simulation, System};

/// `.tran step stop start max_step uic`
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    pub step: f64,
    pub stop: f64,
    pub start: f64,
    pub max_step: Option<f64>,
    pub uic: bool,
}

/// `trtol` is in units of what SPICE allows on charges; this brings it to the local error of the unknowns: 2.8 reltol at
/// the default trtol of 7, a little stricter than what other simulators call moderate accuracy.
const LTE_PER_TRTOL: f64 = 0.4;
/// BDF's errors damp, so that in a circuit that oscillates they add up instead of cancelling: each must be smaller.
const LTE_OF_GEAR: f64 = 0.3;
/// A Newton failure divides the step by this.
const CUT: f64 = 8.0;
/// The first step after a corner is at most this many times the first step after the corner before it.
const AFTER_CORNER: f64 = 2.0;
/// After so many failures in a row backward Euler tries.
const GENTLE_AFTER: u32 = 3;
/// Steps of the shortest length in a row that may have too large an error.
const MOST_FORCED: u32 = 50;
/// What jumps at a corner is recorded so far behind it, in steps.
const JUST_BEHIND: f64 = 1e-6;
/// An event is located to this fraction of the step in which it was first seen.
const EVENT: f64 = 1e-3;

struct Transient<'a> {
    sim: &'a mut Simulation,
    method: Method,
    history: History,
    controller: Controller,
    relref: Relref,
    newton: Newton,
    x: Vec<f64>,
    past: Vec<f64>,
    residual: Vec<f64>,
    q: Vec<f64>,
    qdot: Vec<f64>,
    /// The intermediate point of the last step of SDIRK2; then what is just behind the corner where it began.
    middle: Vec<f64>,
    has_middle: bool,
    /// Iteration memory at the last accepted point.
    memory: Vec<f64>,
    max_iterations: usize,
    /// The last step showed the ringing of the trapezoidal rule.
    rings: bool,
    /// Some steps from this point have failed, one after the other.
    is_stubborn: bool,
    /// By row: how many times running the derivative of its content has changed its sign without shrinking.
    flips: Vec<u8>,
}

/// A derivative that has turned so often, step after step, is the rule's and not the circuit's.
const TURNS: u8 = 4;
/// It counts when it moves the content by so many tolerances in a step.
const SWING: f64 = 4.0;

impl Transient<'_> {
    /// Solves the point at `t1`. On success `x`, `q`, `qdot` are the new point.
    fn solve(&mut self, t1: f64, c: &Coefficients) -> Result<(), Failure> {
        self.history.combine(c, &mut self.past);
        self.history.predict(t1, c.order, &mut self.x);
        self.iterate(t1, c.a0)
    }

    fn iterate(&mut self, t1: f64, a0: f64) -> Result<(), Failure> {
        self.x[0] = 0.0;
        let at = self.sim.point_tran(t1);
        let settings = Settings {
            // Where shorter steps do not help, as where a voltage without capacitance jumps, more iterations may.
            max_iterations: self.max_iterations * if self.is_stubborn { 5 } else { 1 },
            accept_first: 0.1,
            nonlinear_only: true,
            check_residual: false,
            first: 1,
        };
        let mut system = System::new(self.sim, at, Some(Dynamic { a0, past: &self.past }), &mut self.residual);
        self.newton.solve(&mut system, &mut self.x, &Knobs::default(), &settings)?;
        self.q.copy_from_slice(&self.sim.q);
        self.sim.add_content(self.newton.dx(), &mut self.q);
        for ((d, q), p) in self.qdot.iter_mut().zip(&self.q).zip(&self.past) {
            *d = a0 * q + p;
        }
        Ok(())
    }

    /// TR-BDF2: the intermediate point counts for the second stage only.
    fn solve_two_stages(&mut self, t1: f64) -> Result<Coefficients, Failure> {
        let (tm, first, second) = Coefficients::tr_bdf2(self.history.time(), t1);
        self.history.combine(&first, &mut self.past);
        self.history.predict(tm, 2, &mut self.x);
        self.iterate(tm, first.a0)?;
        for ((p, qm), q0) in self.past.iter_mut().zip(&self.q).zip(self.history.q(0)) {
            *p = second.b[0] * qm + second.b[1] * q0;
        }
        // The intermediate solution is the better start where the extrapolation is poor.
        if self.history.len() > 2 {
            self.history.predict(t1, 2, &mut self.x);
        }
        self.iterate(t1, second.a0)?;
        Ok(second)
    }

    /// SDIRK2: from a point whose derivative is unknown, to second order.
    fn solve_start(&mut self, t1: f64) -> Result<Coefficients, Failure> {
        let t0 = self.history.time();
        let (tm, mut c) = Coefficients::sdirk2(t0, t1);
        self.solve(tm, &c)?;
        self.middle.copy_from_slice(&self.x);
        let rest = (1.0 - SDIRK) * (t1 - t0);
        for ((p, q0), k) in self.past.iter_mut().zip(self.history.q(0)).zip(&self.qdot) {
            *p = -c.a0 * (q0 + rest * k);
        }
        // What carries content goes on as it began; what does not may have jumped.
        for ((x, x0), moves) in self.x.iter_mut().zip(self.history.x(0)).zip(&self.controller.is_dynamic) {
            if *moves {
                *x = x0 + (*x - x0) / SDIRK;
            }
        }
        self.iterate(t1, c.a0)?;
        self.has_middle = true;
        c.order = 2;
        Ok(c)
    }

    /// The currents of capacitances and the voltages of inductances jump where the slope of a source does. The point at a
    /// corner has what they were before; finds in `middle` what they are just behind it, from the two stages of the step
    /// that begins there. True if something has jumped: without a point for it, a straight line from the corner to the end
    /// of the step would be taken for the waveform, and its integral for the charge.
    fn finds_jump(&mut self) -> bool {
        if !std::mem::take(&mut self.has_middle) {
            return false;
        }
        let c = &self.controller;
        let mut jumps = false;
        for (i, ((m, x1), x0)) in self.middle.iter_mut().zip(&self.x).zip(self.history.x(0)).enumerate() {
            if c.is_dynamic[i] {
                *m = *x0;
                continue;
            }
            // Straight back through both stages, but no further than the first of them.
            let back = *m + (*m - x1) * (SDIRK / (1.0 - SDIRK));
            *m = back.clamp(m.min(*x0), m.max(*x0));
            jumps |= (*m - x0).abs() > c.reltol * m.abs().max(x0.abs()).max(x1.abs()) + c.abstol[i];
        }
        jumps
    }

    /// `gentle`: shorter and shorter steps like this one have just failed.
    fn attempt(&mut self, t1: f64, order: usize, gentle: bool) -> Result<Coefficients, Failure> {
        self.has_middle = false;
        if self.history.len() == 1 && self.method.max_order() > 1 && !gentle {
            return self.solve_start(t1);
        }
        if self.method == Method::TrBdf2 && order >= 2 && self.history.has_derivative {
            return self.solve_two_stages(t1);
        }
        let order = if self.history.has_derivative { order } else { 1 };
        // The trapezoidal rule carries an error of the derivative along for ever with alternating sign; one step of BDF2,
        // which forms the derivative from contents alone, ends it and keeps the order.
        let damp = self.rings && order >= 2 && self.history.len() >= 2;
        let method = match self.method {
            Method::Trapezoidal { .. } if damp => Method::Gear { max_order: 2 },
            m => m,
        };
        let c = Coefficients::new(method, order, t1, self.history.times());
        self.solve(t1, &c)?;
        Ok(c)
    }

    /// The step that the first event inside the solved step to `t1` asks for.
    fn event(&self, t1: f64) -> Option<f64> {
        let t0 = self.history.time();
        let (at0, at) = (self.sim.point_tran(t0), self.sim.point_tran(t1));
        let end = self.sim.crossing(&at0, self.history.x(0), &at, &self.x)?;
        (end < t1).then_some(end - t0)
    }

    fn reject(&mut self) {
        self.sim.memory.copy_from_slice(&self.memory);
    }

    /// The trapezoidal rule carries an error of a derivative along with alternating sign. In a content (a state held at a stiff
    /// rail) it does not show, since the swings cancel, until one of them is taken for real.
    fn swings(&mut self, step: f64) -> bool {
        let reltol = self.controller.reltol;
        let mut found = false;
        for (((d, p), q), f) in self.qdot.iter().zip(&self.history.qdot).zip(&self.q).zip(&mut self.flips) {
            let turns = d * p < 0.0 && d.abs() > 0.5 * p.abs() && d.abs() * step > SWING * reltol * q.abs();
            *f = if turns { f.saturating_add(1) } else { 0 };
            found |= *f >= TURNS;
        }
        found
    }

    /// The point in `x`, `q`, `qdot` becomes the newest of the past.
    fn commit(&mut self, t1: f64) -> Wishes {
        self.history.push(t1, &self.x, &self.q, &self.qdot);
        self.controller.accept(&self.x, &self.q);
        self.relref.note(self.sim, &self.x, &self.controller.class, &mut self.controller.abstol);
        self.memory.copy_from_slice(&self.sim.memory);
        let at = self.sim.point_tran(t1);
        self.sim.accept(&at, &self.x)
    }
}

/// Writes accepted points, or points on the print grid when `.options interp` asks for them.
struct Recorder<'a> {
    sink: &'a mut dyn Sink,
    list: Vec<Probe>,
    vars: Vec<f64>,
    row: Vec<f64>,
    start: f64,
    /// Print step, and the number of the next point on the grid.
    grid: Option<(f64, u64)>,
    previous: Vec<f64>,
    out: Vec<f64>,
}

impl Recorder<'_> {
    fn record(&mut self, sim: &Simulation, t: f64, x: &[f64]) {
        self.row.clear();
        self.row.push(t);
        let at = sim.point_tran(t);
        sim.sample(&self.list, &at, x, &mut self.vars, &mut self.row);
        let Some((step, next)) = &mut self.grid else {
            if t >= self.start * (1.0 - 1e-12) {
                self.sink.point(&self.row);
            }
            return;
        };
        loop {
            let tg = self.start + *next as f64 * *step;
            // The last bit of the division must not lose the final point.
            if tg > t * (1.0 + 1e-12) {
                break;
            }
            self.out.clear();
            let t0 = self.previous.first().copied().unwrap_or(t);
            let w = if t > t0 { ((tg - t0) / (t - t0)).clamp(0.0, 1.0) } else { 1.0 };
            let from = if self.previous.is_empty() { &self.row } else { &self.previous };
            self.out.extend(from.iter().zip(&self.row).map(|(a, b)| a + w * (b - a)));
            self.out[0] = tg;
            self.sink.point(&self.out);
            *next += 1;
        }
        self.previous.clone_from(&self.row);
    }
}

fn check(plan: &Plan) -> Result<(), Vec<Diagnostic>> {
    let fine = plan.step > 0.0 && plan.stop > 0.0 && plan.start >= 0.0 && plan.start < plan.stop;
    if fine && plan.stop.is_finite() && plan.max_step.is_none_or(|m| m > 0.0) {
        return Ok(());
    }
    Err(bad_range(format!(
        "`.tran` needs 0 < step, 0 <= start < stop and a positive maximum step; got step {:e}, stop {:e}, start {:e}",
        plan.step, plan.stop, plan.start
    )))
}

/// Initial unknowns and contents.
fn begin(t: &mut Transient, plan: &Plan, control: &Control) -> Result<(), Vec<Diagnostic>> {
    let at = crate::device::Point { is_tran_op: true, ..t.sim.point_dc() };
    if !plan.uic {
        op::solve(t.sim, &at, &mut t.x, true, false, control, " at the start of the transient")?;
        let at = t.sim.point_tran(0.0);
        t.sim.load(&at, &t.x);
        t.q.copy_from_slice(&t.sim.q);
        return Ok(());
    }
    let known = initial_guess(t.sim, &mut t.x);
    t.sim.load_uic(&t.x);
    t.history.start(0.0, &t.x, &t.sim.q.clone(), false);
    // The conditions given need not satisfy Kirchhoff's laws. A step so short that no charge moves finds the unknowns
    // that belong to these contents; time does not advance.
    let instant = 1e-9 * plan.step.min(plan.stop);
    let c = Coefficients::new(Method::BackwardEuler, 1, instant, &[0.0]);
    let limit = t.max_iterations;
    t.max_iterations = 100;
    t.history.combine(&c, &mut t.past);
    t.history.predict(instant, 1, &mut t.x);
    let solved = t.iterate(0.0, c.a0);
    t.max_iterations = limit;
    if let Err(f) = solved {
        if known == 0 {
            return Err(vec![t.sim.step_collapse(
                0.0,
                instant,
                f.unknown(),
                "the initial conditions contradict each other",
            )]);
        }
        t.x.copy_from_slice(t.history.x(0));
    }
    let q = t.history.q(0).to_vec();
    t.q.copy_from_slice(&q);
    Ok(())
}

/// `.ic` voltages, held states, and what `ic=` of devices says about nodes reachable from a known one. Returns how many
/// nodes were given.
fn initial_guess(sim: &Simulation, x: &mut [f64]) -> usize {
    let mut known = vec![false; sim.len()];
    known[0] = true;
    for (u, v) in sim.holds() {
        (x[u], known[u]) = (v, true);
    }
    for &(u, v) in &sim.circuit.ics {
        (x[u as usize], known[u as usize]) = (v, true);
    }
    let mut pairs = vec![];
    for b in sim.batches() {
        b.initial_conditions(&mut pairs);
    }
    loop {
        let before = pairs.len();
        pairs.retain(|&(p, n, v)| {
            let (p, n) = (p as usize, n as usize);
            match (known[p], known[n]) {
                (true, false) => (x[n], known[n]) = (x[p] - v, true),
                (false, true) => (x[p], known[p]) = (x[n] + v, true),
                (true, true) => {}
                (false, false) => return true,
            }
            false
        });
        if pairs.len() == before {
            break;
        }
    }
    known.iter().skip(1).filter(|k| **k).count()
}

pub fn run(
    plan: &Plan,
    sim: &mut Simulation,
    probes: &Probes,
    sink: &mut dyn Sink,
    control: &Control,
) -> Result<(), Vec<Diagnostic>> {
    check(plan)?;
    let options = sim.circuit.options.clone();
    let method = Method::from_options(&options.method, options.maxord, options.xmu).ok_or_else(|| {
        let near = crate::diag::nearest::did_you_mean(&options.method, ["trap", "gear", "be", "trbdf2"]);
        let mut d =
            Diagnostic::error(codes::UNKNOWN_METHOD, format!("unknown integration method `{}`", options.method));
        d.help.extend(near);
        vec![d]
    })?;
    let n = sim.len();
    let damps = if matches!(method, Method::Gear { .. }) { LTE_OF_GEAR } else { 1.0 };
    let mut controller = Controller::new(options.reltol, options.trtol * LTE_PER_TRTOL * damps, sim.abstol.clone());
    if plan.max_step.is_none() {
        controller.resolution = plan.step;
    }
    let memory = sim.memory.clone();
    let relref = Relref::new(sim, plan.stop);
    sim.step_abstol.copy_from_slice(&sim.abstol);
    let mut t = Transient {
        sim,
        method,
        history: History::new(n),
        controller,
        relref,
        newton: Newton::new(n),
        x: vec![0.0; n],
        past: vec![0.0; n],
        residual: vec![0.0; n],
        q: vec![0.0; n],
        qdot: vec![0.0; n],
        middle: vec![0.0; n],
        has_middle: false,
        memory,
        max_iterations: options.itl4.max(10),
        rings: false,
        is_stubborn: false,
        flips: vec![0; n],
    };
    begin(&mut t, plan, control)?;
    t.history.start(0.0, &t.x.clone(), &t.q.clone(), !plan.uic);
    t.sim.describe(&mut t.controller);
    t.controller.start(&t.x, &t.q);
    t.relref.note(t.sim, &t.x, &t.controller.class, &mut t.controller.abstol);
    t.memory.copy_from_slice(&t.sim.memory);

    let schema =
        Schema { kind: PlotKind::Tran, has_axis: true, is_complex: false, signals: signals(Some(time_axis()), probes) };
    sink.begin(&schema);
    let mut recorder = Recorder {
        sink,
        list: probes.iter().map(|p| p.1).collect(),
        vars: vec![],
        row: vec![],
        start: plan.start,
        grid: options.interp.then_some((plan.step, 0)),
        previous: vec![],
        out: vec![],
    };
    let at = t.sim.point_tran(0.0);
    let wishes = t.sim.accept(&at, &t.x);
    recorder.record(t.sim, 0.0, &t.x);
    let outcome = advance(&mut t, plan, wishes, &mut recorder, control);
    let at = t.sim.point_tran(t.history.time());
    t.sim.finish(&at, t.history.x(0));
    let is_partial = !matches!(outcome, Ok(false));
    let end = meta(t.sim, is_partial);
    recorder.sink.end(end);
    outcome.map(drop)
}

/// The loop. `Ok(true)`: interrupted.
fn advance(
    t: &mut Transient,
    plan: &Plan,
    mut wishes: Wishes,
    recorder: &mut Recorder,
    control: &Control,
) -> Result<bool, Vec<Diagnostic>> {
    let longest = plan.max_step.unwrap_or((plan.stop - plan.start) / 50.0);
    let shortest = 1e-12 * plan.step.min(longest);
    let mut time = 0.0;
    let mut h = (0.1 * plan.step.min(plan.stop / 100.0)).min(longest);
    let mut order = 1;
    // Failures of Newton's method running.
    let mut failures = 0;
    // An event known to come: not later than the first, located to the second, tries so far.
    let mut event = (0.0, 0.0, 0);
    // The step proposed is meant exactly: it ends at an event.
    let mut is_exact = false;
    // What the last start after a corner got away with: corners of one deck resemble each other.
    let mut first = f64::INFINITY;
    let mut forced = 0;
    let mut is_behind_corner = false;
    loop {
        if control.is_cancelled() {
            return Ok(true);
        }
        // Where this step must not go beyond.
        let floor = shortest.max(8.0 * f64::EPSILON * time);
        let mut target = plan.stop;
        // Corners of different sources that differ by the rounding of their times are one corner; the end is the end.
        let same = (100.0 * shortest).max(100.0 * f64::EPSILON * time);
        if wishes.next_break > time && plan.stop - wishes.next_break > same {
            target = target.min(wishes.next_break);
        }
        if plan.start > time {
            target = target.min(plan.start);
        }
        if time > 0.0 && target - time <= same {
            time = target;
            t.history.set_time(time);
            let at = t.sim.point_tran(time);
            wishes = t.sim.accept(&at, &t.x);
            if time >= plan.stop {
                return Ok(false);
            }
            t.history.restart();
            order = 1;
            is_behind_corner = true;
            continue;
        }
        if t.history.len() == 1 && failures == 0 {
            h = h.min(0.05 * (target - time));
        }
        h = h.min(longest).min(wishes.max_step.max(shortest)).max(shortest);
        let left = target - time;
        let proposed = h;
        let lands = h >= left * (1.0 - 1e-9);
        if !lands && 2.0 * h > left && !is_exact {
            h = 0.5 * left;
        }
        let t1 = if lands { target } else { time + h };

        t.is_stubborn = failures >= GENTLE_AFTER;
        match t.attempt(t1, order, t.is_stubborn) {
            Err(failure) => {
                t.sim.stats.rejected_newton += 1;
                t.reject();
                h = (t1 - time) / CUT;
                if t.history.len() > 1 {
                    t.history.restart();
                }
                order = 1;
                failures += 1;
                if h < floor {
                    return Err(vec![t.sim.step_failed(time, h, &failure)]);
                }
                continue;
            }
            Ok(c) => {
                if let Some(wanted) = t.event(t1) {
                    let step = t1 - time;
                    if time >= event.0 {
                        event = (t1, (EVENT * step).max(2.0 * floor), 0);
                    }
                    event = (event.0.min(t1), event.1, event.2 + 1);
                    // The secant from one end alone creeps where the event's quantity is strongly bent: halve then.
                    let wanted = if event.2 > 3 { wanted.min(0.5 * step) } else { wanted };
                    let cut = wanted.max(0.5 * event.1);
                    if step - cut > 0.5 * event.1 {
                        t.sim.stats.rejected_event += 1;
                        t.reject();
                        (h, is_exact) = (cut, true);
                        continue;
                    }
                }
                let variable = if matches!(t.method, Method::Gear { .. }) { t.method.max_order() } else { 0 };
                let verdict = t.controller.judge(&t.history, &c, t1, &t.x, &t.q, variable);
                match verdict {
                    Verdict::Reject { retry, .. } if t1 - time > 2.5 * floor => {
                        t.sim.stats.rejected_lte += 1;
                        t.reject();
                        h = retry.max(2.0 * floor);
                        continue;
                    }
                    // A jump, or a relaxation too fast for the clock, is stepped over; a solution that runs away would be
                    // followed for ever.
                    Verdict::Reject { worst, error, .. } => {
                        forced += 1;
                        if forced > MOST_FORCED {
                            let cause = format!("its local error stays {error:.2e} times too large");
                            return Err(vec![t.sim.step_collapse(time, t1 - time, worst, &cause)]);
                        }
                        h = 2.0 * floor;
                    }
                    Verdict::Accept { next, order: o, rings } => {
                        forced = 0;
                        let rings = rings || t.swings(t1 - time);
                        t.rings = rings;
                        // BDF2's error constant is 8/3 of the trapezoidal rule's.
                        let next =
                            if rings && matches!(t.method, Method::Trapezoidal { .. }) { 0.72 * next } else { next };
                        h = if lands { next.max(proposed.min(next * 4.0)) } else { next };
                        order = match t.method {
                            Method::Gear { .. } => o.max(1),
                            m => m.max_order(),
                        };
                    }
                }
            }
        }
        (failures, is_exact) = (0, false);
        let step = t1 - time;
        if t.history.len() == 1 {
            first = step;
        }
        let stats = &mut t.sim.stats;
        stats.accepted += 1;
        stats.min_step = stats.min_step.min(step);
        stats.max_step = stats.max_step.max(step);
        let at_break = wishes.next_break <= t1;
        if t.finds_jump() && is_behind_corner {
            let behind = time + (JUST_BEHIND * step).max(floor);
            recorder.record(t.sim, behind, &t.middle);
        }
        is_behind_corner = false;
        time = t1;
        wishes = t.commit(t1);
        recorder.record(t.sim, time, &t.x);
        if time >= plan.stop || wishes.stop {
            return Ok(false);
        }
        if at_break || wishes.discontinuity {
            t.history.restart();
            order = 1;
            is_behind_corner = true;
            // The time scale before the corner says little about the one after it, but something.
            h = (10.0 * step).max(proposed).min(longest).min(AFTER_CORNER * first);
        }
        let p = Progress { fraction: time / plan.stop, at: time, step, points: t.sim.stats.accepted as usize };
        control.progress("tran", &p);
    }
}
