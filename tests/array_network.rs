//! Arrays of cells on several lines against the same arrays as `.array` cards: one answer by two ways, at rest and in time.

use std::fmt::Write;
use std::path::Path;

use ferrospice::array::{Defect, DeviceCells, End, Lines, Network, NetworkProgram, Plane, Settings, TranSettings};
use ferrospice::base::Control;
use ferrospice::circuit::Circuit;
use ferrospice::dataset::Table;
use ferrospice::session::{self, RunOptions};

fn run(text: &str) -> Table {
    let out = session::run_text("array.cir", text, &RunOptions::default(), &session::Disk, &Control::default());
    assert!(!out.has_errors(), "{:?}\n{text}", out.diagnostics);
    out.tables().next().expect("a table").clone()
}

/// A cell between nodes of these names.
fn cell(cards: &str, nodes: &[&str]) -> Circuit {
    let mut text = format!("cell\n.options gmin=0\n{cards}\nxcell {} cell\n", nodes.join(" "));
    for n in nodes {
        let _ = writeln!(text, "vhold{n} {n} 0 0");
    }
    let (circuit, _, diags) = session::circuit("cell.cir", &(text + ".end\n"), &RunOptions::default(), &session::Disk);
    circuit.unwrap_or_else(|| panic!("{diags:?}"))
}

fn cells(cards: &str, nodes: &[&str], size: (usize, usize)) -> DeviceCells {
    let circuit = cell(cards, nodes);
    let hold: Vec<String> = nodes.iter().map(|n| format!("vhold{n}")).collect();
    let hold: Vec<&str> = hold.iter().map(String::as_str).collect();
    DeviceCells::on_lines(&circuit, nodes, &hold, size, &[]).unwrap_or_else(|d| panic!("{d:?}"))
}

/// Lines that begin with one segment at end 0 (along rows) or at the last row, as those of `.array` do.
fn lines(name: &'static str, along_row: bool, volts: &[f64], r: f64, c: f64) -> Lines {
    let mut plane = Plane::floating(volts.len(), r);
    plane.capacitance = c;
    let end = usize::from(!along_row);
    plane.ends[end] = volts.iter().map(|v| End::driven(*v, r)).collect();
    Lines { name, along_row, plane }
}

const TIGHT: &str = ".options reltol=1e-9 vntol=1e-13 abstol=1e-18 gmin=0";

const ACCESS: &str = ".model nm nmos level=1 vto=0.5 kp=200u lambda=0.02 gamma=0.4 phi=0.7\n\
    .subckt cell bl wl sl\nr1 bl d 20k\nm1 d wl sl sl nm w=1u l=0.1u\n.ends";

fn gates(m: usize) -> Vec<f64> {
    (0..m).map(|i| if i % 3 == 0 { 0.4 } else { 1.2 + 0.1 * i as f64 }).collect()
}

fn bits(n: usize) -> Vec<f64> {
    (0..n).map(|j| 0.3 + 0.15 * j as f64).collect()
}

fn sources(card: &mut String, line: &str, volts: &[f64], wave: impl Fn(f64) -> String) {
    for (k, v) in volts.iter().enumerate() {
        let _ = writeln!(card, "v{line}{k} xb.{line}[{k}] 0 {}", wave(*v));
    }
}

fn compare(table: &Table, a: &Network<DeviceCells>, planes: &[(usize, &str)], cols: usize, tolerance: f64) {
    let mut largest = 0.0f64;
    for &(p, name) in planes {
        let rows = a.internals().len();
        assert!(rows > 0);
        for cell in 0.. {
            let (i, j) = (cell / cols, cell % cols);
            let (line, at) = if a.planes()[p].along_row { (i, j) } else { (j, i) };
            let Some(x) = table.real(&format!("v(xb.{name}[{line}][{at}])")) else { break };
            let x = x[x.len() - 1];
            let d = (x - a.voltage(p, cell)).abs();
            assert!(d < tolerance, "{name} of cell {i},{j}: {} for {x}", a.voltage(p, cell));
            largest = largest.max(x.abs());
        }
    }
    assert!(largest > 0.1);
}

