//! Small arrays against a dense nodal analysis that knows nothing of planes.

use super::*;
use crate::base::Control;
use crate::base::rng::Stream;
use crate::diag::codes::array as codes;

pub(super) struct Random {
    stream: Stream,
    draw: u32,
}

impl Random {
    pub fn new(seed: u64) -> Random {
        Random { stream: Stream { seed, run: 0, instance: 7 }, draw: 0 }
    }

    pub fn uniform(&mut self) -> f64 {
        self.draw += 1;
        self.stream.uniform(0, self.draw)
    }

    pub fn log(&mut self, lo: f64, hi: f64) -> f64 {
        (lo.ln() + (hi / lo).ln() * self.uniform()).exp()
    }

    pub fn below(&mut self, n: usize) -> usize {
        ((self.uniform() * n as f64) as usize).min(n - 1)
    }
}

/// Gaussian elimination with partial pivoting.
pub(super) fn dense(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for k in 0..n {
        let p = (k..n).max_by(|&i, &j| a[i][k].abs().total_cmp(&a[j][k].abs())).unwrap();
        a.swap(k, p);
        b.swap(k, p);
        for i in k + 1..n {
            let f = a[i][k] / a[k][k];
            if f != 0.0 {
                for j in k..n {
                    a[i][j] -= f * a[k][j];
                }
                b[i] -= f * b[k];
            }
        }
    }
    for k in (0..n).rev() {
        let s: f64 = (k + 1..n).map(|j| a[k][j] * b[j]).sum();
        b[k] = (b[k] - s) / a[k][k];
    }
    b
}

/// Voltages of all nodes, word lines first.
fn nodal(geometry: &Geometry, g: &[f64]) -> Vec<f64> {
    let (m, n) = (geometry.rows, geometry.cols);
    let total = 2 * m * n;
    // Nodes of lines without resistance are one.
    let name = |k: usize| {
        let (plane, k) = (k / (m * n), k % (m * n));
        if plane == 0 {
            if geometry.word.segment == 0.0 { k / n * n } else { k }
        } else if geometry.bit.segment == 0.0 {
            m * n + k % n
        } else {
            m * n + k
        }
    };
    let mut held = vec![None; total];
    let mut a = vec![vec![0.0; total]; total];
    let mut f = vec![0.0; total];
    let mut join = |p: usize, q: usize, c: f64| {
        let (p, q) = (name(p), name(q));
        a[p][p] += c;
        a[q][q] += c;
        a[p][q] -= c;
        a[q][p] -= c;
    };
    let word = |i: usize, j: usize| i * n + j;
    let bit = |i: usize, j: usize| m * n + i * n + j;
    for i in 0..m {
        for j in 0..n {
            join(word(i, j), bit(i, j), g[i * n + j]);
            if j + 1 < n && geometry.word.segment > 0.0 && !geometry.word.opens.contains(&(i, j)) {
                join(word(i, j), word(i, j + 1), 1.0 / geometry.word.segment);
            }
            if i + 1 < m && geometry.bit.segment > 0.0 && !geometry.bit.opens.contains(&(j, i)) {
                join(bit(i, j), bit(i + 1, j), 1.0 / geometry.bit.segment);
            }
        }
    }
    let mut end = |k: usize, e: End| {
        let k = name(k);
        if e.ohms == 0.0 {
            held[k] = Some(e.volts);
        } else if !e.is_floating() {
            a[k][k] += 1.0 / e.ohms;
            f[k] += e.volts / e.ohms;
        }
    };
    for i in 0..m {
        end(word(i, 0), geometry.word.ends[0][i]);
        end(word(i, n - 1), geometry.word.ends[1][i]);
    }
    for j in 0..n {
        end(bit(0, j), geometry.bit.ends[0][j]);
        end(bit(m - 1, j), geometry.bit.ends[1][j]);
    }
    for k in 0..total {
        if name(k) != k {
            a[k][k] = 1.0;
        } else if let Some(v) = held[k] {
            a[k].fill(0.0);
            a[k][k] = 1.0;
            f[k] = v;
        }
    }
    let v = dense(a, f);
    (0..total).map(|k| v[name(k)]).collect()
}

