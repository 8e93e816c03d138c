//! Networks solved line by line and by their factors.

use super::*;
use crate::array::geometry::End;
use crate::array::march::TranSettings;

/// A gate opens the way from bit to source line.
struct Gated(usize);

impl LineCells for Gated {
    fn len(&self) -> usize {
        self.0
    }

    fn lines(&self) -> usize {
        3
    }

    fn eval(&self, _: &Moment, frame: LineFrame) -> Result<(), Stuck> {
        let cells = frame.v.chunks(3).zip(frame.i.chunks_mut(3)).zip(frame.g.chunks_mut(9));
        for ((v, i), g) in cells {
            let u = (v[1] - v[2] - 0.4) / 0.1;
            let (open, slope) = (1e-5 * u.exp().ln_1p(), 1e-4 / (1.0 + (-u).exp()));
            let (current, by_gate) = (open * (v[0] - v[2]), slope * (v[0] - v[2]));
            i.copy_from_slice(&[current, 0.0, -current]);
            let row = [open, by_gate, -open - by_gate];
            for k in 0..3 {
                (g[k], g[3 + k], g[6 + k]) = (row[k], 0.0, -row[k]);
            }
        }
        frame.c.fill(0.0);
        Ok(())
    }
}

const SIZE: (usize, usize) = (24, 17);

fn volts() -> Vec<Vec<f64>> {
    let (m, n) = SIZE;
    let bit = (0..n).map(|j| 0.5 + 0.02 * j as f64).collect();
    vec![bit, (0..m).map(|i| if i % 3 == 0 { 0.2 } else { 1.0 }).collect(), vec![0.0; m]]
}

fn network(ohms: f64) -> Network<Gated> {
    let lines = |name, along_row: bool, volts: &[f64]| {
        let mut plane = Plane::floating(volts.len(), ohms);
        plane.capacitance = 1e-15;
        plane.ends[usize::from(!along_row)] = volts.iter().map(|v| End::driven(*v, ohms)).collect();
        Lines { name, along_row, plane }
    };
    let v = volts();
    let mut planes = vec![lines("bit", false, &v[0]), lines("word", true, &v[1]), lines("source", true, &v[2])];
    // A line that is held, and one that is broken behind its driver.
    planes[2].plane.ends[0][3] = End::driven(0.0, 0.0);
    planes[0].plane.opens.push((5, 11));
    Network::new(SIZE, planes, vec![vec![0, 1, 2]], Gated(SIZE.0 * SIZE.1)).expect("a network")
}

fn factored(ohms: f64) -> Network<Gated> {
    Network { sweeps: None, ..network(ohms) }
}

fn distance(a: &Network<Gated>, b: &Network<Gated>) -> f64 {
    a.x.iter().zip(&b.x).fold(0.0, |s, (a, b)| s.max((a - b).abs()))
}

#[test]
fn line_by_line_is_the_same_as_by_factors() {
    let settings = Settings { tol: 1e-12, iterations: 0 };
    for ohms in [2.0, 50.0] {
        let (mut a, mut b) = (network(ohms), factored(ohms));
        let c = a.solve(&settings, &Control::default()).expect("a solution");
        b.solve(&settings, &Control::default()).expect("a solution");
        assert!(c.residual < 1e-9 && distance(&a, &b) < 1e-9, "{c:?} {}", distance(&a, &b));
        assert!(!a.is_factored && a.x.iter().any(|x| x.abs() > 0.4));
    }
}

#[test]
fn in_time_both_ways_agree() {
    let zero: Vec<Vec<f64>> = volts().iter().map(|v| vec![0.0; v.len()]).collect();
    let program = NetworkProgram::pulse(&volts(), 1e-10, 1e-10, 1e-9, 1e-10);
    let run = |mut a: Network<Gated>| {
        for (p, v) in zero.iter().enumerate() {
            v.iter().enumerate().for_each(|(line, v)| a.set_volts(p, line, *v));
        }
        let settings = TranSettings { reltol: 1e-4, ..TranSettings::new(1.2e-9) };
        let mut points = vec![];
        let each = |t: f64, a: &Network<Gated>| points.push((t, a.voltage(2, 20)));
        let s = a.transient(&program, &settings, &Control::default(), each).expect("a run");
        (points, s, a)
    };
    let ((p, s, a), (q, _, b)) = (run(network(20.0)), run(factored(20.0)));
    assert!(p.len().abs_diff(q.len()) <= 2, "{s:?} {}", q.len());
    let top = |points: &[(f64, f64)]| points.iter().fold(0.0, |s: f64, p| s.max(p.1));
    assert!(top(&p) > 1e-3 && (top(&p) - top(&q)).abs() < 1e-5, "{} {}", top(&p), top(&q));
    assert!(distance(&a, &b) < 1e-5, "{}", distance(&a, &b));
}
