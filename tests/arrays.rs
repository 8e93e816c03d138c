//! Arrays against exact results: closed forms, identities, limits, and the same array as a netlist of resistors.

use std::f64::consts::PI;

use ferrospice::array::study::{self, Crossbar, Reading};
use ferrospice::array::{Array, Effective, End, Geometry, Law, LawCells, Linear, Scheme, Settings, Wiring};
use ferrospice::base::Control;
use ferrospice::base::rng::Stream;

fn uniform(k: usize) -> f64 {
    Stream { seed: 3, run: 0, instance: 5 }.uniform(0, k as u32)
}

fn solve(geometry: Geometry, g: Vec<f64>) -> Linear {
    let mut a = Linear::new(geometry, g).expect("a valid array");
    let c = a.solve(&Settings::default(), &Control::default()).expect("a solution");
    assert!(c.residual < 1e-10, "{c:?}");
    a
}

/// Oracle 1. Equal cells g, segments gw and gb, word lines driven through one segment, bit lines grounded through one:
/// both planes are diagonal in sines.
fn closed_form(m: usize, n: usize, g: f64, gw: f64, gb: f64, v: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let theta = |l: usize, n: usize| (2 * l + 1) as f64 * PI / (2 * n + 1) as f64;
    let sines = |n: usize| {
        let s = 2.0 / ((2 * n + 1) as f64).sqrt();
        (0..n).map(|j| (0..n).map(|l| s * ((j + 1) as f64 * theta(l, n)).sin()).collect()).collect::<Vec<Vec<f64>>>()
    };
    let psi = sines(n);
    let mut phi = sines(m);
    phi.reverse();
    let lambda: Vec<f64> = (0..n).map(|l| 4.0 * gw * (0.5 * theta(l, n)).sin().powi(2)).collect();
    let mu: Vec<f64> = (0..m).map(|k| 4.0 * gb * (0.5 * theta(k, m)).sin().powi(2)).collect();
    let mut w = vec![0.0; m * n];
    let mut b = vec![0.0; m * n];
    for k in 0..m {
        let input: f64 = (0..m).map(|i| v[i] * phi[i][k]).sum();
        // Along the word lines first.
        let (mut a, mut c) = (vec![0.0; n], vec![0.0; n]);
        for l in 0..n {
            let f = gw * psi[0][l] * input;
            let d = lambda[l] * mu[k] + g * (lambda[l] + mu[k]);
            for j in 0..n {
                a[j] += (mu[k] + g) * f / d * psi[j][l];
                c[j] += g * f / d * psi[j][l];
            }
        }
        for i in 0..m {
            for j in 0..n {
                w[i * n + j] += phi[i][k] * a[j];
                b[i * n + j] += phi[i][k] * c[j];
            }
        }
    }
    (w, b)
}

#[test]
fn oracle_1_equal_cells_have_a_closed_form() {
    for (m, n, r, rw, rb) in
        [(5, 7, 1e3, 2.0, 2.0), (64, 48, 1e4, 1.0, 1.0), (200, 300, 5e3, 3.0, 3.0), (40, 60, 2e2, 1.0, 7.0)]
    {
        let v: Vec<f64> = (0..m).map(uniform).collect();
        let (w, b) = closed_form(m, n, 1.0 / r, 1.0 / rw, 1.0 / rb, &v);
        let a = solve(Geometry::crossbar(&v, n, rw, rb), vec![1.0 / r; m * n]);
        let top = w.iter().copied().fold(0.0, f64::max);
        for (x, y) in a.word().iter().zip(&w).chain(a.bit().iter().zip(&b)) {
            assert!((x - y).abs() < 1e-10 * top, "{m} x {n}: {x} for {y}");
        }
        for (j, i) in a.currents().columns().iter().enumerate() {
            let exact = b[(m - 1) * n + j] / rb;
            assert!((i - exact).abs() < 1e-10 * exact, "{m} x {n}, column {j}: {i} for {exact}");
        }
    }
}

