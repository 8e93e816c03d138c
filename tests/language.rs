//! The netlist language end to end: small decks whose numbers can be worked out by hand.

use ferrospice::base::Control;
use ferrospice::dataset::{PlotKind, Table};
use ferrospice::diag::render;
use ferrospice::session::{self, Memory, Outcome, RunOptions};

fn run_with(text: &str, options: &RunOptions, files: &[(&str, &str)]) -> Outcome {
    let out = session::run_text("deck.cir", text, options, &Memory::new(files.iter().copied()), &Control::new(None));
    assert!(!out.has_errors(), "{}", render::text(&out.diagnostics, &out.sources, render::Style::default()));
    out
}

fn run(text: &str) -> Outcome {
    run_with(text, &RunOptions::default(), &[])
}

fn value(t: &Table, signal: &str) -> f64 {
    let column = t.column(signal).unwrap_or_else(|| panic!("no {signal}"));
    *column.re().last().expect("a point")
}

/// Operating-point values, one deck.
#[track_caller]
fn op(body: &str, expected: &[(&str, f64)]) {
    op_files(body, &[], expected);
}

#[track_caller]
fn op_files(body: &str, files: &[(&str, &str)], expected: &[(&str, f64)]) {
    let out = run_with(&format!("t\n{body}\n.op\n.end\n"), &RunOptions::default(), files);
    let t = out.tables().find(|t| t.schema.kind == PlotKind::Op).expect("operating point");
    for (signal, x) in expected {
        let found = value(t, signal);
        assert!((found - x).abs() <= 1e-6 * x.abs().max(1e-9), "{signal} = {found}, expected {x}\n{body}");
    }
}

/// Measures, in the order of the sweep points.
#[track_caller]
fn measured(text: &str, name: &str, expected: &[f64], reltol: f64) {
    let out = run(text);
    let found = out.measure(name);
    let close = found.len() == expected.len()
        && found.iter().zip(expected).all(|(f, x)| (f - x).abs() <= reltol * x.abs().max(1e-12));
    assert!(close, "{name} = {found:?}, expected {expected:?}\n{text}");
}

#[test]
fn numbers_and_suffixes() {
    op(
        "v1 a 0 1\nr1 a 0 1.5k\nr2 a 0 2MegOhm\nr3 a 0 3e3\nr4 a 0 47mil\nr5 a 0 0.5G\nv2 b 0 10mV\nv3 c 0 1e3m\nv4 d 0 5µV\nv5 e 0 .5\nv6 f 0 -2.5E+1V\nr6 b 0 1\nr7 c 0 1\nr8 d 0 1\nr9 e 0 1\nr10 f 0 1",
        &[
            ("i(v1)", -(1.0 / 1.5e3 + 1.0 / 2e6 + 1.0 / 3e3 + 1.0 / (47.0 * 25.4e-6) + 1.0 / 0.5e9)),
            ("v(b)", 0.01),
            ("v(c)", 1.0),
            ("v(d)", 5e-6),
            ("v(e)", 0.5),
            ("v(f)", -25.0),
        ],
    );
}

#[test]
fn lines_and_comments() {
    op(
        "* comment\nV1 A 0 ; the source\n+ 6 $ volts\n\nr1 a b 1k // first\n* between\n+ tc1=0\nR2 B 0\n\n+ 2k",
        &[("v(a)", 6.0), ("v(b)", 4.0)],
    );
}

#[test]
fn parameters_in_any_order() {
    op(
        ".param c={a+b} b='2*a'\n.param a=3\nv1 n 0 {c}\nr1 n 0 1k\nv2 m 0 '-c/2'\nr2 m 0 1k",
        &[("v(n)", 9.0), ("v(m)", -4.5)],
    );
}

