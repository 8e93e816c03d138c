//! Random functions: both back ends against each other, derivatives against differences, passes against the original.

use super::hir::ParamId;
use super::interp::{Machine, World};
use super::ir::{BinOp, Body, Builder, Const, Def, Func, In, Loop, Node, Op, Out, Sink, Ty, UnOp, Val, parse, verify};
use super::jit::plain::{Inputs, Log, Plain};
use super::jit::{Args, KEYS, Kernel};
use super::lower::{Lowered, Program, UnknownInfo, UnknownSource};
use super::passes::{Var, contract, differentiate, prune, split};
use crate::base::rng::Stream;
use std::io::Write;

const PROBES: u32 = 3;
const PARAMS: u32 = 4;

/// Uniform numbers one after the other.
struct Dice {
    stream: Stream,
    n: u32,
}

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice { stream: Stream { seed, run: 0, instance: 0 }, n: 0 }
    }

    fn real(&mut self) -> f64 {
        self.n += 1;
        self.stream.uniform(self.n, 0)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.real() * n as f64) as usize
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

struct Gen {
    d: Dice,
    b: Builder,
    reals: Vec<Val>,
    ints: Vec<Val>,
    bools: Vec<Val>,
    is_smooth: bool,
    /// Real numbers and conditions alone.
    is_plain: bool,
}

const SMOOTH: &[UnOp] = &[UnOp::Neg, UnOp::Exp, UnOp::Sin, UnOp::Cos, UnOp::Tanh, UnOp::Atan, UnOp::Asinh, UnOp::Sinh];

impl Gen {
    fn new(seed: u64, is_smooth: bool) -> Gen {
        let mut b = Builder::new("random");
        let mut d = Dice::new(seed);
        let mut reals: Vec<Val> = (0..PROBES).map(|k| b.input(In::Probe, k, Ty::Real)).collect();
        reals.extend((0..PARAMS).map(|k| b.input(In::Param, k, Ty::Real)));
        reals.push(b.real(d.real() * 4.0 - 2.0));
        let ints = vec![b.input(In::Param, PARAMS, Ty::Int), b.int(3)];
        let bools = vec![b.bin(BinOp::Lt, reals[0], reals[1]), b.bin(BinOp::Lt, reals[3], reals[4])];
        Gen { d, b, reals, ints, bools, is_smooth, is_plain: false }
    }

    fn plain(seed: u64) -> Gen {
        Gen { is_plain: true, ..Gen::new(seed, false) }
    }

    fn real(&mut self) -> Val {
        let list = self.reals.clone();
        // Later values more often, so that functions become deep.
        let n = list.len();
        let from = if self.d.real() < 0.6 { n.saturating_sub(6) } else { 0 };
        list[from + self.d.below(n - from)]
    }