#[test]
fn oracle_2_the_table_of_ir_drop() {
    // R/r, n: mean column, worst column, lowest cell.
    for (ratio, n, mean, least, lowest) in [
        (1e4, 64, 0.7855, 0.7401, 0.7003),
        (1e4, 128, 0.4923, 0.4112, 0.3619),
        (1e5, 64, 0.9729, 0.9664, 0.9599),
        (1e5, 128, 0.9014, 0.8785, 0.8567),
        (1e6, 64, 0.9972, 0.9965, 0.9959),
        (1e6, 128, 0.9891, 0.9864, 0.9837),
    ] {
        let wiring = Wiring::crossbar(n, n, 1.0);
        let (v, g) = (vec![1.0; n], vec![1.0 / ratio; n * n]);
        let s = study::solve(wiring.inputs(&v), &Law::Ohmic, g.clone(), &Settings::default(), &Control::default());
        let d = study::ir_drop(&s.expect("a solution"), &wiring, &Law::Ohmic, &g, &v);
        for (x, y) in [(d.mean, mean), (d.least, least), (d.lowest, lowest)] {
            assert!((x - y).abs() < 5.1e-5, "R/r = {ratio}, {n}: {x} for {y}");
        }
    }
    // To first order the mean loses 2/3 n² r/R.
    let wiring = Wiring::crossbar(64, 64, 1.0);
    let (v, g) = (vec![1.0; 64], vec![1e-8; 64 * 64]);
    let s = study::solve(wiring.inputs(&v), &Law::Ohmic, g.clone(), &Settings::default(), &Control::default()).unwrap();
    let d = study::ir_drop(&s, &wiring, &Law::Ohmic, &g, &v);
    assert!(((1.0 - d.mean) / (1.0 - d.first_order) - 1.0).abs() < 0.03, "{} {}", d.mean, d.first_order);
}

#[test]
fn oracle_3_one_line_is_a_ladder() {
    for (n, r, g) in [(1usize, 2.0f64, 0.3), (7, 2.0, 0.3), (100, 1.0, 1e-4)] {
        let u: f64 = 2.0 * ((r * g).sqrt() / 2.0).asinh();
        let nu = n as f64 * u;
        let exact = r * ((n as f64 + 0.5) * u).cosh() / (2.0 * (0.5 * u).sinh() * nu.sinh());
        let mut geometry = Geometry::new(1, n, r, 1.0);
        geometry.word.ends[0][0] = End::driven(1.0, r);
        geometry.bit.ends[1].fill(End::driven(0.0, 0.0));
        let a = solve(geometry, vec![g; n]);
        let input = 1.0 / a.currents().rows()[0];
        assert!((input / exact - 1.0).abs() < 1e-12, "{n}: {input} for {exact}");
    }
}

/// Oracle 4. A grid of resistors: word lines as rows, bit lines as columns, cells that all but connect them.
#[test]
fn oracle_4_a_grid_has_the_two_point_resistance_of_wu() {
    let (m, n) = (5usize, 4usize);
    let exact = |p: (usize, usize), q: (usize, usize)| {
        let mut sum = (p.0 as f64 - q.0 as f64).abs() / n as f64 + (p.1 as f64 - q.1 as f64).abs() / m as f64;
        for k in 1..m {
            for l in 1..n {
                let (a, b) = (k as f64 * PI / m as f64, l as f64 * PI / n as f64);
                let f = |x: (usize, usize)| ((x.0 as f64 + 0.5) * a).cos() * ((x.1 as f64 + 0.5) * b).cos();
                let c = (1.0 - a.cos()) + (1.0 - b.cos());
                sum += 2.0 / (m * n) as f64 * (f(p) - f(q)).powi(2) / c;
            }
        }
        sum
    };
    assert!((exact((0, 0), (3, 3)) - 1.707_863_686_724_97).abs() < 1e-13);
    // Cells that all but join the planes make them one grid; what the cells add falls with their resistance, and is
    // extrapolated away.
    let grid = |g: f64| {
        let mut geometry = Geometry::new(m, n, 1.0, 1.0);
        geometry.word.ends[0][0] = End::driven(1.0, 0.0);
        geometry.word.ends[1][m - 1] = End::driven(0.0, 0.0);
        1.0 / solve(geometry, vec![g; m * n]).currents().word[0][0]
    };
    let input = 2.0 * grid(2e4) - grid(1e4);
    let wanted = exact((0, 0), (m - 1, n - 1));
    assert!((wanted - 2.042_033_235_581_6).abs() < 1e-12, "{wanted}");
    assert!((input - wanted).abs() < 1e-7, "{input} for {wanted}");
}