#[test]
fn expressions() {
    let cases: &[(&str, f64)] = &[
        ("2+3*4", 14.0),
        ("(2+3)*4", 20.0),
        // From the left, as in ngspice.
        ("2**3**2", 64.0),
        ("-2**2", -4.0),
        ("7%4", 3.0),
        ("1 ? 2 : 3", 2.0),
        ("2>1 && 1>2 ? 5 : 6", 6.0),
        ("min(3,1)+max(3,1)", 4.0),
        ("limit(5,0,3)", 3.0),
        ("int(-2.7)", -2.0),
        ("nint(2.6)", 3.0),
        ("floor(-2.1)", -3.0),
        ("ceil(2.1)", 3.0),
        ("sgn(-4)", -1.0),
        ("uramp(-1)+uramp(2)", 2.0),
        ("u(1)+u(-1)", 1.0),
        ("buf(0.7)+buf(0.2)", 1.0),
        ("table(2.5, 0,0, 2,4, 3,8)", 6.0),
        ("pwl(1, 0,0, 2,4)", 2.0),
        ("sqrt(16)+abs(-2)", 6.0),
        ("exp(0)+ln(1)+log10(1000)", 4.0),
        ("pow(2,10)", 1024.0),
        ("if(0,1,7)", 7.0),
        ("atan2(1,1)*4/pi", 1.0),
        ("1k*2u", 2e-3),
        ("sin(pi/6)*2", 1.0),
        ("hypot(3,4)", 5.0),
    ];
    for (text, x) in cases {
        op(&format!("v1 a 0 {{{text}}}\nr1 a 0 1k"), &[("v(a)", *x)]);
    }
}

#[test]
fn functions() {
    op(
        ".func sq(x) {x*x}\n.func f(a,b) {sq(a)+k*b}\n.param k=10\n.func fact(n) {n<=1 ? 1 : n*fact(n-1)}\nv1 a 0 {f(3,2)}\nv2 b 0 {fact(5)}\nb3 c 0 v=sq(v(a))\nr1 a 0 1\nr2 b 0 1\nr3 c 0 1",
        &[("v(a)", 29.0), ("v(b)", 120.0), ("v(c)", 841.0)],
    );
}

#[test]
fn subcircuits() {
    // Defaults, overrides, expressions of other parameters, nesting, a local name over a global one.
    op(
        ".param r=1k\n.subckt div a b params: r=2k s={r*2}\nr1 a b {r}\nr2 b 0 {s}\n.ends\nv1 in 0 9\nx1 in o1 div\nx2 in o2 div r=1k s=8k\nx3 in o3 div r={r/2}\n.subckt outer p q\nx9 p q div s=6k\n.ends\nx4 in o4 outer",
        &[("v(o1)", 6.0), ("v(o2)", 8.0), ("v(o3)", 6.0), ("v(o4)", 6.75)],
    );
}

#[test]
fn multiplicity() {
    op(
        ".subckt s a b\nr1 a b 1k\n.ends\n.subckt t a b\nx1 a b s m=2\n.ends\nv1 n 0 1\nx1 n 0 t m=3\nv2 p 0 1\nr2 p 0 1k m=4\nv3 q 0 0\ni1 0 q 1m m=5",
        &[("i(v1)", -6e-3), ("i(v2)", -4e-3), ("i(v3)", 5e-3)],
    );
}

#[test]
fn globals() {
    op(
        ".global vdd\n.subckt s out\nr1 vdd out 1k\nr2 out 0 1k\n.ends\nvdd vdd 0 3\nx1 o s",
        &[("v(o)", 1.5), ("i(vdd)", -1.5e-3)],
    );
}

#[test]
fn conditions() {
    for (corner, x) in [(1, 1.0), (2, 0.5), (3, 0.25)] {
        op(
            &format!(
                ".param corner={corner}\n.if (corner==1)\n.param v=1\n.elseif (corner==2)\n.param v=0.5\n.else\n.param v=0.25\n.endif\nv1 a 0 {{v}}\nr1 a 0 1k"
            ),
            &[("v(a)", x)],
        );
    }
    op(".param on=0\nv1 a 0 1\n.if (on)\nr1 a 0 1k\n.else\nr1 a 0 2k\n.endif", &[("i(v1)", -0.5e-3)]);
}

