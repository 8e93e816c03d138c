//! Verilog-A modules in netlists, run: against native devices, against closed forms, and what persists between time points.

use std::path::Path;

use ferrospice::base::Control;
use ferrospice::dataset::Table;
use ferrospice::diag::render::{self, Style};
use ferrospice::session::world::Memory;
use ferrospice::session::{self, Outcome, RunOptions};

const HEADER: &str = "`include \"disciplines.vams\"\n`include \"constants.vams\"\n";

fn try_run(module: &str, deck: &str) -> Outcome {
    let va = format!("{HEADER}{module}");
    let world = Memory::new([("m.va", va.as_str()), ("t.cir", deck)]);
    session::run(Path::new("t.cir"), &RunOptions::default(), &world, &Control::default())
}

fn run(module: &str, deck: &str) -> Outcome {
    let out = try_run(module, deck);
    assert!(!out.has_errors(), "{}", render::text(&out.diagnostics, &out.sources, Style::default()));
    out
}

fn table(o: &Outcome, k: usize) -> &Table {
    &o.points[0].tables[k].table
}

/// A real column by name.
fn column(t: &Table, name: &str) -> Vec<f64> {
    t.column(name).unwrap_or_else(|| panic!("no {name} among {:?}", t.schema.signals)).re()
}

fn last(t: &Table, name: &str) -> f64 {
    *column(t, name).last().unwrap()
}

fn assert_same(t: &Table, a: &str, b: &str, rel: f64, abs: f64) {
    for (k, (x, y)) in column(t, a).into_iter().zip(column(t, b)).enumerate() {
        assert!((x - y).abs() <= rel * x.abs().max(y.abs()) + abs, "row {k}: {a} = {x:e}, {b} = {y:e}");
    }
}

const RESISTOR: &str = "
module res(p, n);
  inout p, n; electrical p, n;
  parameter real r = 1k from (0:inf);
  analog I(p, n) <+ V(p, n) / r;
endmodule
";

#[test]
fn a_resistor() {
    let o = run(RESISTOR, "t\n.hdl \"m.va\"\nv1 a 0 1\nx1 a b res r=2k\nr2 b 0 2k\n.op\n.end\n");
    let v = last(table(&o, 0), "v(b)");
    assert!((v - 0.5).abs() < 1e-9, "{v}");
}

#[test]
fn models_instances_and_letters() {
    let o = run(
        RESISTOR,
        "t\n.hdl \"m.va\"\nv1 a 0 1\nn1 a b mr\nyres q b 0 mr r=1k m=2\nx3 b 0 res r=1k\n.model mr res r=500\n.op\n.end\n",
    );
    // 500 Ω above 500 Ω in parallel with 1 kΩ.
    let v = last(table(&o, 0), "v(b)");
    let want = 1.0 / (1.0 + 500.0 * (2e-3 + 1e-3));
    assert!((v - want).abs() < 1e-9, "{v} {want}");
}

#[test]
fn a_value_out_of_range_is_a_fault() {
    let o = try_run(RESISTOR, "t\n.hdl \"m.va\"\nv1 a 0 1\nx1 a 0 res r=-1\n.op\n.end\n");
    assert!(o.diagnostics.iter().any(|d| d.code.0 == "E0853"), "{:?}", o.diagnostics);
}

#[test]
fn a_capacitor_like_the_native_one() {
    let module = "
module cap(p, n);
  inout p, n; electrical p, n;
  parameter real c = 1n;
  analog I(p, n) <+ ddt(c * V(p, n));
endmodule
";
    let deck = "t
.hdl \"m.va\"
v1 in 0 pulse(0 1 1u 10n 10n 4u 10u) ac 1
r1 in a 1k
c1 a 0 1n
r2 in b 1k
x2 b 0 cap c=1n
.options reltol=1e-6
.tran 10n 20u
.ac dec 5 1k 10meg
.end
";
    let o = run(module, deck);
    assert_same(table(&o, 0), "v(a)", "v(b)", 1e-9, 1e-12);
    let t = table(&o, 1);
    let (a, b) = (t.column("v(a)").unwrap(), t.column("v(b)").unwrap());
    for row in 0..t.len() {
        assert!((a.at(row) - b.at(row)).norm() < 1e-12, "{} {}", a.at(row), b.at(row));
    }
}

