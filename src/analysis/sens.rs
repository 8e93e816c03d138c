//! `.sens`: sensitivities of one output to every parameter, at DC or over frequency.
//!
//! With F(x, p) = 0 at the operating point and an output eᵀx, one adjoint solve serves all parameters (S. W. Director,
//! R. A. Rohrer, "The generalized adjoint network and network sensitivities", IEEE Trans. Circuit Theory 16, 1969):
//!
//! ```text
//! DC:  Gᵀ λ = e;              d out/dp = −λᵀ ∂F/∂p
//! AC:  Y z = b, Yᵀ λ = e;     d out/dp = −λᵀ d(Y z − b)/dp,   d/dp along (p, x(p)),   dx/dp = −G⁻¹ ∂F/∂p
//! ```
//! The operating point's own shift with the parameter is part of the AC result (a transistor's gm changes with β
//! because its bias does). Derivatives of the device equations at fixed x are central differences of two steps,
//! extrapolated (Richardson): the error is of fourth order in a step of a thousandth.
//!
//! Columns: `r1` is the principal value of r1, `r1_tc1` another instance parameter, `q1:bf` the model parameter of an
//! instance that has its model to itself, `npn1:bf` that of a model with several instances (all of them move). The
//! column `norm(...)` is the change of the output per percent of the parameter. Parameters without a value and zero
//! ones that were not given are left out.

use num_complex::Complex64;

use super::meta;
use super::small_signal::{Output, SmallSignal, frequencies};
use crate::base::Control;
use crate::base::control::Progress;
use crate::circuit::Freq;
use crate::dataset::{PlotKind, Quantity, Schema, Signal, Sink};
use crate::device::{AcLoad, Batch, IterMem, Load, ParamId, ParamKind, ParamSpec, Point};
use crate::diag::Diagnostic;
use crate::diag::codes::small_signal as codes;
use crate::diag::nearest::did_you_mean;
use crate::sim::Simulation;

const STEP: f64 = 1e-3;

/// A parameter that can be moved.
struct Parameter {
    name: String,
    group: usize,
    place: Place,
    id: ParamId,
    value: f64,
    /// Steps off the value, with weights: Σ weight · F(value + step) is the derivative.
    stencil: [(f64, f64); 4],
}

#[derive(Clone, Copy)]
enum Place {
    Instance(usize),
    Model(usize),
}

impl Parameter {
    fn set(&self, batch: &mut dyn Batch, value: f64, temp: f64) -> bool {
        let done = match self.place {
            Place::Instance(k) => batch.set_param(k, self.id, value),
            Place::Model(m) => batch.set_model_param(m, self.id, value),
        };
        if done {
            batch.set_temperature(temp);
        }
        done
    }
}

/// Steps inside the parameter's range: central where there is room on both sides, else to one side.
fn stencil(value: f64, spec: &ParamSpec) -> Option<[(f64, f64); 4]> {
    let h = if value == 0.0 { 1e-6 } else { STEP * value.abs() };
    let fits = |s: f64| spec.range.contains(value + s);
    if fits(h) && fits(-h) {
        // (4 D(h/2) − D(h)) / 3
        let (a, b) = (4.0 / (3.0 * h), 1.0 / (6.0 * h));
        return Some([(0.5 * h, a), (-0.5 * h, -a), (h, -b), (-h, b)]);
    }
    let s = if fits(h) { h } else { -h };
    // Third order, one-sided: at 0, s, 2s, 3s.
    let w = 1.0 / (6.0 * s);
    (fits(s) && fits(3.0 * s)).then_some([(0.0, -11.0 * w), (s, 18.0 * w), (2.0 * s, -9.0 * w), (3.0 * s, 2.0 * w)])
}

