//! Hot paths do not allocate.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use ferrospice::sparse::{Analysis, Builder, KERNELS, Kernel, Lu, Options, Symbolic};
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

    let mut real: Box<dyn Kernel<f64>> = Box::new(Lu::new(symbolic.clone(), Options::default()));
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
    let mut kernel: Box<dyn Kernel<Complex64>> = Box::new(Lu::new(symbolic, Options::default()));
    kernel.factor(&complex).unwrap();
    let mut z = vec![Complex64::new(1.0, 0.0); n as usize];
    let work = || {
        kernel.refactor(&complex).unwrap();
        kernel.solve(&mut z);
        kernel.solve_transposed(&mut z);
    };
    assert_eq!(allocations(work), 0);
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
