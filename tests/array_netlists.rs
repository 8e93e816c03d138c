//! Arrays as primitives against the same arrays as netlists of resistors and devices: one answer by two ways.

use std::fmt::Write;
use std::path::Path;

use ferrospice::array::device_cells::Varied;
use ferrospice::array::{
    Array, DeviceCells, End, Geometry, Law, LawCells, Linear, Program, Settings, TranSettings, transient,
};
use ferrospice::base::Control;
use ferrospice::base::rng::Stream;
use ferrospice::circuit::{self, Circuit, Overrides};
use ferrospice::dataset::Table;
use ferrospice::device::param;
use ferrospice::diag::{Diagnostic, SourceMap};
use ferrospice::netlist::{self, ParseOptions};
use ferrospice::session::{self, RunOptions};

fn uniform(k: usize) -> f64 {
    Stream { seed: 9, run: 0, instance: 5 }.uniform(0, k as u32)
}

struct NoFiles;

impl netlist::Files for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

/// A cell between `wl` and `bl`, as elements of a netlist.
fn cell(text: &str) -> Circuit {
    let mut sources = SourceMap::new();
    let deck = format!("cell\n{text}\nvwl wl 0 0\nvbl bl 0 0\n.end\n");
    let (deck, diags) = netlist::parse(&NoFiles, "cell.cir", &deck, &ParseOptions::default(), &mut sources);
    assert!(diags.iter().all(|d| !d.is_error()), "{diags:?}");
    let (circuit, diags) = circuit::elaborate(&deck, &sources, &Overrides::default());
    circuit.unwrap_or_else(|| panic!("{diags:?}"))
}

fn devices(text: &str, size: (usize, usize), varied: &[Varied]) -> Result<DeviceCells, Vec<Diagnostic>> {
    DeviceCells::new(&cell(text), ("wl", "bl"), &["vwl", "vbl"], size, varied)
}

/// The array as a netlist; `instance(k)` is the cell between `{w}` and `{b}`.
fn expanded(
    geometry: &Geometry,
    cards: &str,
    wave: impl Fn(f64) -> String,
    instance: impl Fn(usize) -> String,
) -> String {
    let (m, n) = (geometry.rows, geometry.cols);
    let mut s = format!("array\n{cards}\n");
    for i in 0..m {
        for j in 0..n {
            let text = instance(i * n + j).replace("{w}", &format!("w{i}_{j}")).replace("{b}", &format!("b{i}_{j}"));
            let _ = writeln!(s, "{text}");
            if j + 1 < n {
                let _ = writeln!(s, "rw{i}_{j} w{i}_{j} w{i}_{} {:e}", j + 1, geometry.word.segment);
            }
            if i + 1 < m {
                let _ = writeln!(s, "rb{i}_{j} b{i}_{j} b{}_{j} {:e}", i + 1, geometry.bit.segment);
            }
            for (name, c) in [("w", geometry.word.capacitance), ("b", geometry.bit.capacitance)] {
                if c > 0.0 {
                    let _ = writeln!(s, "c{name}{i}_{j} {name}{i}_{j} 0 {c:e}");
                }
            }
        }
    }
    let mut end = |name: String, node: String, e: End| {
        if !e.is_floating() {
            let _ = writeln!(s, "v{name} s{name} 0 {}\nr{name} s{name} {node} {:e}", wave(e.volts), e.ohms);
        }
    };
    for e in 0..2 {
        for i in 0..m {
            end(format!("we{e}_{i}"), format!("w{i}_{}", e * (n - 1)), geometry.word.ends[e][i]);
        }
        for j in 0..n {
            end(format!("be{e}_{j}"), format!("b{}_{j}", e * (m - 1)), geometry.bit.ends[e][j]);
        }
    }
    s + ".end\n"
}

fn run(text: &str) -> Table {
    let out = session::run_text("array.cir", text, &RunOptions::default(), &session::Disk, &Control::default());
    assert!(!out.has_errors(), "{:?}\n{text}", out.diagnostics);
    out.tables().next().expect("a table").clone()
}

