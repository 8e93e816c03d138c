//! Every form of `.meas` against closed forms; the table of ngspice for a driven RC low pass.

use num_complex::Complex64;
use proptest::prelude::*;

use super::*;
use crate::dataset::{Quantity, Schema, Signal, Sink};
use crate::diag::codes::results::{MEASURE_FUNCTION, UNKNOWN_SIGNAL};

fn table(kind: PlotKind, signals: &[(&str, Quantity)], rows: impl IntoIterator<Item = Vec<f64>>) -> Table {
    let mut t = Table::default();
    let signals = signals.iter().map(|(n, q)| Signal::new(*n, *q)).collect();
    t.begin(&Schema { kind, has_axis: kind != PlotKind::Op, is_complex: false, signals });
    rows.into_iter().for_each(|r| t.point(&r));
    t
}

/// A trapezoidal pulse train: low 0, high 1, delay 1, rise 1, width 10, fall 1, period 20 (µs), three periods; and a
/// triangle of a fixed slope.
fn pulses() -> Table {
    let corners = [(0.0, 0.0), (1.0, 0.0), (2.0, 1.0), (12.0, 1.0), (13.0, 0.0)];
    let rows = (0..3).flat_map(|p| {
        corners.iter().map(move |(t, y)| {
            let t = (t + 20.0 * f64::from(p)) * 1e-6;
            vec![t, *y, 1e5 * t, -1e-3 * y]
        })
    });
    let end = [vec![60e-6, 0.0, 6.0, 0.0]];
    let q = [
        ("time", Quantity::Time),
        ("v(in)", Quantity::Voltage),
        ("v(ramp)", Quantity::Voltage),
        ("i(v1)", Quantity::Current),
    ];
    table(PlotKind::Tran, &q, rows.chain(end))
}

fn meas(t: &Table, text: &str) -> (Measurement, Vec<Diagnostic>) {
    let (m, d) = run(&[Card { analysis: t.schema.kind.word(), name: "x", text, span: Span::NOWHERE }], &[t], &|n| {
        (n == "vdd").then_some(1.0)
    });
    (m[0].clone(), d)
}

fn value(t: &Table, text: &str) -> f64 {
    let (m, d) = meas(t, text);
    assert!(d.is_empty(), "{text}: {d:?}");
    m.value
}

#[track_caller]
fn near(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-12 * b.abs().max(1e-6), "{a} is not {b}");
}

#[test]
fn events() {
    let t = pulses();
    near(value(&t, "trig v(in) val=0.5 rise=1 targ v(in) val=0.5 fall=1"), 11e-6);
    near(value(&t, "TRIG V(IN)=0.5 RISE=2 TARG V(IN)=0.25 FALL=LAST"), 52.75e-6 - 21.5e-6);
    near(value(&t, "trig at=5u targ v(in) val='vdd/2' cross=2"), 7.5e-6);
    near(value(&t, "trig v(in) val=0.5 td=15u rise=1 targ v(in) val={0.5} rise=1"), 1.5e-6 - 21.5e-6);
    near(value(&t, "when v(in)=0.5 cross=last"), 52.5e-6);
    near(value(&t, "when v(in)=0.5 from=15u to=40u cross=2"), 32.5e-6);
    near(value(&t, "when v(in) = v(ramp) td=3u"), 10e-6);
    near(value(&t, "when v(in)-v(ramp) = 0 td = 3u fall = 1"), 10e-6);
    near(value(&t, "when par('v(in)*2')=1 rise=3"), 41.5e-6);
    // Reaching a level is a crossing of it.
    near(value(&t, "when v(in)=1 rise=1"), 2e-6);
    near(value(&t, "when v(in)=0 fall=1"), 13e-6);
}