    fn step(&mut self, depth: usize) {
        let what = match self.d.below(if depth < 3 { 10 } else { 8 }) {
            6 if self.is_plain => 7,
            9 if self.is_plain => 8,
            k => k,
        };
        match what {
            0 | 1 => {
                let x = self.real();
                let mut op = if self.is_smooth { self.d.pick(SMOOTH) } else { self.d.pick(UnOp::ALL) };
                while self.is_plain && [op.operand(), op.result()].contains(&Ty::Int) {
                    op = self.d.pick(UnOp::ALL);
                }
                match (op.operand(), op.result()) {
                    (Ty::Real, Ty::Real) => {
                        // Kept small, so that nothing overflows by accident.
                        let k = self.b.real(0.3);
                        let x = self.b.mul(k, x);
                        let v = self.b.un(op, x);
                        self.reals.push(v);
                    }
                    (Ty::Real, _) => {
                        let v = self.b.un(op, x);
                        self.ints.push(v);
                    }
                    (Ty::Int, to) => {
                        let ints = self.ints.clone();
                        let a = self.d.pick(&ints);
                        let v = self.b.un(op, a);
                        if to == Ty::Real { self.reals.push(v) } else { self.ints.push(v) }
                    }
                    (Ty::Bool, to) => {
                        let bools = self.bools.clone();
                        let a = self.d.pick(&bools);
                        let v = self.b.un(op, a);
                        if to == Ty::Int { self.ints.push(v) } else { self.bools.push(v) }
                    }
                }
            }
            2..=4 => {
                let (x, y) = (self.real(), self.real());
                let v = match (self.is_smooth, self.d.below(8)) {
                    (_, 0 | 1) => self.b.add(x, y),
                    (_, 2) => self.b.sub(x, y),
                    (_, 3 | 4) => self.b.mul(x, y),
                    (_, 5) => {
                        let yy = self.b.mul(y, y);
                        let one = self.b.real(1.5);
                        let yy = self.b.add(one, yy);
                        self.b.div(x, yy)
                    }
                    (true, _) => {
                        let xx = self.b.mul(x, x);
                        let one = self.b.real(1.1);
                        let xx = self.b.add(one, xx);
                        let k = self.b.real(0.2);
                        let y = self.b.mul(k, y);
                        self.b.bin(BinOp::Pow, xx, y)
                    }
                    (false, _) => {
                        let ops = [BinOp::Rem, BinOp::Pow, BinOp::Atan2, BinOp::Hypot, BinOp::Div];
                        let op = self.d.pick(&ops);
                        self.b.bin(op, x, y)
                    }
                };
                self.reals.push(v);
            }
            5 => {
                let ops = [BinOp::Lt, BinOp::Le];
                let (x, y, op) = (self.real(), self.real(), self.d.pick(&ops));
                let v = self.b.bin(op, x, y);
                self.bools.push(v);
                let bools = self.bools.clone();
                let (a, c) = (self.d.pick(&bools), self.d.pick(&bools));
                let ops = [BinOp::And, BinOp::Or, BinOp::Xor];
                let op = self.d.pick(&ops);
                let v = self.b.bin(op, a, c);
                self.bools.push(v);
            }
            6 => {
                let ints = self.ints.clone();
                let (a, c) = (self.d.pick(&ints), self.d.pick(&ints));
                let all: Vec<BinOp> = BinOp::ALL.iter().copied().filter(|o| o.operand() == Ty::Int).collect();
                let op = self.d.pick(&all);
                let v = self.b.bin(op, a, c);
                if op.result() == Ty::Int { self.ints.push(v) } else { self.bools.push(v) }
            }
            7 => {
                let bools = self.bools.clone();
                let c = self.d.pick(&bools);
                let (x, y) = (self.real(), self.real());
                let v = self.b.select(c, x, y);
                self.reals.push(v);
            }
            8 => self.branch(depth),
            _ => self.repetition(depth),
        }
    }

    fn scoped(&mut self, depth: usize) -> (Val, Val) {
        let marks = (self.reals.len(), self.ints.len(), self.bools.len());
        for _ in 0..1 + self.d.below(6) {
            self.step(depth + 1);
        }
        let out = (self.real(), self.real());
        self.reals.truncate(marks.0);
        self.ints.truncate(marks.1);
        self.bools.truncate(marks.2);
        out
    }

    fn branch(&mut self, depth: usize) {
        let bools = self.bools.clone();
        let c = self.d.pick(&bools);
        if self.b.constant(c).is_some() {
            return;
        }
        self.b.open();
        let t = self.scoped(depth);
        let then = self.b.close();
        self.b.open();
        let e = self.scoped(depth);
        let els = self.b.close();
        let out = self.b.join(c, then, vec![t.0, t.1], els, vec![e.0, e.1]);
        self.reals.extend(out);
    }