const TIGHT: &str = ".options reltol=1e-9 vntol=1e-13 abstol=1e-18 gmin=0\n.op";

fn compare(table: &Table, geometry: &Geometry, word: &[f64], bit: &[f64], tolerance: f64) {
    for k in 0..geometry.cells() {
        let (i, j) = (k / geometry.cols, k % geometry.cols);
        for (name, v) in [("w", word[k]), ("b", bit[k])] {
            let x = table.real(&format!("v({name}{i}_{j})")).unwrap_or_else(|| panic!("{name}{i}_{j}"));
            let x = x[x.len() - 1];
            assert!((x - v).abs() < tolerance, "{name}{i}_{j}: {v} for {x}");
        }
    }
}

fn crossbar(m: usize, n: usize) -> Geometry {
    Geometry::crossbar(&(0..m).map(|k| 0.3 + uniform(k)).collect::<Vec<_>>(), n, 2.0, 3.0)
}

#[test]
fn linear_cells() {
    let geometry = crossbar(12, 9);
    let g: Vec<f64> = (0..geometry.cells()).map(|k| 1e-6 * 1e4f64.powf(uniform(k + 100))).collect();
    let table =
        run(&expanded(&geometry, TIGHT, |v| format!("{v:e}"), |k| format!("r{k} {{w}} {{b}} {:e}", 1.0 / g[k])));
    let mut a = Linear::new(geometry.clone(), g).unwrap();
    a.solve(&Settings::default(), &Control::default()).unwrap();
    compare(&table, &geometry, a.word(), a.bit(), 1e-9);
}

#[test]
fn cells_of_a_law_and_cells_of_behavioural_sources() {
    let geometry = crossbar(7, 8);
    let g: Vec<f64> = (0..geometry.cells()).map(|k| 1e-6 * 1e3f64.powf(uniform(k + 100))).collect();
    let law = |k: usize| format!("b{k} {{w}} {{b}} i={:e}*sinh(3*v({{w}},{{b}}))", g[k] / 3.0);
    let table = run(&expanded(&geometry, TIGHT, |v| format!("{v:e}"), law));
    let mut a = Array::new(geometry.clone(), LawCells::new(Law::Sinh { kappa: 3.0 }, g).unwrap()).unwrap();
    a.solve(&Settings::default(), &Control::default()).unwrap();
    compare(&table, &geometry, a.word(), a.bit(), 1e-9);
    // The same cell for all, as devices.
    let one = "b1 wl bl i=1u*sinh(3*v(wl,bl))";
    let table = run(&expanded(
        &geometry,
        TIGHT,
        |v| format!("{v:e}"),
        |k| one.replace("b1", &format!("b{k}")).replace("wl", "{w}").replace("bl", "{b}"),
    ));
    let mut a = Array::new(geometry.clone(), devices(one, (7, 8), &[]).unwrap()).unwrap();
    a.solve(&Settings::default(), &Control::default()).unwrap();
    compare(&table, &geometry, a.word(), a.bit(), 1e-9);
}

#[test]
fn cells_with_inner_nodes_and_parameters_of_their_own() {
    // A rectifying selector in series with a resistor that differs from cell to cell.
    let geometry = crossbar(6, 5);
    let ohms: Vec<f64> = (0..geometry.cells()).map(|k| 1e3 * 1e2f64.powf(uniform(k + 100))).collect();
    let model = ".model sel d is=1e-12 n=1.2 rs=20";
    let text = format!("d1 wl x sel\nr1 x bl 1k\n{model}");
    let table = run(&expanded(
        &geometry,
        &format!("{TIGHT}\n{model}"),
        |v| format!("{v:e}"),
        |k| format!("d{k} {{w}} x{k} sel\nrc{k} x{k} {{b}} {:e}", ohms[k]),
    ));
    let circuit = cell(&text);
    let (group, instance) = circuit.instance("r1").unwrap();
    let id = param::find(circuit.groups[group].info().instance, "r").unwrap();
    let varied = [Varied { group, instance, param: id, values: ohms }];
    let cells = DeviceCells::new(&circuit, ("wl", "bl"), &["vwl", "vbl"], (6, 5), &varied).unwrap();
    let mut a = Array::new(geometry.clone(), cells).unwrap();
    a.solve(&Settings::default(), &Control::default()).unwrap();
    compare(&table, &geometry, a.word(), a.bit(), 1e-9);
}

