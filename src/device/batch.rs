//! The seam between devices and simulators.
//!
//! Life of a batch: `DeviceType::batch` builds it from cards → `unknowns` says which internal unknowns it needs →
//! `assign` tells it their numbers → `connect` resolves matrix slots (the same code runs twice: once to record the
//! pattern, once to learn the slots) → `set_temperature` → any number of `eval` → `accept` at each accepted point.

use std::sync::Arc;

use num_complex::Complex64;

use super::card::Group;
use super::param::DeviceInfo;
use crate::base::Sym;
use crate::diag::Diagnostic;

/// Number of an unknown in the vector that `eval` reads. 0 is ground: `x[0]` is 0 and row 0 is a dump.
pub type Unknown = u32;
/// Number of a matrix value. 0 is a dump slot (row or column of ground).
pub type Slot = u32;

/// A type of device: static data, one per registry line or per compiled Verilog-A module.
pub trait DeviceType: Send + Sync {
    fn info(&self) -> &DeviceInfo;
    /// Builds the batch of a group. All faults of all instances are returned at once.
    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>>;
    /// How its terminals are connected at DC, for the checks of the circuit's topology. `None`: not said.
    fn dc_links(&self) -> Option<&'static [DcLink]> {
        None
    }
    /// Warnings and lints about cards that `batch` accepts (a resistance of zero, a gain that cannot be meant).
    fn lint(&self, group: &Group, env: &Env) -> Vec<Diagnostic> {
        let _ = (group, env);
        vec![]
    }
}

/// What lies between two terminals at DC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DcKind {
    /// A current that depends on the voltage across.
    Conductive,
    /// A given voltage: voltage source, inductor.
    Voltage,
    /// A given current.
    Current,
    Open,
}

/// A connection of two terminals (by number, or [`DcLink::GROUND`]) at DC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DcLink {
    pub a: u8,
    pub b: u8,
    pub kind: DcKind,
}

impl DcLink {
    /// The reference node, which a device may touch without a terminal there.
    pub const GROUND: u8 = u8::MAX;
}

/// What holds for the whole simulation, as far as devices may know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Env {
    /// Circuit temperature, K.
    pub temp: f64,
    /// Temperature at which model parameters were measured, K (`.options tnom`).
    pub tnom: f64,
    /// `.options gmin`, S: for values that are computed before there is a point.
    pub gmin: f64,
    /// Default MOS geometry (`.options defl defw defad defas`), m and m².
    pub defl: f64,
    pub defw: f64,
    pub defad: f64,
    pub defas: f64,
    /// Seed of every random draw (`.options seed`), and the number of this run in a sweep.
    pub seed: u64,
    pub run: u32,
    /// Print step and stop time of the transient, which give defaults to sources (TSTEP, TSTOP); 0 without one.
    pub tstep: f64,
    pub tstop: f64,
}

impl Default for Env {
    fn default() -> Self {
        Env {
            temp: 300.15,
            tnom: 300.15,
            gmin: 1e-12,
            defl: 1e-4,
            defw: 1e-4,
            defad: 0.0,
            defas: 0.0,
            seed: 1,
            run: 0,
            tstep: 0.0,
            tstop: 0.0,
        }
    }
}

/// Sort of unknown: gives the tolerance and the unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum UnknownKind {
    /// V; `vntol`.
    Voltage,
    /// A; `abstol`.
    Current,
    /// An internal state with its own unit, typical size and absolute tolerance on its value; its row is judged
    /// with `residual_tol` (unit of the row).
    State { unit: &'static str, abstol: f64, residual_tol: f64 },
}

/// An internal unknown of an instance.
#[derive(Clone, Debug)]
pub struct UnknownSpec {
    /// Index of the instance in the batch.
    pub instance: u32,
    /// `i` for the branch current (named `i(inst)` outside), else the state's or internal node's name (`@inst[name]`).
    pub name: &'static str,
    pub kind: UnknownKind,
    /// For a state that is *held* in OP and DC (its row is replaced by `x = value`): the value.
    pub hold: Option<f64>,
    /// A state held in DC starts the transient from the same value.
    pub initial: f64,
}

impl UnknownSpec {
    pub fn branch(instance: usize) -> Self {
        UnknownSpec { instance: instance as u32, name: "i", kind: UnknownKind::Current, hold: None, initial: 0.0 }
    }

    pub fn node(instance: usize, name: &'static str) -> Self {
        UnknownSpec { instance: instance as u32, name, kind: UnknownKind::Voltage, hold: None, initial: 0.0 }
    }
}