/// All parameters, or those of the instances and models named in `only`.
fn parameters(sim: &Simulation, only: &[String]) -> Vec<Parameter> {
    let circuit = &sim.circuit;
    let is_wanted =
        |names: &[&str]| only.is_empty() || only.iter().any(|o| names.iter().any(|n| n.eq_ignore_ascii_case(o.trim())));
    let is_number = |s: &ParamSpec| matches!(s.kind, ParamKind::Real | ParamKind::Expr);
    let mut all = vec![];
    for (g, group) in circuit.groups.iter().enumerate() {
        let info = group.info();
        // Trials on a copy: what the device cannot change in place is left out.
        let mut trial: Box<dyn Batch> = sim.batch(g).clone_box();
        let mut offer = |p: Parameter| {
            if p.set(trial.as_mut(), p.value, sim.env.temp) {
                all.push(p);
            }
        };
        let mut users = vec![vec![]; group.models.len()];
        for i in group.iter() {
            let inst = circuit.names.get(i.name);
            if let Some(m) = i.model_index {
                users[m as usize].push(inst);
            }
            for (id, spec) in info.instance.iter().enumerate().filter(|(_, s)| is_number(s)) {
                let id = id as ParamId;
                let is_principal = info.positional == Some(id);
                let name = if is_principal { inst.to_string() } else { format!("{inst}_{}", spec.name) };
                let Some(value) = sim.batch(g).param(i.index, id).filter(|v| v.is_finite()) else { continue };
                if (value != 0.0 || is_principal || i.given(id).is_some())
                    && is_wanted(&[inst, &name])
                    && let Some(stencil) = stencil(value, spec)
                {
                    offer(Parameter { name, group: g, place: Place::Instance(i.index), id, value, stencil });
                }
            }
        }
        for (m, model) in group.models.iter().enumerate() {
            let owner = match users[m][..] {
                [] => continue,
                [one] => one,
                _ => &*model.name,
            };
            for (id, spec) in info.model.iter().enumerate().filter(|(_, s)| is_number(s)) {
                let id = id as ParamId;
                let given = model.given(id);
                let name = format!("{owner}:{}", spec.name);
                let Some(value) = given.or(spec.default).filter(|v| v.is_finite()) else { continue };
                if (value != 0.0 || given.is_some())
                    && is_wanted(&[owner, &model.name, &name])
                    && let Some(stencil) = stencil(value, spec)
                {
                    offer(Parameter { name, group: g, place: Place::Model(m), id, value, stencil });
                }
            }
        }
    }
    all
}

/// One batch evaluated alone.
struct Bench {
    memory: Vec<f64>,
    f: Vec<f64>,
    q: Vec<f64>,
    g: Vec<f64>,
    c: Vec<f64>,
}

impl Bench {
    fn new(sim: &Simulation) -> Bench {
        let (n, m) = (sim.len(), sim.pattern().slots());
        Bench { memory: vec![], f: vec![0.0; n], q: vec![0.0; n], g: vec![0.0; m], c: vec![0.0; m] }
    }

    fn eval(&mut self, batch: &dyn Batch, at: &Point, x: &[f64], memory: &[f64]) {
        self.memory.clear();
        self.memory.extend_from_slice(memory);
        // A moved parameter may move a limit: go on until the batch is evaluated where it was asked.
        for _ in 0..20 {
            for v in [&mut self.f, &mut self.q, &mut self.g, &mut self.c] {
                v.fill(0.0);
            }
            let mut mem = IterMem::new(&mut self.memory);
            let mut out = Load { f: &mut self.f, q: &mut self.q, g: &mut self.g, c: &mut self.c };
            batch.eval(at, x, &mut mem, &mut out);
            if !mem.limited {
                break;
            }
        }
    }
}

/// ∂F/∂p at fixed x, zero in held rows and ground.
fn residual_slope(sim: &Simulation, p: &Parameter, at: &Point, x: &[f64], bench: &mut Bench, out: &mut [f64]) {
    out.fill(0.0);
    let mut batch = sim.batch(p.group).clone_box();
    for (step, weight) in p.stencil {
        p.set(batch.as_mut(), p.value + step, sim.env.temp);
        bench.eval(batch.as_ref(), at, x, sim.batch_memory(p.group));
        for (o, f) in out.iter_mut().zip(&bench.f) {
            *o += weight * f;
        }
    }
    for (u, _) in sim.holds() {
        out[u] = 0.0;
    }
    out[0] = 0.0;
}