/// Wires without resistance, uniform background.
fn ideal(m: usize, n: usize, scheme: Scheme, r: f64, selected: f64, wire: f64) -> Linear {
    let w = Wiring { sides: [Some(wire), None, None, Some(wire)], ..Wiring::crossbar(m, n, wire) };
    let mut g = vec![1.0 / r; m * n];
    g[0] = 1.0 / selected;
    solve(w.select(&scheme, 0, 0, 1.0).unwrap(), g)
}

#[test]
fn oracle_5_sneak_currents_of_ideal_wires() {
    let (r, rs) = (1e4, 1e6);
    for (m, n) in [(2usize, 2usize), (4, 4), (8, 16), (64, 64)] {
        let (p, q) = ((m - 1) as f64, (n - 1) as f64);
        let check = |scheme: Scheme, word: f64, bit: f64| {
            let c = ideal(m, n, scheme, r, rs, 0.0).currents();
            assert!((c.rows()[0] / word - 1.0).abs() < 1e-12, "{m} x {n} {scheme:?}: {} for {word}", c.rows()[0]);
            assert!((c.column(0) / bit - 1.0).abs() < 1e-12, "{m} x {n} {scheme:?}: {} for {bit}", c.column(0));
        };
        let sneak = 1.0 / (r / q + r / (p * q) + r / p);
        check(Scheme::Floating, 1.0 / rs + sneak, 1.0 / rs + sneak);
        check(Scheme::Grounded, 1.0 / rs + q / r, 1.0 / rs);
        check(Scheme::Half, 1.0 / rs + 0.5 * q / r, 1.0 / rs + 0.5 * p / r);
        check(Scheme::Third, 1.0 / rs + q / r / 3.0, 1.0 / rs + p / r / 3.0);
        let c = ideal(m, n, Scheme::Custom { word: None, bit: Some(0.0) }, r, rs, 0.0).currents();
        assert!((c.column(0) * rs - 1.0).abs() < 1e-12, "{m} x {n}");
    }
    // Any conductances: wires that lose resistance converge to wires without.
    let (m, n) = (12, 9);
    let g: Vec<f64> = (0..m * n).map(|k| 1e-6 * 1e3f64.powf(uniform(k))).collect();
    let v: Vec<f64> = (0..m).map(|k| uniform(k + 1000)).collect();
    let exact: Vec<f64> = (0..n).map(|j| (0..m).map(|i| g[i * n + j] * v[i]).sum()).collect();
    let mut last = f64::INFINITY;
    for wire in [1.0, 1e-2, 1e-4, 0.0] {
        let a = solve(Geometry::crossbar(&v, n, wire, wire), g.clone());
        let error = a.currents().columns().iter().zip(&exact).map(|(x, y)| (x / y - 1.0).abs()).fold(0.0, f64::max);
        assert!(error < 0.02 * last || error < 1e-13, "{wire}: {error}");
        last = error;
    }
    assert!(last < 1e-13);
}

#[test]
fn oracle_6_margins_of_linear_cells() {
    let control = Control::default();
    for ratio in [1e2, 1e4, 1e6] {
        let reading = Reading {
            on: 1e-4,
            off: 1e-4 / ratio,
            law: Law::Ohmic,
            scheme: Scheme::Floating,
            volts: 1.0,
            sense: 1e4,
            search: false,
        };
        let wiring = Wiring::crossbar(1, 1, 0.0);
        for n in [2usize, 4, 9] {
            let (m, _) =
                study::margin(&wiring.resized(n, n), &reading, (0, 0), &Settings::default(), &control).unwrap();
            let (on, off) = (1e4, 1e4 * ratio);
            let q = (n - 1) as f64;
            let sneak = 2.0 * on / q + on / (q * q);
            let part = |r: f64| {
                let r = 1.0 / (1.0 / r + 1.0 / sneak);
                1e4 / (1e4 + r)
            };
            let exact = part(on) - part(off);
            assert!((m.margin - exact).abs() < 1e-10, "{n}: {} for {exact}", m.margin);
        }
        // No ratio rescues an array of linear cells.
        let (n, _) = study::largest(&wiring, &reading, 0.1, 64, &Settings::default(), &control).unwrap();
        assert_eq!(n, 4);
    }
}

