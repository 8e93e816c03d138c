//! Which kernel: what each would cost on a pattern, estimated from its symbolic analysis and measured costs of its
//! operations on one core (`cargo bench --bench kernels` measures them again).
//!
//! ```text
//! lu:          fill and multiplications of the minimum degree order of each block, pivots on the diagonal
//! supernodal:  the sum over the fronts, in the better of two orders (only looked at where `lu` is not cheap anyway)
//! cholesky:    the same fronts with half the work; refuses values that are not symmetric, `supernodal` takes over
//! ```

use std::sync::{Arc, OnceLock};

use super::etree::{self, Graph, inverse};
use super::ordering::Ordering;
use super::{KERNELS, KernelInfo, Pattern, Singular, Symbolic, Tree, kernel};

/// Seconds of the left-looking kernel for one multiplication, one entry of the factors, one unknown, of a
/// refactorisation and a solution.
const LU_FLOP: f64 = 1.1e-9;
const LU_ENTRY: f64 = 3.0e-9;
const LU_UNKNOWN: f64 = 25e-9;

/// Below this the left-looking kernel is taken without looking further: multiplications in all, and for one unknown.
const LIGHT: f64 = 3e5;
const SPARSE: f64 = 25.0;

/// A kernel and what it is expected to need.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    pub kernel: &'static str,
    /// `amd` or `nd`.
    pub ordering: &'static str,
    /// Entries of the factors.
    pub fill: u64,
    /// Multiplications of one factorisation.
    pub flops: f64,
    /// Seconds of one refactorisation and solution.
    pub seconds: f64,
}

/// What the kernels know from a pattern alone; each part is made when it is first asked for.
#[derive(Debug)]
pub struct Analysis {
    symbolic: Arc<Symbolic>,
    lu: Choice,
    tree: OnceLock<Arc<Tree>>,
}

impl Analysis {
    pub fn new(pattern: &Arc<Pattern>) -> Result<Arc<Analysis>, Singular> {
        let symbolic = Symbolic::analyze(pattern)?;
        Ok(Arc::new(Analysis { lu: estimate_lu(&symbolic), symbolic, tree: OnceLock::new() }))
    }

    pub fn pattern(&self) -> &Arc<Pattern> {
        self.symbolic.pattern()
    }

    /// Blocks and order of the left-looking kernel.
    pub fn symbolic(&self) -> &Arc<Symbolic> {
        &self.symbolic
    }

    /// Fronts of the supernodal kernels, with the matching of the left-looking kernel's blocks.
    pub fn tree(&self) -> &Arc<Tree> {
        self.tree.get_or_init(|| {
            let mut row_of = vec![0; self.symbolic.col_perm.len()];
            for (&c, &r) in self.symbolic.col_perm.iter().zip(&self.symbolic.row_perm) {
                row_of[c as usize] = r;
            }
            Arc::new(Tree::new(self.pattern(), &row_of, None))
        })
    }

    /// What a kernel is expected to need.
    pub fn estimate(&self, kernel: &str) -> Choice {
        if kernel == "lu" {
            return self.lu;
        }
        let t = self.tree();
        let whole = Choice {
            kernel: "supernodal",
            ordering: t.ordering.name(),
            fill: t.fill,
            flops: t.flops,
            seconds: t.seconds,
        };
        match kernel {
            "cholesky" => Choice {
                kernel: "cholesky",
                fill: (t.fill + t.n() as u64) / 2,
                flops: t.flops / 2.0,
                seconds: 0.75 * t.seconds,
                ..whole
            },
            _ => whole,
        }
    }

    /// The kernel of that name, or for any other name (`auto`) the one that is expected to be fastest.
    pub fn kernel(&self, name: &str) -> &'static KernelInfo {
        if let Some(info) = kernel(name) {
            return info;
        }
        let is_light = self.lu.flops < LIGHT || self.lu.flops < SPARSE * self.symbolic.pattern.n() as f64;
        if is_light || self.lu.seconds <= self.estimate("supernodal").seconds {
            return &KERNELS[0];
        }
        let t = self.tree();
        let wanted = if t.row_perm == t.col_perm { "cholesky" } else { "supernodal" };
        kernel(wanted).unwrap_or(&KERNELS[0])
    }
}

fn estimate_lu(s: &Symbolic) -> Choice {
    let p = &*s.pattern;
    let row_at = inverse(&s.row_perm);
    let mut start = vec![0u32; p.n()];
    for w in s.blocks.windows(2) {
        start[w[0] as usize..w[1] as usize].fill(w[0]);
    }
    let (row_at, start) = (&row_at, &start);
    let entries = s.col_perm.iter().enumerate().flat_map(|(k, &c)| {
        let rows = p.rows()[p.range(c as usize)].iter().map(|&r| row_at[r as usize]);
        rows.filter(move |&i| i >= start[k]).map(move |i| (i, k as u32))
    });
    let g = Graph::new(p.n(), entries);
    let (below, flops) = etree::work(&etree::counts(&g, &etree::parents(&g)));
    let fill = 2 * below + p.n() as u64 + s.up_row.len() as u64;
    let seconds = LU_FLOP * flops + LU_ENTRY * fill as f64 + LU_UNKNOWN * p.n() as f64;
    Choice { kernel: "lu", ordering: Ordering::Amd.name(), fill, flops, seconds }
}