/// One transistor and one resistor with wires on gate, bit and source lines; source lines along either side.
#[test]
fn one_transistor_cells_at_rest() {
    let (m, n) = (7, 5);
    for is_row in [false, true] {
        let mut deck = format!(
            "1t1r\n{TIGHT}\n{ACCESS}\n.array xb rows={m} cols={n} cell=cell pins=\"bl wl sl\" sl={} rwl=5 rbl=3 rsl=4\n",
            if is_row { "row" } else { "col" }
        );
        let zero = vec![0.0; if is_row { m } else { n }];
        for (line, volts) in [("wl", gates(m)), ("bl", bits(n)), ("sl", zero.clone())] {
            sources(&mut deck, line, &volts, |v| format!("{v:e}"));
        }
        let table = run(&(deck + ".op\n.end\n"));
        let planes = vec![
            lines("bit", false, &bits(n), 3.0, 0.0),
            lines("word", true, &gates(m), 5.0, 0.0),
            lines("source", is_row, &zero, 4.0, 0.0),
        ];
        let cells = cells(ACCESS, &["bl", "wl", "sl"], (m, n));
        let mut a = Network::new((m, n), planes, vec![vec![0, 1, 2]], cells).unwrap();
        let c = a.solve(&Settings { tol: 1e-12, iterations: 0 }, &Control::default()).unwrap();
        assert!(c.residual < 1e-9, "{c:?}");
        compare(&table, &a, &[(0, "bl"), (1, "wl"), (2, "sl")], n, 1e-9);
        // What flows into the array flows out of it.
        let all: f64 = (0..3)
            .flat_map(|p| (0..a.planes()[p].plane.lines()).map(move |l| (p, l)))
            .map(|(p, l)| a.end_current(p, l, 0) + a.end_current(p, l, 1))
            .sum();
        assert!(all.abs() < 1e-12, "{all}");
    }
}

/// Sources swept together, dead and stuck cells, a broken source line.
#[test]
fn one_transistor_cells_with_faults() {
    let (m, n) = (4, 6);
    let mut deck = format!(
        "1t1r\n{TIGHT}\n{ACCESS}\n.array xb rows={m} cols={n} cell=cell pins=\"bl wl sl\" sl=row rwl=5 rbl=3 rsl=4 \
         dead=\"1,2\" stuck=\"2,3,5k\" open=\"sl,1,3\"\n"
    );
    sources(&mut deck, "wl", &gates(m), |v| format!("{v:e}"));
    sources(&mut deck, "sl", &vec![0.0; m], |v| format!("{v:e}"));
    for j in 0..n {
        let _ = writeln!(deck, "vb{j} xb.bl[{j}] drive 0");
    }
    let _ = writeln!(deck, "vdrive drive 0 0\nrs xb.sl[1][5] 0 1meg\n.dc vdrive 0 1 0.25\n.end");
    let table = run(&deck);
    let mut source = lines("source", true, &vec![0.0; m], 4.0, 0.0);
    source.plane.opens.push((1, 2));
    source.plane.ends[1][1] = End::driven(0.0, 1e6);
    let planes = vec![lines("bit", false, &vec![1.0; n], 3.0, 0.0), lines("word", true, &gates(m), 5.0, 0.0), source];
    let mut a = Network::new((m, n), planes, vec![vec![0, 1, 2]], cells(ACCESS, &["bl", "wl", "sl"], (m, n))).unwrap();
    a.set_defects(&[(n + 2, Defect::Dead), (2 * n + 3, Defect::Stuck(1.0 / 5e3))], (0, 2)).unwrap();
    a.solve(&Settings { tol: 1e-12, iterations: 0 }, &Control::default()).unwrap();
    compare(&table, &a, &[(0, "bl"), (2, "sl")], n, 1e-9);
    assert!(a.set_defects(&[(99, Defect::Dead)], (0, 2)).is_err());
}

