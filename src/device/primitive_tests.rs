//! The primitives: Jacobians against differences, closed forms, temperature laws, noise, small-signal entries.

use num_complex::Complex64;

use super::testkit::{Bench, Out};
use super::*;
use crate::base::consts::K;
use crate::base::rng::Stream;
use crate::base::{Names, Sym};
use crate::diag::Span;
use crate::expr::{Expr, Program, Scope};

const R: Stream = Stream { seed: 11, run: 0, instance: 0 };

/// Nodes are n1, n2, ...; elements are ref0, ref1, ...
struct Nodes;

impl Scope for Nodes {
    fn param(&mut self, name: &str) -> Option<Result<f64, ()>> {
        (name == "tau").then_some(Ok(1e-6))
    }
    fn func(&mut self, _: &str) -> Option<(Vec<String>, Expr)> {
        None
    }
    fn node(&mut self, name: &str) -> Option<u32> {
        name.strip_prefix('n')?.parse().ok()
    }
    fn branch(&mut self, name: &str) -> Option<Sym> {
        // As the bench interns them: "" is 0, then ref0, ref1, ...
        let k: u32 = name.strip_prefix("ref")?.parse().ok()?;
        let mut names = Names::new();
        (0..=k).map(|j| names.intern(&format!("ref{j}"))).last()
    }
    fn normal(&mut self) -> f64 {
        0.0
    }
    fn uniform(&mut self) -> f64 {
        0.0
    }
    fn known_names(&self) -> Vec<String> {
        vec![]
    }
}

fn read(text: &str) -> Expr {
    crate::expr::parse(text, &|_, _| Span::NOWHERE).unwrap_or_else(|d| panic!("{text}: {d:?}"))
}

fn expr(text: &str) -> Value {
    Value::Expr(Program::compile(&read(text), &mut Nodes).unwrap_or_else(|d| panic!("{text}: {d:?}")).into())
}

fn vector(v: &[f64]) -> Value {
    Value::Vector(v.into())
}

fn bench(name: &str, model: &[(&str, f64)], inst: &[(&str, Value)], terminals: usize, refs: usize) -> Bench {
    let ty = registry::by_name(name).unwrap_or_else(|| panic!("{name}"));
    Bench::new(ty, 1.0, model, inst, terminals, refs, &Env { tstep: 1e-9, tstop: 1e-6, ..Env::default() })
}

fn faults(name: &str, inst: &[(&str, Value)], refs: usize) -> Vec<&'static str> {
    let ty = registry::by_name(name).unwrap();
    let mut group = Group::new(ty.clone());
    let table = ty.info().instance;
    let params: Vec<_> = inst.iter().map(|(n, v)| (param::find(table, n).unwrap(), v.clone())).collect();
    group.push(Sym(1), Span::NOWHERE, None, 1..=4, (0..refs as u32).map(Sym), params);
    match ty.batch(&group, &Env::default()) {
        Ok(_) => vec![],
        Err(d) => d.iter().map(|d| d.code.0).collect(),
    }
}

fn jacobian(label: &str, b: &mut Bench, at: &Point, scale: f64) {
    let mut worst: f64 = 0.0;
    for k in 0..1000u32 {
        let mut x: Vec<f64> = (0..b.n as u32).map(|j| scale * (2.0 * R.uniform(k, j) - 1.0)).collect();
        x[0] = 0.0;
        b.iter.fill(0.0);
        worst = worst.max(b.jacobian_error(at, &x));
    }
    // The limiter's row is a difference of near-equal numbers: rounding shows in entries a millionth of the largest.
    let limit = if label == "vsource_limited" { 1e-3 } else { 2e-5 };
    assert!(worst < limit, "{label}: {worst:e}");
}