#[test]
fn values() {
    let t = pulses();
    near(value(&t, "find v(in) at=1.25u"), 0.25);
    near(value(&t, "find V(ramp)*I(v1) AT 12.5u"), -0.6e-3);
    near(value(&t, "find v(ramp) when v(in)=0.5 fall=2"), 3.25);
    near(value(&t, "find v(in,ramp) at=10u"), 0.0);
    near(value(&t, "find 'v(in) + vdd' at=5u"), 2.0);
    near(value(&t, "deriv v(ramp) at=5u"), 1e5);
    near(value(&t, "deriv v(ramp) when v(in)=0.3"), 1e5);
    near(value(&t, "find deriv(v(ramp)) at=5u"), 1e5);
    near(value(&t, "find integ(v(in)) at=20u"), 11e-6);
}

#[test]
fn intervals() {
    let t = pulses();
    near(value(&t, "max v(in)"), 1.0);
    near(value(&t, "max v(ramp) from=1u to=3.3u"), 0.33);
    near(value(&t, "min v(ramp) from=1.1u"), 0.11);
    near(value(&t, "pp v(ramp) from=1.1u to=2.1u"), 0.1);
    near(value(&t, "min_at v(in) from=13u to=40u"), 13e-6);
    near(value(&t, "max_at v(in) from=5u to=30u"), 5e-6);
    near(value(&t, "integ v(in)"), 33e-6);
    near(value(&t, "avg v(in) from=0 to=20u"), 0.55);
    // ∫ of two ramps is 1/3 each.
    near(value(&t, "rms v(in) from=0 to=20u"), ((10.0 + 2.0 / 3.0) / 20.0f64).sqrt());
    // Fractional ends: from the middle of the rise.
    near(value(&t, "integ v(in) from=1.5u to=2u"), 0.5 * (0.5 + 1.0) * 0.5e-6);
    near(value(&t, "avg v(in) trig v(in)=0.5 rise=1 targ v(in)=1 rise=1"), 0.75);
    near(value(&t, "integ v(in) td=40u"), 11e-6);
    let (m, _) = meas(&t, "integ v(in)*i(v1) from=1u to=2u");
    assert_eq!((m.unit.as_str(), m.tails.as_slice()), ("J", &[("from", 1e-6), ("to", 2e-6)][..]));
    assert_eq!(meas(&t, "deriv v(in) at=5u").0.unit, "V/s");
}

#[test]
fn tables_of_expressions() {
    let t = pulses();
    let e = |s: &str| (s.to_string(), crate::expr::parse(s, &|_, _| Span::NOWHERE).unwrap());
    let d = table_of(&t, &[e("v(in)*i(v1)"), e("v(in,ramp)")], None, &no_names).unwrap();
    let units: Vec<&str> = d.schema.signals.iter().map(|s| s.quantity.unit()).collect();
    assert_eq!(units, ["s", "W", "V"]);
    let xy = table_of(&t, &[e("i(v1)")], Some(&e("v(in)")), &no_names).unwrap();
    assert_eq!(xy.axis(), t.column("v(in)"));
    assert_eq!(table_of(&t, &[e("v(q)"), e("i(q)")], None, &no_names).unwrap_err().len(), 2);
}

#[test]
fn earlier_measures_feed_later_ones() {
    let t = pulses();
    let card = |name, text| Card { analysis: "tran", name, text, span: Span::NOWHERE };
    let cards = [
        card("VMAX", "max v(ramp)"),
        card("t1", "when v(in)=0.5 rise=2"),
        card("a", "param='vmax*2+t1'"),
        card("b", "param = vmax_at + k"),
        card("c", "find v(ramp) at=t1"),
    ];
    let (m, d) = run(&cards, &[&t], &|n| (n == "k").then_some(1.0));
    assert!(d.is_empty(), "{d:?}");
    near(m[2].value, 12.0 + 21.5e-6);
    near(m[3].value, 1.0 + 60e-6);
    near(m[4].value, 2.15);
    let text = print::ngspice(&m, 6);
    assert!(
        text.starts_with(
            "\n  Measurements for Transient Analysis\n\nvmax                =  6.000000e+00 at=  6.000000e-05\n"
        ),
        "{text}"
    );
    assert!(print::ltspice(&m).starts_with("vmax: max=6 AT 0.00006\n"), "{}", print::ltspice(&m));
    assert!(print::ltspice_stepped(&[m.clone(), m]).starts_with("Measurement: vmax\n  step\tmax\tAT\n     1\t6\t"));
}