#[test]
fn oracle_7_selectors_limit_the_sneak_current() {
    // sinh cells: i(V)/i(V/2) = 2 cosh(κ V/2).
    let kappa_law = 12.0;
    let law = Law::Sinh { kappa: kappa_law };
    let selectivity = 2.0 * (0.5 * kappa_law).cosh();
    for n in [16usize, 101] {
        let w = Wiring::crossbar(n, n, 0.0);
        let g = vec![1e-6; n * n];
        let s = study::solve(
            w.select(&Scheme::Half, 0, 0, 1.0).unwrap(),
            &law,
            g,
            &Settings::default(),
            &Control::default(),
        )
        .unwrap();
        let on = s.cells[0];
        let sneak = s.currents.column(0) - on;
        assert!((sneak / on * selectivity / (n - 1) as f64 - 1.0).abs() < 1e-9, "{n}: {}", sneak / on);
        // Share of the power that is spent in the selected cell.
        let share = s.cells[0] * s.across(0) / s.currents.cell_power;
        let exact = 1.0 / (1.0 + (n - 1) as f64 / selectivity);
        assert!((share / exact - 1.0).abs() < 1e-9, "{n}: {share} for {exact}");
    }
}

#[test]
fn oracle_8_every_cell_is_half_selected_m_plus_n_minus_2_times() {
    let (m, n, v0) = (6usize, 9usize, 0.2f64);
    let w = Wiring::crossbar(m, n, 0.0);
    let all: Vec<(usize, usize)> = (0..m * n).map(|k| (k / n, k % n)).collect();
    let g = vec![1e-6; m * n];
    for (scheme, pulses, volts) in [(Scheme::Half, m + n - 2, 0.5f64), (Scheme::Third, m * n - 1, 1.0 / 3.0)] {
        let d = study::disturb(
            &Crossbar { wiring: &w, law: &Law::Ohmic, g: &g },
            &scheme,
            1.0,
            v0,
            &all,
            &Settings::default(),
            &Control::default(),
        );
        let d = d.unwrap();
        let exact = pulses as f64 * (volts / v0).sinh() / (1.0 / v0).sinh();
        for x in &d.map {
            assert!((x / exact - 1.0).abs() < 1e-9, "{scheme:?}: {x} for {exact}");
        }
    }
}

#[test]
fn oracle_11_reciprocity_superposition_and_the_maximum_principle() {
    let (m, n) = (31usize, 22usize);
    let g: Vec<f64> = (0..m * n).map(|k| 1e-6 * 1e4f64.powf(uniform(k))).collect();
    let unit = |k: usize, len: usize| (0..len).map(|i| f64::from(u8::from(i == k))).collect::<Vec<f64>>();
    let geometry = |word: &[f64], bit: &[f64]| {
        let mut a = Geometry::crossbar(word, n, 3.0, 5.0);
        bit.iter().enumerate().for_each(|(j, v)| a.bit.set_volts(j, *v));
        a
    };
    // 1 V at row 4 gives at column 7 what 1 V at column 7 gives at row 4.
    let there = solve(geometry(&unit(4, m), &vec![0.0; n]), g.clone()).currents().column(7);
    let back = -solve(geometry(&vec![0.0; m], &unit(7, n)), g.clone()).currents().rows()[4];
    assert!((there / back - 1.0).abs() < 1e-10, "{there} {back}");
    let (a, b): (Vec<f64>, Vec<f64>) = (0..m).map(|k| (uniform(k), uniform(k + 500) - 0.5)).unzip();
    let sum: Vec<f64> = a.iter().zip(&b).map(|(a, b)| 2.0 * a - 3.0 * b).collect();
    let zero = vec![0.0; n];
    let columns = |v: &[f64]| solve(geometry(v, &zero), g.clone()).currents().columns();
    let (ia, ib, is) = (columns(&a), columns(&b), columns(&sum));
    let size = is.iter().fold(0.0f64, |s, i| s.max(i.abs()));
    for j in 0..n {
        assert!((2.0 * ia[j] - 3.0 * ib[j] - is[j]).abs() < 1e-11 * size);
    }
    let s = solve(geometry(&a, &zero), g.clone());
    let c = s.currents();
    let (into, out): (f64, f64) = (c.rows().iter().sum(), c.columns().iter().sum());
    assert!((into / out - 1.0).abs() < 1e-12);
    let spent = c.cell_power + c.wire_power + c.end_power;
    assert!((c.source_power / spent - 1.0).abs() < 1e-11);
    assert!(s.word().iter().chain(s.bit()).all(|v| (0.0..=1.0).contains(v)));
    // The effective matrix has them all.
    let e = Effective::new(&s, &Settings::default(), &Control::default()).unwrap();
    for (x, y) in e.multiply(&a).iter().zip(c.columns()) {
        assert!((x - y).abs() < 1e-11 * y.abs());
    }
}

