//! Figures of every kind, drawn; `PLOT_DIR=folder` keeps the pictures to look at.

use num_complex::Complex64;
use proptest::prelude::*;

use super::*;
use crate::dataset::{Meta, PlotKind, Quantity, Schema, Signal, Sink, Table};
use crate::diag::codes::results::{LOG_OF_NEGATIVE, NOTHING_TO_PLOT, UNKNOWN_SIGNAL};

fn table(kind: PlotKind, signals: &[(&str, Quantity)], rows: impl IntoIterator<Item = Vec<Complex64>>) -> Table {
    let mut t = Table::default();
    let signals = signals.iter().map(|(n, q)| Signal::new(*n, *q)).collect();
    t.begin(&Schema { kind, has_axis: true, is_complex: kind == PlotKind::Ac, signals });
    for r in rows {
        if kind == PlotKind::Ac { t.point_complex(&r) } else { t.point(&r.iter().map(|z| z.re).collect::<Vec<_>>()) }
    }
    t.meta = Meta {
        title: "* test figure, a title that says what is seen".into(),
        seed: 1,
        deck_hash: "0123456789abcdef".into(),
        ..Meta::default()
    };
    t
}

fn reals(r: &[f64]) -> Vec<Complex64> {
    r.iter().map(|x| (*x).into()).collect()
}

fn show(name: &str, f: &Figure) -> String {
    let svg = f.svg().unwrap();
    let png = f.png(1.5).unwrap();
    assert!(svg.starts_with("<svg width=\"") && svg.trim_end().ends_with("</svg>") && !svg.contains("NaN"));
    assert!(png.starts_with(b"\x89PNG"));
    if let Ok(dir) = std::env::var("PLOT_DIR") {
        std::fs::write(format!("{dir}/{name}.svg"), &svg).unwrap();
        std::fs::write(format!("{dir}/{name}.png"), &png).unwrap();
    }
    svg
}

fn transient() -> Table {
    let rows = (0..=4000).map(|k| {
        let t = f64::from(k) * 15e-9;
        let s = (t / 20e-6).fract();
        let v = if s < 0.5 { 1.8 } else { 0.0 };
        let out = if s < 0.5 { 1.8 * (1.0 - (-s * 20.0).exp()) } else { 1.8 * (-(s - 0.5) * 20.0).exp() };
        reals(&[t, v, out, (v - out) * -1e-3])
    });
    let q = [
        ("time", Quantity::Time),
        ("v(in)", Quantity::Voltage),
        ("v(out)", Quantity::Voltage),
        ("i(v1)", Quantity::Current),
    ];
    table(PlotKind::Tran, &q, rows)
}

#[test]
fn transient_panes_by_unit() {
    let t = transient();
    let (f, w) = auto(&[&t], &Options::default()).unwrap();
    assert!(w.is_empty());
    assert_eq!(f.panes.len(), 2);
    let svg = show("tran", &f);
    for text in ["time (µs)", "voltage (V)", "current (mA)", "v(out)", "i(v1)"] {
        assert!(svg.contains(text), "{text}");
    }
}

#[test]
fn hysteresis_in_the_plane() {
    let rows = (0..=4000).map(|k| {
        let p = std::f64::consts::TAU * f64::from(k) / 2000.0;
        let v = 1.2 * p.sin();
        let g = 5e-5 * (1.0 + 0.8 * (-(p.cos())).tanh());
        reals(&[f64::from(k) * 1e-6, v, g * v])
    });
    let q = [("time", Quantity::Time), ("v(te,be)", Quantity::Voltage), ("i(xm)", Quantity::Current)];
    let t = table(PlotKind::Tran, &q, rows);
    let o = Options { x: Some("v(te, be)".into()), signals: vec!["i(xm)".into()], ..Options::default() };
    let svg = show("loop", &auto(&[&t], &o).unwrap().0);
    assert!(svg.contains("v(te,be) (V)") && svg.contains("current (µA)"));
    let o = Options { log_y: Some(true), ..o };
    let (f, w) = auto(&[&t], &o).unwrap();
    assert_eq!(w[0].code, LOG_OF_NEGATIVE);
    show("loop_log", &f);
}