#[test]
fn small_signal() {
    let mut t = Table::default();
    let signals = vec![Signal::new("frequency", Quantity::Frequency), Signal::new("v(out)", Quantity::Voltage)];
    t.begin(&Schema { kind: PlotKind::Ac, has_axis: true, is_complex: true, signals });
    for k in 0..=600 {
        let f = 10f64.powf(f64::from(k) / 100.0);
        t.point_complex(&[f.into(), 1.0 / Complex64::new(1.0, f / 1e3)]);
    }
    assert!((value(&t, "when vdb(out)=-3.0103 fall=1") - 1e3).abs() < 0.5);
    near(value(&t, "find vp(out) at=1k"), -std::f64::consts::FRAC_PI_4);
    near(value(&t, "find vm(out) at=1k"), 0.5f64.sqrt());
    near(value(&t, "find vr(out) at=1k"), 0.5);
    near(value(&t, "find vi(out) at=1k"), -0.5);
    near(value(&t, "find 'deg(ph(v(out)))' at=1k"), -45.0);
    near(value(&t, "find 'mag(v(out)*v(out))' at=1k"), 0.5);
    near(value(&t, "max vm(out)"), t.columns[1].at(0).norm());
    near(value(&t, "find v(out) at=1k"), 0.5);
}

#[test]
fn operating_points_and_checks() {
    let q = [("v(a)", Quantity::Voltage), ("@m1[gm]", Quantity::Other("S"))];
    let op = table(PlotKind::Op, &q, [vec![2.5, 1e-3]]);
    near(value(&op, "find v(a)"), 2.5);
    let t = pulses();
    let check = |text: &str| {
        let e = crate::expr::parse(text, &|_, _| Span::NOWHERE).unwrap();
        eval_scalar(&e, &|n| (n == "m").then_some(4.0), &[&t, &op]).unwrap()
    };
    near(check("v(a) * m"), 10.0);
    near(check("max(v(ramp)) + v(a)"), 8.5);
    near(check("max(m, 7)"), 7.0);
    near(check("final(v(ramp))"), 6.0);
    near(check("at(v(ramp), 5u)"), 0.5);
    near(check("avg(v(in))"), 0.55);
    near(check("@m1[gm]*1k"), 1.0);
    near(check("v(ramp)"), 6.0);
}

#[test]
fn failures_say_what_was_not_found() {
    let t = pulses();
    let fault = |text: &str| {
        let (m, d) = meas(&t, text);
        assert!(m.is_failed() && !d.is_empty(), "{text}");
        d[0].clone()
    };
    let d = fault("when v(in)=5");
    assert!(
        d.code == MEASURE_FAILED && d.message.contains("never") && d.message.contains("0 V to 1 V"),
        "{}",
        d.message
    );
    assert!(fault("when v(in)=0.5 rise=4").message.contains("only 3 times"));
    assert!(fault("find v(in) at=1").message.contains("outside"));
    assert!(fault("max v(in) from=1 to=2").message.contains("60 µs"));
    let d = fault("find v(im) at=1u");
    assert!(d.code == UNKNOWN_SIGNAL && d.help[0].contains("v(in)"), "{d:?}");
    assert_eq!(fault("find foo(v(in)) at=1u").code, MEASURE_FUNCTION);
    assert!(fault("maxx v(in)").help[0].contains("max"));
    for text in [
        "",
        "trig v(in) val=1",
        "when v(in)",
        "find",
        "max v(in) from=",
        "when v(in)=1 rise=0",
        "max v(in) from=1u bla",
        "find v(in) at=1u rise=x",
    ] {
        assert_eq!(fault(text).code, MEASURE_SYNTAX, "{text}");
    }
    let (m, d) = run(&[Card { analysis: "ac", name: "x", text: "max v(in)", span: Span::NOWHERE }], &[&t], &no_names);
    assert!(m[0].is_failed() && d[0].code == EMPTY_TABLE);
}