#[test]
fn jacobians_of_all_primitives() {
    let n = Value::Num;
    let wind: Vec<f64> = [1e-3, 4e-3].iter().flat_map(|l| [*l, 0.0, 0.0, f64::NAN, 0.0, 300.15, f64::NAN]).collect();
    let tran = Point { time: 3.3e-7, ..Point::tran(0.0) };
    let dc = Point::dc();
    type Case<'a> = (&'a str, Vec<(&'a str, f64)>, Vec<(&'a str, Value)>, usize, usize);
    let cases: Vec<Case> = vec![
        ("resistor", vec![], vec![("r", n(50.0)), ("m", n(2.0))], 2, 0),
        ("capacitor", vec![], vec![("c", n(1e-9))], 2, 0),
        ("inductor", vec![], vec![("l", n(1e-3))], 2, 0),
        ("mutual", vec![], vec![("k", n(0.9)), ("windings", vector(&wind))], 0, 2),
        ("vsource", vec![], vec![("dc", n(2.0))], 2, 0),
        ("isource", vec![], vec![("dc", n(2.0))], 2, 0),
        ("vsource_limited", vec![], vec![("dc", n(0.3)), ("compliance", n(0.5))], 2, 0),
        ("vcvs", vec![], vec![("gain", n(3.0))], 4, 0),
        ("vccs", vec![], vec![("gain", n(3.0)), ("m", n(2.0))], 4, 0),
        ("cccs", vec![], vec![("gain", n(3.0))], 2, 1),
        ("ccvs", vec![], vec![("gain", n(3.0))], 2, 1),
        ("bsource_v", vec![], vec![("v", expr("v(n1)*v(n2)^2+tanh(i(ref0))*time*1e6")), ("tc1", n(1e-3))], 2, 1),
        (
            "bsource_i",
            vec![],
            vec![("i", expr("exp(v(n1))*ddt(v(n2)*v(n1))+idt(sin(v(n1)),0.5)")), ("m", n(3.0))],
            2,
            0,
        ),
        ("bsource_i", vec![], vec![("i", expr("ddt(v(n1)*ddt(v(n2)^2))"))], 2, 0),
        ("rexpr", vec![], vec![("r", expr("10+v(n1)*v(n2)")), ("m", n(2.0))], 2, 0),
        ("cexpr", vec![], vec![("c", expr("1e-3*(2+v(n1)*v(n2))"))], 2, 0),
        ("cexpr", vec![], vec![("q", expr("1e-3*tanh(v(n1)-v(n2))"))], 2, 0),
        ("lexpr", vec![], vec![("l", expr("2+v(n1)*i(ref0)"))], 2, 1),
        ("lexpr", vec![], vec![("flux", expr("tanh(i(ref0))"))], 2, 1),
        (
            "laplace_v",
            vec![],
            vec![
                ("input", expr("v(n1)*i(ref0)")),
                ("num", vector(&[1.0, 2.0, 3.0])),
                ("den", vector(&[2.0, 1.0, 1.0, 0.5])),
            ],
            2,
            1,
        ),
        (
            "laplace_i",
            vec![],
            vec![
                ("input", expr("ddt(v(n1)^2)")),
                ("num", vector(&[1.0, 2.0])),
                ("den", vector(&[0.0, 4.0])),
                ("m", n(2.0)),
            ],
            2,
            0,
        ),
        ("vswitch", vec![("vt", 0.1), ("vh", 0.2), ("width", 0.5), ("roff", 1e4)], vec![], 4, 0),
        ("vswitch", vec![("von", 0.5), ("voff", -0.5), ("roff", 1e4)], vec![], 4, 0),
        ("cswitch", vec![("it", 0.1), ("width", 0.5), ("roff", 1e3)], vec![("on", n(1.0))], 2, 1),
        ("tline", vec![], vec![("z0", n(50.0)), ("td", n(1e-9))], 4, 0),
    ];
    let mut seen = std::collections::HashSet::new();
    for (name, model, inst, terminals, refs) in &cases {
        seen.insert(*name);
        for at in [&dc, &tran] {
            jacobian(name, &mut bench(name, model, inst, *terminals, *refs), at, 1.0);
        }
    }
    for name in [
        "resistor",
        "capacitor",
        "inductor",
        "mutual",
        "vsource",
        "isource",
        "vsource_limited",
        "vcvs",
        "vccs",
        "cccs",
        "ccvs",
        "bsource_v",
        "bsource_i",
        "rexpr",
        "cexpr",
        "lexpr",
        "laplace_v",
        "laplace_i",
        "vswitch",
        "cswitch",
        "tline",
    ] {
        assert!(seen.contains(name) && registry::by_name(name).is_some(), "{name}");
    }
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-12 * a.abs().max(b.abs()), "{a:e} {b:e}");
}