/// A write pulse: gate and line capacitances, a state in every cell.
#[test]
fn a_write_pulse_through_transistors() {
    let (m, n) = (3, 4);
    let cards = ".model nm nmos level=1 vto=0.5 kp=200u lambda=0.02 cgso=0.2n cgdo=0.2n\n\
        .subckt cell bl wl sl\nm1 d wl sl 0 nm w=1u l=0.1u\n\
        cx x 0 1 ic=0.1\nrx x 0 1e12\nbx 0 x i=4e7*v(bl,d)*(v(bl,d)>0 ? 1-v(x) : v(x))\n\
        bm bl d i=v(bl,d)*(1e-5+1e-4*v(x))\n.ends";
    let mut deck = format!(
        "1t1r\n.options reltol=1e-6\n{cards}\n.array xb rows={m} cols={n} cell=cell pins=\"bl wl sl\" sl=row rwl=5 rbl=3 rsl=4 \
         cwl=2f cbl=1f csl=1f\n"
    );
    let pulse = |v: f64| format!("pwl(0 0 1n 0 2n {v:e} 20n {v:e} 21n 0)");
    let mut write = vec![0.0; n];
    write[2] = 1.5;
    let mut select = vec![0.0; m];
    select[1] = 2.0;
    sources(&mut deck, "wl", &select, pulse);
    sources(&mut deck, "bl", &write, pulse);
    sources(&mut deck, "sl", &vec![0.0; m], pulse);
    let table = run(&(deck + ".tran 0.02n 24n uic\n.end\n"));
    let planes = vec![
        lines("bit", false, &vec![0.0; n], 3.0, 1e-15),
        lines("word", true, &vec![0.0; m], 5.0, 2e-15),
        lines("source", true, &vec![0.0; m], 4.0, 1e-15),
    ];
    let mut a = Network::new((m, n), planes, vec![vec![0, 1, 2]], cells(cards, &["bl", "wl", "sl"], (m, n))).unwrap();
    let program = NetworkProgram::pulse(&[write, select, vec![0.0; m]], 1e-9, 1e-9, 18e-9, 1e-9);
    let settings = TranSettings { reltol: 1e-6, ..TranSettings::new(24e-9) };
    let s = a.transient(&program, &settings, &Control::default(), |_, _| {}).unwrap();
    assert!(s.accepted > 30 && s.energy > 0.0, "{s:?}");
    let k = a.internals().len() / (m * n);
    let names: Vec<&str> = ferrospice::array::LineCells::internals(a.cells()).iter().map(|i| i.name.as_str()).collect();
    let x = names.iter().position(|s| s.ends_with(".x")).unwrap_or_else(|| panic!("{names:?}"));
    for cell in 0..m * n {
        let there = table.real(&format!("v(xb.x_{}_{}.x)", cell / n, cell % n)).unwrap();
        let (there, here) = (there[there.len() - 1], a.internals()[cell * k + x]);
        assert!((there - here).abs() < 2e-4, "cell {cell}: {here} for {there}");
        assert_eq!(here > 0.5, cell == n + 2, "cell {cell}: {here}");
    }
}

