//! The Verilog-A compiler: text to machine code for a model of the size of BSIM4 (written by this bench: 900 parameters,
//! 3000 assignments, 700 conditions), for a memristor and a diode; and what one evaluation, values and derivatives, of a
//! diode and an EKV transistor costs beside the same equations written natively (checked here to give the same numbers).
//!
//! `VA_FILE=/path/to/model.va` adds a file from outside: its last module, whole way and step by step.

use std::fmt::Write;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ferrospice::diag::SourceMap;
use ferrospice::veriloga::bind::{BackEnd, VaDevice};
use ferrospice::veriloga::ir::Out;
use ferrospice::veriloga::jit::Kernel;
use ferrospice::veriloga::lower::{finish, lower};
use ferrospice::veriloga::{Options, hir, parse_and_check};

#[path = "veriloga/native.rs"]
mod native;

use native::{Compiled, Diode, Ekv};

const MEMRISTOR: &str = include_str!("../netlists/veriloga/vteam.va");
const DIODE: &str = include_str!("../netlists/veriloga/diode.va");
const EKV: &str = include_str!("../models/ekv.va");
/// Instances that are evaluated in a row.
const ROW: usize = 1024;

/// Four terminals, six internal nodes; parameters in sections with ranges, geometry scaling of each, then blocks of bias
/// equations in which every third stands in a condition.
fn large(params: usize, blocks: usize) -> String {
    let mut s = String::from("`include \"constants.vams\"\n`include \"disciplines.vams\"\nmodule large(d, g, s, b);\n");
    s.push_str("inout d, g, s, b; electrical d, g, s, b, di, gi, si, bi, sb, db;\n");
    s.push_str("parameter real l = 1e-7 from (0:inf); parameter real w = 1e-6 from (0:inf); parameter integer mode = 1 from [0:3];\n");
    for k in 0..params {
        let _ = writeln!(
            s,
            "parameter real p{k} = {:.3} from [0:10]; parameter real lp{k} = 0.01;",
            0.5 + 0.001 * k as f64
        );
    }
    s.push_str("real il, iw, vt, vgs, vds, vbs, i0, q0, x0, y0;\n");
    for k in 0..params {
        let _ = writeln!(s, "real e{k};");
    }
    for k in 0..blocks {
        let _ = writeln!(s, "real x{}, y{}, z{k}, i{}, q{};", k + 1, k + 1, k + 1, k + 1);
    }
    s.push_str("analog function real smooth; input x, d; real x, d; smooth = 0.5 * (x + sqrt(x * x + 4 * d * d)); endfunction\n");
    s.push_str("analog begin\nil = 1e-7 / l; iw = 1e-6 / w; vt = $vt;\n");
    for k in 0..params {
        let _ = writeln!(s, "e{k} = p{k} + lp{k} * il + 0.001 * iw * il;");
        if k % 4 == 0 {
            let _ = writeln!(
                s,
                "if (e{k} < 0) begin $warning(\"p{k} is negative\"); e{k} = 0; end else if (mode > 1) e{k} = e{k} * pow(iw, 0.1);"
            );
        }
    }
    s.push_str("vgs = V(gi, si); vds = V(di, si); vbs = V(bi, si); i0 = 1e-6; q0 = 1e-15; x0 = vgs; y0 = vds;\n");
    for k in 0..blocks {
        let (n, p, q, r) = (k + 1, k % params, (7 * k + 3) % params, (13 * k + 5) % params);
        let _ = writeln!(s, "z{k} = smooth(0.9 * x{k} + 0.1 * vgs - 0.1 * e{p} * y{k}, 0.1 * e{q}) / (1 + e{r});");
        match k % 3 {
            0 => {
                let _ = writeln!(
                    s,
                    "if (z{k} > 5 * vt) begin x{n} = 0.1 * z{k} + sqrt(0.5 + e{p} * z{k}); y{n} = 0.5 * y{k}; end \
                     else if (mode == 2) begin x{n} = vgs; y{n} = vds; end \
                     else begin x{n} = vt * ln(1 + exp(z{k} / vt)); y{n} = 0.5 * (y{k} + z{k}); end"
                );
            }
            1 => {
                let _ = writeln!(
                    s,
                    "x{n} = 0.3 * tanh(z{k} + 0.01 * vbs) + pow(1 + e{q} * abs(y{k}), 0.3) - 0.9; y{n} = 0.5 * vds + 0.1 * x{n};"
                );
            }
            _ => {
                let _ = writeln!(
                    s,
                    "x{n} = z{k} / sqrt(1 + x{k} * x{k}) + 0.1 * vgs; y{n} = (y{k} + 0.1 * z{k} * z{k}) / (1.2 + abs(z{k}));"
                );
            }
        }
        let _ = writeln!(
            s,
            "i{n} = i{k} * (1 + 0.01 * e{p} * x{n}) / (1 + 0.01 * e{q}); q{n} = q{k} + 1e-18 * e{r} * y{n};"
        );
    }
    let _ = writeln!(s, "I(di, si) <+ i{blocks} * tanh(vds / vt);");
    for (a, b, k) in [("gi", "si", 0), ("gi", "di", 1), ("gi", "bi", 2), ("bi", "di", 3), ("bi", "si", 4)] {
        let at = blocks - 5 * k - 1;
        let _ = writeln!(s, "I({a}, {b}) <+ ddt(q{at} * V({a}, {b}) * (1 + 0.1 * x{at})) + 1e-12 * V({a}, {b});");
    }
    for (a, b, p) in [("d", "di", 1), ("s", "si", 2), ("g", "gi", 3), ("b", "bi", 4), ("sb", "bi", 5), ("db", "bi", 6)]
    {
        let _ = writeln!(s, "if (e{p} > 1e-3) I({a}, {b}) <+ V({a}, {b}) / e{p}; else V({a}, {b}) <+ 0;");
    }
    s.push_str("I(sb, s) <+ 1e-14 * (limexp(V(sb, s) / vt) - 1); I(db, d) <+ 1e-14 * (limexp(V(db, d) / vt) - 1);\n");
    s.push_str("I(di, si) <+ white_noise(4 * `P_K * $temperature * abs(i1), \"channel\") + flicker_noise(1e-20 * abs(i1), 1, \"flicker\");\n");
    s.push_str("end\nendmodule\n");
    s
}