fn random_geometry(r: &mut Random) -> Geometry {
    let (m, n) = (1 + r.below(11), 1 + r.below(11));
    let wire = |r: &mut Random| if r.uniform() < 0.2 { 0.0 } else { r.log(0.1, 100.0) };
    let (word, bit) = (wire(r), wire(r));
    let mut g = Geometry::new(m, n, word, bit);
    for (plane, nodes) in [(&mut g.word, n), (&mut g.bit, m)] {
        let exotic = plane.segment > 0.0 && nodes > 1;
        for line in 0..plane.lines() {
            for e in 0..2 {
                let kind = r.uniform();
                if kind < 0.3 {
                    let ohms = if kind < 0.05 && exotic { 0.0 } else { r.log(0.1, 1e4) };
                    plane.ends[e][line] = End::driven(2.0 * r.uniform() - 1.0, ohms);
                }
            }
            if exotic && r.uniform() < 0.15 {
                plane.opens.push((line, r.below(nodes - 1)));
            }
        }
        plane.ends[0][0] = End::driven(1.0, if r.uniform() < 0.3 { 0.0 } else { 3.0 });
    }
    g
}

#[test]
fn any_small_array_is_what_nodal_analysis_says() {
    let mut r = Random::new(1);
    let mut cut = 0;
    for case in 0..400 {
        let geometry = random_geometry(&mut r);
        let mut g: Vec<f64> = (0..geometry.cells()).map(|_| r.log(1e-6, 1e-2)).collect();
        // No dead cells where they could cut something off: that is another test.
        if case % 3 == 0 && geometry.word.opens.is_empty() && geometry.bit.opens.is_empty() && geometry.cells() > 20 {
            let k = r.below(g.len());
            g[k] = 0.0;
        }
        let mut array = Linear::new(geometry.clone(), g.clone()).unwrap();
        if array.warning().is_some() {
            // Breaks have cut something off: nodal analysis would be singular.
            cut += 1;
            continue;
        }
        let expected = nodal(&geometry, &g);
        let c = array.solve(&Settings::default(), &Control::default()).unwrap();
        assert!(c.residual < 1e-9, "{case}: {c:?}");
        let got = array.word().iter().chain(array.bit());
        for (k, (x, y)) in got.zip(&expected).enumerate() {
            assert!((x - y).abs() < 1e-9, "{case}, node {k}: {x} for {y}\n{geometry:#?}");
        }
        // Tellegen: what the sources give is what is dissipated.
        let p = array.currents();
        let spent = p.cell_power + p.wire_power + p.end_power;
        assert!((p.source_power - spent).abs() < 1e-9 * spent.abs() + 1e-15, "{case}: {p:?}\n{geometry:#?}");
        let (into, out): (f64, f64) = (p.rows().iter().sum(), p.columns().iter().sum());
        let size: f64 = p.rows().iter().chain(&p.columns()).map(|i| i.abs()).sum();
        assert!((into - out).abs() <= 1e-9 * size + 1e-15, "{case}: {into} in, {out} out");
    }
    assert!(cut < 20, "{cut} of 400");
}

#[test]
fn a_changed_cell_is_as_if_it_had_always_been_so() {
    let mut r = Random::new(2);
    let volts: Vec<f64> = (0..23).map(|_| r.uniform()).collect();
    let geometry = Geometry::crossbar(&volts, 17, 2.0, 3.0);
    let mut g: Vec<f64> = (0..23 * 17).map(|_| r.log(1e-6, 1e-3)).collect();
    let mut warm = Linear::new(geometry.clone(), g.clone()).unwrap();
    warm.solve(&Settings::default(), &Control::default()).unwrap();
    for (row, col, value) in [(3, 4, 1e-2), (22, 16, 0.0), (0, 0, 1e-9), (22, 16, 5e-5)] {
        g[row * 17 + col] = value;
        warm.set_conductance(row, col, value).unwrap();
        let c = warm.solve(&Settings::default(), &Control::default()).unwrap();
        let mut cold = Linear::new(geometry.clone(), g.clone()).unwrap();
        cold.solve(&Settings::default(), &Control::default()).unwrap();
        for (x, y) in warm.word().iter().chain(warm.bit()).zip(cold.word().iter().chain(cold.bit())) {
            assert!((x - y).abs() < 1e-11, "{x} {y} {c:?}");
        }
    }
    assert!(warm.set_conductance(23, 0, 1.0).is_err() && warm.set_conductance(0, 0, -1.0).is_err());
}