#[test]
fn resistance_temperature_geometry_noise() {
    let n = Value::Num;
    let g = |model: &[(&str, f64)], inst: &[(&str, Value)], temp: f64| {
        let mut b = bench("resistor", model, inst, 2, 0);
        b.batch.set_temperature(temp);
        b.eval(&Point::dc(), &[0.0, 1.0, 0.0]).f[1]
    };
    close(g(&[], &[("r", n(2e3)), ("m", n(4.0)), ("scale", n(0.5))], 300.15), 4e-3);
    close(g(&[], &[("r", n(1e3)), ("tc", vector(&[1e-2, 1e-4]))], 310.15), 1e-3 / 1.11);
    close(g(&[], &[("r", n(1e3)), ("tce", n(2.0))], 310.15), 1e-3 / 1.01f64.powi(20));
    close(g(&[("tc1", 1e-2)], &[("r", n(1e3)), ("temp", n(37.0))], 400.0), 1e-3 / 1.1);
    close(g(&[("tc1", 1e-2), ("tnom", 17.0)], &[("r", n(1e3)), ("dtemp", n(5.0))], 300.15), 1e-3 / 1.15);
    close(g(&[("rsh", 100.0), ("narrow", 0.5e-6), ("defw", 3e-6)], &[("l", n(20e-6))], 300.15), 1e-3);
    close(g(&[], &[("r", n(0.0))], 300.15), 1e3);
    assert_eq!(faults("resistor", &[], 0), ["E0440"]);

    let mut b =
        bench("resistor", &[("kf", 1e-12), ("af", 2.0)], &[("r", n(1e3)), ("ac", n(500.0)), ("m", n(2.0))], 2, 0);
    b.batch.set_temperature(350.0);
    let mut out = vec![];
    b.batch.noise(&Point::dc(), &[0.0, 1.0, 0.0], &mut out);
    close(out[0].white, 4.0 * K * 350.0 * 4e-3);
    close(out[1].flicker, 2.0 * 1e-12 * 1e-6);
    assert!(b.batch.set_param(0, resistor::NOISY, 0.0));
    b.batch.set_temperature(350.0);
    out.clear();
    b.batch.noise(&Point::dc(), &[0.0, 1.0, 0.0], &mut out);
    assert!(out.is_empty());
    let y = small_signal(&mut b, 1.0, &[0.0; 3]).0;
    close(y[1 + 3 + 1].re, 4e-3);
}

/// Complex matrix and right-hand side at x.
fn small_signal(b: &mut Bench, omega: f64, x: &[f64]) -> (Vec<Complex64>, Vec<Complex64>) {
    let at = Point::dc();
    let Out { g, c, .. } = b.eval(&at, x);
    let mut y: Vec<Complex64> = g.iter().zip(&c).map(|(g, c)| Complex64::new(*g, omega * c)).collect();
    let mut rhs = vec![Complex64::ZERO; b.n];
    b.batch.ac(&at, x, omega, &mut AcLoad { rhs: &mut rhs, y: &mut y });
    (y, rhs)
}

/// Solves the complex system with extra conductances to ground; ground excluded.
fn solve(b: &Bench, y: &[Complex64], rhs: &[Complex64], load: &[(usize, f64)]) -> Vec<Complex64> {
    let n = b.n - 1;
    let mut a: Vec<Vec<Complex64>> =
        (0..n).map(|r| (0..n).map(|c| y[1 + (r + 1) * b.n + c + 1]).chain([rhs[r + 1]]).collect()).collect();
    for (node, g) in load {
        a[node - 1][node - 1] += g;
    }
    for k in 0..n {
        let p = (k..n).max_by(|i, j| a[*i][k].norm().total_cmp(&a[*j][k].norm())).unwrap();
        a.swap(k, p);
        for r in 0..n {
            if r != k {
                let m = a[r][k] / a[k][k];
                let pivot = a[k].clone();
                for (x, t) in a[r].iter_mut().zip(&pivot).skip(k) {
                    *x -= m * t;
                }
            }
        }
    }
    [Complex64::ZERO].into_iter().chain((0..n).map(|k| a[k][n] / a[k][k])).collect()
}

