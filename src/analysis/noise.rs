//! `.noise`: spectral density at an output, referred to an input, by device, and integrated.
//!
//! One adjoint solve per frequency serves all noise sources (R. Rohrer, L. Nagel, R. Meyer, L. Weber, "Computationally
//! efficient electronic-circuit noise calculations", IEEE J. Solid-State Circuits 6, 1971):
//!
//! ```text
//! Yᵀ λ = e_out;  a current from p to n gives the output (λ_n − λ_p) per ampere
//! S_out = Σ |λ_n − λ_p|² S_k;  S_in = S_out / |gain|²,  gain = λᵀ b_in
//! ```
//! Densities are given as roots, V/√Hz (or A/√Hz), totals as rms. Between two frequencies each contribution is taken
//! as a power law S = a f^b, which is straight on log-log paper and integrated exactly.

use num_complex::Complex64;

use super::meta;
use super::small_signal::{Input, Output, SmallSignal, frequencies};
use crate::base::Control;
use crate::base::control::Progress;
use crate::circuit::Freq;
use crate::dataset::{PlotKind, Quantity, Schema, Signal, Sink};
use crate::device::NoiseSource;
use crate::diag::Diagnostic;
use crate::sim::Simulation;

/// ∫ S df over [f1, f2] for S through (f1, s1) and (f2, s2) as a power law; a trapezoid when an end is not positive.
pub fn integrate(f1: f64, s1: f64, f2: f64, s2: f64) -> f64 {
    let is_power_law = s1 > 0.0 && s2 > 0.0 && f1 > 0.0 && f2 > f1 && s1.is_finite() && s2.is_finite();
    if !is_power_law {
        return 0.5 * (s1 + s2) * (f2 - f1);
    }
    let l = (f2 / f1).ln();
    // With u = (b + 1) ln(f2/f1):  ∫ = f1 s1 ln(f2/f1) · (eᵘ − 1)/u.
    let u = (s2 / s1).ln() + l;
    let shape = if u.abs() < 1e-6 { 1.0 + 0.5 * u } else { u.exp_m1() / u };
    f1 * s1 * l * shape
}

/// Running integrals of one contribution.
#[derive(Clone, Copy, Default)]
struct Tally {
    last_out: f64,
    last_in: f64,
    total_out: f64,
    total_in: f64,
}

impl Tally {
    fn add(&mut self, interval: Option<(f64, f64)>, density: f64, gain2: f64) {
        // Without gain there is nothing to refer to: infinite, but 0 stays 0.
        let referred = if density == 0.0 { 0.0 } else { density / gain2 };
        if let Some((f1, f2)) = interval {
            self.total_out += integrate(f1, self.last_out, f2, density);
            self.total_in += integrate(f1, self.last_in, f2, referred);
        }
        self.last_out = density;
        self.last_in = referred;
    }
}

/// Noise sources in the order of instances, with the columns they go to.
struct Sources {
    all: Vec<NoiseSource>,
    /// `r1`, then `r1_thermal`, ...: the total of an instance before its parts.
    names: Vec<String>,
    /// For each source its own column and that of its instance.
    columns: Vec<(usize, usize)>,
}

impl Sources {
    fn collect(sim: &Simulation, linear: &SmallSignal) -> Sources {
        let mut s = Sources { all: vec![], names: vec![], columns: vec![] };
        let mut found = vec![];
        for (batch, group) in sim.batches().zip(&sim.circuit.groups) {
            found.clear();
            batch.noise(&linear.at, &linear.x, &mut found);
            found.sort_by_key(|n| n.instance);
            for part in found.chunk_by(|a, b| a.instance == b.instance) {
                let name = sim.circuit.names.get(group.get(part[0].instance as usize).name);
                let total = s.names.len();
                s.names.push(name.to_string());
                for n in part {
                    s.columns.push((s.names.len(), total));
                    s.names.push(format!("{name}_{}", n.name));
                    s.all.push(n.clone());
                }
            }
        }
        s
    }

    /// Adds every source's squared density at the output to its columns; returns the sum.
    fn densities(&self, freq: f64, adjoint: &[Complex64], out: &mut [f64]) -> f64 {
        out.fill(0.0);
        let mut sum = 0.0;
        for (n, &(own, total)) in self.all.iter().zip(&self.columns) {
            let transfer = (adjoint[n.n as usize] - adjoint[n.p as usize]).norm_sqr();
            let density = transfer * n.density(freq);
            out[own] += density;
            out[total] += density;
            sum += density;
        }
        sum
    }
}

/// What is asked for.
pub struct Plan<'a> {
    pub output: &'a str,
    pub reference: Option<&'a str>,
    pub input: &'a str,
    pub freq: &'a Freq,
    /// 0: no contributions by device; else they are given at every so many points.
    pub every: usize,
}