    /// `for (k = n; k > 0; k = k - 1) (x, y) = ...`, with n from 0 to 3 or that of a parameter.
    fn repetition(&mut self, depth: usize) {
        let init = [self.real(), self.real()];
        let three = self.b.int(3);
        let n = if self.d.real() < 0.5 {
            let p = self.b.input(In::Param, PARAMS, Ty::Int);
            self.b.bin(BinOp::IAnd, p, three)
        } else {
            three
        };
        let params = [self.b.fresh(Ty::Real), self.b.fresh(Ty::Real), self.b.fresh(Ty::Int)];
        let zero = self.b.int(0);
        let one = self.b.int(1);
        self.b.open();
        let cond = self.b.bin(BinOp::ILt, zero, params[2]);
        self.b.open();
        let marks = self.reals.len();
        self.reals.extend(&params[..2]);
        let (x, y) = self.scoped(depth);
        self.reals.truncate(marks);
        // Bounded, so that repetition does not overflow.
        let x = self.b.un(UnOp::Tanh, x);
        let k = self.b.bin(BinOp::ISub, params[2], one);
        let nodes = self.b.close();
        let head = self.b.close();
        let results = [self.b.fresh(Ty::Real), self.b.fresh(Ty::Real), self.b.fresh(Ty::Int)];
        self.b.node(Node::Loop(Box::new(Loop {
            params: params.to_vec(),
            init: vec![init[0], init[1], n],
            head,
            cond,
            body: Body { nodes, yields: vec![x, y, k] },
            results: results.to_vec(),
        })));
        self.reals.extend(&results[..2]);
        self.ints.push(results[2]);
    }

    fn finish(mut self) -> Func {
        for _ in 0..4 + self.d.below(30) {
            self.step(0);
        }
        let n = self.reals.len();
        for k in 0..PROBES {
            let v = self.reals[n - 1 - k as usize];
            self.b.output(Sink::new(Out::F, k), v);
        }
        let f = self.b.finish();
        verify(&f).unwrap_or_else(|e| panic!("{e}\n{f}"));
        f
    }
}

fn inputs(seed: u64) -> (Vec<f64>, Vec<f64>) {
    let mut d = Dice::new(seed ^ 0x5555);
    let x = (0..PROBES).map(|_| d.real() * 4.0 - 2.0).collect();
    let mut p: Vec<f64> = (0..PARAMS).map(|_| d.real() * 4.0 - 2.0).collect();
    p.push((d.below(12) as f64) - 4.0);
    (x, p)
}