#[test]
fn library_sections() {
    let lib = "* corners\n.lib tt\n.param rc=1k\n.endl tt\n.lib ff\n.param rc=500\n.lib 'corners.lib' common\n.endl\n.lib common\n.param v0=4\n.endl\n";
    op_files(".lib 'corners.lib' ff\nv1 a 0 {v0}\nr1 a 0 {rc}", &[("corners.lib", lib)], &[("i(v1)", -8e-3)]);
    op_files(
        ".include sub/all.inc\nv1 a 0 1\nr1 a 0 {r}",
        &[("sub/all.inc", ".inc 'more.inc'\n"), ("sub/more.inc", ".param r=250\n")],
        &[("i(v1)", -4e-3)],
    );
}

#[test]
fn models_inherit() {
    // The child has the parent's rsh and its own defw.
    op(
        ".model base r (rsh=100 defw=1u)\n.model wide ako:base r (defw=2u)\nv1 a 0 1\nr1 a 0 base l=10u\nv2 b 0 1\nr2 b 0 wide l=10u",
        &[("i(v1)", -1e-3), ("i(v2)", -2e-3)],
    );
}

#[test]
fn binned_models() {
    let out = run(
        "t\n.model n.1 nmos (level=1 vto=1 kp=100u lmin=1u lmax=2u wmin=1u wmax=100u)\n.model n.2 nmos (level=1 vto=0.5 kp=100u lmin=2u lmax=20u wmin=1u wmax=100u)\nv1 d 0 5\nv2 g 0 2\nm1 d g 0 0 n l=1u w=10u\nv3 e 0 5\nm2 e g 0 0 n l=10u w=10u\n.op\n.end\n",
    );
    let t = out.tables().next().expect("table");
    // Saturated level 1: kp/2 w/l (vgs - vto)².
    let i1 = value(t, "i(v1)");
    let i2 = value(t, "i(v3)");
    assert!((i1 + 0.5 * 100e-6 * 10.0 * 1.0).abs() < 1e-9, "{i1}");
    assert!((i2 + 0.5 * 100e-6 * 1.0 * 2.25).abs() < 1e-9, "{i2}");
}

#[test]
fn temperature() {
    // r(T) = r (1 + tc1 dT + tc2 dT²), dT from tnom = 27.
    op(".temp 127\nv1 a 0 1\nr1 a 0 1k tc1=1m tc2=1u", &[("i(v1)", -1.0 / (1000.0 * 1.11))]);
    op(".options temp=77\nv1 a 0 {temper}\nr1 a 0 1k tc=2m", &[("v(a)", 77.0), ("i(v1)", -77.0 / 1100.0)]);
    op(".options tnom=25\n.temp 25\nv1 a 0 1\nr1 a 0 1k tc1=1m dtemp=10", &[("i(v1)", -1.0 / 1010.0)]);
    measured(
        "t\n.temp 27 127\nv1 a 0 1\nr1 a 0 1k tc1=1m\n.op\n.meas op i find i(v1)\n.end\n",
        "i",
        &[-1e-3, -1.0 / 1100.0],
        1e-6,
    );
}

#[test]
fn steps() {
    let deck =
        |step: &str| format!("t\n.param r=1k\nv1 a 0 1\nr1 a 0 {{r}}\n{step}\n.op\n.meas op i find i(v1)\n.end\n");
    let of = |rs: &[f64]| rs.iter().map(|r| -1.0 / r).collect::<Vec<f64>>();
    measured(&deck(".step param r 1k 3k 1k"), "i", &of(&[1e3, 2e3, 3e3]), 1e-6);
    measured(&deck(".step param r list 1k 5k"), "i", &of(&[1e3, 5e3]), 1e-6);
    measured(&deck(".step dec param r 1k 100k 1"), "i", &of(&[1e3, 1e4, 1e5]), 1e-6);
    measured(&deck(".step oct param r 1k 4k 1"), "i", &of(&[1e3, 2e3, 4e3]), 1e-6);
    measured(&deck(".step v1 1 2 1"), "i", &[-1e-3, -2e-3], 1e-6);
    measured(&deck(".step temp list 27 50\n.param unused=1"), "i", &of(&[1e3, 1e3]), 1e-6);
}