fn unit(output: &Output) -> Quantity {
    Quantity::Other(if output.is_voltage { "V/unit" } else { "A/unit" })
}

fn columns(output: &Output, list: &[Parameter]) -> Vec<Signal> {
    let percent = Quantity::Other(if output.is_voltage { "V/%" } else { "A/%" });
    let absolute = list.iter().map(|p| Signal::new(p.name.clone(), unit(output)));
    absolute.chain(list.iter().map(|p| Signal::new(format!("norm({})", p.name), percent))).collect()
}

pub fn run(
    output: &str,
    freq: Option<&Freq>,
    only: &[String],
    sim: &mut Simulation,
    sink: &mut dyn Sink,
    control: &Control,
) -> Result<(), Vec<Diagnostic>> {
    let mut faults = vec![];
    let output = Output::find(sim, output, None).map_err(|d| faults.extend(d)).ok();
    let points = freq.map_or(Ok(vec![]), frequencies).map_err(|d| faults.extend(d)).ok();
    let list = parameters(sim, only);
    if list.is_empty() {
        let circuit = &sim.circuit;
        let known = circuit.groups.iter().flat_map(|g| g.iter()).map(|i| circuit.names.get(i.name));
        let mut d = Diagnostic::error(codes::NO_PARAMETER, "no parameter to take the sensitivity of");
        d.help.extend(only.first().and_then(|o| did_you_mean(o, known)));
        faults.push(d);
    }
    let (Some(output), Some(points)) = (output, points) else { return Err(faults) };
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut linear = SmallSignal::new(sim, control)?;
    let at = sim.point_dc();
    let x = linear.x.clone();
    sim.factor_static(&at, &x)?;
    if freq.is_some() {
        return ac(&output, &points, &list, &mut linear, sim, sink, control);
    }
    let mut adjoint = vec![0.0; sim.len()];
    output.unit(&mut adjoint);
    sim.solve_factored_transposed(&mut adjoint);
    let mut bench = Bench::new(sim);
    let mut slope = vec![0.0; sim.len()];
    let mut row = vec![0.0; 2 * list.len()];
    let mut is_partial = false;
    for (k, p) in list.iter().enumerate() {
        if control.is_cancelled() {
            row.fill(f64::NAN);
            is_partial = true;
            break;
        }
        residual_slope(sim, p, &at, &x, &mut bench, &mut slope);
        let s = -adjoint.iter().zip(&slope).map(|(a, b)| a * b).sum::<f64>();
        row[k] = s;
        row[list.len() + k] = s * p.value / 100.0;
        let fraction = (k + 1) as f64 / list.len() as f64;
        control.progress("sens", &Progress { fraction, at: 0.0, step: 0.0, points: k + 1 });
    }
    sim.stats.accepted += 1;
    let signals = columns(&output, &list);
    sink.begin(&Schema { kind: PlotKind::Sens, has_axis: false, is_complex: false, signals });
    sink.point(&row);
    linear.finish(sim);
    sink.end(meta(sim, is_partial));
    Ok(())
}