#[test]
fn reactances_and_initial_conditions() {
    let n = Value::Num;
    let uic = Point { is_uic_start: true, ..Point::tran(0.0) };
    let mut c = bench("capacitor", &[], &[("c", n(2e-9)), ("ic", n(3.0)), ("m", n(2.0))], 2, 0);
    close(c.eval(&uic, &[0.0; 3]).q[1], 12e-9);
    close(c.eval(&Point::dc(), &[0.0, 1.0, 0.5]).q[1], 2e-9);
    let mut ics = vec![];
    c.batch.initial_conditions(&mut ics);
    assert_eq!(ics, [(1, 2, 3.0)]);
    let mut c =
        bench("capacitor", &[("cj", 1e-3), ("cjsw", 1e-9), ("narrow", 1e-6)], &[("l", n(10e-6)), ("w", n(3e-6))], 2, 0);
    close(c.eval(&Point::dc(), &[0.0, 1.0, 0.0]).q[1], 1e-3 * 20e-12 + 2e-9 * 12e-6);
    let mut l = bench("inductor", &[], &[("l", n(2e-3)), ("ic", n(0.5)), ("m", n(2.0)), ("tc1", n(1e-2))], 2, 0);
    l.batch.set_temperature(310.15);
    close(l.eval(&uic, &[0.0; 4]).q[3], 1e-3 * 1.1 * 0.5);
    let wind: Vec<f64> = [1e-3, 4e-3].iter().flat_map(|l| [*l, 1e-2, 0.0, f64::NAN, 0.0, 300.15, f64::NAN]).collect();
    let mut k = bench("mutual", &[], &[("k", n(0.5)), ("windings", vector(&wind))], 0, 2);
    k.batch.set_temperature(310.15);
    close(k.eval(&Point::dc(), &[0.0, 0.0, 1.0]).q[1], 0.5 * 2e-3 * 1.1);
    assert_eq!(faults("mutual", &[("k", n(1.1))], 1), ["E0442", "E0443"]);
    // q at the initial voltage, with the expression in terms of the nodes.
    let mut c = bench("cexpr", &[], &[("q", expr("(v(n1)-v(n2))^3")), ("ic", n(2.0))], 2, 0);
    close(c.eval(&uic, &[0.0, 0.1, 0.2]).q[1], 8.0);
}

#[test]
fn sources_in_op_transient_and_ac() {
    let n = Value::Num;
    let text = |s: &str| Value::Text(s.into());
    let pulse = [("wave", text("pulse")), ("args", vector(&[1.0, 2.0, 1e-7]))];
    let mut v =
        bench("vsource", &[], &[&pulse[..], &[("dc", n(5.0)), ("acmag", n(2.0)), ("acphase", n(90.0))]].concat(), 2, 0);
    let e = |b: &mut Bench, at: Point| -b.eval(&at, &[0.0; 4]).f[3];
    assert_eq!(e(&mut v, Point::dc()), 5.0);
    assert_eq!(e(&mut v, Point { source_scale: 0.5, ..Point::dc() }), 2.5);
    assert_eq!(e(&mut v, Point { is_tran_op: true, ..Point::dc() }), 1.0);
    assert_eq!(e(&mut v, Point::tran(2e-7)), 2.0);
    assert!(v.batch.set_param(0, source::DC, -1.0));
    v.batch.set_temperature(300.0);
    assert_eq!(e(&mut v, Point::dc()), -1.0);
    let rhs = small_signal(&mut v, 1.0, &[0.0; 4]).1;
    assert!((rhs[3] - Complex64::new(0.0, 2.0)).norm() < 1e-15);
    let mut i = bench("isource", &[], &[&pulse[..], &[("acmag", n(1.0)), ("m", n(3.0))]].concat(), 2, 0);
    assert_eq!(i.eval(&Point::dc(), &[0.0; 3]).f[1..], [3.0, -3.0]);
    assert_eq!(small_signal(&mut i, 1.0, &[0.0; 3]).1[1].re, -3.0);
    assert_eq!(faults("isource", &[("compliance", n(1.0))], 0), ["E0452"]);
    assert_eq!(faults("vsource", &[("wave", text("plse"))], 0), ["E0444"]);
    assert_eq!(faults("vsource", &[("wave", text("pwl")), ("args", vector(&[0.0, 1.0, 0.0, 2.0]))], 0), ["E0446"]);
    assert_eq!(faults("vsource", &[("wave", text("pat")), ("args", vector(&[1.0]))], 0), ["E0445"; 3]);
}

