//! Convergence order of every integration method: the slope of log(error) against log(step) is within 0.1 of theory.

use std::f64::consts::TAU;

use ferrospice::base::Control;
use ferrospice::dataset::PlotKind;
use ferrospice::integrate::{Coefficients, History, Method};
use ferrospice::session::{self, Memory, RunOptions};

/// Least-squares slope of ln(error) over ln(h).
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = (points.iter().map(|p| p.0.ln()).sum::<f64>() / n, points.iter().map(|p| p.1.ln()).sum::<f64>() / n);
    let sxy: f64 = points.iter().map(|p| (p.0.ln() - mx) * (p.1.ln() - my)).sum();
    let sxx: f64 = points.iter().map(|p| (p.0.ln() - mx).powi(2)).sum();
    sxy / sxx
}

/// Error at t = 1 of q' = -q + sin(3t), integrated with steps that alternate by `ratio`, from exact starting values.
fn scalar_error(method: Method, order: usize, steps: usize, ratio: f64) -> f64 {
    let exact = |t: f64| (1.0 + 3.0 / 10.0) * (-t).exp() + ((3.0 * t).sin() - 3.0 * (3.0 * t).cos()) / 10.0;
    let rate = |t: f64, q: f64| -q + (3.0 * t).sin();
    let mean = 1.0 / steps as f64;
    let (long, short) = (2.0 * mean * ratio / (1.0 + ratio), 2.0 * mean / (1.0 + ratio));
    let mut times = vec![0.0];
    for k in 0..steps {
        times.push(times[k] + if k % 2 == 0 { long } else { short });
    }
    let mut history = History::new(1);
    let start = if matches!(method, Method::Gear { .. }) { order - 1 } else { 0 };
    history.start(0.0, &[exact(0.0)], &[exact(0.0)], false);
    history.qdot[0] = rate(0.0, exact(0.0));
    for &t in &times[1..=start] {
        history.push(t, &[exact(t)], &[exact(t)], &[rate(t, exact(t))]);
    }
    let mut past = [0.0];
    // a0 q + past = -q + sin(3t) is linear in q.
    let solve = |a0: f64, past: f64, t: f64| ((3.0 * t).sin() - past) / (a0 + 1.0);
    for &t in &times[start + 1..] {
        let q = if method == Method::TrBdf2 {
            let (tm, one, two) = Coefficients::tr_bdf2(history.time(), t);
            history.combine(&one, &mut past);
            let qm = solve(one.a0, past[0], tm);
            solve(two.a0, two.b[0] * qm + two.b[1] * history.q(0)[0], t)
        } else {
            let c = Coefficients::new(method, order, t, history.times());
            history.combine(&c, &mut past);
            solve(c.a0, past[0], t)
        };
        history.push(t, &[q], &[q], &[rate(t, q)]);
    }
    (history.q(0)[0] - exact(1.0)).abs()
}

#[test]
fn every_formula_has_its_order_with_steps_that_vary() {
    let mut cases = vec![
        ("be", Method::BackwardEuler, 1, 3.0),
        ("trap", Method::Trapezoidal { mu: 0.5 }, 2, 3.0),
        ("trbdf2", Method::TrBdf2, 2, 3.0),
    ];
    for k in 1..=6 {
        // High BDF orders are zero-stable for step ratios near one only.
        cases.push(("gear", Method::Gear { max_order: k }, k, if k < 3 { 1.8 } else { 1.1 }));
    }
    for (name, method, order, ratio) in cases {
        let sizes: &[usize] = match order {
            6 => &[60, 80, 120],
            5 => &[80, 120, 160, 240],
            _ => &[100, 200, 400, 800],
        };
        let points: Vec<(f64, f64)> =
            sizes.iter().map(|&n| (1.0 / n as f64, scalar_error(method, order, n, ratio))).collect();
        let s = slope(&points);
        assert!((s - order as f64).abs() < 0.1, "{name} order {order}: slope {s:.3} from {points:?}");
    }
}

/// Error of a driven RLC circuit at its end, every step equal to `h`.
fn circuit_error(method: &str, h: f64) -> f64 {
    let deck = format!(
        "driven series RLC, smooth from the start\n\
         Bin in 0 v=1-cos({TAU}*time)\n\
         R1 in a 1\nL1 a out 0.05\nC1 out 0 0.1\n\
         .options method={method} trtol=1e12 reltol=1e-3\n\
         .tran {h} 1 0 {h}\n.end\n"
    );
    let world = Memory::default();
    let out = session::run_text("order.cir", &deck, &RunOptions::default(), &world, &Control::default());
    assert!(!out.has_errors(), "{:?}", out.diagnostics);
    let t = out.tables().find(|t| t.schema.kind == PlotKind::Tran).expect("a transient");
    let (time, v) = (t.real("time").unwrap(), t.real("v(out)").unwrap());
    assert!((time[time.len() - 1] - 1.0).abs() < 1e-12);
    (v[v.len() - 1] - exact_rlc(1.0)).abs()
}

/// Series RLC, R = 1, L = 0.05, C = 0.1, from rest, driven by 1 - cos(2πt): L C v'' + R C v' + v = 1 - cos(ωt).
fn exact_rlc(t: f64) -> f64 {
    let (r, l, c, w) = (1.0, 0.05, 0.1, TAU);
    let (a, w0) = (r / (2.0 * l), 1.0 / (l * c));
    // Particular solution: 1 - Re(H e^{jωt}), H = 1/(1 - ω²LC + jωRC).
    let (re, im) = (1.0 - w * w * l * c, w * r * c);
    let n = re * re + im * im;
    let (hr, hi) = (re / n, -im / n);
    let vp = |t: f64| 1.0 - (hr * (w * t).cos() - hi * (w * t).sin());
    let dvp0 = hi * w;
    // Homogeneous solution from v(0) = v'(0) = 0; w0 > a²: oscillating.
    let wd = (w0 - a * a).sqrt();
    let (k1, k2) = (-vp(0.0), (-dvp0 - a * vp(0.0)) / wd);
    vp(t) + (-a * t).exp() * (k1 * (wd * t).cos() + k2 * (wd * t).sin())
}

#[test]
fn circuits_converge_at_the_order_of_the_method() {
    for (method, order) in [("be", 1.0), ("trap", 2.0), ("trbdf2", 2.0), ("gear maxord=2", 2.0)] {
        let points: Vec<(f64, f64)> = [500, 1000, 2000, 4000]
            .iter()
            .map(|n| 1.0 / f64::from(*n))
            .map(|h| (h, circuit_error(method, h)))
            .collect();
        let s = slope(&points);
        assert!((s - order).abs() < 0.1, "{method}: slope {s:.3} from {points:?}");
    }
}