#[test]
fn lines_that_nothing_determines_are_said_and_harm_nobody() {
    // Word line 2 has only open cells; word line 1 is broken after node 1, and what is behind leads to bit lines 2 and 3,
    // which float.
    let mut geometry = Geometry::new(3, 4, 1.0, 1.0);
    geometry.word.ends[0][0] = End::driven(1.0, 1.0);
    geometry.word.ends[0][1] = End::driven(2.0, 1.0);
    geometry.bit.ends[1][0] = End::driven(0.0, 1.0);
    geometry.bit.ends[1][1] = End::driven(0.0, 1.0);
    geometry.word.opens.push((1, 1));
    let g = [1e-3, 1e-3, 0.0, 0.0, 1e-3, 2e-3, 1e-3, 1e-3, 0.0, 0.0, 0.0, 0.0].to_vec();
    let mut array = Linear::new(geometry, g).unwrap();
    let text = array.warning().unwrap();
    assert_eq!(text.code, codes::ARRAY_UNTIED);
    assert!(text.message.contains("word line 1, word line 2, bit line 2, bit line 3"), "{}", text.message);
    array.solve(&Settings::default(), &Control::default()).unwrap();
    let nan: Vec<bool> = array.word().iter().map(|v| v.is_nan()).collect();
    assert_eq!(nan, [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1].map(|x| x == 1));
    let nan: Vec<bool> = array.bit().iter().map(|v| v.is_nan()).collect();
    assert_eq!(nan, [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1].map(|x| x == 1));
    let c = array.currents();
    assert!(c.column(0) > 2.9e-3 && c.column(2) == 0.0 && c.source_power.is_finite());
}

#[test]
fn faults_have_coordinates() {
    let mut geometry = Geometry::crossbar(&[1.0, 1.0], 3, 1.0, 1.0);
    let text = |d: &[crate::diag::Diagnostic]| d.iter().map(|d| format!("{d:?}")).collect::<String>();
    let d = Linear::new(geometry.clone(), vec![1.0, 1.0, f64::NAN, 1.0, -1.0, 1.0]).unwrap_err();
    assert_eq!(d[0].code, codes::ARRAY_CELL);
    assert!(text(&d).contains("row 0, column 2") && text(&d).contains("row 1, column 1"), "{d:?}");
    let d = Linear::new(geometry.clone(), vec![1.0; 5]).unwrap_err();
    assert_eq!(d[0].code, codes::ARRAY_SHAPE);
    geometry.word.segment = -1.0;
    geometry.bit.ends[1][2] = End::driven(f64::NAN, 1.0);
    geometry.bit.opens.push((0, 7));
    let d = Linear::new(geometry, vec![1.0; 6]).unwrap_err();
    assert_eq!(d.len(), 3, "{d:?}");
    assert!(text(&d).contains("bit line 2: NaN V"));
    assert_eq!(Linear::new(Geometry::new(0, 3, 1.0, 1.0), vec![]).unwrap_err()[0].code, codes::ARRAY_SIZE);
}

#[test]
fn a_run_can_be_stopped_and_says_so() {
    let control = Control::default();
    control.cancel_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    let mut array = Linear::new(Geometry::crossbar(&[1.0; 8], 8, 1.0, 1.0), vec![1e-3; 64]).unwrap();
    let c = array.solve(&Settings::default(), &control).unwrap();
    assert!(c.is_partial && c.residual > 1e-3, "{c:?}");
}