pub fn run(plan: &Plan, sim: &mut Simulation, sink: &mut dyn Sink, control: &Control) -> Result<(), Vec<Diagnostic>> {
    let mut faults = vec![];
    let output = Output::find(sim, plan.output, plan.reference).map_err(|d| faults.extend(d)).ok();
    let input = Input::find(sim, plan.input).map_err(|d| faults.extend(d)).ok();
    let points = frequencies(plan.freq).map_err(|d| faults.extend(d)).ok();
    let (Some(output), Some(input), Some(points)) = (output, input, points) else { return Err(faults) };
    let mut linear = SmallSignal::new(sim, control)?;
    let sources = Sources::collect(sim, &linear);
    let density = |v: bool| Quantity::Other(if v { "V/√Hz" } else { "A/√Hz" });
    let mut signals = vec![
        Signal::new("frequency", Quantity::Frequency),
        Signal::new("onoise_spectrum", density(output.is_voltage)),
        Signal::new("inoise_spectrum", density(input.is_voltage)),
    ];
    let parts: &[String] = if plan.every > 0 { &sources.names } else { &[] };
    signals.extend(parts.iter().map(|n| Signal::new(format!("onoise_{n}"), density(output.is_voltage))));
    sink.begin(&Schema { kind: PlotKind::NoiseDensity, has_axis: true, is_complex: false, signals });

    let mut adjoint = vec![Complex64::new(0.0, 0.0); sim.len()];
    let mut now = vec![0.0; sources.names.len()];
    let mut tally = vec![Tally::default(); sources.names.len()];
    let mut row = vec![];
    let mut last = None;
    let mut is_partial = false;
    for (k, &f) in points.iter().enumerate() {
        if control.is_cancelled() {
            is_partial = true;
            break;
        }
        if let Err(d) = linear.factor(sim, f) {
            sink.end(meta(sim, true));
            return Err(d);
        }
        output.unit(&mut adjoint);
        linear.solve_transposed(sim, &mut adjoint);
        let gain2 = input.gain(&adjoint).norm_sqr();
        let sum = sources.densities(f, &adjoint, &mut now);
        let interval = last.map(|l| (l, f));
        for (t, s) in tally.iter_mut().zip(&now) {
            t.add(interval, *s, gain2);
        }
        last = Some(f);
        sim.stats.accepted += 1;
        if plan.every <= 1 || k % plan.every == 0 || k + 1 == points.len() {
            row.clear();
            row.extend([f, sum.sqrt(), if sum == 0.0 { 0.0 } else { (sum / gain2).sqrt() }]);
            if plan.every > 0 {
                row.extend(now.iter().map(|s| s.sqrt()));
            }
            sink.point(&row);
        }
        let fraction = (k + 1) as f64 / points.len() as f64;
        control.progress("noise", &Progress { fraction, at: f, step: 0.0, points: k + 1 });
    }
    linear.finish(sim);
    sink.end(meta(sim, is_partial));
    totals(&output, &input, &sources, &tally, plan.every > 0, sink);
    sink.end(meta(sim, is_partial));
    Ok(())
}

/// The second table: rms over the band.
fn totals(output: &Output, input: &Input, sources: &Sources, tally: &[Tally], by_device: bool, sink: &mut dyn Sink) {
    let unit = |v: bool| if v { Quantity::Voltage } else { Quantity::Current };
    let mut is_total = vec![false; tally.len()];
    for c in &sources.columns {
        is_total[c.1] = true;
    }
    // The sum of the parts' integrals, not the integral of their sum: each part is nearer to a power law.
    let mut sum = vec![Tally::default(); tally.len()];
    let (mut all_out, mut all_in) = (0.0, 0.0);
    for &(own, total) in &sources.columns {
        for at in [own, total] {
            sum[at].total_out += tally[own].total_out;
            sum[at].total_in += tally[own].total_in;
        }
        all_out += tally[own].total_out;
        all_in += tally[own].total_in;
    }
    let mut signals =
        vec![Signal::new("onoise_total", unit(output.is_voltage)), Signal::new("inoise_total", unit(input.is_voltage))];
    let mut row: Vec<f64> = vec![all_out.sqrt(), all_in.sqrt()];
    if by_device {
        for (name, s) in sources.names.iter().zip(&sum) {
            signals.push(Signal::new(format!("onoise_total_{name}"), unit(output.is_voltage)));
            row.push(s.total_out.sqrt());
            signals.push(Signal::new(format!("inoise_total_{name}"), unit(input.is_voltage)));
            row.push(s.total_in.sqrt());
        }
    }
    sink.begin(&Schema { kind: PlotKind::NoiseIntegrated, has_axis: false, is_complex: false, signals });
    sink.point(&row);
}

#[cfg(test)]
mod tests {
    use super::integrate;

    #[test]
    fn power_laws_are_exact() {
        for b in [-2.0, -1.0, -1.0 + 1e-9, -0.5, 0.0, 1.3] {
            let (f1, f2): (f64, f64) = (3.0, 47.0);
            let s = |f: f64| 2.0 * f.powf(b);
            let want = if (b + 1.0f64).abs() < 1e-6 {
                2.0 * (f2 / f1).ln()
            } else {
                2.0 * (f2.powf(b + 1.0) - f1.powf(b + 1.0)) / (b + 1.0)
            };
            assert!((integrate(f1, s(f1), f2, s(f2)) / want - 1.0).abs() < 1e-7, "{b}");
        }
        assert_eq!(integrate(0.0, 1.0, 2.0, 3.0), 4.0);
        assert_eq!(integrate(1.0, 0.0, 2.0, 0.0), 0.0);
    }
}