#[test]
fn nested_steps() {
    // The first card varies fastest, as in LTspice.
    let out = run(
        "t\n.param r=1k v=1\nv1 a 0 {v}\nr1 a 0 {r}\n.step param r list 1k 2k\n.step param v list 1 3\n.op\n.meas op i find i(v1)\n.end\n",
    );
    let mut found: Vec<(f64, f64, f64)> = out
        .points
        .iter()
        .map(|p| {
            let of = |n: &str| p.sweep.iter().find(|s| s.0 == n).expect("swept").1;
            (of("r"), of("v"), p.measures[0].value)
        })
        .collect();
    found.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    assert_eq!(found.len(), 4);
    for (r, v, i) in found {
        assert!((i + v / r).abs() < 1e-9, "{r} {v} {i}");
    }
}

#[test]
fn model_and_instance_steps() {
    measured(
        "t\n.model rm r (rsh=100)\nv1 a 0 1\nr1 a 0 rm l=10u w=1u\n.step r rm(rsh) 100 200 100\n.op\n.meas op i find i(v1)\n.end\n",
        "i",
        &[-1e-3, -0.5e-3],
        1e-6,
    );
    measured(
        "t\nv1 a 0 1\nr1 a 0 1k\n.step r1 list 1k 4k\n.op\n.meas op i find i(v1)\n.end\n",
        "i",
        &[-1e-3, -0.25e-3],
        1e-6,
    );
}

#[test]
fn data_tables() {
    measured(
        "t\n.param r=1 v=1\nv1 a 0 {v}\nr1 a 0 {r}\n.data points r v\n1k 1\n2k 4\n+ 4k 2\n.enddata\n.step data=points\n.op\n.meas op i find i(v1)\n.end\n",
        "i",
        &[-1e-3, -2e-3, -0.5e-3],
        1e-6,
    );
}

#[test]
fn dc_sweeps() {
    let out = run("t\nv1 a 0 0\nr1 a b 1k\nr2 b 0 1k\n.dc v1 0 2 0.5\n.meas dc mid find v(b) at=1.5\n.end\n");
    let t = out.tables().next().expect("table");
    assert_eq!(t.len(), 5);
    assert_eq!(value(t, "v(b)"), 1.0);
    assert!((out.measure("mid")[0] - 0.75).abs() < 1e-9);
    let out = run("t\nv1 a 0 0\nv2 c 0 0\nr1 a b 1k\nr2 b c 1k\n.dc v1 0 2 1 v2 0 4 2\n.end\n");
    let t = out.tables().next().expect("table");
    assert_eq!(t.len(), 9);
    assert_eq!(value(t, "v(b)"), 3.0);
}

#[test]
fn statistics_have_a_seed() {
    let deck = "t\n.options seed=7\n.param r={agauss(1k,100,3)} g={gauss(1k,0.1,3)} u={aunif(0,1)}\nv1 a 0 {r}\nr1 a 0 1k\nv2 b 0 {g}\nr2 b 0 1k\nv3 c 0 {u}\nr3 c 0 1\n.op\n.end\n";
    let (a, b) = (run(deck), run(deck));
    for signal in ["v(a)", "v(b)", "v(c)"] {
        let x = value(a.tables().next().expect("table"), signal);
        assert_eq!(x, value(b.tables().next().expect("table"), signal));
        let bound = if signal == "v(c)" { (-1.0, 1.0) } else { (500.0, 1500.0) };
        assert!(x > bound.0 && x < bound.1 && x.fract() != 0.0, "{signal} = {x}");
    }
    // Each run of a sweep draws anew; the mean of many is the nominal value.
    let out = run(
        "t\n.options seed=3\n.param n=1 r={agauss(1k,30,3)}\nv1 a 0 {r}\nr1 a 0 1k\n.step param n 1 400 1\n.op\n.meas op x find v(a)\n.end\n",
    );
    let xs = out.measure("x");
    let mean = xs.iter().sum::<f64>() / xs.len() as f64;
    let sigma = (xs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / xs.len() as f64).sqrt();
    assert!((mean - 1000.0).abs() < 3.0 && (sigma - 10.0).abs() < 1.5, "{mean} {sigma}");
}