#[test]
fn the_effective_matrix_is_the_array() {
    let mut r = Random::new(3);
    for (m, n) in [(9, 14), (14, 9)] {
        let volts: Vec<f64> = (0..m).map(|_| r.uniform()).collect();
        let geometry = Geometry::crossbar(&volts, n, 5.0, 7.0);
        let g: Vec<f64> = (0..m * n).map(|_| r.log(1e-5, 1e-2)).collect();
        let mut array = Linear::new(geometry, g).unwrap();
        let e = Effective::new(&array, &Settings::default(), &Control::default()).unwrap();
        array.solve(&Settings::default(), &Control::default()).unwrap();
        for (x, y) in e.multiply(&volts).iter().zip(array.currents().columns()) {
            assert!((x - y).abs() < 1e-11 * y.abs(), "{x} {y}");
        }
    }
}

/// V/2 write of the cell in the last column of the first row.
fn half_write(n: usize, volts: f64, wire: f64) -> Geometry {
    let mut g = Geometry::crossbar(&vec![0.5 * volts; n], n, wire, wire);
    g.word.set_volts(0, volts);
    (0..n - 1).for_each(|j| g.bit.set_volts(j, 0.5 * volts));
    g
}

#[test]
fn ohmic_cells_are_linear_cells() {
    let mut r = Random::new(4);
    for _ in 0..60 {
        let geometry = random_geometry(&mut r);
        let g: Vec<f64> = (0..geometry.cells()).map(|_| r.log(1e-6, 1e-2)).collect();
        let mut linear = Linear::new(geometry.clone(), g.clone()).unwrap();
        linear.solve(&Settings::default(), &Control::default()).unwrap();
        let mut array = Array::new(geometry, LawCells::new(Law::Ohmic, g).unwrap()).unwrap();
        array.solve(&Settings::default(), &Control::default()).unwrap();
        let (p, q) = (array.source_power(), linear.currents().source_power);
        assert!((p - q).abs() < 1e-8 * q.abs() + 1e-12 || p.is_nan(), "{p} {q}");
        for (x, y) in array.word().iter().chain(array.bit()).zip(linear.word().iter().chain(linear.bit())) {
            assert!((x - y).abs() < 1e-9 || (x.is_nan() && y.is_nan()), "{x} {y}");
        }
    }
}

#[test]
fn every_law_balances_in_every_scheme() {
    let laws = [
        Law::Sinh { kappa: 2.0 },
        Law::Sinh { kappa: 6.0 },
        Law::Exponential { is: 1e-12, v0: 0.05 },
        Law::Threshold { vth: 0.8, width: 0.02, off: 1e-9, on: 1e-3 },
        Law::Table(laws::Table::new(&[(-3.0, -9e-6), (-1.0, -1e-6), (0.0, 0.0), (1.0, 1e-6), (3.0, 9e-6)]).unwrap()),
    ];
    let n = 24;
    for law in laws {
        for scheme in ["vmm", "half", "floating"] {
            let mut r = Random::new(5);
            let mut geometry = match scheme {
                "half" => half_write(n, 3.0, 2.0),
                _ => Geometry::crossbar(&(0..n).map(|_| 2.0 * r.uniform()).collect::<Vec<_>>(), n, 2.0, 2.0),
            };
            if scheme == "floating" {
                geometry.word.ends[0][1..].fill(End::FLOATING);
                geometry.bit.ends[1][..n - 1].fill(End::FLOATING);
                geometry.word.set_volts(0, 2.0);
            }
            let g: Vec<f64> = (0..n * n).map(|_| r.log(1e-7, 1e-4)).collect();
            let mut array = Array::new(geometry, LawCells::new(law.clone(), g).unwrap()).unwrap();
            let c = array.solve(&Settings::default(), &Control::default());
            let c = c.unwrap_or_else(|d| panic!("{law:?} {scheme}: {d:?}"));
            assert!(c.residual < 1e-10, "{law:?} {scheme}: {c:?}");
            let p = array.currents();
            let spent = p.cell_power + p.wire_power + p.end_power;
            assert!((p.source_power - spent).abs() < 1e-6 * spent, "{law:?} {scheme}: {p:?}");
        }
    }
}