fn run(f: &Func, x: &[f64], p: &[f64], cache: &[f64]) -> Vec<(Sink, f64)> {
    let mut out = vec![];
    let mut world = |class: In, k: u32| match class {
        In::Probe => x[k as usize],
        In::Param => p[k as usize],
        In::Cache => cache[k as usize],
        _ => 0.0,
    };
    Machine::default().run(f, &mut world, &mut |s, v| out.push((s, v)));
    out
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// A program whose unknowns are the probes.
/// What a program says of the unknowns of any of the functions here.
fn program(slots: usize) -> Program {
    let unknown = |k: u32| UnknownInfo {
        name: format!("u{k}"),
        source: UnknownSource::Implicit,
        unit: String::new(),
        tol: None,
        is_flow: false,
    };
    let lowered = Lowered {
        unknowns: (0..PROBES).map(unknown).collect(),
        probes: (0..PROBES).map(|k| (Some(k), None)).collect(),
        ..Lowered::default()
    };
    Program { slots, lowered, ..Program::default() }
}

#[test]
fn text_of_random_functions_reads_back() {
    for seed in 0..150 {
        let f = Gen::new(seed, false).finish();
        let g = parse(&f.to_string()).unwrap_or_else(|e| panic!("{e}\n{f}"));
        verify(&g).unwrap();
        let (x, p) = inputs(seed);
        for (a, b) in run(&f, &x, &p, &[]).iter().zip(run(&g, &x, &p, &[])) {
            assert!(same(a.1, b.1), "seed {seed}");
        }
    }
}

#[test]
fn passes_keep_the_results() {
    for seed in 0..300 {
        let f = Gen::new(seed, false).finish();
        for convert in [0, 16, u32::MAX] {
            let g = prune(&f, |_| true, true, convert);
            verify(&g).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{g}"));
            let s = split(&g);
            for k in 0..3 {
                let (x, p) = inputs(seed * 7 + k);
                let want = run(&f, &x, &p, &[]);
                let mut cache = vec![0.0; s.slots];
                for (sink, v) in run(&s.setup, &[], &p, &[]) {
                    cache[sink.a as usize] = v;
                }
                let got = run(&s.rest, &x, &p, &cache);
                for ((_, a), (_, b)) in want.iter().zip(&got) {
                    assert!(same(*a, *b) || (a - b).abs() <= 1e-12 * a.abs(), "seed {seed}: {a} {b}\n{f}\n{}", s.rest);
                }
            }
        }
    }
}

type Compile = fn(&Program, &Func) -> Result<Kernel, String>;

#[test]
fn machine_code_and_interpreter_give_the_same_bits() {
    let mut fused = 0;
    for seed in 0..200 {
        let compile: Compile = if seed % 5 == 0 { Kernel::compile_plain } else { Kernel::compile_pairs };
        fused += compare(Gen::new(seed, false), seed, compile, 2);
    }
    assert!(fused > 50, "only {fused}");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn four_at_a_time_give_the_same_bits() {
    if !super::jit::is_wide() {
        let said = writeln!(std::io::stderr(), "skipped: the processor has no AVX2 and FMA");
        said.expect("standard error is open");
        return;
    }
    let mut fused = 0;
    for seed in 0..400 {
        fused += compare(Gen::plain(seed), seed, Kernel::compile, 4);
    }
    assert!(fused > 50, "only {fused}");
}

/// Evaluates some of the instances of two classes by machine code and by the interpreter; how many products and sums were
/// one operation.
fn compare(of: Gen, seed: u64, compile: Compile, lanes: usize) -> usize {
    let f = of.finish();
    let mut s = split(&prune(&f, |_| true, true, if seed.is_multiple_of(2) { 0 } else { 16 }));
    // Of derivatives alone, products and sums become one operation.
    s.rest.outputs.iter_mut().skip(seed as usize % 2).for_each(|(sink, _)| sink.class = Out::G);
    s.rest = contract(&s.rest);
    let kernel = compile(&program(s.slots), &s.rest).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    assert_eq!(kernel.lanes(), lanes);
    let values: Vec<_> = (0..2).map(|k| inputs(seed * 11 + k).1).collect();
    let mut cache = vec![0.0; 2 * s.slots];
    for (k, v) in values.iter().enumerate() {
        for (sink, y) in run(&s.setup, &[], v, &[]) {
            cache[k * s.slots + sink.a as usize] = y;
        }
    }
    let twice: Vec<f64> = cache.iter().flat_map(|x| [*x; 2]).collect();
    // The second class is one instance alone, and one instance is in no group.
    let classes = [0u32, 1, 0, 0, 0, 0];
    let groups: &[u32] = if lanes == 2 { &[0, 3, 4, 5, 1, 1] } else { &[0, 3, 4, 5, 1, 1, 1, 1] };
    let count = classes.len();
    let x: Vec<f64> = (0..count as u64).flat_map(|k| inputs(seed * 13 + k).0).collect();
    let n = s.rest.outputs.len();
    let mut out = vec![0.5; groups.len() * n];
    kernel.run(Args {
        count,
        groups,
        x: &x,
        classes: &classes,
        class_count: 2,
        cache: &twice,
        frame: &mut vec![],
        sim: &[0.0; super::ir::sim::COUNT],
        hidden: &[],
        uniforms: &[],
        normals: &[],
        keys: &vec![0.0; count * KEYS],
        signals: &[],
        tables: &[],
        old: &[],
        out: &mut out,
    });
    for (at, i) in groups.iter().map(|i| *i as usize).enumerate() {
        let k = classes[i] as usize;
        let own = &x[i * PROBES as usize..][..PROBES as usize];
        let want = run(&s.rest, own, &values[k], &cache[k * s.slots..(k + 1) * s.slots]);
        for (j, (_, y)) in want.iter().enumerate() {
            let got = out[kernel.place(at, j)];
            assert!(same(got, *y), "seed {seed}, instance {i}: {got} {y}\n{}", s.rest);
        }
    }
    s.rest.vals.iter().filter(|v| matches!(v.def, Def::Op(Op::Fma(..)))).count()
}

/// The functions of accepted points, unsplit and with effects, by both back ends.
#[test]
fn routines_give_the_same_bits_and_effects() {
    let mut effects = 0;
    for seed in 1000..1150 {
        let mut g = Gen::new(seed, false);
        for k in 0..6 {
            for _ in 0..5 {
                g.step(0);
            }
            let (x, y) = (g.real(), g.real());
            let (i, c) = (*g.ints.last().unwrap(), *g.bools.last().unwrap());
            if g.b.constant(c).is_none() {
                g.b.open();
                g.b.node(Node::Effect(k, vec![x, i, c, y]));
                let then = g.b.close();
                g.b.join(c, then, vec![], vec![], vec![]);
            }
        }
        let f = g.finish();
        let p = program(0);
        let lowered = Lowered { params: vec![(ParamId(0), 0); PARAMS as usize + 1], ..p.lowered };
        let code = Plain::compile(&f, &lowered, 0).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        let (x, params) = inputs(seed);
        let all: Vec<f64> = std::iter::once(0.0).chain(x.iter().copied()).chain(inputs(seed + 1).0).collect();
        let inputs = Inputs {
            count: 2,
            class_count: 1,
            x: &all,
            rows: &[1, 2, 3, 4, 5, 6],
            max_row: 6,
            classes: &[0, 0],
            cache: &[],
            sim: &[0.0; super::ir::sim::COUNT],
            hidden: &[],
            uniforms: &[],
            normals: &[],
            keys: &[0.0; 2 * KEYS],
            signals: &[],
            tables: &[],
            params: &params,
            given: &[0.0; PARAMS as usize + 1],
            connected: &[],
            env: &[0.0; super::ir::env::COUNT],
            events: &[],
        };
        let mut out = vec![f64::NAN; 2 * f.outputs.len()];
        let mut log = Log::default();
        code.run(&inputs, 0..2, &mut out, &mut log);
        for i in 0..2 {
            struct Seen<'a>(&'a [f64], &'a [f64], usize, Log);
            impl World for Seen<'_> {
                fn input(&mut self, class: In, k: u32) -> f64 {
                    match class {
                        In::Probe => self.0[1 + 3 * self.2 + k as usize],
                        In::Param => self.1[k as usize],
                        _ => 0.0,
                    }
                }
                fn effect(&mut self, site: u32, args: &[Const]) {
                    self.3.push(self.2 as u32, site, args.iter().map(|c| c.to_f64()));
                }
            }
            let mut world = Seen(&all, &params, i, Log::default());
            let mut want = vec![];
            Machine::default().run(&f, &mut world, &mut |_, v| want.push(v));
            let n = f.outputs.len();
            for (a, b) in out[i * n..(i + 1) * n].iter().zip(&want) {
                assert!(same(*a, *b), "seed {seed}: {a} {b}\n{f}");
            }
            let own: Vec<_> = log.list.iter().filter(|h| h.instance == i as u32).collect();
            assert_eq!(own.len(), world.3.list.len(), "seed {seed}\n{f}");
            for (a, b) in own.iter().zip(&world.3.list) {
                assert_eq!(a.site, b.site);
                assert!(log.args_of(a).iter().zip(world.3.args_of(b)).all(|(x, y)| same(*x, *y)), "seed {seed}\n{f}");
                effects += 1;
            }
        }
    }
    assert!(effects > 300, "only {effects} effects");
}

/// Derivatives of smooth functions with branches and loops, against five-point differences at two step sizes.
#[test]
fn derivatives_match_differences() {
    let mut compared = 0;
    for seed in 0..300 {
        let f = Gen::new(seed, true).finish();
        let roots: Vec<Val> = f.outputs.iter().map(|o| o.1).collect();
        let mut done = differentiate(&f, &roots, &|v| matches!(v, Var::Probe(_)));
        for (k, r) in roots.iter().enumerate() {
            for (var, d) in done.of(*r).to_vec() {
                if let Var::Probe(p) = var {
                    done.builder.output(Sink { class: Out::G, a: k as u32, b: p }, d);
                }
            }
        }
        let g = done.builder.finish();
        verify(&g).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{g}"));
        let (x, p) = inputs(seed);
        let analytic = run(&g, &x, &p, &[]);
        for col in 0..PROBES as usize {
            let at = |s: f64| {
                let mut y = x.clone();
                y[col] += s;
                run(&f, &y, &p, &[])
            };
            let difference = |h: f64, k: usize| {
                let [a, b, c, d] = [1.0, -1.0, 2.0, -2.0].map(|s| at(s * h)[k].1);
                (8.0 * (a - b) - (c - d)) / (12.0 * h)
            };
            for k in 0..roots.len() {
                let (coarse, fine) = (difference(1e-3, k), difference(5e-4, k));
                let want = fine;
                // At a jump or near one, and where the function is too large, differences say nothing.
                if !want.is_finite() || (coarse - fine).abs() > 1e-8 * (1.0 + fine.abs()) || fine.abs() > 1e4 {
                    continue;
                }
                let is = |s: &Sink| s.class == Out::G && s.a == k as u32 && s.b == col as u32;
                let got = analytic.iter().find(|(s, _)| is(s)).map_or(0.0, |o| o.1);
                assert!((got - want).abs() < 1e-6 * (1.0 + want.abs()), "seed {seed}, d{k}/dx{col}: {got} {want}\n{f}");
                compared += 1;
            }
        }
    }
    assert!(compared > 1500, "only {compared} derivatives compared");
}

#[test]
fn derivatives_at_the_edges_of_domains_are_finite() {
    for (text, want) in [("sqrt v0", 0.0), ("pow v0 v1", 0.0), ("hypot v0 v0", 0.0), ("abs v0", 1.0)] {
        let f =
            parse(&format!("func t {{\n v0:f = in probe 0\n v1:f = const 1.5\n v2:f = {text}\n out f 0 0 = v2\n}}"))
                .unwrap();
        let root = f.outputs[0].1;
        let mut done = differentiate(&f, &[root], &|_| true);
        for (_, d) in done.of(root).to_vec() {
            done.builder.output(Sink { class: Out::G, a: 0, b: 0 }, d);
        }
        let g = done.builder.finish();
        let out = run(&g, &[0.0], &[], &[]);
        assert_eq!(out.first().map(|o| o.1), Some(want), "{text}\n{g}");
    }
}

/// d/dx of ddx(x^3 y, x) is 6 x y.
#[test]
fn ddx_meets_the_jacobian() {
    let f = parse(
        "func t {
  direction 0 (0 1.0)
  v0:f = in probe 0
  v1:f = in probe 1
  v2:f = mul v0 v0
  v3:f = mul v2 v0
  v4:f = mul v3 v1
  v5:f = ddx 0 v4
  out f 0 0 = v5
}",
    )
    .unwrap();
    let f = super::passes::resolve_ddx(f);
    let root = f.outputs[0].1;
    let mut done = differentiate(&f, &[root], &|_| true);
    for (var, d) in done.of(root).to_vec() {
        if let Var::Probe(p) = var {
            done.builder.output(Sink { class: Out::G, a: 0, b: p }, d);
        }
    }
    let value = done.value(root);
    done.builder.output(Sink::new(Out::F, 0), value);
    let out = run(&done.builder.finish(), &[2.0, 5.0], &[], &[]);
    let find = |c: Out, b: u32| out.iter().find(|(s, _)| s.class == c && s.b == b).map(|o| o.1);
    assert_eq!((find(Out::F, 0), find(Out::G, 0), find(Out::G, 1)), (Some(60.0), Some(60.0), Some(12.0)));
}