#[test]
fn a_worst_pattern_is_never_better_than_all_on() {
    let reading = Reading {
        on: 1e-4,
        off: 1e-6,
        law: Law::Ohmic,
        scheme: Scheme::Floating,
        volts: 1.0,
        sense: 1e3,
        search: true,
    };
    let w = Wiring::crossbar(16, 16, 20.0);
    let control = Control::default();
    let (found, pattern) = study::margin(&w, &reading, (0, 15), &Settings::default(), &control).unwrap();
    let all = Reading { search: false, ..reading };
    let (plain, _) = study::margin(&w, &all, (0, 15), &Settings::default(), &control).unwrap();
    assert!(found.margin <= plain.margin && pattern.len() == 256, "{found:?} {plain:?}");
}

#[test]
fn what_cannot_be_solved_is_said() {
    // Two iterations are not enough.
    let v: Vec<f64> = (0..64).map(uniform).collect();
    let mut a = Linear::new(Geometry::crossbar(&v, 64, 10.0, 10.0), vec![1e-2; 64 * 64]).unwrap();
    let settings = Settings { iterations: 2, ..Settings::default() };
    let d = a.solve(&settings, &Control::default()).unwrap_err();
    assert_eq!(d.code.0, "E0907");
    // A cell that draws current only backwards has no solution against a current that wants through.
    struct Odd;
    impl ferrospice::array::Cells for Odd {
        fn len(&self) -> usize {
            1
        }
        fn eval(
            &self,
            _: &ferrospice::array::cells::Moment,
            f: ferrospice::array::cells::Frame,
        ) -> Result<(), ferrospice::array::cells::Stuck> {
            // Jumps over the only possible current.
            f.i[0] = if f.v[0] > 0.5 { 1.0 } else { 0.0 };
            f.g[0] = 1e-3;
            Ok(())
        }
    }
    let mut a = Array::new(Geometry::crossbar(&[1.0], 1, 0.5, 0.5), Odd).unwrap();
    let d = a.solve(&Settings::default(), &Control::default()).unwrap_err();
    assert_eq!(d.code.0, "E0908");
    assert!(d.notes[0].contains("row 0, column 0"), "{d:?}");
    let cells = LawCells::new(Law::Ohmic, vec![1.0]).unwrap();
    assert!(Array::new(Geometry::crossbar(&[1.0], 2, 1.0, 1.0), cells).is_err());
}

/// Oracle 9. dx/dt = k exp(V/V0), pulses of width tp that rise by Vs: ceil[(V0/Vs) ln(1 + X (e^(Vs/V0) - 1)/(k tp e^(V1/V0)))].
#[test]
fn oracle_9_incremental_pulses() {
    use ferrospice::array::write::{Pulse, program_verify, ready};
    use ferrospice::array::{Drift, DriftCells};
    let (v0, first, width) = (0.1f64, 1.0f64, 1e-6);
    for (step, target, k) in [(0.05f64, 0.8, 1.0), (0.1, 0.5, 0.3), (0.02, 0.3, 2.0)] {
        // sinh is half the exponential up to 2e-9 here.
        let drift = Drift { rate: 2.0 * k, v0, window: 0, kappa: 0.0, off: 1e-6, on: 1e-5 };
        let wiring = Wiring::crossbar(1, 1, 0.0);
        let pulse = Pulse { row: 0, col: 0, scheme: Scheme::Half, volts: first, edge: 1e-6 * width, width };
        let mut array = ready(&wiring, DriftCells::new(drift, vec![0.0], 1).unwrap(), &pulse).unwrap();
        let (list, energy, _) =
            program_verify(&mut array, &wiring, &pulse, (step, target, 500), 1e-4, &Control::default()).unwrap();
        let a = target * ((step / v0).exp() - 1.0) / (k * width * (first / v0).exp());
        let exact = (v0 / step * a.ln_1p()).ceil() as usize;
        assert_eq!(list.len(), exact, "{step} {target} {k}: {:?}", list.last());
        // All but the last pulse's end, in closed form.
        let n = list.len() as f64;
        let x = k * width * (first / v0).exp() * ((n * step / v0).exp() - 1.0) / ((step / v0).exp() - 1.0);
        assert!((list[list.len() - 1].1 / x - 1.0).abs() < 1e-3 && energy > 0.0, "{:?} for {x}", list.last());
    }
}
