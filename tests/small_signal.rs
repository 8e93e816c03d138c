//! Frequency-domain analyses against closed forms.

use std::f64::consts::TAU;

use ferrospice::base::Control;
use ferrospice::base::consts;
use ferrospice::dataset::{Column, PlotKind, Table};
use ferrospice::session::{self, Memory, Outcome, RunOptions};
use num_complex::Complex64;

fn try_run(deck: &str) -> Outcome {
    session::run_text("deck.cir", deck, &RunOptions::default(), &Memory::default(), &Control::default())
}

fn run(deck: &str) -> Outcome {
    let out = try_run(deck);
    assert!(!out.has_errors(), "{:?}", out.diagnostics);
    out
}

fn table(out: &Outcome, kind: PlotKind) -> &Table {
    out.tables().find(|t| t.schema.kind == kind).expect("the analysis ran")
}

fn complex<'a>(t: &'a Table, name: &str) -> &'a [Complex64] {
    match t.column(name) {
        Some(Column::Complex(v)) => v,
        _ => panic!("no complex column {name}: {:?}", t.schema.signals),
    }
}

fn real(t: &Table, name: &str) -> Vec<f64> {
    t.real(name).unwrap_or_else(|| panic!("no column {name}: {:?}", t.schema.signals)).to_vec()
}

fn scalar(t: &Table, name: &str) -> f64 {
    real(t, name)[0]
}

#[track_caller]
fn near(got: Complex64, want: Complex64, tol: f64) {
    assert!((got - want).norm() <= tol * want.norm(), "{got} instead of {want}");
}

#[track_caller]
fn near_re(got: f64, want: f64, tol: f64) {
    assert!((got - want).abs() <= tol * want.abs(), "{got:e} instead of {want:e}");
}

fn j(w: f64) -> Complex64 {
    Complex64::new(0.0, w)
}

/// Boltzmann's constant and the charge of the electron as the library has them, and the default temperature.
const KT: f64 = consts::K * 300.15;

#[test]
fn low_pass_response() {
    let out = run("rc\nV1 a 0 dc 1 ac 1 45\nR1 a b 1k\nC1 b 0 1n\n.ac dec 5 1 1g\n.end\n");
    let t = table(&out, PlotKind::Ac);
    let f = complex(t, "frequency");
    assert_eq!(f.len(), 46);
    let phase = Complex64::from_polar(1.0, TAU / 8.0);
    for (k, f) in f.iter().enumerate() {
        let s = j(TAU * f.re);
        near(complex(t, "v(b)")[k], phase / (1.0 + s * 1e-6), 1e-11);
        near(complex(t, "i(v1)")[k], -phase * s * 1e-9 / (1.0 + s * 1e-6), 1e-7);
    }
}

#[test]
fn series_resonance() {
    let out = run("rlc\nV1 a 0 ac 2\nR1 a b 3\nL1 b c 10u\nC1 c 0 100p\n.ac lin 41 4meg 6meg\n.end\n");
    let t = table(&out, PlotKind::Ac);
    let f = complex(t, "frequency");
    assert_eq!(f.len(), 41);
    for (k, f) in f.iter().enumerate() {
        let s = j(TAU * f.re);
        let i = 2.0 * s * 100e-12 / (1.0 + s * 3.0 * 100e-12 + s * s * 10e-6 * 100e-12);
        near(complex(t, "i(l1)")[k], i, 1e-9);
        near(complex(t, "v(c)")[k], i / (s * 100e-12), 1e-9);
    }
}

#[test]
fn a_current_source_enters_its_second_node() {
    let out = run("i\nI1 0 a ac 1m\nR1 a 0 1k\nC1 a 0 1u\n.ac oct 2 10 1k\n.end\n");
    let t = table(&out, PlotKind::Ac);
    for (k, f) in complex(t, "frequency").iter().enumerate() {
        near(complex(t, "v(a)")[k], 1.0 / (1.0 + j(TAU * f.re) * 1e-3), 1e-9);
    }
}