/// Numbers for internal unknowns and for the branch currents that instances refer to.
pub struct Binder<'a> {
    /// One per entry of `unknowns()`, in the same order.
    pub internals: &'a [Unknown],
    /// The branch-current unknown of a named element.
    pub branch: &'a dyn Fn(Sym) -> Unknown,
}

/// Resolves matrix entries.
pub trait Wiring {
    fn slot(&mut self, row: Unknown, col: Unknown) -> Slot;
}

/// How a batch depends on x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linearity {
    /// f = G x and q = C x with constant G and C: evaluated once, then replayed as a matrix product.
    Linear,
    /// Constant Jacobians but a right-hand side that moves with time or a sweep (independent sources).
    Affine,
    Nonlinear,
}

/// Where and how the system is evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// s; 0 in OP and DC.
    pub time: f64,
    /// Time derivatives are zero (OP, DC): delayed quantities equal present ones, states marked `hold` are held.
    pub is_static: bool,
    /// The operating point from which a transient starts: sources take their waveform's value at time 0 even where
    /// `dc` is given. False for `.op`, `.dc`, `.ac` and the like.
    pub is_tran_op: bool,
    /// The very first evaluation of a transient with `uic`: charges and fluxes come from the `ic=` of instances that have one.
    pub is_uic_start: bool,
    /// Conductance across junctions, S (`.options gmin`, or the homotopy's present value).
    pub gmin: f64,
    /// Factor on independent sources (source stepping), else 1.
    pub source_scale: f64,
    /// First iteration of an operating point: junctions start from their critical voltage, `off` devices from 0.
    pub is_first_iteration: bool,
    /// Frequency in Hz for expressions that use `hertz`; 0 outside AC.
    pub hertz: f64,
    /// The circuit is linearised about an operating point that was found: nothing is held at an initial value any more.
    pub is_small_signal: bool,
    /// How far, V, the voltages at a device may be from those of its last evaluation for its tangent there to be taken
    /// instead of another evaluation (`.options bypass`); 0: never.
    pub quiet: f64,
}

impl Point {
    pub fn dc() -> Self {
        Point {
            time: 0.0,
            is_static: true,
            is_tran_op: false,
            is_uic_start: false,
            gmin: 1e-12,
            source_scale: 1.0,
            is_first_iteration: false,
            hertz: 0.0,
            is_small_signal: false,
            quiet: 0.0,
        }
    }

    pub fn tran(time: f64) -> Self {
        Point { time, is_static: false, ..Point::dc() }
    }
}

/// Per-iteration memory of a batch: the junction voltages at which it was last evaluated (limiting).
pub struct IterMem<'a> {
    /// `iter_len()` numbers, kept from iteration to iteration, copied on acceptance and restored on rejection.
    pub values: &'a mut [f64],
    /// Set by a batch when it evaluated elsewhere than at `x`: such an iterate is not a solution.
    pub limited: bool,
    /// Set by a batch: instances that were not evaluated, but continued along the tangent of their last evaluation.
    pub reused: usize,
}

impl<'a> IterMem<'a> {
    pub fn new(values: &'a mut [f64]) -> Self {
        IterMem { values, limited: false, reused: 0 }
    }
}

/// Where results go. All arrays are accumulated into; index 0 of each is a dump.
pub struct Load<'a> {
    /// Static residual, by row.
    pub f: &'a mut [f64],
    /// Charge, flux or state content, by row.
    pub q: &'a mut [f64],
    /// df/dx by slot.
    pub g: &'a mut [f64],
    /// dq/dx by slot.
    pub c: &'a mut [f64],
}

impl Load<'_> {
    #[inline]
    pub fn f(&mut self, row: Unknown, v: f64) {
        self.f[row as usize] += v;
    }
    #[inline]
    pub fn q(&mut self, row: Unknown, v: f64) {
        self.q[row as usize] += v;
    }
    #[inline]
    pub fn g(&mut self, slot: Slot, v: f64) {
        self.g[slot as usize] += v;
    }
    #[inline]
    pub fn c(&mut self, slot: Slot, v: f64) {
        self.c[slot as usize] += v;
    }
}

/// Small-signal additions that G + jωC does not say: excitations, delays, transfer functions of s.
pub struct AcLoad<'a> {
    /// Right-hand side by row: the excitation (a current that *enters* the node, or the voltage of a branch row).
    pub rhs: &'a mut [Complex64],
    /// Added to the complex matrix, by slot.
    pub y: &'a mut [Complex64],
}

