//! Circuits and matrices of the sparse benchmarks: decks of CMOS gates run through the simulator for their Jacobians,
//! and arrays written straight into patterns.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use ferrospice::sparse::{Builder, Pattern};
use ferrospice::{circuit, diag::SourceMap, netlist, sim::Simulation};

/// A matrix with a name.
pub struct Case {
    pub name: String,
    pub pattern: Arc<Pattern>,
    pub values: Vec<f64>,
    /// Symmetric and positive definite.
    pub is_spd: bool,
}

/// A repeatable stream of numbers in [0, 1) (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
    fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }
}

/// A conductance network from edges (0 is ground).
fn network(name: &str, n: usize, edges: impl Iterator<Item = (u32, u32, f64)>) -> Case {
    let mut b = Builder::new();
    let mut g = vec![];
    for (p, q, s) in edges {
        for (r, c) in [(p, p), (q, q), (p, q), (q, p)] {
            b.add(r, c);
        }
        g.push(s);
    }
    let (pattern, slots) = b.finish(n);
    let mut values = vec![0.0; pattern.slots()];
    for (s, g) in slots.chunks(4).zip(g) {
        for (k, &slot) in s.iter().enumerate() {
            values[slot as usize] += if k < 2 { g } else { -g };
        }
    }
    Case { name: name.into(), pattern: Arc::new(pattern), values, is_spd: true }
}

/// Sections of 1 kΩ and 1 pF under backward Euler of 1 ns, driven through the first resistor.
pub fn ladder(n: u32) -> Case {
    let edges = (1..=n).flat_map(|i| [(i - 1, i, 1e-3), (i, 0, 1e-3)]);
    network(&format!("RC ladder {n}"), n as usize, edges)
}

/// Two planes of m wires, driven at one end, a resistor at every crossing.
pub fn crossbar(m: u32) -> Case {
    let mut random = Random(7);
    let row = |i: u32, j: u32| 1 + i * m + j;
    let col = |i: u32, j: u32| 1 + m * m + i * m + j;
    let mut edges = vec![];
    for i in 0..m {
        edges.push((row(i, 0), 0, 1e-2));
        edges.push((col(0, i), 0, 1e-2));
        for j in 0..m {
            edges.push((row(i, j), col(i, j), 1e-6 + 1e-4 * random.unit()));
            if j + 1 < m {
                edges.push((row(i, j), row(i, j + 1), 0.4));
                edges.push((col(j, i), col(j + 1, i), 0.4));
            }
        }
    }
    network(&format!("crossbar {m}x{m}"), 2 * (m * m) as usize, edges.into_iter())
}

/// A transistor and a resistor at every crossing of word lines with bit and source lines: nodes w, b, s and the drain
/// d of each cell; the transistor's transconductance makes the values unsymmetric, its gate capacitances fill w's row.
pub fn one_transistor(m: u32) -> Case {
    let mut random = Random(11);
    let at = |kind: u32, i: u32, j: u32| 1 + 4 * (i * m + j) + kind;
    let mut b = Builder::new();
    let mut v: Vec<f64> = vec![];
    let branch = |p: u32, q: u32, g: f64, b: &mut Builder, v: &mut Vec<f64>| {
        for (r, c, s) in [(p, p, g), (q, q, g), (p, q, -g), (q, p, -g)] {
            b.add(r, c);
            v.push(s);
        }
    };
    for i in 0..m {
        branch(at(0, i, 0), 0, 1e-2, &mut b, &mut v);
        branch(at(1, 0, i), 0, 1e-2, &mut b, &mut v);
        branch(at(2, 0, i), 0, 1e-2, &mut b, &mut v);
        for j in 0..m {
            if j + 1 < m {
                branch(at(0, i, j), at(0, i, j + 1), 0.4, &mut b, &mut v);
                branch(at(1, j, i), at(1, j + 1, i), 0.4, &mut b, &mut v);
                branch(at(2, j, i), at(2, j + 1, i), 0.4, &mut b, &mut v);
            }
            let (w, bit, s, d) = (at(0, i, j), at(1, i, j), at(2, i, j), at(3, i, j));
            branch(bit, d, 1e-6 + 1e-4 * random.unit(), &mut b, &mut v);
            branch(d, s, 1e-5 + 1e-4 * random.unit(), &mut b, &mut v);
            branch(w, d, 1e-7, &mut b, &mut v);
            branch(w, s, 1e-7, &mut b, &mut v);
            let gm = 1e-5 + 2e-4 * random.unit();
            for (r, c, x) in [(d, w, gm), (d, s, -gm), (s, w, -gm), (s, s, gm)] {
                b.add(r, c);
                v.push(x);
            }
        }
    }
    let (pattern, slots) = b.finish(4 * (m * m) as usize);
    let mut values = vec![0.0; pattern.slots()];
    for (&slot, x) in slots.iter().zip(v) {
        values[slot as usize] += x;
    }
    Case { name: format!("1T1R {m}x{m}"), pattern: Arc::new(pattern), values, is_spd: false }
}