#[test]
fn a_write_pulse_on_memristors() {
    let memristor = ".subckt memristor te be ron=5k roff=100k x0=0.1 beta=2e8 vt=0.8\n\
        cx x 0 1 ic={x0}\nrx x 0 1e12\n\
        bx 0 x i={beta}*(v(te,be)-0.5*(abs(v(te,be)+{vt})-abs(v(te,be)-{vt})))*(v(te,be)>0 ? 1-v(x) : v(x))\n\
        bm te be i=v(te,be)*({1/roff}+({1/ron-1/roff})*v(x))\n.ends";
    let (m, n) = (4, 5);
    let mut geometry = Geometry::crossbar(&vec![0.75; m], n, 5.0, 5.0);
    geometry.word.set_volts(0, 1.5);
    (0..n - 1).for_each(|j| geometry.bit.set_volts(j, 0.75));
    (geometry.word.capacitance, geometry.bit.capacitance) = (1e-15, 1e-15);
    let table = run(&expanded(
        &geometry,
        &format!("{memristor}\n.options reltol=1e-6\n.tran 0.02n 16n uic"),
        |v| format!("pwl(0 0 1n 0 2n {v:e} 12n {v:e} 13n 0)"),
        |k| format!("xc{k} {{w}} {{b}} memristor"),
    ));
    let cells = devices(&format!("{memristor}\nx1 wl bl memristor"), (m, n), &[]).unwrap();
    let mut a = Array::new(geometry.clone(), cells).unwrap();
    let volts = |ends: &[End]| ends.iter().map(|e| e.volts).collect::<Vec<f64>>();
    let (word, bit) = (volts(&geometry.word.ends[0]), volts(&geometry.bit.ends[1]));
    let program = Program::pulse(&word, &bit, 1e-9, 1e-9, 10e-9, 1e-9);
    let settings = TranSettings { reltol: 1e-6, ..TranSettings::new(16e-9) };
    let s = transient(&mut a, &program, &settings, &Control::default(), |_, _| {}).unwrap();
    assert!(s.accepted > 20, "{s:?}");
    let k = a.internals().len() / (m * n);
    let mut switched = 0;
    for cell in 0..m * n {
        let x = table.real(&format!("v(xc{cell}.x)")).unwrap_or_else(|| panic!("{:?}", table.schema.signals));
        let (there, here) = (x[x.len() - 1], a.internals()[cell * k]);
        assert!((there - here).abs() < 2e-4, "cell {cell}: {here} for {there}");
        switched += usize::from(here > 0.5);
    }
    assert_eq!(switched, 1);
}

#[test]
fn what_does_not_fit_into_a_cell_is_said() {
    let text = |d: Vec<Diagnostic>| d.iter().map(|d| format!("{} {}", d.code.0, d.message)).collect::<String>();
    let d = text(devices("r1 wl bl 1k\nr2 wl 0 1k", (2, 2), &[]).err().unwrap());
    assert!(d.contains("E0913") && d.contains("against ground"), "{d}");
    let d = text(devices("r1 wl bl 1k\nv9 wl x 0\nr3 x bl 1k\nf1 wl bl v9 2", (2, 2), &[]).err().unwrap());
    assert!(d.contains("E0913") && d.contains("f1"), "{d}");
    let c = cell("r1 wl bl 1k");
    let d = text(DeviceCells::new(&c, ("wl", "x"), &[], (1, 1), &[]).err().unwrap());
    assert!(d.contains("`wl` and `x`"), "{d}");
}

