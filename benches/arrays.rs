//! Arrays: how long each kind of problem takes. `cargo bench --bench arrays [-- WORD]`; WORD picks lines that contain it.
//!
//! Plain timing, not statistics: each line is the best of a few runs, with the iterations and the certified residual.
//! Cells are log-uniform between the two resistances, inputs uniform in 0..1 V, always the same ones.

use std::time::Instant;

use ferrospice::array::{Effective, End, Geometry, Linear, Settings};
use ferrospice::base::Control;
use ferrospice::base::rng::Stream;

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

/// The best of so many runs, s, and the result of the last.
fn best<T>(runs: usize, mut f: impl FnMut() -> T) -> (f64, T) {
    let mut least = f64::INFINITY;
    let mut last = None;
    for _ in 0..runs {
        let t = Instant::now();
        last = Some(f());
        least = least.min(t.elapsed().as_secs_f64());
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
                "{name:44} {:10.3} ms  {:4} iterations, residual {:.1e}, peak {:.0} MB",
                1e3 * s,
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
        println!("{name:44} {:10.3} ms  {:4} iterations, residual {:.1e}", 1e3 * s, c.iterations, c.residual);
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
        println!("{name:44} {:10.3} ms  residual {:.1e}", 1e3 * s, e.residual);
    }
}