/// A deck of CMOS gates between vdd and ground.
#[derive(Default)]
struct Gates {
    text: String,
    transistors: usize,
    nodes: usize,
}

impl Gates {
    fn new(title: &str) -> Self {
        const COMMON: &str = "tox=20n cgso=0.3n cgdo=0.3n cj=0.3m mj=0.5 cjsw=0.2n mjsw=0.33 pb=0.8";
        let text = format!(
            "{title}\n.model nch nmos level=1 vto=0.7 kp=100u gamma=0.4 phi=0.65 lambda=0.05 {COMMON}\n\
             .model pch pmos level=1 vto=-0.7 kp=40u gamma=0.4 phi=0.65 lambda=0.05 {COMMON}\nVdd vdd 0 3.3\n"
        );
        Gates { text, ..Gates::default() }
    }

    fn node(&mut self) -> String {
        self.nodes += 1;
        format!("x{}", self.nodes)
    }

    fn n(&mut self, d: &str, g: &str, s: &str) {
        self.transistors += 1;
        let k = self.transistors;
        let _ = writeln!(self.text, "M{k} {d} {g} {s} 0 nch w=2u l=1u ad=4p as=4p pd=8u ps=8u");
    }

    fn p(&mut self, d: &str, g: &str, s: &str) {
        self.transistors += 1;
        let k = self.transistors;
        let _ = writeln!(self.text, "M{k} {d} {g} {s} vdd pch w=4u l=1u ad=8p as=8p pd=12u ps=12u");
    }

    fn inverter_to(&mut self, a: &str, y: &str) {
        self.p(y, a, "vdd");
        self.n(y, a, "0");
    }

    fn inverter(&mut self, a: &str) -> String {
        let y = self.node();
        self.inverter_to(a, &y);
        y
    }

    fn nand(&mut self, a: &str, b: &str) -> String {
        let (y, x) = (self.node(), self.node());
        self.p(&y, a, "vdd");
        self.p(&y, b, "vdd");
        self.n(&y, a, &x);
        self.n(&x, b, "0");
        y
    }

    /// Two crossed NANDs.
    fn latch(&mut self, set: &str, reset: &str) -> String {
        let (q, not_q) = (self.node(), self.node());
        for (y, a, b) in [(&q, set, &not_q), (&not_q, reset, &q)] {
            let x = self.node();
            self.p(y, a, "vdd");
            self.p(y, b, "vdd");
            self.n(y, a, &x);
            self.n(&x, b, "0");
        }
        q
    }

    fn nor(&mut self, a: &str, b: &str) -> String {
        let (y, x) = (self.node(), self.node());
        self.n(&y, a, "0");
        self.n(&y, b, "0");
        self.p(&y, a, &x);
        self.p(&x, b, "vdd");
        y
    }

    /// The mirror adder of 28 transistors: sum and carry.
    fn adder(&mut self, a: &str, b: &str, c: &str) -> (String, String) {
        let (carry, sum) = (self.node(), self.node());
        for is_p in [true, false] {
            let x: Vec<String> = (0..5).map(|_| self.node()).collect();
            let mut m = |d: &str, g: &str, s: &str| {
                let rail = if is_p { "vdd" } else { "0" };
                let s = if s.is_empty() { rail } else { s };
                if is_p { self.p(d, g, s) } else { self.n(d, g, s) }
            };
            m(&x[0], a, "");
            m(&x[0], b, "");
            m(&carry, c, &x[0]);
            m(&x[1], a, "");
            m(&carry, b, &x[1]);
            m(&x[2], a, "");
            m(&x[2], b, "");
            m(&x[2], c, "");
            m(&sum, &carry, &x[2]);
            m(&x[3], a, "");
            m(&x[4], b, &x[3]);
            m(&sum, c, &x[4]);
        }
        (self.inverter(&sum), self.inverter(&carry))
    }
}

pub fn ring_deck(stages: usize) -> String {
    let mut g = Gates::new(&format!("ring of {stages} inverters"));
    for k in 0..stages {
        g.inverter_to(&format!("n{k}"), &format!("n{}", (k + 1) % stages));
    }
    g.text + ".op\n.end\n"
}

/// Ripple rows of full adders over the partial products of two m-bit words.
pub fn multiplier_deck(m: usize) -> String {
    let mut g = Gates::new(&format!("array multiplier {m}x{m}"));
    for k in 0..m {
        let _ = writeln!(g.text, "Va{k} a{k} 0 {}\nVb{k} b{k} 0 {}", 3.3 * (k % 2) as f64, 3.3 * (k % 3 % 2) as f64);
    }
    let mut row: Vec<String> = vec![];
    for j in 0..m {
        let product: Vec<String> = (0..m)
            .map(|i| {
                let y = g.nand(&format!("a{i}"), &format!("b{j}"));
                g.inverter(&y)
            })
            .collect();
        if j == 0 {
            row = product;
            row.push("0".into());
            continue;
        }
        let (mut carry, mut next) = (String::from("0"), vec![]);
        for i in 0..m {
            let (sum, out) = g.adder(&product[i], &row[i + 1], &carry);
            next.push(sum);
            carry = out;
        }
        next.push(carry);
        row = next;
    }
    g.text + ".op\n.end\n"
}

