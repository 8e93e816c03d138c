//! Arrays: how long each kind of problem takes. `cargo bench --bench arrays [-- WORD]`; WORD picks lines that contain it.
//!
//! Plain timing, not statistics: each line is the best of a few runs, with the iterations and the certified residual.
//! Cells are log-uniform between the two resistances, inputs uniform in 0..1 V, always the same ones.

use std::time::Instant;

use ferrospice::array::{
    Array, DeviceCells, Drift, DriftCells, Effective, End, Geometry, Law, LawCells, Linear, Lines, Network,
    NetworkProgram, Plane, Program, Settings, TranSettings, transient,
};
use ferrospice::base::Control;
use ferrospice::base::rng::Stream;
use ferrospice::session::{self, RunOptions};

fn uniform(k: usize) -> f64 {
    Stream { seed: 1, run: 0, instance: 1 }.uniform((k >> 20) as u32, (k & 0xf_ffff) as u32)
}

fn cells(n: usize, lo: f64, hi: f64) -> Vec<f64> {
    (0..n * n).map(|k| 1.0 / (lo * (hi / lo).powf(uniform(k)))).collect()
}

fn inputs(n: usize) -> Vec<f64> {
    (0..n).map(|k| uniform(k + (1 << 40))).collect()
}

/// One word line against one bit line; all others float.
fn floating(n: usize, wire: f64) -> Geometry {
    let mut g = Geometry::new(n, n, wire, wire);
    g.word.ends[0][0] = End::driven(1.0, wire);
    g.bit.ends[1][n - 1] = End::driven(0.0, wire);
    g
}

/// Time on a processor, s: what remains comparable on a machine that others use, too. NaN where the system does not say.
fn on_processor() -> f64 {
    // The system books it at its ticks, every few milliseconds, and whenever a thread gives way.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|w| w.parse::<f64>().ok()).map_or(f64::NAN, |ns| 1e-9 * ns)
}

/// The shortest time of some runs.
struct Best {
    /// s by the clock, and of this thread on a processor.
    wall: f64,
    cpu: f64,
}

impl std::fmt::Display for Best {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:10.3} ms {:10.3} ms cpu", 1e3 * self.wall, 1e3 * self.cpu)
    }
}

/// The best of so many runs, and the result of the last.
fn best<T>(runs: usize, mut f: impl FnMut() -> T) -> (Best, T) {
    let mut least = Best { wall: f64::INFINITY, cpu: f64::INFINITY };
    let mut last = None;
    for _ in 0..runs {
        let (t, c) = (Instant::now(), on_processor());
        last = Some(f());
        least.wall = least.wall.min(t.elapsed().as_secs_f64());
        least.cpu = least.cpu.min(on_processor() - c);
    }
    (least, last.expect("at least one run"))
}

/// The largest memory of the process so far, MB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|w| w.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

struct Filter(Vec<String>);

impl Filter {
    fn wants(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|w| name.contains(w.as_str()))
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let filter = Filter(words);
    linear(&filter);
    again(&filter);
    effective(&filter);
    nonlinear(&filter);
    pulse(&filter);
    gated(&filter);
}

fn linear(filter: &Filter) {
    let problems: [(&str, f64, f64, f64, bool); 4] = [
        ("linear 1 ohm, 1e4..1e6", 1.0, 1e4, 1e6, false),
        ("linear floating 1 ohm, 1e4..1e6", 1.0, 1e4, 1e6, true),
        ("hard 10 ohm, 1e2..1e4", 10.0, 1e2, 1e4, false),
        ("hard floating 10 ohm, 1e2..1e4", 10.0, 1e2, 1e4, true),
    ];
    for (title, wire, lo, hi, floats) in problems {
        for n in [64, 128, 256, 512, 1024, 2048, 4096] {
            let name = format!("{title} {n}x{n}");
            // The largest only when they are asked for.
            if !filter.wants(&name) || (n > 1024 && (filter.0.is_empty() || floats || wire > 1.0)) {
                continue;
            }
            let g = cells(n, lo, hi);
            let geometry = if floats { floating(n, wire) } else { Geometry::crossbar(&inputs(n), n, wire, wire) };
            let runs = if n > 1024 || wire > 1.0 { 2 } else { 5 };
            let (s, c) = best(runs, || {
                let mut array = Linear::new(geometry.clone(), g.clone()).expect("a valid array");
                array.solve(&Settings::default(), &Control::default()).expect("a solution")
            });
            println!(
                "{name:42} {s}  {:4} iterations, residual {:.1e}, peak {:.0} MB",
                c.iterations,
                c.residual,
                peak()
            );
        }
    }
}