#[test]
fn diode_is_linearised_where_it_stands() {
    let out = run("d\nI1 0 a dc 1m ac 1\nD1 a 0 dm\n.model dm d is=1e-14 n=1\n.options gmin=0\n.ac lin 1 1 1\n.end\n");
    let rd = KT / consts::Q / (1e-3 + 1e-14);
    near(complex(table(&out, PlotKind::Ac), "v(a)")[0], rd.into(), 1e-6);
}

#[test]
fn kt_over_c() {
    let out = run("kTC\nV1 a 0 ac 1\nR1 a b 1k\nC1 b 0 1p\n.noise v(b) v1 dec 700 1 1e17 1\n.end\n");
    let t = table(&out, PlotKind::NoiseDensity);
    let f = real(t, "frequency");
    let (o, i, r) = (real(t, "onoise_spectrum"), real(t, "inoise_spectrum"), real(t, "onoise_r1"));
    let white = (4.0 * KT * 1e3).sqrt();
    for k in (0..f.len()).step_by(100) {
        let h = 1.0 / (1.0 + (TAU * f[k] * 1e-9).powi(2)).sqrt();
        near_re(o[k], white * h, 1e-9);
        near_re(i[k], white, 1e-9);
        near_re(r[k], o[k], 1e-12);
    }
    let total = scalar(table(&out, PlotKind::NoiseIntegrated), "onoise_total");
    near_re(total * total, KT / 1e-12, 1e-6);
}

#[test]
fn shot_noise() {
    let out = run("shot\nI1 0 a dc 1m ac 1\nD1 a 0 dm\n.model dm d is=1e-14 n=1\n.options gmin=0\n\
                   .noise v(a) i1 dec 1 1 1k 1\n.end\n");
    let t = table(&out, PlotKind::NoiseDensity);
    near_re(real(t, "inoise_spectrum")[0], (2.0 * consts::Q * 1e-3).sqrt(), 1e-6);
    let rd = KT / consts::Q / 1e-3;
    near_re(real(t, "onoise_spectrum")[1], (2.0 * consts::Q * 1e-3).sqrt() * rd, 1e-6);
}

#[test]
fn flicker_noise_is_integrated_exactly() {
    // kf I^af / f over 1 Hz .. 10 kHz with few points: ∫ = kf I ln(1e4).
    let out = run("flicker\nI1 0 a dc 1m ac 1\nD1 a 0 dm\n.model dm d is=1e-14 n=1 kf=1e-9 af=1\n.options gmin=0\n\
                   .noise v(a) i1 dec 1 1 10k 1\n.end\n");
    let t = table(&out, PlotKind::NoiseIntegrated);
    let total = scalar(t, "inoise_total");
    let want = 1e-9 * 1e-3 * 1e4f64.ln() + 2.0 * consts::Q * 1e-3 * (1e4 - 1.0);
    near_re(total * total, want, 1e-6);
}

#[test]
fn differential_noise_without_contributions() {
    let out = run("diff\nV1 a 0 ac 1\nR1 a b 1k\nR2 a c 4k\nR3 b 0 1k\nR4 c 0 4k\n.noise v(b,c) v1 lin 2 1 2\n.end\n");
    let t = table(&out, PlotKind::NoiseDensity);
    // Two dividers of 500 Ω and 2 kΩ output resistance; the input cancels.
    near_re(real(t, "onoise_spectrum")[0], (4.0 * KT * 2500.0).sqrt(), 1e-9);
    assert!(real(t, "inoise_spectrum")[0] > 1e3 * real(t, "onoise_spectrum")[0]);
    assert_eq!(t.schema.signals.len(), 3);
}