/// Three layers whose lines are shared.
#[test]
fn a_stack_shares_its_lines() {
    let (m, n) = (4, 3);
    let cards = ".model d1 d is=1e-12 n=1.5 rs=50\n.subckt cell a b\nd1 a x d1\nr1 x b 2k\n.ends";
    let mut deck =
        format!("stack\n{TIGHT}\n{cards}\n.array xb rows={m} cols={n} layers=3 cell=cell pins=\"wl bl\" rwl=2 rbl=3\n");
    let (w0, w2): (Vec<f64>, Vec<f64>) = (0..m).map(|i| (1.0 + 0.1 * i as f64, 0.8 - 0.1 * i as f64)).unzip();
    let (b1, b3) = (vec![0.1; n], vec![0.0; n]);
    for (line, volts) in [("wl0", &w0), ("bl1", &b1), ("wl2", &w2), ("bl3", &b3)] {
        sources(&mut deck, line, volts, |v| format!("{v:e}"));
    }
    let table = run(&(deck + ".op\n.end\n"));
    let planes = vec![
        lines("word", true, &w0, 2.0, 0.0),
        lines("bit", false, &b1, 3.0, 0.0),
        lines("word", true, &w2, 2.0, 0.0),
        lines("bit", false, &b3, 3.0, 0.0),
    ];
    let taps = vec![vec![0, 1], vec![2, 1], vec![2, 3]];
    let mut a = Network::new((m, n), planes, taps, cells(cards, &["a", "b"], (3 * m, n))).unwrap();
    a.solve(&Settings { tol: 1e-12, iterations: 0 }, &Control::default()).unwrap();
    compare(&table, &a, &[(0, "wl0"), (1, "bl1"), (2, "wl2"), (3, "bl3")], n, 1e-9);
}

/// An array of a card, large enough to be ordered by its places, against the crossbar solver.
#[test]
fn a_large_card_and_the_primitive_agree() {
    use ferrospice::array::{Geometry, Linear};
    use ferrospice::base::rng::Stream;
    let (m, n) = (56, 48);
    let draw = |k: usize| Stream { seed: 3, run: 0, instance: 0 }.uniform(0, k as u32);
    let ohms: Vec<f64> = (0..m * n).map(|k| 1e4 * 1e2f64.powf(draw(k))).collect();
    let dir = tempfile::tempdir().unwrap();
    let text: String = ohms.chunks(n).map(|r| r.iter().map(|x| format!("{x:e},")).collect::<String>() + "\n").collect();
    std::fs::write(dir.path().join("r.csv"), text).unwrap();
    let volts: Vec<f64> = (0..m).map(|i| draw(10_000 + i)).collect();
    let solve = |expand: &str| -> Table {
        let card = format!(".array xb rows={m} cols={n} cell=r rwl=1 rbl=1 map=\"r:r.csv\" expand={expand}");
        let mut deck = format!("large\n{TIGHT}\n{card}\n");
        sources(&mut deck, "wl", &volts, |v| format!("{v:e}"));
        sources(&mut deck, "bl", &vec![0.0; n], |v| format!("{v:e}"));
        let path = dir.path().join("d.cir");
        std::fs::write(&path, deck + ".op\n.end\n").unwrap();
        let out = session::run(Path::new(&path), &RunOptions::default(), &session::Disk, &Control::default());
        assert!(!out.has_errors(), "{:?}", out.diagnostics);
        out.tables().next().unwrap().clone()
    };
    let (table, plain) = (solve("no"), solve("yes"));
    assert_eq!(table.meta.stats.ordering, "placed");
    assert_ne!(plain.meta.stats.ordering, "placed");
    let geometry = Geometry::crossbar(&volts, n, 1.0, 1.0);
    let mut a = Linear::new(geometry, ohms.iter().map(|r| 1.0 / r).collect()).unwrap();
    a.solve(&Settings { tol: 1e-13, iterations: 0 }, &Control::default()).unwrap();
    for k in 0..m * n {
        let (i, j) = (k / n, k % n);
        for (name, v) in [(format!("v(xb.wl[{i}][{j}])"), a.word()[k]), (format!("v(xb.bl[{j}][{i}])"), a.bit()[k])] {
            let x = table.real(&name).unwrap_or_else(|| panic!("{name}"))[0];
            assert!((x - v).abs() < 1e-9, "{name}: {x} for {v}");
            assert!((x - plain.real(&name).unwrap()[0]).abs() < 1e-9, "{name}");
        }
    }
}