#[test]
fn fourier_of_the_pulse_is_ngspices() {
    // ngspice 39, `.four 50k v(in)` of PULSE(0 1 1u 1u 1u 10u 20u) over 60 µs.
    let t = pulses();
    let e = crate::expr::parse("v(in)", &|_, _| Span::NOWHERE).unwrap();
    let f = fourier(&t, &e, "v(in)", 50e3, &no_names, Span::NOWHERE).unwrap();
    let want = [(0.55, 0.0), (0.626251, -36.0), (0.096785, 18.0), (0.182292, -108.0), (0.0876293, -54.0)];
    for (h, (m, p)) in f.harmonics.iter().zip(want) {
        assert!((h.magnitude - m).abs() < 1e-6 && (h.phase - p).abs() < 1e-3, "{h:?}");
    }
    assert!((f.thd - 41.2829).abs() < 1e-4);
    let text = f.print();
    assert!(text.contains(" 1       50000       0.626251    -36         1           0          \n"), "{text}");
    assert!(fourier(&t, &e, "v(in)", 1e3, &no_names, Span::NOWHERE).is_err());
}

#[test]
fn transforms() {
    for n in [1, 2, 8, 12, 17, 64] {
        let x: Vec<Complex64> = (0..n).map(|k| Complex64::new((k * k % 7) as f64, k as f64 * 0.3)).collect();
        for (m, z) in wave::fft(&x).into_iter().enumerate() {
            let turn = |k: usize| Complex64::from_polar(1.0, -std::f64::consts::TAU * (m * k) as f64 / n as f64);
            let sum: Complex64 = x.iter().enumerate().map(|(k, v)| v * turn(k)).sum();
            assert!((z - sum).norm() < 1e-9, "{n} {m}");
        }
    }
    let t: Vec<f64> = (0..=1000).map(|k| f64::from(k) * 1e-3).collect();
    let y: Vec<f64> = t.iter().map(|t| 0.5 + 2.0 * (std::f64::consts::TAU * 10.0 * t).sin()).collect();
    let s = wave::spectrum(&t, &y, 0.0, 1.0, 1000);
    assert!((s[10].1.norm() - 2.0).abs() < 1e-9 && (s[0].1.re - 0.5).abs() < 1e-9 && s[11].1.norm() < 1e-9);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_text_never_panics(text in "(trig|targ|find|when|max|avg|at|from|to|td|val|rise|=|[ ]|v\\(in\\)|v\\(|\\)|'|\\{|\\}|1u|last|cross|param|par|é|0.5|-|\\*|db|[a-z]){0,14}") {
        let _ = meas(&pulses(), &text);
    }

    #[test]
    fn any_text_never_panics(text in any::<String>()) {
        let _ = meas(&pulses(), &text);
    }

    #[test]
    fn integral_is_additive_and_shift_is_linear(ys in prop::collection::vec(-1e3f64..1e3, 2..20), cut in 0.0f64..1.0, c in -10f64..10.0) {
        let xs: Vec<f64> = (0..ys.len()).map(|k| k as f64 * 0.7 + (k % 3) as f64 * 0.1).collect();
        let end = xs[xs.len() - 1];
        let part = |a: f64, b: f64| { let (x, y) = wave::window(&xs, &ys, a, b); wave::integral(&x, &y) };
        let whole = wave::integral(&xs, &ys);
        prop_assert!((part(0.0, cut * end) + part(cut * end, end) - whole).abs() < 1e-8);
        let shifted: Vec<f64> = ys.iter().map(|y| y + c).collect();
        prop_assert!((wave::average(&xs, &shifted) - wave::average(&xs, &ys) - c).abs() < 1e-9);
        prop_assert!(wave::rms(&xs, &ys) + 1e-9 >= wave::average(&xs, &ys).abs());
        // Every crossing lies on the line.
        for t in wave::crossings(&xs, &ys, wave::Edge::Either) {
            prop_assert!(crate::dataset::interp::linear(&xs, &ys, t).abs() < 1e-7);
        }
    }
}