#[test]
fn controlled_sources() {
    op(
        "v1 a 0 2\nv2 b 0 3\nr1 a 0 1k\nr2 b 0 1k\ne1 c 0 a b 10\nr3 c 0 1k\ng1 0 d a 0 1m\nr4 d 0 1k\nvs s 0 0\nr5 a s 1k\nf1 0 e vs 5\nr6 e 0 1k\nh1 f 0 vs 1k\nr7 f 0 1k\ne2 g 0 poly(2) a 0 b 0 1 2 3 0 4\nr8 g 0 1k\ne3 h 0 value={v(a)*v(b)}\nr9 h 0 1k\ne4 i 0 table {v(a)} = (0,0) (4,8)\nr10 i 0 1k\nb1 j 0 i=-v(a)*1m\nr11 j 0 1k",
        &[
            ("v(c)", -10.0),
            ("v(d)", 2.0),
            ("v(e)", 10.0),
            ("v(f)", 2.0),
            // 1 + 2 a + 3 b + 0 a² + 4 a b
            ("v(g)", 1.0 + 4.0 + 9.0 + 24.0),
            ("v(h)", 6.0),
            ("v(i)", 4.0),
            ("v(j)", 2.0),
        ],
    );
}

#[test]
fn measures() {
    let deck =
        |m: &str| format!("t\nv1 a 0 pwl(0 0 1 1 2 1 3 0 4 0)\nr1 a 0 2\n.tran 10m 4 0 10m\n.meas tran x {m}\n.end\n");
    for (m, x) in [
        ("max v(a)", 1.0),
        ("min v(a)", 0.0),
        ("pp v(a)", 1.0),
        ("avg v(a)", 0.5),
        ("integ v(a)", 2.0),
        ("integ v(a) from=1 to=2", 1.0),
        ("rms v(a) from=1 to=2", 1.0),
        ("when v(a)=0.25", 0.25),
        ("when v(a)=0.25 fall=1", 2.75),
        ("when v(a)=0.25 cross=2", 2.75),
        ("find i(v1) at=1.5", -0.5),
        ("find v(a) when v(a)=0.5 fall=1", 0.5),
        ("trig v(a) val=0.1 rise=1 targ v(a) val=0.9 rise=1", 0.8),
        ("trig v(a) val=0.5 rise=1 targ v(a) val=0.5 fall=1", 2.0),
        ("deriv v(a) at=0.5", 1.0),
        ("param='3*4'", 12.0),
        ("avg p(r1) from=1 to=2", 0.5),
    ] {
        measured(&deck(m), "x", &[x], 2e-3);
    }
}

#[test]
fn sources_in_time() {
    let at = |source: &str, t: f64, x: f64| {
        measured(
            &format!("t\nv1 a 0 {source}\nr1 a 0 1\n.tran 10u 10m 0 10u\n.meas tran x find v(a) at={t}\n.end\n"),
            "x",
            &[x],
            2e-3,
        );
    };
    at("pulse(1 3 1m 1m 1m 2m 10m)", 1.5e-3, 2.0);
    at("pulse(1 3 1m 1m 1m 2m 10m)", 3e-3, 3.0);
    at("pulse(1 3 1m 1m 1m 2m 10m)", 4.5e-3, 2.0);
    at("sin(1 2 100)", 2.5e-3, 3.0);
    at("sin(0 1 100 1m)", 3.5e-3, 1.0);
    at("exp(0 1 1m 1m 20m 1m)", 2e-3, 1.0 - (-1.0f64).exp());
    at("pwl(0 0 5m 5)", 2e-3, 2.0);
    at("pwl(0 0 5m 5)", 8e-3, 5.0);
}