#[test]
fn bode_and_noise() {
    let rows = (0..=400).map(|k| {
        let f = 10f64.powf(f64::from(k) / 50.0);
        let one = |fc: f64| 1.0 / Complex64::new(1.0, f / fc);
        vec![f.into(), 1e5 * one(10.0) * one(1e6) * one(5e6), 1.0 * one(1e4)]
    });
    let q = [("frequency", Quantity::Frequency), ("v(out)", Quantity::Voltage), ("v(mid)", Quantity::Voltage)];
    let t = table(PlotKind::Ac, &q, rows);
    let (f, _) = auto(&[&t], &Options::default()).unwrap();
    assert!(f.panes[1].traces[0].y.iter().all(|p| *p > -271.0 && *p < 1.0), "unwrapped");
    let svg = show("bode", &f);
    for text in ["magnitude (dB)", "phase (°)", "frequency (Hz)", ">100k<", "−90"] {
        assert!(svg.replace('\n', "").contains(text), "{text}");
    }
    let rows = (0..=300).map(|k| {
        let f = 10f64.powf(f64::from(k) / 50.0);
        reals(&[f, 4e-9 * (1.0 + 1e3 / f).sqrt(), 4e-7 * (1.0 + 1e3 / f).sqrt() / (1.0 + f / 1e4)])
    });
    let d = Quantity::Other("V/√Hz");
    let q = [("frequency", Quantity::Frequency), ("inoise_spectrum", d), ("onoise_spectrum", d)];
    let (f, _) = auto(&[&table(PlotKind::NoiseDensity, &q, rows)], &Options::default()).unwrap();
    assert!(f.x.is_log && f.panes[0].y.is_log);
    show("noise", &f);
}

#[test]
fn families_of_steps() {
    let steps: Vec<Table> = (0..7)
        .map(|n| {
            let r = 1e3 * 1.7f64.powi(n);
            let rows = (0..200).map(|k| {
                let t = f64::from(k) * 1e-7;
                reals(&[t, 1.0 - (-t / (r * 1e-9)).exp()])
            });
            let mut t = table(PlotKind::Tran, &[("time", Quantity::Time), ("v(out)", Quantity::Voltage)], rows);
            t.meta.sweep = vec![("r".into(), r)];
            t
        })
        .collect();
    let tables: Vec<&Table> = steps.iter().collect();
    let svg = show("family", &auto(&tables, &Options::default()).unwrap().0);
    assert!(svg.contains("r = 1k") && svg.contains("r = 24.14k"));
}

#[test]
fn nested_dc_and_many_panes() {
    let rows = (0..5).flat_map(|g| {
        (0..=50).map(move |k| {
            let (vgs, v) = (f64::from(g) * 0.4 + 0.6, f64::from(k) * 0.05);
            let over: f64 = vgs - 0.5;
            let i = if v < over { (over - 0.5 * v) * v } else { 0.5 * over * over } * 2e-4 * (1.0 + 0.05 * v);
            reals(&[v, i, v, i * v, 25.0 + 1e3 * i, i / (v + 0.1)])
        })
    });
    let q = [
        ("v-sweep", Quantity::Voltage),
        ("i(vd)", Quantity::Current),
        ("v(d)", Quantity::Voltage),
        ("p(m1)", Quantity::Power),
        ("temp(m1)", Quantity::Temperature),
        ("@m1[gds]", Quantity::Other("S")),
    ];
    let t = table(PlotKind::Dc, &q, rows);
    let o = Options { signals: vec!["i(vd)".into()], mark: Mark::Both, ..Options::default() };
    show("dc", &auto(&[&t], &o).unwrap().0);
    let all = ["i(vd)", "v(d)", "p(m1)", "temp(m1)", "@m1[gds]"].map(String::from).to_vec();
    show("panes", &auto(&[&t], &Options { signals: all, ..Options::default() }).unwrap().0);
}

#[test]
fn faults() {
    let t = transient();
    let e = auto(&[&t], &Options { signals: vec!["v(ot)".into()], ..Options::default() }).unwrap_err();
    assert!(e[0].code == UNKNOWN_SIGNAL && e[0].help[0].contains("v(out)"));
    assert_eq!(auto(&[], &Options::default()).unwrap_err()[0].code, NOTHING_TO_PLOT);
    let nan =
        table(PlotKind::Tran, &[("time", Quantity::Time), ("v(a)", Quantity::Voltage)], [reals(&[0.0, f64::NAN])]);
    let (f, _) = auto(&[&nan], &Options::default()).unwrap();
    assert_eq!(f.svg().unwrap_err().code, NOTHING_TO_PLOT);
    let (mut f, _) = auto(&[&t], &Options::default()).unwrap();
    f.height = 60;
    assert!(f.svg().is_err());
    (f.width, f.height) = (0, 0);
    assert!(f.svg().is_err() && f.png(2.0).is_err());
    assert!(f.encode("gif").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_numbers_can_be_drawn(rows in prop::collection::vec((any::<f64>(), any::<f64>()), 1..30), log_x in any::<bool>(), log_y in any::<bool>()) {
        let t = table(PlotKind::Tran, &[("time", Quantity::Time), ("v(a)", Quantity::Voltage)], rows.iter().map(|r| reals(&[r.0, r.1])));
        let o = Options { log_x: Some(log_x), log_y: Some(log_y), ..Options::default() };
        if let Ok((f, _)) = auto(&[&t], &o) {
            let _ = f.svg();
        }
    }
}