/// Newton on source + resistor to ground.
#[test]
fn compliance_limits_and_converges() {
    for (e, r, icomp) in [(1.0, 1e3, 1e-4), (1.0, 1e6, 1e-4), (-3.0, 10.0, 1e-3), (0.5, 1.0, 1e-6), (1e-3, 1e9, 1e-3)] {
        let mut b = bench("vsource_limited", &[], &[("dc", Value::Num(e)), ("compliance", Value::Num(icomp))], 2, 0);
        // Node 2 is ground in effect: it is held by a large conductance.
        let mut x = vec![0.0; 4];
        let mut steps = 0;
        loop {
            steps += 1;
            assert!(steps < 30, "{e} {r} {icomp}");
            let at = Point { is_first_iteration: steps == 1, ..Point::dc() };
            let mut mem = IterMem::new(&mut b.iter);
            let (mut f, mut q, mut g, mut c) = (vec![0.0; 4], vec![0.0; 4], vec![0.0; 21], vec![0.0; 21]);
            b.batch.eval(&at, &x, &mut mem, &mut Load { f: &mut f, q: &mut q, g: &mut g, c: &mut c });
            let limited = mem.limited;
            f[1] += x[1] / r;
            f[2] += x[2] * 1e12;
            let y: Vec<Complex64> = g.iter().map(|g| (*g).into()).collect();
            let rhs: Vec<Complex64> = f.iter().map(|f| (-f).into()).collect();
            let dx = solve(&b, &y, &rhs, &[(1, 1.0 / r), (2, 1e12)]);
            let size = (1..4).map(|k| dx[k].norm() / (1e-9 + x[k].abs())).fold(0.0, f64::max);
            for k in 1..4 {
                x[k] += dx[k].re;
            }
            if size < 1e-6 && !limited {
                break;
            }
        }
        let ideal = (e / r).clamp(-icomp, icomp);
        assert!((x[3] + ideal).abs() < 1e-3 * icomp, "{e} {r} {icomp}: {}", x[3]);
        assert!(x[3].abs() <= icomp);
    }
}

#[test]
fn transfer_functions_in_ac_and_from_text() {
    let h = |text: &str| laplace::rational(&read(text), &mut Nodes);
    assert_eq!(h("1/(1+s*tau)"), Ok((vec![1.0], vec![1.0, 1e-6])));
    assert_eq!(h("(s^2-4)/((s+1)*(s+2)**2)"), Ok((vec![-4.0, 0.0, 1.0], vec![4.0, 8.0, 5.0, 1.0])));
    assert_eq!(h("1/s+1"), Ok((vec![1.0, 1.0], vec![0.0, 1.0])));
    assert_eq!(h("2/(1/s)"), Ok((vec![0.0, 2.0], vec![1.0])));
    for bad in ["exp(-s*tau)", "sqrt(s)", "s^0.5", "2^s", "s<1", "1/(s-s)"] {
        assert_eq!(h(bad).unwrap_err()[0].code.0, "E0447", "{bad}");
    }
    let improper = [("input", expr("v(n2)")), ("num", vector(&[0.0, 1.0])), ("den", vector(&[1.0]))];
    assert_eq!(faults("laplace_v", &improper, 0), ["E0448"]);

    let (num, den) = ([3.0, 2e-7, 1e-13], [1.0, 1e-6, 4e-13, 1e-20]);
    for name in ["laplace_v", "laplace_i"] {
        let mut b = bench(name, &[], &[("input", expr("v(n2)")), ("num", vector(&num)), ("den", vector(&den))], 2, 0);
        for f in [0.0, 1e3, 2e5, 1e7, 1e9] {
            let w = std::f64::consts::TAU * f;
            let x = vec![0.0; b.n];
            let (y, mut rhs) = small_signal(&mut b, w, &x);
            rhs[2] += Complex64::ONE * 1e12;
            let v = solve(&b, &y, &rhs, &[(1, 1.0), (2, 1e12)]);
            let poly = |p: &[f64]| p.iter().rev().fold(Complex64::ZERO, |a, c| a * Complex64::new(0.0, w) + c);
            let expected = poly(&num) / poly(&den);
            // v(n1) - v(n2) = H u for the voltage source; i from n1 = H u into 1 Ω for the current source.
            let got = if name == "laplace_v" { v[1] - v[2] } else { -v[1] };
            assert!((got - expected).norm() < 1e-9 * expected.norm(), "{name} {f:e}: {got} {expected}");
        }
    }
    // hertz in an expression is exact in AC.
    let mut b = bench("bsource_i", &[], &[("i", expr("v(n1)*(1+hertz)"))], 2, 0);
    let y = small_signal(&mut b, std::f64::consts::TAU * 9.0, &[0.0; 3]).0;
    close(y[1 + 3 + 1].re, 10.0);
}

