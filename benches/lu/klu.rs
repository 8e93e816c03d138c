//! SuiteSparse's KLU as a peer: declarations of its C interface and a safe wrapper.
#![allow(unsafe_code)]

use std::ffi::{c_double, c_int, c_void};

/// The C structure of parameters and statistics, field by field.
#[repr(C)]
struct Common {
    tol: c_double,
    memgrow: c_double,
    initmem_amd: c_double,
    initmem: c_double,
    maxwork: c_double,
    btf: c_int,
    ordering: c_int,
    scale: c_int,
    user_order: *mut c_void,
    user_data: *mut c_void,
    halt_if_singular: c_int,
    status: c_int,
    nrealloc: c_int,
    structural_rank: c_int,
    numerical_rank: c_int,
    singular_col: c_int,
    noffdiag: c_int,
    flops: c_double,
    rcond: c_double,
    condest: c_double,
    rgrowth: c_double,
    work: c_double,
    memusage: usize,
    mempeak: usize,
}

#[link(name = "klu")]
unsafe extern "C" {
    fn klu_defaults(common: *mut Common) -> c_int;
    fn klu_analyze(n: c_int, ap: *mut c_int, ai: *mut c_int, common: *mut Common) -> *mut c_void;
    fn klu_factor(
        ap: *mut c_int,
        ai: *mut c_int,
        ax: *mut c_double,
        symbolic: *mut c_void,
        common: *mut Common,
    ) -> *mut c_void;
    fn klu_refactor(
        ap: *mut c_int,
        ai: *mut c_int,
        ax: *mut c_double,
        symbolic: *mut c_void,
        numeric: *mut c_void,
        common: *mut Common,
    ) -> c_int;
    fn klu_solve(
        symbolic: *mut c_void,
        numeric: *mut c_void,
        ldim: c_int,
        nrhs: c_int,
        b: *mut c_double,
        common: *mut Common,
    ) -> c_int;
    fn klu_free_symbolic(symbolic: *mut *mut c_void, common: *mut Common) -> c_int;
    fn klu_free_numeric(numeric: *mut *mut c_void, common: *mut Common) -> c_int;
}

/// Row scaling before the factorisation.
#[derive(Clone, Copy, PartialEq)]
pub enum Scaling {
    /// By the largest entry: KLU's default.
    Max,
    /// None, and no check of the input: the least that KLU can do.
    None,
}

pub struct Klu {
    common: Box<Common>,
    symbolic: *mut c_void,
    numeric: *mut c_void,
    ap: Vec<c_int>,
    ai: Vec<c_int>,
    ax: Vec<c_double>,
}

impl Klu {
    /// Analyses and factors. `values` are in column order without a dump slot.
    pub fn new(col_ptr: &[u32], rows: &[u32], values: &[f64], scaling: Scaling) -> Option<Klu> {
        let mut ap: Vec<c_int> = col_ptr.iter().map(|&p| p as c_int).collect();
        let mut ai: Vec<c_int> = rows.iter().map(|&r| r as c_int).collect();
        let mut ax = values.to_vec();
        let n = ap.len() as c_int - 1;
        let mut common = Box::new(std::mem::MaybeUninit::<Common>::zeroed());
        // SAFETY: `Common` mirrors klu_common, all of whose fields may be zero; klu_defaults fills them in. The arrays
        // live as long as the calls and have the lengths that n and ap[n] promise.
        unsafe {
            klu_defaults(common.as_mut_ptr());
            let mut common = common.assume_init();
            common.scale = if scaling == Scaling::Max { 2 } else { -1 };
            let symbolic = klu_analyze(n, ap.as_mut_ptr(), ai.as_mut_ptr(), &mut *common);
            if symbolic.is_null() {
                return None;
            }
            let numeric = klu_factor(ap.as_mut_ptr(), ai.as_mut_ptr(), ax.as_mut_ptr(), symbolic, &mut *common);
            let klu = Klu { common, symbolic, numeric, ap, ai, ax };
            (!numeric.is_null()).then_some(klu)
        }
    }

    pub fn refactor(&mut self) {
        // SAFETY: pointers and arrays are those of `new`.
        let done = unsafe {
            klu_refactor(
                self.ap.as_mut_ptr(),
                self.ai.as_mut_ptr(),
                self.ax.as_mut_ptr(),
                self.symbolic,
                self.numeric,
                &mut *self.common,
            )
        };
        assert_eq!(done, 1);
    }

    pub fn solve(&mut self, b: &mut [f64]) {
        let n = b.len() as c_int;
        // SAFETY: one right-hand side of n components.
        unsafe { klu_solve(self.symbolic, self.numeric, n, 1, b.as_mut_ptr(), &mut *self.common) };
    }
}

impl Drop for Klu {
    fn drop(&mut self) {
        // SAFETY: both were made by KLU with this `common`; it accepts null.
        unsafe {
            klu_free_numeric(&mut self.numeric, &mut *self.common);
            klu_free_symbolic(&mut self.symbolic, &mut *self.common);
        }
    }
}