#[test]
fn waveform_files() {
    let deck = "t\nv1 a 0 pwl file=\"wave.txt\"\nr1 a 0 1\n.tran 10u 4m\n.meas tran x find v(a) at=1.5m\n.end\n";
    let out = run_with(deck, &RunOptions::default(), &[("wave.txt", "0 0\n1m 2\n* comment\n2m, 4\n")]);
    assert!((out.measure("x")[0] - 3.0).abs() < 1e-6);
}

#[test]
fn overrides_from_outside() {
    let options = RunOptions { params: vec![("R".into(), 500.0)], ..RunOptions::default() };
    let out = run_with("t\n.param r=1k\nv1 a 0 1\nr1 a 0 {r}\n.op\n.end\n", &options, &[]);
    assert!((value(out.tables().next().expect("table"), "i(v1)") + 2e-3).abs() < 1e-9);
}

#[test]
fn parts_that_direct_current_leaves_open() {
    // Capacitors alone hold nothing; a coil across a source begins without current.
    op("v1 in 0 1\nc1 in a 1n\nc2 a 0 1n", &[("v(a)", 0.0), ("v(in)", 1.0)]);
    measured(
        "t\nv1 a 0 sin(0 1 1k)\nl1 a 0 1m\n.tran 1u 1m 0 1u\n.meas tran x max i(l1)\n.end\n",
        "x",
        // The integral of a half wave: 2 / (2 pi f L).
        &[2.0 / (2.0 * std::f64::consts::PI * 1e3 * 1e-3)],
        2e-3,
    );
    op("v1 in 0 1\nr1 in a 1k\nl1 a 0 1m\nl2 a 0 1m", &[("i(v1)", -1e-3), ("v(a)", 0.0)]);
}

#[test]
fn other_simulators_spellings() {
    // PSPICE
    op(
        ".PARAM RVAL=1k\nV_V1 N1 0 DC 2V\nR_R1 N1 N2 {RVAL}\nR_R2 N2 0 {RVAL*3}\nE_E1 N3 0 VALUE {V(N2)*2}\nR3 N3 0 1k\n.PROBE",
        &[("v(n2)", 1.5), ("v(n3)", 3.0)],
    );
    // HSPICE
    op(
        ".option post=2\n.param vs=1.8 half='vs/2'\nvdd vdd gnd 'vs'\nr1 vdd o '2*1k'\nr2 o gnd 2k\ne1 p 0 vol='v(o)*2'\nr3 p 0 1k",
        &[("v(o)", 0.9), ("v(p)", 1.8)],
    );
    // LTspice
    let options = RunOptions { compat: ferrospice::netlist::Compat::Ltspice, ..RunOptions::default() };
    let out = run_with(
        "* exported from a schematic\nV1 in 0 3\nR1 in out 2k2\nR2 out 0 1k1\nB1 x 0 V=if(V(out)>0.5,2,1)\nR3 x 0 1k\n.op\n.backanno\n.end\n",
        &options,
        &[],
    );
    let t = out.tables().next().expect("table");
    assert!((value(t, "v(out)") - 1.0).abs() < 1e-9 && (value(t, "v(x)") - 2.0).abs() < 1e-9);
}