/// Oracle 10: gates carry no current, so that the columns of a 1T1R array with source lines along the bit lines decouple.
#[test]
fn columns_of_one_transistor_and_one_resistor() {
    use ferrospice::array::{Columns, OneTransistor, Transistor};
    let (m, n) = (9usize, 4usize);
    let t = Transistor::default();
    let g: Vec<f64> = (0..m * n).map(|k| 1e-6 * 1e3f64.powf(uniform(k))).collect();
    let gates: Vec<f64> = (0..m).map(|k| if k % 3 == 0 { 0.0 } else { 1.0 + uniform(k + 70) }).collect();
    let volts: Vec<f64> = (0..n).map(|k| 0.2 + uniform(k + 90)).collect();
    let wire = 4.0;
    let mut columns = Columns::driven(&volts, gates.clone(), wire);
    columns.source.ends[0][1] = End::driven(0.1, 50.0);
    columns.bit.ends[0][2] = End::driven(volts[2], 0.0);
    columns.source.opens.push((3, 4));
    let cells = OneTransistor::new(n, g.clone(), t).unwrap();
    let s = columns.solve(&cells, &Settings::default(), &Control::default()).unwrap();
    assert!(s.certificate.residual < 1e-10 && s.newton < 40, "{:?} {}", s.certificate, s.newton);

    let mut text = format!("1t1r\n{TIGHT}\n");
    let f = |v: &str, gate: f64| {
        let u = format!("(({:e}-{v})/{:e})", (gate - t.vt) / t.n, t.phi);
        format!("(max({u},0)/2+ln(1+exp(-abs({u})/2)))**2")
    };
    for j in 0..n {
        for i in 0..m {
            let k = i * n + j;
            let _ = writeln!(text, "r{k} b{i}_{j} d{i}_{j} {:e}", 1.0 / g[k]);
            let scale = 2.0 * t.n * t.beta * t.phi * t.phi;
            let (source, drain) = (f(&format!("v(s{i}_{j})"), gates[i]), f(&format!("v(d{i}_{j})"), gates[i]));
            let _ = writeln!(text, "b{k} d{i}_{j} s{i}_{j} i={scale:e}*({source}-{drain})");
            if i + 1 < m {
                let _ = writeln!(text, "rb{k} b{i}_{j} b{}_{j} {wire:e}", i + 1);
                if (j, i) != (3, 4) {
                    let _ = writeln!(text, "rs{k} s{i}_{j} s{}_{j} {wire:e}", i + 1);
                }
            }
        }
        let lead = if j == 2 { 0.0 } else { wire };
        let _ = writeln!(text, "vb{j} vb{j} 0 {:e}", volts[j]);
        let _ = writeln!(
            text,
            "{}",
            if lead == 0.0 { format!("vx{j} vb{j} b0_{j} 0") } else { format!("rl{j} vb{j} b0_{j} {lead:e}") }
        );
        let _ = writeln!(text, "rg{j} s{}_{j} 0 {wire:e}", m - 1);
    }
    let _ = writeln!(text, "ve ve 0 0.1\nre ve s0_1 50\n.end");
    let table = run(&text);
    for k in 0..m * n {
        for (name, v) in [("b", s.bit[k]), ("s", s.source[k])] {
            let x = table.real(&format!("v({name}{}_{})", k / n, k % n)).unwrap();
            assert!((x[0] - v).abs() < 1e-9, "{name}{}_{}: {v} for {}", k / n, k % n, x[0]);
        }
    }
    // Another column's voltage changes nothing, to the last bit.
    columns.bit.ends[0][0].volts = 0.9;
    let other = columns.solve(&cells, &Settings::default(), &Control::default()).unwrap();
    for k in (0..m * n).filter(|k| k % n != 0) {
        assert_eq!(s.bit[k].to_bits(), other.bit[k].to_bits());
    }
    columns.gates.pop();
    columns.bit.segment = 0.0;
    assert_eq!(columns.solve(&cells, &Settings::default(), &Control::default()).unwrap_err().len(), 2);
}