fn front(path: &Path, text: &str) -> Vec<hir::Module> {
    let files = |p: &Path| if p == path { Ok(text.to_string()) } else { std::fs::read_to_string(p) };
    let mut sources = SourceMap::new();
    let (modules, faults) = parse_and_check(&files, path, &mut sources, &Options::default());
    assert!(!modules.is_empty(), "{faults:?}");
    modules
}

fn whole(path: &Path, text: &str) -> VaDevice {
    let modules = front(path, text);
    let last = modules.last().expect("a module");
    let device = VaDevice::compile(last, BackEnd::Native).unwrap_or_else(|f| panic!("{f:?}"));
    device.prepare().unwrap_or_else(|why| panic!("{why}"));
    device
}

fn compile(c: &mut Criterion) {
    let mut g = c.benchmark_group("veriloga");
    let here = Path::new("bench.va");
    g.bench_function("memristor", |b| b.iter(|| whole(here, MEMRISTOR)));
    g.bench_function("diode", |b| b.iter(|| whole(here, DIODE)));
    g.sample_size(10);
    let mut texts = vec![
        ("memristor".to_string(), here.to_path_buf(), MEMRISTOR.to_string()),
        ("large".to_string(), here.to_path_buf(), large(900, 700)),
    ];
    if let Ok(file) = std::env::var("VA_FILE") {
        let text = std::fs::read_to_string(&file).expect("VA_FILE is readable");
        texts.push(("file".into(), file.into(), text));
    }
    for (name, path, text) in &texts {
        g.bench_function(format!("{name}/all"), |b| b.iter(|| whole(path, text)));
        g.bench_function(format!("{name}/front end"), |b| b.iter(|| front(path, text)));
        let modules = front(path, text);
        let module = modules.last().expect("a module");
        g.bench_function(format!("{name}/ssa form"), |b| b.iter(|| lower(module).map(|l| l.limits)));
        let lowered = lower(module).unwrap_or_else(|f| panic!("{f:?}"));
        g.bench_function(format!("{name}/derivatives"), |b| {
            b.iter_batched(|| lowered.clone(), finish, BatchSize::LargeInput);
        });
        let program = finish(lowered);
        g.bench_function(format!("{name}/machine code"), |b| {
            b.iter(|| Kernel::compile(&program, program.eval()).is_ok())
        });
    }
    g.finish();
}