#[test]
fn transfer_functions() {
    let out = run("tf\nV1 a 0 10\nR1 a b 1k\nR2 b 0 3k\nV2 b c 0\nR3 c 0 3k\n.tf v(b) v1\n.tf i(v2) v1\n.end\n");
    let all: Vec<_> = out.tables().filter(|t| t.schema.kind == PlotKind::Tf).collect();
    near_re(scalar(all[0], "transfer_function"), 0.6, 1e-12);
    near_re(scalar(all[0], "output_impedance_at_v(b)"), 600.0, 1e-12);
    near_re(scalar(all[0], "v1#input_impedance"), 2500.0, 1e-12);
    near_re(scalar(all[1], "transfer_function"), 0.2e-3, 1e-12);
    near_re(scalar(all[1], "v2#output_impedance"), 3750.0, 1e-12);

    let out = run("tf\nI1 0 a 1m\nR1 a 0 1k\nE1 o 0 a 0 5\nR2 o p 50\nR3 p 0 1meg\n.tf v(p) i1\n.end\n");
    let t = table(&out, PlotKind::Tf);
    near_re(scalar(t, "transfer_function"), 5e3 * 1e6 / (1e6 + 50.0), 1e-12);
    near_re(scalar(t, "i1#input_impedance"), 1e3, 1e-12);
    near_re(scalar(t, "output_impedance_at_v(p)"), 1.0 / (1.0 / 50.0 + 1e-6), 1e-12);
}

#[test]
fn divider_sensitivities() {
    let out = run("sens\nV1 a 0 10\nR1 a b 1k\nR2 b 0 3k\n.sens v(b)\n.end\n");
    let t = table(&out, PlotKind::Sens);
    near_re(scalar(t, "r1"), -10.0 * 3e3 / 16e6, 1e-7);
    near_re(scalar(t, "r2"), 10.0 * 1e3 / 16e6, 1e-7);
    near_re(scalar(t, "v1"), 0.75, 1e-7);
    near_re(scalar(t, "norm(r1)"), -10.0 * 3e3 / 16e6 * 10.0, 1e-7);
}

/// A circuit with a curved operating point: adjoint against differences of whole runs.
#[test]
fn sensitivities_agree_with_differences() {
    let deck = |r1: f64, is: f64, n: f64, analysis: &str| {
        format!(
            "d\nV1 a 0 dc 5 ac 1\nR1 a b {r1:e}\nC1 b 0 1n\nD1 b 0 dm\n\
             .model dm d is={is:e} n={n:e} cjo=10p tt=1n\n.options reltol=1e-9 gmin=0\n{analysis}\n.end\n"
        )
    };
    let slope = |analysis: &str, kind: PlotKind, which: usize| -> Complex64 {
        let base = [1e4, 1e-14, 1.2];
        let h = 1e-4 * base[which];
        let at = |s: f64| {
            let mut p = base;
            p[which] += s * h;
            let out = run(&deck(p[0], p[1], p[2], analysis));
            let t = table(&out, kind);
            match t.column("v(b)") {
                Some(Column::Complex(v)) => v[0],
                Some(Column::Real(v)) => v[0].into(),
                None => panic!("v(b)"),
            }
        };
        (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * h)
    };
    let out = run(&deck(1e4, 1e-14, 1.2, ".sens v(b)"));
    let dc = table(&out, PlotKind::Sens);
    let out = run(&deck(1e4, 1e-14, 1.2, ".sens v(b) ac lin 1 1meg 1meg"));
    let ac = table(&out, PlotKind::Sens);
    for (which, name) in ["r1", "d1:is", "d1:n"].iter().enumerate() {
        near_re(scalar(dc, name), slope(".op", PlotKind::Op, which).re, 1e-5);
        near(complex(ac, name)[0], slope(".ac lin 1 1meg 1meg", PlotKind::Ac, which), 1e-4);
    }
    // The response to the source's own magnitude is the response.
    let out = run(&deck(1e4, 1e-14, 1.2, ".ac lin 1 1meg 1meg"));
    near(complex(ac, "v1_acmag")[0], complex(table(&out, PlotKind::Ac), "v(b)")[0], 1e-6);
}

#[test]
fn capacitor_sensitivity_over_frequency() {
    let out = run("sens\nV1 a 0 ac 1\nR1 a b 1k\nC1 b 0 1n\n.sens v(b) ac dec 2 1k 10meg\n.end\n");
    let t = table(&out, PlotKind::Sens);
    for (k, f) in complex(t, "frequency").iter().enumerate() {
        let s = j(TAU * f.re);
        let d = (1.0 + s * 1e-6) * (1.0 + s * 1e-6);
        near(complex(t, "c1")[k], -s * 1e3 / d, 1e-7);
        near(complex(t, "r1")[k], -s * 1e-9 / d, 1e-6);
    }
}