#[test]
fn switch_hysteresis_and_step_bound() {
    let model = [("vt", 1.0), ("vh", 0.5), ("ron", 1.0), ("roff", 1e6)];
    let mut s = bench("vswitch", &model, &[], 4, 0);
    let g = |s: &mut Bench, vc: f64| s.eval(&Point::dc(), &[0.0, 1.0, 0.0, vc, 0.0]).f[1];
    let accept = |s: &mut Bench, t: f64, vc: f64| s.batch.accept(&Point::tran(t), &[0.0, 1.0, 0.0, vc, 0.0]);
    close(g(&mut s, 1.2), 1e-6);
    assert!(!accept(&mut s, 0.0, 1.2).discontinuity);
    let w = accept(&mut s, 1e-6, 1.4);
    // The passage reaches 0.5 mV to either side of 1.5 V; the step should end an eighth of it inside.
    let inside = (0.1 - 0.75 * 0.5e-3) / 0.2;
    assert!((w.max_step - inside * 1e-6).abs() < 1e-12 && !w.discontinuity);
    let crossing = |s: &Bench, v0: f64, v1: f64| {
        let x = |v| [0.0, 1.0, 0.0, v, 0.0];
        s.batch.crossing(&Point::tran(1e-6), &x(v0), &Point::tran(2e-6), &x(v1))
    };
    assert!(crossing(&s, 1.4, 1.6).is_some_and(|t| (t - 1e-6 * (1.0 + inside)).abs() < 1e-12));
    assert_eq!(crossing(&s, 1.4, 1.49), None);
    assert_eq!(crossing(&s, 1.4, 1.4996), None);
    assert_eq!(crossing(&s, 1.0, 0.4), None);
    close(g(&mut s, 1.6), 1.0);
    assert!(accept(&mut s, 2e-6, 1.6).discontinuity);
    close(g(&mut s, 1.2), 1.0);
    accept(&mut s, 3e-6, 0.6);
    close(g(&mut s, 0.6), 1.0);
    assert!(accept(&mut s, 4e-6, 0.4).discontinuity);
    close(g(&mut s, 0.6), 1e-6);
    let mut on = bench("vswitch", &model, &[("on", Value::Num(1.0))], 4, 0);
    close(g(&mut on, 1.0), 1.0);
    let mut smooth = bench("vswitch", &[("von", 1.0), ("voff", 0.0), ("roff", 1e4)], &[], 4, 0);
    close(g(&mut smooth, 0.5), 1e-2);
}