#[test]
fn a_state_follows_its_closed_form() {
    // One cell between ideal sources at 0.5 V: x = x0 + k sinh(v/v0) t without a window.
    let drift = Drift { rate: 1e3, v0: 0.25, window: 0, ..Drift::default() };
    let mut geometry = Geometry::crossbar(&[0.0], 1, 0.0, 0.0);
    geometry.word.capacitance = 0.0;
    let cells = DriftCells::new(drift, vec![0.1], 1).unwrap();
    let mut a = Array::new(geometry, cells).unwrap();
    let program = Program { frames: vec![(0.0, vec![0.5], vec![0.0])] };
    let stop = 1e-5;
    let s = transient(&mut a, &program, &TranSettings::new(stop), &Control::default(), |_, _| {}).unwrap();
    let exact = 0.1 + 1e3 * (0.5f64 / 0.25).sinh() * stop;
    assert!((a.internals()[0] - exact).abs() < 1e-6, "{} for {exact}", a.internals()[0]);
    assert!(s.accepted > 20 && s.energy > 0.0, "{s:?}");
}

#[test]
fn a_line_charges_through_its_driver() {
    // One word line of one node: RC with the cell's leakage.
    let mut geometry = Geometry::crossbar(&[0.0], 1, 1e3, 0.0);
    geometry.word.capacitance = 1e-12;
    let mut a = Array::new(geometry, LawCells::new(Law::Ohmic, vec![1e-4]).unwrap()).unwrap();
    let program = Program::pulse(&[1.0], &[0.0], 1e-9, 1e-12, 1e-6, 1e-12);
    let mut worst = 0.0f64;
    let settings = TranSettings { reltol: 1e-4, ..TranSettings::new(5e-9) };
    transient(&mut a, &program, &settings, &Control::default(), |t, a| {
        let tau = 1e-12 / (1e-3 + 1e-4);
        let top = 1e-3 / (1e-3 + 1e-4);
        let exact = if t < 1.002e-9 { a.word()[0] } else { top * (1.0 - (-(t - 1.0005e-9) / tau).exp()) };
        worst = worst.max((a.word()[0] - exact).abs());
    })
    .unwrap();
    assert!(worst < 2e-3, "{worst}");
}

/// A pulse on lines with capacitance that switches the last cell of the first row.
fn written(n: usize) -> (march::TranStatistics, Array<DriftCells>) {
    let drift = Drift { rate: 2e4, v0: 0.15, window: 2, ..Drift::default() };
    let mut geometry = half_write(n, 0.0, 1.0);
    (geometry.word.capacitance, geometry.bit.capacitance) = (1e-15, 1e-15);
    let mut a = Array::new(geometry, DriftCells::new(drift, vec![0.05; n * n], n).unwrap()).unwrap();
    let (mut word, mut bit) = (vec![1.0; n], vec![1.0; n]);
    (word[0], bit[n - 1]) = (2.0, 0.0);
    let program = Program::pulse(&word, &bit, 1e-9, 1e-9, 10e-9, 1e-9);
    let s = transient(&mut a, &program, &TranSettings::new(20e-9), &Control::default(), |_, _| {}).unwrap();
    (s, a)
}

#[test]
fn a_write_pulse_switches_the_selected_cell_alone() {
    let n = 8;
    let (s, a) = written(n);
    let x = a.internals();
    assert!(x[n - 1] > 0.9, "{x:?} {s:?}");
    assert!(x.iter().enumerate().all(|(k, x)| k == n - 1 || *x < 0.2), "{x:?}");
}

/// Lines at rest before a pulse are judged by what its drivers will give them, not by the microvolts of its first instant.
#[test]
fn the_first_corner_takes_no_more_steps_than_the_others() {
    let (s, _) = written(32);
    assert!(s.accepted + s.rejected <= 150 && s.newton <= 270, "{s:?}");
}