/// After one cell was written.
fn again(filter: &Filter) {
    for n in [256, 1024] {
        let name = format!("one cell changed {n}x{n}");
        if !filter.wants(&name) {
            continue;
        }
        let g = cells(n, 1e4, 1e6);
        let mut array = Linear::new(Geometry::crossbar(&inputs(n), n, 1.0, 1.0), g.clone()).expect("a valid array");
        array.solve(&Settings::default(), &Control::default()).expect("a solution");
        let mut k = 0;
        let (s, c) = best(5, || {
            k += 1;
            let (row, col) = (k * 97 % n, k * 61 % n);
            array.set_conductance(row, col, 100.0 * g[row * n + col]).expect("a cell");
            array.solve(&Settings::default(), &Control::default()).expect("a solution")
        });
        println!("{name:42} {s}  {:4} iterations, residual {:.1e}", c.iterations, c.residual);
    }
}

fn effective(filter: &Filter) {
    for n in [64, 128, 256, 512] {
        let name = format!("effective matrix {n}x{n}");
        if !filter.wants(&name) || (n > 256 && filter.0.is_empty()) {
            continue;
        }
        let geometry = Geometry::crossbar(&inputs(n), n, 1.0, 1.0);
        let array = Linear::new(geometry, cells(n, 1e4, 1e6)).expect("a valid array");
        let (s, e) = best(1, || Effective::new(&array, &Settings::default(), &Control::default()).expect("a solution"));
        println!("{name:42} {s}  residual {:.1e}", e.residual);
    }
}

/// V/2 write of the last cell of the first row at 3 V.
fn half(n: usize, volts: f64) -> Geometry {
    let mut g = Geometry::crossbar(&vec![0.5 * volts; n], n, 1.0, 1.0);
    g.word.set_volts(0, volts);
    (0..n - 1).for_each(|j| g.bit.set_volts(j, 0.5 * volts));
    g
}

fn nonlinear(filter: &Filter) {
    let laws = [
        ("sinh", Law::Sinh { kappa: 6.0 }),
        ("exponential", Law::Exponential { is: 1e-12, v0: 0.05 }),
        ("threshold", Law::Threshold { vth: 1.0, width: 0.02, off: 1e-9, on: 1e-3 }),
    ];
    for (word, law) in laws {
        for n in [64, 128, 512, 1024] {
            let name = format!("V/2 write {word} {n}x{n}");
            if !filter.wants(&name) || (n > 512 && filter.0.is_empty() && word != "sinh") {
                continue;
            }
            let g: Vec<f64> = cells(n, 1e5, 1e7);
            let (s, (c, st)) = best(if n > 512 { 2 } else { 3 }, || {
                let cells = LawCells::new(law.clone(), g.clone()).expect("valid cells");
                let mut array = Array::new(half(n, 3.0), cells).expect("a valid array");
                let c = array.solve(&Settings::default(), &Control::default()).expect("a solution");
                (c, array.statistics.clone())
            });
            println!(
                "{name:42} {s}  {:4} Newton, {:4} inner, {} halvings, {} levels, residual {:.1e}, peak {:.0} MB",
                st.newton,
                st.inner,
                st.damped,
                st.levels,
                c.residual,
                peak()
            );
        }
    }
}