/// What a batch wants after an accepted point.
#[derive(Clone, Copy, Debug)]
pub struct Wishes {
    /// The next time at which something happens (source corner, timer): the integrator lands on it exactly and
    /// restarts its method there. Infinity: nothing known.
    pub next_break: f64,
    /// Upper bound on the next step.
    pub max_step: f64,
    /// A quantity jumped at this point (a switch, an event): restart the method here.
    pub discontinuity: bool,
    /// A device ends the analysis here.
    pub stop: bool,
}

impl Default for Wishes {
    fn default() -> Self {
        Wishes { next_break: f64::INFINITY, max_step: f64::INFINITY, discontinuity: false, stop: false }
    }
}

impl Wishes {
    pub fn merge(&mut self, o: &Wishes) {
        self.next_break = self.next_break.min(o.next_break);
        self.max_step = self.max_step.min(o.max_step);
        self.discontinuity |= o.discontinuity;
        self.stop |= o.stop;
    }
}

/// A dependence on frequency that is given by points (f in Hz, factor), in rising order.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    pub points: Vec<(f64, f64)>,
    /// Between points: power laws (straight lines in log-log), else straight lines. Beyond them the end's value.
    pub is_log: bool,
}

impl Spectrum {
    pub fn at(&self, f: f64) -> f64 {
        let p = &self.points;
        let j = p.partition_point(|x| x.0 <= f);
        let (Some(a), Some(b)) = (j.checked_sub(1).and_then(|i| p.get(i)), p.get(j)) else {
            return if j == 0 { p.first() } else { p.last() }.map_or(0.0, |x| x.1);
        };
        if self.is_log && a.0 > 0.0 && a.1 > 0.0 && b.1 > 0.0 {
            a.1 * (f / a.0).powf((b.1 / a.1).ln() / (b.0 / a.0).ln())
        } else {
            a.1 + (b.1 - a.1) * (f - a.0) / (b.0 - a.0)
        }
    }
}

/// One noise current source: PSD(f) = white + flicker / f^exponent, A²/Hz (or V²/Hz on a branch row), between two rows.
#[derive(Clone, Debug)]
pub struct NoiseSource {
    pub instance: u32,
    /// `thermal`, `shot`, `flicker`, `rd`, ...
    pub name: &'static str,
    pub p: Unknown,
    pub n: Unknown,
    pub white: f64,
    pub flicker: f64,
    pub exponent: f64,
    /// A factor on `white`.
    pub spectrum: Option<Arc<Spectrum>>,
}

impl NoiseSource {
    /// PSD at the frequency f, Hz.
    pub fn density(&self, f: f64) -> f64 {
        let white = self.spectrum.as_ref().map_or(self.white, |s| self.white * s.at(f));
        white + if self.flicker == 0.0 { 0.0 } else { self.flicker / f.powf(self.exponent) }
    }
}

/// The analysis that begins, for those devices whose description asks (`analysis("ac")` of Verilog-A).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnalysisKind {
    #[default]
    Op,
    Dc,
    Tran,
    Ac,
    Noise,
    /// Transfer functions, sensitivities, poles and zeros.
    Other,
}

/// What an instance has to say; `%m` in the text stands for its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub instance: u32,
    pub text: String,
    /// A line for the user, or text for the file of this name (`%m` in it too).
    pub file: Option<String>,
    /// What the file had before goes.
    pub is_new_file: bool,
}

/// Why an instance has no value.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    pub instance: usize,
    /// A clause: "it divides by 0: parameter `r` is 0".
    pub text: String,
}

/// An operating-point quantity of a device.
#[derive(Clone, Copy, Debug)]
pub struct OpVar {
    pub name: &'static str,
    pub unit: &'static str,
    pub doc: &'static str,
}

/// A batch that evaluates any of its instances without the others: see [`Batch::alone`].
pub trait Alone {
    /// As [`Batch::eval`], for these instances in rising order. `at.quiet` is 0: none of them rests.
    fn eval_these(&self, which: &[u32], at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load);
}

/// All instances of one type, struct-of-arrays, evaluated together.
pub trait Batch: Send + Sync {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Internal unknowns, grouped by instance in order.
    fn unknowns(&self) -> Vec<UnknownSpec> {
        vec![]
    }

    fn assign(&mut self, binder: &Binder);