fn ac(
    output: &Output,
    points: &[f64],
    list: &[Parameter],
    linear: &mut SmallSignal,
    sim: &mut Simulation,
    sink: &mut dyn Sink,
    control: &Control,
) -> Result<(), Vec<Diagnostic>> {
    let zero = Complex64::new(0.0, 0.0);
    let at = sim.point_dc();
    let mut bench = Bench::new(sim);
    // The operating point's shift with every parameter, once for all frequencies.
    let shifts: Vec<Vec<f64>> = list
        .iter()
        .map(|p| {
            let mut dx = vec![0.0; sim.len()];
            residual_slope(sim, p, &at, &linear.x, &mut bench, &mut dx);
            sim.solve_factored(&mut dx);
            dx.iter_mut().for_each(|v| *v = -*v);
            dx
        })
        .collect();
    let mut signals = vec![Signal::new("frequency", Quantity::Frequency)];
    signals.extend(columns(output, list));
    sink.begin(&Schema { kind: PlotKind::Sens, has_axis: true, is_complex: true, signals });
    let pattern = sim.pattern().clone();
    let mut z = vec![zero; sim.len()];
    let mut adjoint = vec![zero; sim.len()];
    let mut load = SlopeLoad { y: vec![zero; pattern.slots()], rhs: vec![zero; sim.len()], x: vec![0.0; sim.len()] };
    let mut row = vec![zero; 1 + 2 * list.len()];
    for (k, &f) in points.iter().enumerate() {
        if control.is_cancelled() {
            sink.end(meta(sim, true));
            return Ok(());
        }
        if let Err(d) = linear.factor(sim, f) {
            sink.end(meta(sim, true));
            return Err(d);
        }
        z.clone_from(&linear.rhs);
        linear.solve(sim, &mut z);
        output.unit(&mut adjoint);
        linear.solve_transposed(sim, &mut adjoint);
        row[0] = f.into();
        for (j, (p, dx)) in list.iter().zip(&shifts).enumerate() {
            let s = -load.slope(sim, p, dx, linear, f, (&z, &adjoint), &mut bench);
            row[1 + j] = s;
            row[1 + list.len() + j] = s * p.value / 100.0;
        }
        sink.point_complex(&row);
        sim.stats.accepted += 1;
        let fraction = (k + 1) as f64 / points.len() as f64;
        control.progress("sens", &Progress { fraction, at: f, step: 0.0, points: k + 1 });
    }
    linear.finish(sim);
    sink.end(meta(sim, false));
    Ok(())
}

/// Work space for d(Y z − b)/dp.
struct SlopeLoad {
    y: Vec<Complex64>,
    rhs: Vec<Complex64>,
    x: Vec<f64>,
}

impl SlopeLoad {
    /// λᵀ d(Y z − b)/dp along (p, x(p)). The moved parameter concerns its own batch; the moved operating point all
    /// nonlinear ones.
    #[allow(clippy::too_many_arguments)]
    fn slope(
        &mut self,
        sim: &Simulation,
        p: &Parameter,
        dx: &[f64],
        linear: &SmallSignal,
        freq: f64,
        (z, adjoint): (&[Complex64], &[Complex64]),
        bench: &mut Bench,
    ) -> Complex64 {
        let zero = Complex64::new(0.0, 0.0);
        let omega = std::f64::consts::TAU * freq;
        let at = Point { hertz: freq, is_small_signal: true, ..sim.point_dc() };
        let moves = dx.iter().any(|d| *d != 0.0);
        let mut own = sim.batch(p.group).clone_box();
        let mut sum = zero;
        for (step, weight) in p.stencil {
            for ((x, x0), d) in self.x.iter_mut().zip(&linear.x).zip(dx) {
                *x = x0 + step * d;
            }
            p.set(own.as_mut(), p.value + step, sim.env.temp);
            self.y.fill(zero);
            self.rhs.fill(zero);
            for (g, batch) in sim.batches().enumerate() {
                let batch = if g == p.group { own.as_ref() } else { batch };
                let is_moved = g == p.group || (moves && batch.linearity() == crate::device::Linearity::Nonlinear);
                if !is_moved {
                    continue;
                }
                bench.eval(batch, &at, &self.x, sim.batch_memory(g));
                for ((y, g), c) in self.y.iter_mut().zip(&bench.g).zip(&bench.c) {
                    *y += Complex64::new(*g, omega * c);
                }
                batch.ac(&at, &self.x, omega, &mut AcLoad { rhs: &mut self.rhs, y: &mut self.y });
            }
            let mut value = zero;
            for (r, c, s) in sim.pattern().entries() {
                let y = self.y[s as usize];
                if y != zero {
                    value += adjoint[r as usize] * y * z[c as usize];
                }
            }
            for (a, b) in adjoint.iter().zip(&self.rhs).skip(1) {
                value -= a * b;
            }
            sum += weight * value;
        }
        sum
    }
}