/// 20 ns with a V/2 pulse of 10 ns on cells with states and lines with capacitance.
fn pulse(filter: &Filter) {
    for n in [32, 64, 128] {
        let name = format!("pulse {n}x{n}");
        if !filter.wants(&name) {
            continue;
        }
        let drift = Drift { rate: 2e4, v0: 0.15, window: 2, ..Drift::default() };
        let mut geometry = half(n, 0.0);
        (geometry.word.capacitance, geometry.bit.capacitance) = (1e-15, 1e-15);
        let (mut word, mut bit) = (vec![1.0; n], vec![1.0; n]);
        (word[0], bit[n - 1]) = (2.0, 0.0);
        let program = Program::pulse(&word, &bit, 1e-9, 0.5e-9, 10e-9, 0.5e-9);
        let (s, (t, x)) = best(3, || {
            let cells = DriftCells::new(drift, vec![0.05; n * n], n).expect("valid cells");
            let mut array = Array::new(geometry.clone(), cells).expect("a valid array");
            let t = transient(&mut array, &program, &TranSettings::new(20e-9), &Control::default(), |_, _| {});
            (t.expect("a run"), array.internals()[n - 1])
        });
        println!(
            "{name:42} {s}  {} steps, {} rejected, {} Newton, {} inner, x = {x:.4}",
            t.accepted, t.rejected, t.newton, t.inner
        );
    }
}

/// 24 ns with a write pulse through the transistors of one row, source lines along the rows: every second bit line is driven.
fn gated(filter: &Filter) {
    const CELL: &str = "cell\n.model nm nmos level=1 vto=0.5 kp=1m\n.subckt mem bl wl sl\nm1 d wl sl sl nm w=10u l=1u\n\
        bm bl d i=v(bl,d)*(1e-6+9.9e-5*v(x))\ncx x 0 1 ic=0.1\nrx x 0 1e15\n\
        bx 0 x i=2e8*sinh(v(bl,d)/0.5)*v(x)*(1-v(x))\n.ends\nxc bl wl sl mem\nvb bl 0 0\nvw wl 0 0\nvs sl 0 0\n.end\n";
    for n in [32, 64, 128, 256] {
        let name = format!("1T1R pulse {n}x{n}");
        if !filter.wants(&name) || (n > 64 && filter.0.is_empty()) {
            continue;
        }
        let (circuit, _, diags) = session::circuit("cell.cir", CELL, &RunOptions::default(), &session::Disk);
        let circuit = circuit.unwrap_or_else(|| panic!("{diags:?}"));
        let line = |name: &'static str, along_row: bool| {
            let mut plane = Plane::floating(n, 1.0);
            plane.capacitance = 1e-15;
            plane.ends[usize::from(!along_row)].fill(End::driven(0.0, 1.0));
            Lines { name, along_row, plane }
        };
        let mut select = vec![0.0; n];
        select[0] = 2.0;
        let write: Vec<f64> = (0..n).map(|j| if j % 2 == 0 { 1.0 } else { 0.0 }).collect();
        let program = NetworkProgram::pulse(&[write, select, vec![0.0; n]], 0.0, 2e-9, 20e-9, 2e-9);
        let (s, (t, x)) = best(1, || {
            let cells = DeviceCells::on_lines(&circuit, &["bl", "wl", "sl"], &["vb", "vw", "vs"], (n, n), &[]);
            let planes = vec![line("bit", false), line("word", true), line("source", true)];
            let mut a = Network::new((n, n), planes, vec![vec![0, 1, 2]], cells.expect("cells")).expect("an array");
            let t = a.transient(&program, &TranSettings::new(24e-9), &Control::default(), |_, _| {});
            let k = a.internals().len() / (n * n);
            (t.expect("a run"), a.internals()[..k].to_vec())
        });
        println!(
            "{name:42} {s}  {} steps, {} rejected, {} Newton, first cell {x:.4?}, peak {:.0} MB",
            t.accepted,
            t.rejected,
            t.newton,
            peak()
        );
    }
}
