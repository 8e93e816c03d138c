//! Arrays of cells on several lines against the same arrays as `.array` cards: one answer by two ways, at rest and in time.

use std::fmt::Write;
use std::path::Path;

use ferrospice::array::cells::Moment;
use ferrospice::array::{
    Defect, DeviceCells, End, LineCells, LineFrame, Lines, Network, NetworkProgram, Plane, Settings, TranSettings,
};
use ferrospice::base::Control;
use ferrospice::circuit::Circuit;
use ferrospice::dataset::Table;
use ferrospice::session::{self, RunOptions};

/// With the models of the library.
fn options() -> RunOptions {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    RunOptions { include_dirs: vec![models.clone(), models.join("cards")], ..RunOptions::default() }
}

fn run(text: &str) -> Table {
    let out = session::run_text("array.cir", text, &options(), &session::Disk, &Control::default());
    assert!(!out.has_errors(), "{:?}\n{text}", out.diagnostics);
    out.tables().next().expect("a table").clone()
}

/// A cell between nodes of these names.
fn cell(cards: &str, nodes: &[&str]) -> Circuit {
    let mut text = format!("cell\n.options gmin=0\n{cards}\nxcell {} cell\n", nodes.join(" "));
    for n in nodes {
        let _ = writeln!(text, "vhold{n} {n} 0 0");
    }
    let (circuit, _, diags) = session::circuit("cell.cir", &(text + ".end\n"), &options(), &session::Disk);
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
    let last = table.real("v(xb.bl[0][0])").expect("a first node").len() - 1;
    let largest = compare_at(table, last, a, planes, cols, tolerance);
    assert!(largest > 0.1);
}

/// At one point of the table. The largest voltage.
fn compare_at(
    table: &Table,
    point: usize,
    a: &Network<DeviceCells>,
    planes: &[(usize, &str)],
    cols: usize,
    tolerance: f64,
) -> f64 {
    let mut largest = 0.0f64;
    for &(p, name) in planes {
        let rows = a.internals().len();
        assert!(rows > 0);
        for cell in 0.. {
            let (i, j) = (cell / cols, cell % cols);
            let (line, at) = if a.planes()[p].along_row { (i, j) } else { (j, i) };
            let Some(x) = table.real(&format!("v(xb.{name}[{line}][{at}])")) else { break };
            let x = x[point];
            let d = (x - a.voltage(p, cell)).abs();
            assert!(d < tolerance, "{name} of cell {i},{j}: {} for {x}", a.voltage(p, cell));
            largest = largest.max(x.abs());
        }
    }
    largest
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
    let cards = STATEFUL;
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

const STATEFUL: &str = ".model nm nmos level=1 vto=0.5 kp=200u lambda=0.02 cgso=0.2n cgdo=0.2n\n\
    .subckt cell bl wl sl\nm1 d wl sl 0 nm w=1u l=0.1u\n\
    cx x 0 1 ic=0.1\nrx x 0 1e12\nbx 0 x i=4e7*v(bl,d)*(v(bl,d)>0 ? 1-v(x) : v(x))\n\
    bm bl d i=v(bl,d)*(1e-5+1e-4*v(x))\n.ends";

/// A write pulse on one cell of a square array, on so many threads: steps taken, steps taken back, Newton iterations, and the
/// states of all cells.
fn write_pulse(n: usize, threads: usize) -> ([usize; 3], Vec<f64>) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let planes = vec![
            lines("bit", false, &vec![0.0; n], 3.0, 1e-15),
            lines("word", true, &vec![0.0; n], 5.0, 2e-15),
            lines("source", true, &vec![0.0; n], 4.0, 1e-15),
        ];
        let cells = cells(STATEFUL, &["bl", "wl", "sl"], (n, n));
        let mut a = Network::new((n, n), planes, vec![vec![0, 1, 2]], cells).unwrap();
        let (mut write, mut select) = (vec![0.0; n], vec![0.0; n]);
        (write[n / 2], select[n / 3]) = (1.5, 2.0);
        let program = NetworkProgram::pulse(&[write, select, vec![0.0; n]], 1e-9, 1e-9, 18e-9, 1e-9);
        let settings = TranSettings::new(24e-9);
        let s = a.transient(&program, &settings, &Control::default(), |_, _| {}).unwrap();
        ([s.accepted, s.rejected, s.newton], a.internals().to_vec())
    })
}