/// Powers of four instances at once where all of them are plain, one by one where one is not: the same bits.
#[test]
fn powers_do_not_depend_on_the_company() {
    let f =
        parse("func t {\n  v0:f = in probe 0\n  v1:f = in probe 1\n  v2:f = pow v0 v1\n  out f 0 0 = v2\n}").unwrap();
    let kernel = Kernel::compile(&program(0), &f).unwrap();
    let plain = [(0.3, 2.75), (1e-12, -1.0 / 6.0), (7.5e30, 0.06), (1.7, 16.58)];
    let special =
        [(0.0, 0.5), (-2.0, 3.0), (-2.0, 0.5), (5e-324, 0.5), (2.0, 2.0), (f64::INFINITY, -0.5), (f64::NAN, 0.5)];
    let all: Vec<(f64, f64)> = plain.into_iter().chain(special).collect();
    let x: Vec<f64> = all.iter().flat_map(|(x, y)| [*x, *y, 0.0]).collect();
    let n = all.len() as u32;
    let mut groups: Vec<u32> = (0..4).collect();
    groups.extend((4..n).flat_map(|k| [k % 4, k, (k + 1) % 4, (k + 2) % 4]));
    let mut out = vec![0.0; groups.len()];
    kernel.run(Args {
        count: all.len(),
        groups: &groups,
        x: &x,
        classes: &vec![0; all.len()],
        class_count: 1,
        cache: &[],
        frame: &mut vec![],
        sim: &[0.0; super::ir::sim::COUNT],
        hidden: &[],
        uniforms: &[],
        normals: &[],
        keys: &vec![0.0; all.len() * KEYS],
        signals: &[],
        tables: &[],
        old: &[],
        out: &mut out,
    });
    for (at, i) in groups.iter().enumerate() {
        let (x, y) = all[*i as usize];
        assert!(same(out[kernel.place(at, 0)], super::math::pow(x, y)), "{x}^{y}");
    }
}