#[test]
fn an_inductor_and_a_voltage_source() {
    let module = "
module ind(p, n);
  inout p, n; electrical p, n;
  parameter real l = 1m;
  analog V(p, n) <+ ddt(l * I(p, n));
endmodule
";
    let deck = "t
.hdl \"m.va\"
v1 in 0 pulse(0 1 1u 10n 10n 4u 10u)
r1 in a 1k
l1 a 0 1m
r2 in b 1k
x2 b 0 ind l=1m
.options reltol=1e-6
.tran 10n 20u
.end
";
    let o = run(module, deck);
    assert_same(table(&o, 0), "v(a)", "v(b)", 1e-9, 1e-12);
}

/// The equations of the native diode (forward, reverse continuation, depletion and diffusion charge).
const DIODE: &str = "
module vdio(a, c);
  inout a, c; electrical a, c, ci;
  parameter real is = 1e-14; parameter real n = 1; parameter real rs = 0 from [0:inf);
  parameter real cjo = 0; parameter real vj = 1; parameter real mj = 0.5; parameter real fc = 0.5;
  parameter real tt = 0;
  real vt, v, id, arg, q, f1, f2, f3;
  analog begin
    vt = n * $vt;
    v = $limit(V(a, ci), \"pnjlim\", vt, vt * ln(vt / (sqrt(2) * is)));
    if (v >= -3 * vt)
      id = is * (exp(v / vt) - 1);
    else begin
      arg = 3 * vt / (v * exp(1));
      id = -is * (1 + arg * arg * arg);
    end
    if (v < fc * vj)
      q = cjo * vj * (1 - pow(1 - v / vj, 1 - mj)) / (1 - mj);
    else begin
      f1 = vj * (1 - pow(1 - fc, 1 - mj)) / (1 - mj);
      f2 = pow(1 - fc, 1 + mj);
      f3 = 1 - fc * (1 + mj);
      q = cjo * (f1 + (f3 * (v - fc * vj) + mj / (2 * vj) * (v * v - fc * fc * vj * vj)) / f2);
    end
    I(a, ci) <+ id + $simparam(\"gmin\", 0) * v + ddt(tt * id + q);
    I(a, ci) <+ white_noise(2 * `P_Q * abs(id), \"shot\");
    if (rs > 0) begin
      I(ci, c) <+ V(ci, c) / rs;
      I(ci, c) <+ white_noise(4 * `P_K * $temperature / rs, \"thermal\");
    end else
      V(ci, c) <+ 0;
  end
endmodule
";

#[test]
fn a_diode_like_the_native_one() {
    for rs in ["0", "10"] {
        let deck = format!(
            "t
.hdl \"m.va\"
v1 in 0 dc 0.8 sin(0 5 100k) ac 1
r1 in a 1k
d1 a 0 dm
r2 in b 1k
n2 b 0 dv
.model dm d is=1e-14 rs={rs} cjo=10p vj=0.8 m=0.4 tt=20n
.model dv vdio is=1e-14 rs={rs} cjo=10p vj=0.8 mj=0.4 tt=20n
.options reltol=1e-7 abstol=1e-15 vntol=1e-9
.op
.dc v1 -5 5 0.1
.tran 10n 30u
.end
"
        );
        let o = run(DIODE, &deck);
        assert_same(table(&o, 0), "v(a)", "v(b)", 1e-9, 1e-12);
        assert_same(table(&o, 1), "v(a)", "v(b)", 1e-8, 1e-9);
        // The series resistance is on the other side, which only the internal node can see.
        assert_same(table(&o, 2), "v(a)", "v(b)", 1e-6, 1e-6);
    }
}

#[test]
fn noise_of_a_diode_like_the_native_one() {
    let deck = "t
.hdl \"m.va\"
v1 in 0 dc 0.8 ac 1
r1 in a 1k
d1 a 0 dm
v2 in2 0 dc 0.8 ac 1
r2 in2 b 1k
n2 b 0 dv m=1
.model dm d is=1e-14 rs=10
.model dv vdio is=1e-14 rs=10
.noise v(a) v1 lin 1 1k 1k
.noise v(b) v2 lin 1 1k 1k
.end
";
    let o = run(DIODE, deck);
    let of = |k: usize| last(table(&o, k), "onoise_spectrum");
    let tables: Vec<usize> = (0..o.points[0].tables.len())
        .filter(|k| table(&o, *k).schema.signals.iter().any(|s| &*s.name == "onoise_spectrum"))
        .collect();
    let (a, b) = (of(tables[0]), of(tables[1]));
    assert!((a / b - 1.0).abs() < 1e-6, "{a} {b}");
}

#[test]
fn a_memristor_with_its_state_in_an_integral() {
    // HP drift without window: x(t) = x0 + k Q, R = ron x + roff (1 - x): Q has a closed form for a current source.
    let module = "
module mem(p, n);
  inout p, n; electrical p, n;
  parameter real ron = 100; parameter real roff = 10k; parameter real k = 1e4; parameter real x0 = 0.3;
  (* desc = \"state\" *) real x;
  analog begin
    x = idt(k * I(p, n), x0);
    V(p, n) <+ I(p, n) * (ron * x + roff * (1 - x));
  end
endmodule
";
    let deck = "t
.hdl \"m.va\"
i1 0 a sin(0 10u 1)
x1 a 0 mem
.save v(a) @x1[x]
.options reltol=1e-6
.op
.tran 1m 1
.end
";
    let o = run(module, deck);
    let x = last(table(&o, 0), "@x1[x]");
    assert!((x - 0.3).abs() < 1e-12, "{x}");
    let t = table(&o, 1);
    let (time, x) = (column(t, "time"), column(t, "@x1[x]"));
    for (t, x) in time.iter().zip(&x) {
        let w = 2.0 * std::f64::consts::PI;
        let want = 0.3 + 1e4 * 10e-6 * (1.0 - (w * t).cos()) / w;
        assert!((x - want).abs() < 2e-5, "{t}: {x} {want}");
    }
}

#[test]
fn what_persists_is_committed_at_accepted_points_only() {
    // Counts accepted points after the first; rejected steps and iterations leave no trace.
    let module = "
module count(p, n);
  inout p, n; electrical p, n;
  real k;
  analog begin
    @(initial_step) k = 0;
    I(p, n) <+ 1e-3 * k * V(p, n);
    k = k + 1;
  end
endmodule
";
    let deck = "t
.hdl \"m.va\"
v1 a 0 1
x1 a 0 count
.save i(v1) @x1[k]
.tran 1u 10u
.end
";
    let o = run(module, deck);
    let i = column(table(&o, 0), "i(v1)");
    for (row, i) in i.iter().enumerate() {
        // Before the first commitment the value is that of the first evaluation.
        assert!((-i - 1e-3 * row as f64).abs() < 1e-9, "row {row}: {i}");
    }
}

#[test]
fn events_switch_states() {
    let module = "
module schmitt(in, out);
  inout in, out; electrical in, out;
  integer q;
  analog begin
    @(initial_step) q = 0;
    @(cross(V(in) - 0.7, +1)) q = 1;
    @(cross(V(in) - 0.3, -1)) q = 0;
    V(out) <+ q;
  end
endmodule
module clock(out);
  inout out; electrical out;
  integer n;
  analog begin
    @(timer(1u, 2u)) n = n + 1;
    V(out) <+ n;
  end
endmodule
";
    let deck = "t
.hdl \"m.va\"
v1 in 0 pwl(0 0 10u 1 20u 0)
x1 in out schmitt
x2 c clock
.save v(in) v(out) v(c)
.tran 0.1u 20u
.end
";
    let o = run(module, deck);
    let t = table(&o, 0);
    let (time, out, c) = (column(t, "time"), column(t, "v(out)"), column(t, "v(c)"));
    // An event's point is the last one that has the value before it.
    let event = |v: &[f64], level: f64| time[v.iter().position(|x| *x >= level).unwrap() - 1];
    // 0.7 V at 7 µs, and 0.3 V again at 17 µs.
    assert!((event(&out, 0.5) - 7e-6).abs() < 1e-8, "{}", event(&out, 0.5));
    let end = (0..time.len()).rev().find(|k| out[*k] > 0.5).unwrap();
    assert!((time[end] - 17e-6).abs() < 2e-8, "{}", time[end]);
    for k in 1..=9 {
        let at = event(&c, k as f64 - 0.5);
        assert!((at - (1e-6 + 2e-6 * (k - 1) as f64)).abs() < 1e-12, "{k}: {at}");
    }
}

#[test]
fn messages_come_at_accepted_points() {
    let module = "
module talk(p, n);
  inout p, n; electrical p, n;
  analog begin
    I(p, n) <+ V(p, n);
    @(initial_step) $strobe(\"%m starts with %g V\", V(p, n));
    @(timer(5u)) begin $strobe(\"t = %e\", $abstime); $finish; end
  end
endmodule
";
    let o = run(module, "t\n.hdl \"m.va\"\nv1 a 0 2\nx1 a 0 talk\n.tran 1u 10u\n.end\n");
    let m = &o.points[0].messages;
    assert_eq!(m.len(), 2, "{m:?}");
    assert_eq!(m[0], "x1 starts with 2 V");
    assert!(m[1].starts_with("t = 5.0000"), "{m:?}");
    let end = last(table(&o, 0), "time");
    assert!((end - 5e-6).abs() < 1e-9, "{end}");
}

#[test]
fn random_draws_are_made_once_a_point_and_depend_on_the_seed() {
    let module = "
module rnd(p, n);
  inout p, n; electrical p, n;
  integer seed;
  analog V(p, n) <+ $rdist_normal(seed, 1, 0.1);
endmodule
";
    let values = |seed: u32| {
        let deck = format!("t\n.hdl \"m.va\"\nx1 a 0 rnd\nr1 a 0 1k\n.options seed={seed}\n.tran 1u 200u 0 1u\n.end\n");
        column(table(&run(module, &deck), 0), "v(a)")
    };
    let (a, b, c) = (values(1), values(1), values(2));
    assert_eq!(a, b);
    assert_ne!(a, c);
    let mean = a.iter().sum::<f64>() / a.len() as f64;
    let var = a.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / a.len() as f64;
    assert!((mean - 1.0).abs() < 0.03 && (var.sqrt() - 0.1).abs() < 0.03, "{mean} {var}");
}

#[test]
fn a_switch_branch_changes_what_it_is() {
    let module = "
module sw(p, n, c);
  inout p, n, c; electrical p, n, c;
  analog if (V(c) > 0.5) V(p, n) <+ 0; else I(p, n) <+ 0;
endmodule
";
    let deck = "t
.hdl \"m.va\"
v1 in 0 1
r1 in a 1k
vc c 0 pwl(0 0 1u 0 2u 1)
x1 a 0 c sw
.tran 10n 4u
.end
";
    let o = run(module, deck);
    let t = table(&o, 0);
    let (time, a) = (column(t, "time"), column(t, "v(a)"));
    for (t, a) in time.iter().zip(&a) {
        let want = if *t > 1.55e-6 { 0.0 } else { 1.0 };
        if (t - 1.5e-6).abs() > 5e-8 {
            assert!((a - want).abs() < 1e-6, "{t}: {a}");
        }
    }
}

#[test]
fn laplace_and_ddx() {
    let module = "
module filt(in, out);
  inout in, out; electrical in, out;
  analog V(out) <+ laplace_nd(V(in), '{1}, '{1, 1e-3});
endmodule
module gm(p, n);
  inout p, n; electrical p, n;
  (* desc = \"conductance\" *) real g;
  real i;
  analog begin
    i = 1e-3 * V(p, n) * V(p, n);
    g = ddx(i, V(p));
    I(p, n) <+ i;
  end
endmodule
";
    let deck = "t
.hdl \"m.va\"
v1 in 0 dc 2 ac 1
x1 in out filt
x2 in 0 gm
.save v(out) @x2[g]
.op
.ac lin 1 159.1549430918953 159.1549430918953
.end
";
    let o = run(module, deck);
    assert!((last(table(&o, 0), "v(out)") - 2.0).abs() < 1e-9);
    assert!((last(table(&o, 0), "@x2[g]") - 4e-3).abs() < 1e-12);
    let t = table(&o, 1);
    let v = t.column("v(out)").unwrap().at(0);
    assert!((v.re - 0.5).abs() < 1e-9 && (v.im + 0.5).abs() < 1e-9, "{v}");
}

#[test]
fn what_cannot_be_simulated_is_said_with_its_place() {
    let module = "
module td(p, n);
  inout p, n; electrical p, n;
  analog V(p, n) <+ laplace_nd(V(p, n), '{0, 0, 1}, '{1, 1});
endmodule
";
    let o = try_run(module, "t\n.hdl \"m.va\"\nx1 a 0 td\nr1 a 0 1\n.op\n.end\n");
    let d = o.diagnostics.iter().find(|d| d.code.0 == "E0850").expect("a diagnostic");
    assert!(d.message.contains("zeros") && d.span().is_some());
}

#[test]
fn transition_slew_and_ac_stim() {
    let module = "
module edge(out, lim, src);
  inout out, lim, src; electrical out, lim, src;
  integer q;
  analog begin
    @(initial_step) q = 0;
    @(timer(1u)) q = 1;
    V(out) <+ transition(q, 0, 2u, 2u);
    V(lim) <+ slew(V(out) > 0.25 ? 1 : 0, 1e6, -1e6);
    V(src) <+ ac_stim(\"ac\", 2, 0);
  end
endmodule
";
    let deck = "t
.hdl \"m.va\"
x1 out lim src edge
r1 out 0 1k
r2 lim 0 1k
r3 src 0 1k
.options reltol=1e-6
.tran 10n 5u 0 20n
.ac lin 1 1k 1k
.end
";
    let o = run(module, deck);
    let t = table(&o, 0);
    let (time, out, lim) = (column(t, "time"), column(t, "v(out)"), column(t, "v(lim)"));
    for k in 0..time.len() {
        let want = ((time[k] - 1e-6) / 2e-6).clamp(0.0, 1.0);
        assert!((out[k] - want).abs() < 2e-2, "{}: {} {want}", time[k], out[k]);
        // 0.25 is reached at 1.5 µs; from there 1 V/µs.
        let want = ((time[k] - 1.5e-6) / 1e-6).clamp(0.0, 1.0);
        assert!((lim[k] - want).abs() < 4e-2, "{}: {} {want}", time[k], lim[k]);
    }
    let v = table(&o, 1).column("v(src)").unwrap().at(0);
    assert!((v.re - 2.0).abs() < 1e-9 && v.im.abs() < 1e-9, "{v}");
}

/// Models add the noise of a series resistance to its branch whether or not the branch is a short.
#[test]
fn noise_does_not_undo_a_short() {
    let module = "
module m(a, c); inout a, c; electrical a, c, i; parameter real rs = 0 from [0:inf);
analog begin
  if (rs > 0) I(a, i) <+ V(a, i) / rs; else V(a, i) <+ 0;
  I(i, c) <+ 1e-3 * V(i, c);
  I(a, i) <+ white_noise(1e-20, \"rs\");
end
endmodule
";
    let o = run(module, "t\n.hdl \"m.va\"\nv1 a 0 1\nx1 a 0 m\nv2 b 0 1\nx2 b 0 m rs=1k\n.op\n.end\n");
    assert!((last(table(&o, 0), "i(v1)") + 1e-3).abs() < 1e-12);
    assert!((last(table(&o, 0), "i(v2)") + 0.5e-3).abs() < 1e-12);
}

/// A resistance that may be a short has its noise at its two nodes: no unknown carries it, and a short has none.
#[test]
fn noise_of_a_resistance_that_may_be_a_short_takes_no_unknown() {
    let module = "
module m(a, c); inout a, c; electrical a, c, i; parameter real rs = 0 from [0:inf);
analog begin
  if (rs > 0) begin I(a, i) <+ V(a, i) / rs; I(a, i) <+ white_noise(4 * `P_K * $temperature / rs); end
  else V(a, i) <+ 0;
  I(i, c) <+ 1e-3 * V(i, c);
end
endmodule
";
    let deck = "t\n.hdl \"m.va\"\nv1 in 0 dc 1 ac 1\nr1 in a 1k\nxa a 0 m rs=3k\nr2 in b 1k\nxb b 0 m\n\
                .noise v(a) v1 lin 1 1k 1k\n.noise v(b) v1 lin 1 1k 1k\n.end\n";
    let o = run(module, deck);
    // in, a, b, the current of v1, and the node inside of xa.
    assert_eq!(o.points[0].tables[0].table.meta.stats.unknowns, 5);
    let of = |k: usize| last(table(&o, k), "onoise_spectrum").powi(2);
    let tables: Vec<usize> = (0..o.points[0].tables.len())
        .filter(|k| table(&o, *k).schema.signals.iter().any(|s| &*s.name == "onoise_spectrum"))
        .collect();
    let four_kt = 4.0 * 1.380649e-23 * 300.15;
    // 1k to the source beside 4k, of which 3k are noisy: currents times what they see of the divider.
    let (r1, r3) = (four_kt / 1e3 * 800f64.powi(2), four_kt / 3e3 * (800.0f64 * 3.0 / 4.0).powi(2));
    assert!((of(tables[0]) / (r1 + r3) - 1.0).abs() < 1e-4, "{} {}", of(tables[0]), r1 + r3);
    assert!((of(tables[1]) / (four_kt / 1e3 * 500f64.powi(2)) - 1.0).abs() < 1e-4, "{}", of(tables[1]));
}

/// The way in which models that come from SPICE limit: one function tells the last value, another one keeps the new one
/// and says whether it was changed.
const TWO_STEP_LIMIT: &str = "
module d(a, c); inout a, c; electrical a, c;
analog function real last; input vnew, vold; real vnew, vold; last = vold; endfunction
analog function real keep;
  input vnew, vold, value, limited; real vnew, vold, value; integer limited;
  begin keep = value; if (limited) $discontinuity(-1); end
endfunction
real v, old; integer limited;
analog begin
  old = $limit(V(a, c), last);
  v = V(a, c); limited = 0;
  if (v > old + 0.1) begin v = old + 0.1; limited = 1; end
  if ($simparam(\"iniLim\", 0)) begin v = 0.6; limited = 1; end
  v = $limit(V(a, c), keep, v, limited);
  I(a, c) <+ 1e-14 * (exp(v / 0.025) - 1);
end
endmodule
";

#[test]
fn limiting_in_two_steps() {
    let deck = "t\n.hdl \"m.va\"\nv1 in 0 5\nr1 in a 1k\nx1 a 0 d\n.options reltol=1e-9 abstol=1e-15\n.op\n.dc v1 -5 5 1\n.end\n";
    let o = run(TWO_STEP_LIMIT, deck);
    let v = last(table(&o, 0), "v(a)");
    let off = (5.0 - v) / 1e3 - 1e-14 * ((v / 0.025).exp() - 1.0);
    assert!(off.abs() < 1e-11, "{v} V: {off:e} A");
    let t = table(&o, 1);
    assert!((last(t, "v(a)") - v).abs() < 1e-9 && (column(t, "v(a)")[0] + 5.0).abs() < 1e-9);
}

#[test]
fn a_default_may_ask_the_simulator() {
    let module = "
module m(a, c); inout a, c; electrical a, c; parameter real g = $simparam(\"gmin\", 1e-3);
analog I(a, c) <+ g * V(a, c); endmodule
";
    let o = run(module, "t\n.hdl \"m.va\"\nv1 a 0 1\nx1 a 0 m\n.options gmin=2e-9\n.op\n.end\n");
    assert!((last(table(&o, 0), "i(v1)") + 2e-9).abs() < 1e-18);
}

#[test]
fn arguments_of_functions_take_the_declared_type() {
    let module = "
module m(a, c); inout a, c; electrical a, c;
analog function real pick; input k, x; integer k; real x; pick = k * x; endfunction
analog I(a, c) <+ pick(1.6, V(a, c)) * 1e-3; endmodule
";
    let o = run(module, "t\n.hdl \"m.va\"\nv1 a 0 1\nx1 a 0 m\n.op\n.end\n");
    assert!((last(table(&o, 0), "i(v1)") + 2e-3).abs() < 1e-15);
}

/// A node that some parameters do without: shorted under a condition, with flow contributed in any case.
#[test]
fn flow_does_not_undo_a_conditional_short() {
    let module = "
module m(a, c); inout a, c; electrical a, c, q; parameter integer nqs = 0;
analog begin
  if (nqs == 0) V(q) <+ 0;
  I(q) <+ nqs * 1e-3 * (V(q) - V(a, c));
  I(a, c) <+ 1e-3 * (nqs ? V(q) : 2 * V(a, c));
end
endmodule
";
    let o = run(module, "t\n.hdl \"m.va\"\nv1 a 0 1\nx1 a 0 m\nv2 b 0 1\nx2 b 0 m nqs=1\n.op\n.end\n");
    assert!((last(table(&o, 0), "i(v1)") + 2e-3).abs() < 1e-12);
    assert!((last(table(&o, 0), "i(v2)") + 1e-3).abs() < 1e-12);
}

/// Without a condition the flow wins, as the language says.
#[test]
fn flow_undoes_an_unconditional_short() {
    let module = "
module m(a, c); inout a, c; electrical a, c; parameter real r = 1k;
analog begin V(a, c) <+ 0; if (r > 0) I(a, c) <+ V(a, c) / r; end
endmodule
";
    let o = run(module, "t\n.hdl \"m.va\"\nv1 a 0 1\nx1 a 0 m\n.op\n.end\n");
    assert!((last(table(&o, 0), "i(v1)") + 1e-3).abs() < 1e-12);
}

#[test]
fn a_module_called_as_a_native_device() {
    let module = "
module resistor(p, n); inout p, n; electrical p, n; parameter real r = 1k;
analog I(p, n) <+ V(p, n) / (2 * r); endmodule
";
    let o = run(module, "t\n.hdl \"m.va\"\nv1 a 0 1\nx1 a 0 resistor\nv2 b 0 1\nr2 b 0 1k\n.op\n.end\n");
    assert!((last(table(&o, 0), "i(v1)") + 0.5e-3).abs() < 1e-12);
    assert!((last(table(&o, 0), "i(v2)") + 1e-3).abs() < 1e-12);
}