#[test]
fn networks_do_not_depend_on_threads() {
    let (one, states) = write_pulse(24, 1);
    for threads in [2, 3] {
        let (many, same) = write_pulse(24, threads);
        assert_eq!(one, many);
        assert!(states.iter().zip(&same).all(|(a, b)| a.to_bits() == b.to_bits()));
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
    let layers = [(0, "wl0"), (1, "bl1"), (2, "wl2"), (3, "bl3")];
    assert!(compare_at(&table, 0, &a, &layers, n, 1e-9) > 0.1);
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

/// Cells whose gate has its own line and whose state a Verilog-A device keeps, both ways: at rest, swept, and read after a
/// write pulse through wires that make the state count.
fn own_gates(
    cards: &str,
    pins: [&'static str; 3],
    along: [bool; 3],
    wire: f64,
    write: [&[f64]; 3],
    read: [&[f64]; 3],
    unit: f64,
) {
    let (m, n) = (3, read[2].len());
    assert_eq!(read[0].len(), m);
    let head = format!(
        "{cards}\n.array xb rows={m} cols={n} cell=cell pins=\"{}\"{}{}\n",
        pins.join(" "),
        pins.iter().map(|p| format!(" r{p}={wire}")).collect::<String>(),
        if pins.contains(&"sl") { " sl=col" } else { "" },
    );
    let planes =
        |volts: [&[f64]; 3]| -> Vec<Lines> { (0..3).map(|k| lines(pins[k], along[k], volts[k], wire, 0.0)).collect() };
    let named: Vec<(usize, &str)> = pins.into_iter().enumerate().collect();
    let network =
        |volts| Network::new((m, n), planes(volts), vec![vec![0, 1, 2]], cells(cards, &pins, (m, n))).unwrap();
    let settings = Settings { tol: 1e-12, iterations: 0 };
    // At rest, and swept from nothing to the voltages of a reading.
    let mut deck = format!("gates\n{TIGHT}\n{head}");
    for (pin, volts) in pins.iter().zip(read) {
        for (k, v) in volts.iter().enumerate() {
            let _ = writeln!(deck, "e{pin}{k} xb.{pin}[{k}] 0 level 0 {v:e}");
        }
    }
    let rest = run(&format!("{deck}vlevel level 0 1\n.op\n.end\n"));
    let mut a = network(read);
    a.solve(&settings, &Control::default()).unwrap();
    assert!(compare_at(&rest, 0, &a, &named, n, 1e-9) > 0.05);
    let swept = run(&format!("{deck}vlevel level 0 0\n.dc vlevel 0 1 0.25\n.end\n"));
    for point in 0..5 {
        for (p, volts) in read.iter().enumerate() {
            volts.iter().enumerate().for_each(|(line, v)| a.set_volts(p, line, 0.25 * point as f64 * v));
        }
        a.solve(&settings, &Control::default()).unwrap();
        compare_at(&swept, point, &a, &named, n, 1e-9);
    }
    // Written, left alone, read.
    let times = [0.0, 0.05, 1.05, 1.1, 1.3, 1.35, 1.6].map(|t| t * unit);
    let level = |k: usize, p: usize, line: usize| match k {
        1 | 2 => write[p][line],
        5 | 6 => read[p][line],
        _ => 0.0,
    };
    let mut deck = format!("gates\n.options reltol=1e-5 gmin=0\n{head}");
    for (p, pin) in pins.iter().enumerate() {
        for line in 0..read[p].len() {
            let wave: String =
                times.iter().enumerate().map(|(k, t)| format!("{t:e} {:e} ", level(k, p, line))).collect();
            let _ = writeln!(deck, "v{pin}{line} xb.{pin}[{line}] 0 pwl({wave})");
        }
    }
    let table = run(&format!("{deck}.tran {:e} {:e}\n.end\n", 1e-2 * unit, times[6]));
    let frame = |k: usize| (0..3).map(|p| (0..read[p].len()).map(|l| level(k, p, l)).collect()).collect();
    let program = NetworkProgram { frames: times.iter().enumerate().map(|(k, t)| (*t, frame(k))).collect() };
    let zeros: Vec<Vec<f64>> = read.iter().map(|v| vec![0.0; v.len()]).collect();
    let mut a = network([&zeros[0], &zeros[1], &zeros[2]]);
    let before = a.internals().to_vec();
    let settings = TranSettings { reltol: 1e-5, ..TranSettings::new(times[6]) };
    a.transient(&program, &settings, &Control::default(), |_, _| {}).unwrap();
    let last = table.real(&format!("v(xb.{}[0][0])", pins[0])).unwrap().len() - 1;
    compare_at(&table, last, &a, &named, n, 1e-5);
    // The pulse did something, and what it did is seen: the fresh array reads otherwise.
    assert!(before.iter().zip(a.internals()).any(|(x, y)| (x - y).abs() > 0.01));
    let mut fresh = network(read);
    fresh.solve(&Settings { tol: 1e-12, iterations: 0 }, &Control::default()).unwrap();
    let seen = (0..m * n).flat_map(|c| (0..3).map(move |p| (p, c)));
    let most = seen.map(|(p, c)| (fresh.voltage(p, c) - a.voltage(p, c)).abs()).fold(0.0, f64::max);
    assert!(most > 1e-4, "{most}");
}

#[test]
fn ferroelectric_transistors_by_both_ways() {
    let cards = ".include \"fefet_28nm.lib\"\n.subckt cell wl bl sl\nxf bl wl sl 0 fefet_28nm\n.ends";
    let v = 4.0;
    let columns = [2.0 * v / 3.0, 0.0];
    let write: [&[f64]; 3] = [&[v / 3.0, v, v / 3.0], &columns, &columns];
    let read: [&[f64]; 3] = [&[0.6, 0.9, 1.2], &[0.1, 0.2], &[0.0, 0.0]];
    own_gates(cards, ["wl", "bl", "sl"], [true, false, false], 1e3, write, read, 1e-6);
}

#[test]
fn electrochemical_cells_by_both_ways() {
    let cards = ".hdl \"ecram.va\"\n.subckt cell gl wl bl\nx1 gl wl bl ecram w=10u l=10u tch=20n cmax=1.9e28 rel=1m \
        cdl=10m j0=20k u0=0 ufr=0 gmin=1u gmax=10u kappa=0 x0=0.5\n.ends";
    let write: [&[f64]; 3] = [&[-2.0, 1.0, 2.0], &[0.0; 3], &[0.0; 3]];
    let read: [&[f64]; 3] = [&[0.0; 3], &[0.1, 0.2, 0.3], &[0.0; 3]];
    own_gates(cards, ["gl", "wl", "bl"], [true, true, false], 1e3, write, read, 3e-3);
}

/// Currents, slopes and contents of a row of cells after one evaluation at the first point in time, or at a later one.
fn once(cells: &DeviceCells, quiet: f64, v: &[f64], z: &[f64]) -> [Vec<f64>; 3] {
    let t = cells.lines();
    let (n, inner) = (v.len() / t, LineCells::internals(cells).len());
    let past = vec![0.0; n * (t + inner)];
    let at = Moment { time: 1e-9, a0: 1e9, quiet, past: &past };
    let (mut z, mut c) = (z.to_vec(), past.clone());
    let (mut i, mut g) = (vec![0.0; n * t], vec![0.0; n * t * t]);
    let frame = LineFrame { first: 0, v, z: &mut z, i: &mut i, g: &mut g, c: &mut c };
    cells.once(&at, true, frame).unwrap();
    [i, g, c]
}

/// A cell that hardly moves goes on along its tangents, whatever becomes of those beside it.
#[test]
fn cells_that_stand_still_are_not_evaluated() {
    let cells = cells(".subckt cell a b\nb1 a b i=1m*v(a,b)*v(a,b)*v(a,b)\n.ends", &["a", "b"], (1, 2));
    once(&cells, 1e-3, &[0.5, 0.0, 0.5, 0.0], &[]);
    let [i, ..] = once(&cells, 1e-3, &[0.7, 0.0, 0.5001, 0.0], &[]);
    assert!((i[0] - 1e-3 * 0.7f64.powi(3)).abs() < 1e-16, "{i:?}");
    let tangent = 1e-3 * (0.125 + 0.75 * 1e-4);
    assert!((i[2] - tangent).abs() < 1e-16 && (i[2] - 1e-3 * 0.5001f64.powi(3)).abs() > 1e-12, "{i:?}");
    // Without leave to rest all are evaluated.
    let [i, ..] = once(&cells, 0.0, &[0.7, 0.0, 0.5001, 0.0], &[]);
    assert!((i[2] - 1e-3 * 0.5001f64.powi(3)).abs() < 1e-16, "{i:?}");
}

/// Some cells of a row evaluated by themselves, with every kind of device that can be: as in an evaluation of all.
#[test]
fn cells_are_evaluated_alone_as_with_the_others() {
    let cards = ".model nm nmos level=1 vto=0.02 kp=200u lambda=0.02 rd=50 cgso=0.2n\n.model dm d is=1e-12 rs=10 cjo=1f\n\
        .subckt cell bl wl sl\nr1 bl a 10k\nd1 a b dm\nc1 b sl 1f\nm1 b wl sl sl nm w=1u l=0.1u\n\
        bm bl b i=1e-6*v(bl,b)*(1+v(x)*v(x))\ncx x 0 1 ic=0.1\nrx x 0 1e12\nbx 0 x i=1e-9*sinh(v(bl,b)/0.1)*v(x)\n\
        bd bl sl i=1e-15*ddt(v(bl,sl)*v(bl,sl))\n.ends";
    let new = || cells(cards, &["bl", "wl", "sl"], (1, 5));
    let (some, all) = (new(), new());
    let inner = LineCells::internals(&some).len();
    let z: Vec<f64> = (0..5 * inner).map(|k| 0.01 * (1 + k % 7) as f64).collect();
    let mut v: Vec<f64> = (0..15).map(|k| 0.03 * (1 + k % 4) as f64).collect();
    once(&some, 1e-4, &v, &z);
    for cell in [1, 3] {
        v[3 * cell] += 0.02;
        v[3 * cell + 1] += 0.01;
    }
    let (a, b) = (once(&some, 1e-4, &v, &z), once(&all, 1e-4, &v, &z));
    for (a, b) in a.iter().zip(&b) {
        let largest = b.iter().fold(0.0f64, |s, b| s.max(b.abs()));
        assert!(largest > 0.0);
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-12 * largest), "{a:?}\n{b:?}");
    }
}

/// The row's source line carries the return currents and is never driven: before it has moved it is no line of microvolts.
#[test]
fn steps_do_not_follow_a_line_at_ground() {
    let n = 32;
    let cards = ".model nm nmos level=1 vto=0.5 kp=1m\n.subckt cell bl wl sl\nm1 d wl sl sl nm w=10u l=1u\n\
        bm bl d i=v(bl,d)*(1e-6+9.9e-5*v(x))\ncx x 0 1 ic=0.1\nrx x 0 1e15\n\
        bx 0 x i=2e8*sinh(v(bl,d)/0.5)*v(x)*(1-v(x))\n.ends";
    let run = |reltol: f64| {
        let zero = vec![0.0; n];
        let planes = vec![
            lines("bit", false, &zero, 1.0, 1e-15),
            lines("word", true, &zero, 1.0, 1e-15),
            lines("source", true, &zero, 1.0, 1e-15),
        ];
        let cells = cells(cards, &["bl", "wl", "sl"], (n, n));
        let mut a = Network::new((n, n), planes, vec![vec![0, 1, 2]], cells).unwrap();
        let mut select = zero.clone();
        select[0] = 2.0;
        let write: Vec<f64> = (0..n).map(|j| f64::from(u8::from(j % 2 == 0))).collect();
        let program = NetworkProgram::pulse(&[write, select, zero], 0.0, 2e-9, 20e-9, 2e-9);
        let settings = TranSettings { reltol, ..TranSettings::new(24e-9) };
        let s = a.transient(&program, &settings, &Control::default(), |_, _| {}).unwrap();
        (s.accepted + s.rejected, a.internals().to_vec())
    };
    let ((steps, x), (many, exact)) = (run(1e-3), run(1e-4));
    assert!(steps <= 105 && many > steps, "{steps} and {many}");
    let worst = x.iter().zip(&exact).fold(0.0f64, |s, (a, b)| s.max((a - b).abs()));
    assert!(worst < 1e-3, "{worst}");
}
