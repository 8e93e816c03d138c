//! Hot paths do not allocate.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use ferrospice::device::{AnalysisKind, Point};
use ferrospice::diag::SourceMap;
use ferrospice::session::BackEnd;
use ferrospice::session::world::{Memory, World};
use ferrospice::sim::Simulation;
use ferrospice::sparse::{Analysis, Builder, KERNELS, Kernel, Lu, Options, Symbolic};
use ferrospice::veriloga::Library;
use ferrospice::{circuit, netlist, sparse, veriloga};
use num_complex::Complex64;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is handed to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // The counter is gone while a thread ends.
        let _ = COUNT.try_with(|c| c.set(c.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(f: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    f();
    COUNT.with(Cell::get) - before
}

#[test]
fn refactor_and_solve() {
    let n = 400;
    let mut b = Builder::new();
    for i in 1..=n {
        b.add(i, i);
        for k in [1, 20] {
            b.add(i, i.saturating_sub(k));
            b.add(i.saturating_sub(k), i);
        }
    }
    let (pattern, _) = b.finish(n as usize);
    let pattern = Arc::new(pattern);
    let mut values: Vec<f64> = vec![0.0];
    values.extend(pattern.entries().map(|(r, c, _)| if r == c { 4.1 } else { -1.0 }));
    let symbolic = Symbolic::analyze(&pattern).unwrap();

    let mut real: Box<dyn Kernel<f64>> = Box::new(Lu::new(symbolic.clone(), sparse::Options::default()));
    real.factor(&values).unwrap();
    let mut x = vec![1.0; n as usize];
    let mut many = vec![1.0; 5 * n as usize];
    real.solve_many(&mut many);
    let work = || {
        real.refactor(&values).unwrap();
        real.refactor_columns(&values, &[3, 17]).unwrap();
        real.solve(&mut x);
        real.solve_many(&mut many);
        real.solve_transposed(&mut x);
        // The second factorisation finds its room made by the first.
        real.factor(&values).unwrap();
    };
    assert_eq!(allocations(work), 0);

    let complex: Vec<Complex64> = values.iter().map(|v| Complex64::new(*v, 0.3 * v)).collect();
    let mut kernel: Box<dyn Kernel<Complex64>> = Box::new(Lu::new(symbolic, sparse::Options::default()));
    kernel.factor(&complex).unwrap();
    let mut z = vec![Complex64::new(1.0, 0.0); n as usize];
    let work = || {
        kernel.refactor(&complex).unwrap();
        kernel.solve(&mut z);
        kernel.solve_transposed(&mut z);
    };
    assert_eq!(allocations(work), 0);
}

/// Accepted points of a Verilog-A module with everything that is done there: events, delays, ramps, tables, random draws,
/// variables that persist.
#[test]
fn accepted_points_of_a_module() {
    let va = "
`include \"disciplines.vams\"
module m(x, a);
  inout x, a; electrical x, a;
  integer n, q, seed; real sum;
  analog begin
    @(cross(V(x) - 0.1)) n = n + 1;
    @(timer(10n, 10n)) q = 1 - q;
    @(absdelta(V(x), 0.3)) sum = sum + 1;
    sum = sum + $rdist_normal(seed, 0, 1) + $rdist_uniform(7, 0, 1);
    $bound_step(1u);
    I(a) <+ absdelay(V(x), 50n) + transition(q, 5n, 2n) + $table_model(V(x), '{-1, 0, 1}, '{0, 1, 4}, \"3L\");
    I(a) <+ V(a) + 1e-9 * sum + n;
  end
endmodule
";
    let world = Memory::new([("m.va", va)]);
    let read = |p: &Path| world.read(p);
    struct Deck<'a>(&'a Memory);
    impl netlist::Files for Deck<'_> {
        fn read(&self, path: &Path) -> std::io::Result<String> {
            self.0.read(path)
        }
    }
    let text = "t\n.hdl \"m.va\"\nv1 x 0 1\nx1 x a m\nr1 a 0 1k\n.tran 1n 1u\n.end\n";
    let mut sources = SourceMap::new();
    let (deck, _) = netlist::parse(&Deck(&world), "t.cir", text, &Default::default(), &mut sources);
    let mut library = Library::new(read, BackEnd::Native);
    for (file, path, _) in &deck.hdl {
        assert!(library.load(*file, path, &mut sources, &veriloga::Options::default()).is_empty());
    }
    let (circuit, diags) = circuit::elaborate_with(&deck, &sources, &Default::default(), &library);
    let mut sim = Simulation::compile(&Arc::new(circuit.unwrap_or_else(|| panic!("{diags:?}")))).unwrap();
    sim.begin(AnalysisKind::Tran);
    let mut x = vec![0.0; sim.len()];
    let mut before = x.clone();
    sim.accept(&Point { is_tran_op: true, ..Point::dc() }, &x);
    let mut steps = |from: usize, to: usize| {
        let mut events = 0;
        for k in from..to {
            before.copy_from_slice(&x);
            let (at0, at) = (Point::tran(1e-9 * k as f64), Point::tran(1e-9 * (k + 1) as f64));
            x.iter_mut().skip(1).for_each(|v| *v = (0.2 * k as f64).sin());
            events += usize::from(sim.crossing(&at0, &before, &at, &x).is_some());
            sim.accept(&at, &x);
        }
        events
    };
    assert!(steps(0, 200) > 5);
    assert_eq!(allocations(|| assert!(steps(200, 400) > 5)), 0);
}

#[test]
fn kernels_refactor_in_place() {
    let (m, n) = (40, 1600);
    let mut b = Builder::new();
    for i in 1..=n {
        b.add(i, i);
        for k in [1, m] {
            b.add(i, i.saturating_sub(k));
            b.add(i.saturating_sub(k), i);
        }
    }
    let pattern = Arc::new(b.finish(n as usize).0);
    let mut values: Vec<f64> = vec![0.0];
    values.extend(pattern.entries().map(|(r, c, _)| if r == c { 4.1 } else { -1.0 }));
    let analysis = Analysis::new(&pattern).unwrap();
    for info in KERNELS {
        let mut k = (info.real)(&analysis, &Options::default());
        let mut x = vec![1.0; 3 * n as usize];
        k.factor(&values).unwrap();
        k.solve_many(&mut x);
        let work = || {
            k.refactor(&values).unwrap();
            k.solve(&mut x[..n as usize]);
            k.solve_transposed(&mut x[..n as usize]);
            k.solve_many(&mut x);
        };
        assert_eq!(allocations(work), 0, "{}", info.name);
    }
}