/// Logic with primary inputs from sources: every gate's output feeds one gate, `reach` outputs further at most. With
/// `fans_out` outputs feed several gates, which makes meshes.
pub fn logic_deck(gates: usize, reach: usize, fans_out: bool) -> String {
    let mut g = Gates::new(&format!("random logic of {gates} gates"));
    let mut random = Random(gates as u64 + 5);
    for k in 0..16 {
        let _ = writeln!(g.text, "Vi{k} i{k} 0 {}", 3.3 * (k % 2) as f64);
    }
    let mut outputs: Vec<String> = vec![];
    for _ in 0..gates {
        let mut pick = || {
            if outputs.len() < 2 || random.unit() < 0.3 {
                return format!("i{}", random.below(16));
            }
            let at = outputs.len() - 1 - random.below(outputs.len().min(reach));
            if fans_out { outputs[at].clone() } else { outputs.remove(at) }
        };
        let (a, b) = (pick(), pick());
        let y = match random.below(3) {
            0 => g.inverter(&a),
            1 => g.nand(&a, &b),
            _ => g.nor(&a, &b),
        };
        outputs.push(y);
    }
    g.text + ".op\n.end\n"
}

/// Master-slave flip-flops of NAND latches, one behind the other, on the clock of a source.
pub fn shift_register_deck(bits: usize) -> String {
    let mut g = Gates::new(&format!("shift register of {bits} bits"));
    let _ = writeln!(g.text, "Vd d 0 3.3\nVc c 0 3.3\nVn n 0 0");
    let mut d = String::from("d");
    for _ in 0..bits {
        for clock in ["c", "n"] {
            let not_d = g.inverter(&d);
            let (set, reset) = (g.nand(&d, clock), g.nand(&not_d, clock));
            d = g.latch(&set, &reset);
        }
    }
    g.text + ".op\n.end\n"
}

struct NoFiles;

impl netlist::Files for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

/// The Jacobian `df/dx + a0 dq/dx` of a deck at voltages between the rails.
pub fn jacobian(name: &str, text: &str, a0: f64) -> Case {
    let mut sources = SourceMap::new();
    let options = netlist::ParseOptions::default();
    let (deck, _) = netlist::parse(&NoFiles, "deck.cir", text, &options, &mut sources);
    let (circuit, faults) = circuit::elaborate(&deck, &sources, &circuit::Overrides::default());
    let circuit = Arc::new(circuit.unwrap_or_else(|| panic!("{faults:?}")));
    let mut sim = Simulation::compile(&circuit).unwrap_or_else(|faults| panic!("{faults:?}"));
    let mut random = Random(3);
    let x: Vec<f64> = (0..sim.len()).map(|u| if u == 0 { 0.0 } else { 3.3 * random.unit() }).collect();
    let at = sim.point_tran(0.0);
    sim.load(&at, &x);
    let values = sim.g.iter().zip(&sim.c).map(|(g, c)| g + a0 * c).collect();
    Case { name: name.into(), pattern: Arc::new(sim.pattern().clone()), values, is_spd: false }
}

/// What left-looking LU is for.
pub fn low_fill() -> Vec<Case> {
    let step = 1e11;
    vec![
        ladder(10_000),
        jacobian("ring 101", &ring_deck(101), step),
        jacobian("ring 1001", &ring_deck(1001), step),
        jacobian("multiplier 16x16", &multiplier_deck(16), step),
        jacobian("shift register 200", &shift_register_deck(200), step),
        jacobian("logic 300", &logic_deck(300, 40, false), step),
        jacobian("logic 3000", &logic_deck(3000, 40, false), step),
        jacobian("logic 3000 DC", &logic_deck(3000, 40, false), 0.0),
    ]
}

pub const ARRAYS: [fn() -> Case; 7] = [
    || jacobian("meshed logic 3000", &logic_deck(3000, 120, true), 1e11),
    || crossbar(64),
    || crossbar(256),
    || crossbar(512),
    || one_transistor(64),
    || one_transistor(128),
    || one_transistor(256),
];

/// Writes `DIRECTORY/NAME.mtx`.
pub fn dump(case: &Case, directory: &str) {
    let (n, nnz) = (case.pattern.n(), case.pattern.nnz());
    let mut text = format!("%%MatrixMarket matrix coordinate real general\n{n} {n} {nnz}\n");
    for (r, c, s) in case.pattern.entries() {
        let _ = writeln!(text, "{r} {c} {:e}", case.values[s as usize]);
    }
    let path = Path::new(directory).join(case.name.replace([' ', ','], "_") + ".mtx");
    std::fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}