#[test]
fn currents_into_the_pins_of_subcircuits() {
    op(
        ".subckt half in out\nr1 in out 1k\nr2 out 0 1k\n.ends\n.subckt two p q\nx1 p q half\nx2 p 0 half\n.ends\n\
         v1 a 0 1\nx1 a b two\nx2 a a half m=2\nrb b 0 1k\n\
         .save ix(x1:p) i(x1:q) ix(x1.x2:in) ix(x1:x1:out) isub(x2.out) v(x1.p)",
        &[
            ("ix(x1:p)", 1.0 / 1.5e3 + 1e-3),
            ("i(x1:q)", -(1.0 / 3.0) / 1e3),
            ("ix(x1.x2:in)", 1e-3),
            ("ix(x1:x1:out)", -(1.0 / 3.0) / 1e3),
            ("isub(x2.out)", 2e-3),
            ("v(x1.p)", 1.0),
        ],
    );
    op("v1 a 0 1\nr1 a 0 1\n.save v([a])", &[("v(a)", 1.0)]);
    // Only what is asked for is measured, and nothing of it is among the usual results.
    let out = run("t\n.subckt s a\nr1 a 0 1k\n.ends\nv1 a 0 1\nx1 a s\n.op\n.meas op i find i(x1:a)\n.end\n");
    assert_eq!(out.measure("i"), [1e-3]);
    let table = out.tables().next().expect("a table");
    let kept: Vec<&str> = table.schema.signals.iter().map(|s| &*s.name).take(2).collect();
    assert_eq!(kept, ["v(a)", "i(v1)"]);
}

#[test]
fn parasitics_are_elements() {
    op(
        "v1 a 0 10 rser=5\nr1 a 0 5\nl1 b 0 1u rser=2 rpar=2 cpar=1p\nr2 a b 1",
        &[("v(a)", 10.0 * (1.0 / (0.2 + 0.2 + 0.5)) / 5.0), ("i(l1)", 10.0 * (1.0 / 0.9) / 5.0 / 4.0)],
    );
    // A capacitor's series resonance: at 1/(2π√(LC)) its series resistance is left.
    let deck = "t\nv1 a 0 dc 0 ac 1\nr1 a b 1\nc1 b 0 1u rser=1 lser=1u m=2\n.ac lin 1 159154.943 159154.943\n\
                .meas ac half find vm(b) at=159154.943\n.end\n";
    measured(deck, "half", &[0.5 / 1.5], 1e-6);
    // Inner nodes and parts stay out of the default results.
    let out = run("t\nv1 a 0 1 rser=1\nr1 a 0 1\n.op\n.end\n");
    let names: Vec<&str> = out.tables().flat_map(|t| &t.schema.signals).map(|s| &*s.name).collect();
    assert_eq!(names, ["v(a)", "i(v1)"]);
}

#[test]
fn compliance_of_controlled_sources() {
    // 5 V over 1 kΩ would be 5 mA; the same sources into 100 kΩ stay below their 1 mA.
    for source in [
        "e1 a 0 c 0 5 compliance=1m",
        "e1 a 0 poly(1) c 0 0 5 ilim=1m",
        "e1 a 0 value={5*v(c)} icomp=1m",
        "e1 a 0 value=5*v(c) compliance={1m}",
        "e1 a 0 table {v(c)} = (0,0) (2,10) compliance=1m",
        "e1 a 0 laplace {v(c)} = {5/(1+s*1u)} compliance=1m",
        "h1 a 0 vc -5k compliance=1m",
        "b1 a 0 v=5*v(c) compliance=1m",
    ] {
        let i = format!("i({})", &source[..2]);
        for (load, v) in [("1k", 1.0), ("100k", 5.0)] {
            op(
                &format!("vc c 0 1\nrc c 0 1k\n{source}\nrl a 0 {load}"),
                &[("v(a)", v), (&i, -v / if v > 2.0 { 1e5 } else { 1e3 })],
            );
        }
        let limited = format!("@{}#compliance[limited]", &source[..2]);
        let deck = format!("t\nvc c 0 1\nrc c 0 1k\n{source}\nrl a 0 1k\n.save {limited}\n.op\n.end\n");
        let out = run(&deck);
        assert_eq!(value(out.tables().next().expect("operating point"), &limited), 1.0, "{source}");
    }
}