    /// Asks for every matrix entry that `eval` or `ac` will write, in a fixed order; runs once to record, once to bind.
    fn connect(&mut self, w: &mut dyn Wiring);

    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }

    /// In time, `eval` gives the same at the same x, whatever the time and whatever was accepted before: instances that
    /// stand still need not be evaluated again with the others. `accept` then has nothing to do, and wishes nothing.
    fn alone(&self) -> Option<&dyn Alone> {
        None
    }

    /// Recomputes everything that depends on the temperature (K) or on changed parameters.
    fn set_temperature(&mut self, temp: f64);

    /// Numbers of per-iteration memory needed.
    fn iter_len(&self) -> usize {
        0
    }

    /// Adds f, q, df/dx, dq/dx at x. Pure: depends on (point, x, iteration memory, committed state) only. No allocation.
    /// A device that limits evaluates at the limited voltages and returns the linear extrapolation to x.
    fn eval(&self, at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load);

    /// An instance without a value at `x` because a loop of its description does not end there. Asked after a failure;
    /// `memory` is the batch's iteration memory.
    fn endless(&self, at: &Point, x: &[f64], memory: &[f64]) -> Option<usize> {
        let _ = (at, x, memory);
        None
    }

    /// An instance whose equations are not finite at `x`, and why, if it can tell. Asked after a failure, too.
    fn trouble(&self, at: &Point, x: &[f64], memory: &[f64]) -> Option<Trouble> {
        let _ = (at, x, memory);
        None
    }

    /// Looks for an event inside a step that is solved but not accepted: from the last accepted point (`at0`, `x0`) to
    /// (`at`, `x`). Returns the time at which the step should rather have ended, just past the first event, as the two ends
    /// tell it (a secant will do: the time loop solves again up to there and asks again); `None` if nothing happens, or so
    /// near the end that the step is good as it is. What the event does is up to `accept`.
    fn crossing(&self, at0: &Point, x0: &[f64], at: &Point, x: &[f64]) -> Option<f64> {
        let _ = (at0, x0, at, x);
        None
    }

    /// Commits hidden state at an accepted point and says what comes next. Also called once at the start of a
    /// transient (time 0) with the operating point.
    fn accept(&mut self, at: &Point, x: &[f64]) -> Wishes {
        let _ = (at, x);
        Wishes::default()
    }

    /// An analysis begins: hidden state goes back to its initial values.
    fn begin(&mut self, kind: AnalysisKind) {
        let _ = kind;
    }

    /// The last point of an analysis, after its `accept`.
    fn finish(&mut self, at: &Point, x: &[f64]) {
        let _ = (at, x);
    }

    /// The search for an operating point met an equation without a value. A device whose equations read what it keeps before
    /// anything was kept may compute that at `x`.
    fn prime(&mut self, _at: &Point, _x: &[f64]) {}

    /// Moves out what instances had to say at accepted points.
    fn take_messages(&mut self, out: &mut Vec<Message>) {
        let _ = out;
    }

    /// Adds AC excitations and frequency-dependent entries at angular frequency `omega`, linearised at `x`.
    fn ac(&self, at: &Point, x: &[f64], omega: f64, out: &mut AcLoad) {
        let _ = (at, x, omega, out);
    }

    /// Noise sources at the operating point x.
    fn noise(&self, at: &Point, x: &[f64], out: &mut Vec<NoiseSource>) {
        let _ = (at, x, out);
    }

    /// Operating-point quantities, the same list for every instance.
    fn op_vars(&self) -> &'static [OpVar] {
        &[]
    }

    /// Their values for one instance, in the order of `op_vars()`. `mem` is the batch's iteration memory.
    fn op_values(&self, instance: usize, at: &Point, x: &[f64], mem: &[f64], out: &mut [f64]) {
        let _ = (instance, at, x, mem, out);
    }

    /// Voltages that the device asks for at time 0 with `uic` across pairs of unknowns, or for single unknowns
    /// (the second is ground): capacitor `ic=`, inductor current `ic=`.
    fn initial_conditions(&self, out: &mut Vec<(Unknown, Unknown, f64)>) {
        let _ = out;
    }

    /// Changes an instance parameter; `set_temperature` follows before the next `eval`. False: not changeable here
    /// (the simulation is rebuilt instead).
    fn set_param(&mut self, instance: usize, id: super::ParamId, value: f64) -> bool {
        let _ = (instance, id, value);
        false
    }

    fn param(&self, instance: usize, id: super::ParamId) -> Option<f64> {
        let _ = (instance, id);
        None
    }

    /// Changes a model parameter for all instances of that model (index into the group's models).
    fn set_model_param(&mut self, model: usize, id: super::ParamId, value: f64) -> bool {
        let _ = (model, id, value);
        false
    }

    fn clone_box(&self) -> Box<dyn Batch>;
}

impl Clone for Box<dyn Batch> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}