/// The last module of a text with parameters, ready to be evaluated.
fn compiled(text: &str, given: &[(&str, f64)]) -> Compiled {
    let modules = front(Path::new("bench.va"), text);
    let module = modules.last().expect("a module");
    let names: Vec<String> = module.params.values().map(|p| p.name.clone()).collect();
    let lowered = lower(module).unwrap_or_else(|f| panic!("{f:?}"));
    Compiled::new(finish(lowered), &names, given, ROW)
}

fn same(what: &str, x: f64, y: f64) {
    assert!((x - y).abs() <= 1e-9 * x.abs().max(y.abs()) + 1e-25, "{what}: {x:e} compiled, {y:e} native");
}

fn evaluate(c: &mut Criterion) {
    let mut g = c.benchmark_group("evaluate");
    g.throughput(Throughput::Elements(ROW as u64));

    let mut module = compiled(DIODE, &[("is", 1e-14), ("cjo", 1e-12), ("tt", 1e-9), ("rs", 2.0)]);
    let n = module.program.lowered.unknowns.len();
    let volts: Vec<f64> = (0..ROW).map(|k| -1.0 + 1.8 * k as f64 / ROW as f64).collect();
    for (k, v) in volts.iter().enumerate() {
        module.x[k * n..][..2].copy_from_slice(&[*v, -1e-3]);
        module.old[k] = *v;
    }
    let native = Diode::new(1e-14, 1e-12, 1e-9, 2.0);
    // Anode, cathode, inner node.
    let at: Vec<[f64; 3]> = volts.iter().map(|v| [*v, -1e-3, 0.0]).collect();
    let mut out = vec![[0.0; native::DIODE]; ROW];
    module.run();
    native.run(&at, &volts, &mut out);
    for (k, out) in out.iter().enumerate() {
        same("current", module.result(k, Out::F, 0, 0), out[0]);
        same("current of the resistance", module.result(k, Out::F, 1, 0), out[1]);
        same("current of the inner node", module.result(k, Out::F, 2, 0), out[2]);
        same("charge", module.result(k, Out::Q, 0, 0), out[3]);
        same("conductance", module.result(k, Out::G, 0, 0), out[5]);
        same("conductance of the inner node", module.result(k, Out::G, 2, 2), out[8]);
        same("capacitance", module.result(k, Out::C, 0, 0), out[12]);
    }
    g.bench_function("diode, compiled", |b| b.iter(|| module.run()));
    g.bench_function("diode, native", |b| b.iter(|| native.run(&at, &volts, &mut out)));

    let mut module = compiled(EKV, &[("theta", 0.1), ("lambda", 0.05), ("cov", 1e-10)]);
    let n = module.program.lowered.unknowns.len();
    let at: Vec<[f64; 4]> = (0..ROW).map(|k| [0.002 * (k % 32) as f64, 0.04 * (k / 32) as f64, 0.0, -0.1]).collect();
    for (k, v) in at.iter().enumerate() {
        module.x[k * n..][..4].copy_from_slice(v);
    }
    let native = Ekv::new(0.1, 0.05, 1e-10);
    let mut out = vec![[0.0; native::EKV]; ROW];
    module.run();
    native.run(&at, &mut out);
    for (k, out) in out.iter().enumerate() {
        same("drain current", module.result(k, Out::F, 0, 0), out[0]);
        for row in 0..4 {
            same("charge", module.result(k, Out::Q, row, 0), out[2 + row as usize]);
            for column in 0..4 {
                same("capacitance", module.result(k, Out::C, row, column), out[14 + (4 * row + column) as usize]);
            }
        }
        for column in 0..4 {
            same("conductance", module.result(k, Out::G, 0, column), out[6 + column as usize]);
        }
    }
    g.bench_function("EKV, compiled", |b| b.iter(|| module.run()));
    g.bench_function("EKV, native", |b| b.iter(|| native.run(&at, &mut out)));
    g.finish();
}

criterion_group!(benches, evaluate, compile);
criterion_main!(benches);