/// Matched source into an open line: the far end doubles the incident wave after one delay.
#[test]
fn line_delays_interpolates_and_echoes() {
    let mut b = bench("tline", &[], &[("z0", Value::Num(50.0)), ("td", Value::Num(1e-9))], 4, 0);
    let x = |v1: f64, i1: f64| [0.0, v1, 0.0, 0.0, 0.0, i1, 0.0];
    // A sine of 100 MHz sent from port 1 from time 0 on, sampled at uneven times.
    let wave = |t: f64| (std::f64::consts::TAU * 1e8 * t).sin();
    let mut t = 0.0;
    let first = b.batch.accept(&Point { is_tran_op: true, ..Point::dc() }, &x(0.0, 0.0));
    close(first.max_step, 1e-9);
    for k in 0..200 {
        t += if k % 3 == 0 { 2e-11 } else { 5e-11 };
        b.batch.accept(&Point::tran(t), &x(0.5 * wave(t), 0.01 * wave(t)));
        let ahead = t + 3.1e-11;
        let e2 = -b.eval(&Point::tran(ahead), &[0.0; 7]).f[6];
        let exact = if ahead > 1e-9 { wave(ahead - 1e-9) } else { 0.0 };
        assert!((e2 - exact).abs() < 1e-4, "{ahead:e}: {e2} {exact}");
    }
    // A corner in the wave comes out as a break one delay later.
    let mut b = bench("tline", &[], &[("z0", Value::Num(50.0)), ("td", Value::Num(1e-9))], 4, 0);
    b.batch.accept(&Point { is_tran_op: true, ..Point::dc() }, &x(0.0, 0.0));
    for t in [1e-10, 2e-10, 3e-10] {
        b.batch.accept(&Point::tran(t), &x(0.0, 0.0));
    }
    let w = b.batch.accept(&Point::tran(3.1e-10), &x(0.5, 0.01));
    close(w.next_break, 1.3e-9);
    // AC: e^{-jwt}.
    let w = std::f64::consts::TAU * 1.3e8;
    let mut b = bench("tline", &[], &[("z0", Value::Num(50.0)), ("td", Value::Num(1e-9))], 4, 0);
    let (y, mut rhs) = small_signal(&mut b, w, &[0.0; 7]);
    rhs[1] += 0.02;
    let v = solve(&b, &y, &rhs, &[(1, 0.02), (2, 1e12), (3, 0.02), (4, 1e12)]);
    assert!((v[3] - 0.5 * Complex64::from_polar(1.0, -w * 1e-9)).norm() < 1e-9);
    assert_eq!(faults("tline", &[("z0", Value::Num(50.0))], 0), ["E0449"]);
}

/// m devices are m devices: currents, charges, slopes and every noise source are those of one, m times.
#[test]
fn parallel_devices_add_up() {
    type Case<'a> = (&'a str, Vec<(&'a str, f64)>, usize, [f64; 5]);
    let noisy = |more: &[(&'static str, f64)]| [&[("kf", 1e-14), ("af", 1.3)][..], more].concat();
    let mos = noisy(&[("vto", 0.7), ("tox", 2e-8), ("cgso", 1e-10), ("cbd", 1e-14), ("is", 1e-14)]);
    let cases: Vec<Case> = vec![
        ("diode", noisy(&[("is", 1e-14), ("cjo", 1e-12), ("tt", 1e-9)]), 2, [0.0, 0.6, 0.0, 0.0, 0.0]),
        ("bjt", noisy(&[("is", 1e-16), ("cje", 1e-12), ("ikf", 1e-2), ("cjs", 1e-13)]), 4, [0.0, 2.0, 0.7, 0.0, -1.0]),
        ("jfet", noisy(&[("cgs", 1e-12)]), 3, [0.0, 3.0, -0.5, 0.0, 0.0]),
        ("mesfet", noisy(&[("cgs", 1e-12)]), 3, [0.0, 3.0, -0.5, 0.0, 0.0]),
        ("mos1", mos.clone(), 4, [0.0, 3.0, 2.0, 0.0, -1.0]),
        ("mos2", mos.clone(), 4, [0.0, 3.0, 2.0, 0.0, -1.0]),
        ("mos3", mos, 4, [0.0, 3.0, 2.0, 0.0, -1.0]),
    ];
    for (name, model, terminals, x) in &cases {
        let at = Point { gmin: 0.0, ..Point::dc() };
        let of = |m: f64| {
            let mut b = bench(name, model, &[("m", Value::Num(m))], *terminals, 0);
            let x = &x[..b.n];
            let out = b.eval(&at, x);
            let mut noise = vec![];
            b.batch.noise(&at, x, &mut noise);
            (out, noise)
        };
        let ((one, n1), (three, n3)) = (of(1.0), of(3.0));
        let same = |a: f64, b: f64| (3.0 * a - b).abs() <= 1e-9 * b.abs() + 1e-30;
        for (a, b) in [(&one.f, &three.f), (&one.q, &three.q), (&one.g, &three.g), (&one.c, &three.c)] {
            assert!(a.iter().zip(b).all(|(a, b)| same(*a, *b)), "{name}: {a:?} {b:?}");
        }
        assert!(n1.iter().any(|s| s.flicker > 0.0), "{name}");
        for (a, b) in n1.iter().zip(&n3) {
            assert!(same(a.white, b.white) && same(a.flicker, b.flicker), "{name} {}: {a:?} {b:?}", a.name);
        }
    }
}