#[test]
fn polynomial_capacitors_and_inductors() {
    // C(1 V) = 1n + 2n + 3n; L(1 A) = 1u + 2·1u.
    let deck = "t\nv1 a 0 dc 1 ac 1\nc1 a 0 poly 1n 2n 3n\nr1 a 0 1meg\ni2 0 b dc 1 ac 1\nl1 b 0 poly 1u 2u ic=0\n\
                .ac lin 1 1k 1k\n.meas ac c find ii(v1) at=1k\n.meas ac l find vi(b) at=1k\n.end\n";
    let w = std::f64::consts::TAU * 1e3;
    measured(deck, "c", &[-w * 6e-9], 1e-9);
    measured(deck, "l", &[w * 3e-6], 1e-9);
    // Charge over a ramp: q(1 V) = 1n + 2n/2 + 3n/3.
    let ramp = "t\nv1 a 0 pwl(0 0 1u 1)\nc1 a 0 poly 1n 2n 3n\n.tran 1n 1u\n.meas tran q integ i(v1)\n.end\n";
    measured(ramp, "q", &[-3e-9], 1e-3);
}

#[test]
fn sources_with_initial_conditions_begin_at_zero() {
    let out = run("t\nv1 a 0 sin(0 1 1k)\nr1 a b 1k\nc1 b 0 1n ic=0\n.tran 1u 10u uic\n.end\n");
    let t = out.tables().next().expect("a table");
    assert_eq!(t.real("v(a)").expect("v(a)")[0], 0.0);
}

#[test]
fn intervals_and_sweeps_against_their_direction() {
    let deck = "t\nv1 a 0 pwl(0 0 1 1)\nr1 a 0 1\n.tran 1m 1\n.meas tran b max v(a) from=0.5 to=0.2\n.end\n";
    measured(deck, "b", &[0.5], 1e-9);
    let out = run("t\nv1 a 0 1\nr1 a 0 1\n.dc v1 2 0 1\n.end\n");
    assert!(out.diagnostics.iter().any(|d| d.code.0 == "W0345"));
    assert_eq!(out.tables().next().and_then(|t| t.real("v(a)")), Some([2.0, 1.0, 0.0].as_slice()));
}

#[test]
fn measures_and_checks_use_parameters() {
    let text = "t\n.param a=2 b='a*3'\nv1 x 0 1\nr1 x 0 1k\n.tran 1u 10u\n.meas tran m find v(x) at=5u\n\
                .meas tran m2 param='m*b'\n.check c 'm2*b' within 1% of {b*b}\n.check d m2 within 1% of b\n.end\n";
    measured(text, "m2", &[6.0], 1e-6);
    let out = run(text);
    let ok: Vec<bool> = out.checks().map(|c| c.is_ok).collect();
    assert_eq!(ok, [true, true]);
}

#[test]
fn cards_of_modules_are_called_by_x() {
    let va = "`include \"disciplines.vams\"\nmodule res(p, n);\n inout p, n; electrical p, n;\n\
              parameter real r = 1k;\n analog I(p, n) <+ V(p, n) / r;\nendmodule\n";
    let body = ".hdl \"res.va\"\n.model half res(r=500)\nv1 a 0 1\nx1 a 0 half\nv2 b 0 1\nx2 b 0 half r=250 temp=50";
    op_files(body, &[("res.va", va)], &[("i(v1)", -2e-3), ("i(v2)", -4e-3)]);
}

#[test]
fn a_sign_before_braces_counts() {
    op(
        ".param a=2\nv1 a 0 -{a}\nv2 b 0 dc -'a*2'\nv3 c 0 pulse(-{a} {a} 1 1n 1n 1 2)\nr1 a 0 1k\nr2 b 0 1k\nr3 c 0 +{1000*a}",
        &[("v(a)", -2.0), ("v(b)", -4.0), ("v(c)", -2.0), ("i(v3)", 1e-3)],
    );
}