#[test]
fn poles_and_zeros_of_a_bridged_ladder() {
    let deck = "pz\nR1 in a 1k\nC1 a 0 1n\nR2 a out 1k\nC2 out 0 1n\nC3 in out 1p\nRin in 0 1k\n";
    let out = run(&format!("{deck}.pz in 0 out 0 cur pz\n.pz in 0 out 0 vol pz\n.end\n"));
    let all: Vec<_> = out.tables().filter(|t| t.schema.kind == PlotKind::Pz).collect();
    // Voltage drive: poles of C2' R2 C1 (R1, R2) with C3 to an ideal source.
    let (r, c1, c2): (f64, f64, f64) = (1e3, 1e-9, 1.001e-9);
    let (a, b) = (c1 * c2 * r * r, c1 * r + 2.0 * c2 * r);
    let root = (b * b - 4.0 * a).sqrt();
    near(complex(all[1], "pole(1)")[0], ((-b + root) / (2.0 * a)).into(), 1e-9);
    near(complex(all[1], "pole(2)")[0], ((-b - root) / (2.0 * a)).into(), 1e-9);
    // Zeros: 1 + s·2 R C3 + s² R² C1 C3 = 0.
    let (za, zb): (f64, f64) = (1e-21 * 1e6, 2e3 * 1e-12);
    let im = (4.0 * za - zb * zb).sqrt() / (2.0 * za);
    for t in &all {
        near(complex(t, "zero(1)")[0], Complex64::new(-zb / (2.0 * za), im), 1e-9);
        near(complex(t, "zero(2)")[0], Complex64::new(-zb / (2.0 * za), -im), 1e-9);
        assert!(t.index("zero(3)").is_none());
    }
    // Current drive: the values of ngspice 39.
    for (name, want) in [("pole(1)", -2.19173e5), ("pole(2)", -2.27845e6), ("pole(3)", -2.00250e9)] {
        near(complex(all[0], name)[0], want.into(), 1e-5);
    }
    assert!(all[0].index("pole(4)").is_none());
}

#[test]
fn poles_of_a_two_stage_amplifier() {
    // Two transconductors with Miller capacitor; the known cubic-free two-pole form.
    let (g1, g2, gm, c1, c2, cm): (f64, f64, f64, f64, f64, f64) = (1e-5, 2e-5, 1e-3, 0.2e-12, 2e-12, 1e-12);
    let out = run("amp\nV1 in 0 0\nRin in 0 1meg\nG1 0 x in 0 100u\nR1 x 0 100k\nC1 x 0 0.2p\n\
                   G2 out 0 x 0 1m\nR2 out 0 50k\nC2 out 0 2p\nCm x out 1p\n.pz in 0 out 0 vol pz\n.end\n");
    let t = table(&out, PlotKind::Pz);
    let a = c1 * c2 + cm * (c1 + c2);
    let b = g1 * (c2 + cm) + g2 * (c1 + cm) + gm * cm;
    let root = (b * b - 4.0 * a * g1 * g2).sqrt();
    near(complex(t, "pole(1)")[0], (-2.0 * g1 * g2 / (b + root)).into(), 1e-9);
    near(complex(t, "pole(2)")[0], ((-b - root) / (2.0 * a)).into(), 1e-9);
    near(complex(t, "zero(1)")[0], (gm / cm).into(), 1e-9);
    assert!(t.index("pole(3)").is_none() && t.index("zero(2)").is_none());
}

#[test]
fn faults_are_said_together() {
    let faults = |deck: &str| try_run(deck).diagnostics.iter().filter(|d| d.is_error()).count();
    assert_eq!(faults("f\nV1 a 0 1\nR1 a b 1k\nR2 b 0 1k\n.noise v(nowhere) v9 dec 10 1 1k\n.end\n"), 2);
    let out = try_run("f\nV1 a 0 1\nR1 a b 1k\nR2 c 0 1k\nC2 b 0 1n\nC3 c 0 1n\n.pz a 0 c 0 vol zer\n.end\n");
    assert!(out.diagnostics.iter().any(|d| d.code.0 == "E0635"), "{:?}", out.diagnostics);
}