#[test]
fn endless_loops_end() {
    let f = parse(
        "func t {
  v0:f = in probe 0
  v1:b = const true
  v2:f = loop (v3:f = v0) { } while v1 { v4:f = add v3 v0 yield v4 }
  out f 0 0 = v2
}",
    )
    .unwrap();
    assert!(run(&f, &[1.0, 0.0, 0.0], &[], &[])[0].1.is_nan());
    let kernel = Kernel::compile(&program(0), &f).unwrap();
    assert_eq!(kernel.lanes(), 2);
    let mut out = [0.0; 2];
    kernel.run(Args {
        count: 1,
        groups: &vec![0; kernel.lanes()],
        x: &[1.0, 0.0, 0.0],
        classes: &[0],
        class_count: 1,
        cache: &[],
        frame: &mut vec![],
        sim: &[0.0; super::ir::sim::COUNT],
        hidden: &[],
        uniforms: &[],
        normals: &[],
        keys: &[0.0; KEYS],
        signals: &[],
        tables: &[],
        old: &[],
        out: &mut out,
    });
    assert!(out.iter().all(|x| x.is_nan()));
}

/// The constant that a function folds to.
#[test]
fn constants_fold_through_everything() {
    let mut b = Builder::new("t");
    let x = b.real(0.5);
    let y = b.un(UnOp::Exp, x);
    let z = b.bin(BinOp::Pow, y, x);
    assert_eq!(b.constant(z), Some(Const::Real(super::math::pow(crate::base::fastmath::exp(0.5), 0.5))));
}
