//! Which kernel: what each would cost on a pattern, estimated from its symbolic analysis and measured costs of its
//! operations on one core (`cargo bench --bench kernels` measures them again).
//!
//! ```text
//! lu:           fill and multiplications of the minimum degree order of each block, pivots on the diagonal
//! multifrontal: the sum over the fronts, in the better of two orders (only looked at where `lu` is not cheap anyway)
//! cholesky:     the same fronts, half the work at a lower rate; it hands values that are not symmetric to `multifrontal`
//! ```

use std::sync::{Arc, OnceLock};

use super::block::transversal;
use super::etree::{self, Graph, inverse};
use super::ordering::{Ordering, is_placed};
use super::{KERNELS, KernelInfo, Pattern, Singular, Symbolic, Tree, kernel};

/// Seconds of the left-looking kernel for one multiplication, one entry of the factors, one unknown, of a
/// refactorisation and a solution.
const LU_FLOP: f64 = 0.75e-9;
const LU_ENTRY: f64 = 2.5e-9;
const LU_UNKNOWN: f64 = 8e-9;
/// One multiplication beyond so many, which no longer run in cache.
const LU_FAR: f64 = 1.5e-9;
const NEAR: f64 = 1e6;

/// Time of faer's Cholesky kernel for the time of the multifrontal LU in the same order: half the multiplications and half
/// of the memory, more bookkeeping (0.76 to 0.90 on crossbars of 64x64 to 512x512).
const CHOLESKY: f64 = 0.85;

/// Fewer unknowns than this are not looked at: the left-looking kernel has them.
const FEW: usize = 200;

/// Arrays with as many unknowns are not looked at by the left-looking kernel.
const ARRAY: usize = 4000;

/// Below this the left-looking kernel is taken without laying out fronts: multiplications in all, and for one unknown.
const LIGHT: f64 = 3e5;
const SPARSE: f64 = 200.0;

/// A kernel and what it is expected to need.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    pub kernel: &'static str,
    /// `amd`, `nd` or `placed`.
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
    pattern: Arc<Pattern>,
    /// The row that is the diagonal of every column.
    row_of: Vec<u32>,
    symbolic: OnceLock<Arc<Symbolic>>,
    lu: OnceLock<Choice>,
    tree: OnceLock<Arc<Tree>>,
}

impl Analysis {
    pub fn new(pattern: &Arc<Pattern>) -> Result<Arc<Analysis>, Singular> {
        let row_of = transversal(pattern)?;
        Ok(Arc::new(Analysis {
            pattern: pattern.clone(),
            row_of,
            symbolic: OnceLock::new(),
            lu: OnceLock::new(),
            tree: OnceLock::new(),
        }))
    }

    pub fn pattern(&self) -> &Arc<Pattern> {
        &self.pattern
    }

    /// Blocks and order of the left-looking kernel.
    pub fn symbolic(&self) -> &Arc<Symbolic> {
        self.symbolic.get_or_init(|| Symbolic::matched(&self.pattern, &self.row_of))
    }

    /// Fronts of the supernodal kernels, with the matching of the left-looking kernel's blocks.
    pub fn tree(&self) -> &Arc<Tree> {
        self.tree.get_or_init(|| {
            let columns = self.symbolic.get().map(|s| &s.col_perm[..]);
            Arc::new(Tree::knowing(&self.pattern, &self.row_of, None, columns))
        })
    }

    /// What a kernel is expected to need.
    pub fn estimate(&self, kernel: &str) -> Choice {
        if kernel == "lu" {
            return *self.lu.get_or_init(|| estimate_lu(self.symbolic()));
        }
        let t = self.tree();
        let whole = Choice {
            kernel: "multifrontal",
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
                seconds: CHOLESKY * t.seconds,
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
        let n = self.pattern.n();
        // Large arrays fill: nobody has to find out by how much a minimum degree order does.
        let is_array = n >= ARRAY && is_placed(self.pattern.places());
        let is_light = n < FEW
            || !is_array && {
                let lu = self.estimate("lu");
                lu.flops < LIGHT || lu.flops < SPARSE * n as f64
            };
        let costs = |k: &KernelInfo| self.estimate(k.name).seconds;
        let candidates = KERNELS.iter().filter(|k| !is_light && !(is_array && k.name == "lu"));
        let best = candidates.min_by(|a, b| costs(a).total_cmp(&costs(b)));
        best.unwrap_or(&KERNELS[0])
    }
}

/// The kernels as a Markdown page.
pub fn markdown() -> String {
    let mut s = String::from(
        "# Linear solvers\n\nGenerated from the register of kernels. `.options solver=NAME` takes one by name; without it, or \
         with `solver=auto`, the cost of a refactorization and a solution is estimated for each from the matrix's pattern and \
         the cheapest is taken. All kernels give the same answers: solutions of the multifrontal and of the Cholesky kernel \
         are measured row by row and refined where rounding has spoilt one, and a kernel that cannot reach a backward error \
         of 1e-12 hands over to `lu`, which names the unknown of a singular matrix.\n\n| solver | method |\n|---|---|\n\
         | `auto` | the kernel that is expected to be fastest on the circuit |\n",
    );
    for k in KERNELS {
        s.push_str(&format!("| `{}` | {} |\n", k.name, k.doc));
    }
    s + "\n`ferrospice run --stats` tells for every analysis which kernel worked, the order of elimination (`amd`: minimum \
         degree, `nd`: nested dissection, `placed`: nested dissection by the places of an array's cells), the entries of the factors, the multiplications of one factorization, the time \
         that was estimated, and how often the matrix was factored afresh and with pivots kept. Results do not depend on the \
         number of threads.\n"
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
    let seconds = LU_FLOP * flops.min(NEAR)
        + LU_FAR * (flops - NEAR).max(0.0)
        + LU_ENTRY * fill as f64
        + LU_UNKNOWN * p.n() as f64;
    Choice { kernel: "lu", ordering: Ordering::Amd.name(), fill, flops, seconds }
}

#[cfg(test)]
mod tests {
    use num_complex::Complex64;

    use super::*;
    use crate::sparse::supernodal::tests::crossbar;
    use crate::sparse::tests::network;
    use crate::sparse::{Cause, Cholesky, Kernel, Options, Scalar};

    /// Solutions of A x = b and Aᵀ x = b by every kernel, after a refactorisation with other values.
    fn solutions<T: Scalar>(
        p: &Arc<Pattern>,
        v: &[T],
        make: impl Fn(&KernelInfo, &Analysis) -> Box<dyn Kernel<T>>,
    ) -> Vec<Vec<T>> {
        let a = Analysis::new(p).unwrap();
        let half: Vec<T> = v.iter().map(|x| x.times(0.5)).collect();
        let solve = |info: &KernelInfo| {
            let mut k = make(info, &a);
            k.factor(&half).unwrap();
            k.update(v).unwrap();
            let mut x: Vec<T> = (0..p.n()).map(|i| T::from(((i * 31) % 17) as f64 * 1e-3 - 7e-3)).collect();
            let mut y = x.clone();
            k.solve(&mut x);
            k.solve_transposed(&mut y);
            x.extend(y);
            x
        };
        KERNELS.iter().map(solve).collect()
    }

    fn agree<T: Scalar>(all: &[Vec<T>]) {
        let size = all[0].iter().map(|v| v.modulus()).fold(0.0, f64::max);
        for other in &all[1..] {
            assert!(all[0].iter().zip(other).all(|(&x, &y)| (x - y).modulus() <= 1e-9 * size));
        }
    }

    #[test]
    fn kernels_agree() {
        let (p, mut v) = crossbar(24);
        let real = |i: &KernelInfo, a: &Analysis| (i.real)(a, &Options::default());
        let complex = |i: &KernelInfo, a: &Analysis| (i.complex)(a, &Options::default());
        for _ in 0..2 {
            agree(&solutions(&p, &v, real));
            let z: Vec<Complex64> = v.iter().enumerate().map(|(k, &g)| Complex64::new(g, g * (k % 5) as f64)).collect();
            agree(&solutions(&p, &z, complex));
            // And with values that are not symmetric.
            for (r, c, s) in p.entries() {
                v[s as usize] *= if r > c { 0.7 } else { 1.0 };
            }
        }
    }

    #[test]
    fn cholesky_takes_symmetric_values_only() {
        let (p, mut v) = crossbar(12);
        let mut k = Cholesky::new(Analysis::new(&p).unwrap().tree().clone(), Options::default());
        k.factor(&v).unwrap();
        assert_eq!((k.name(), k.has_fallen_back()), ("cholesky", false));
        let slot = p.slot(1, 2) as usize;
        v[slot] *= 1.5;
        assert!(k.refactor(&v).is_err() && !k.is_factored());
        k.update(&v).unwrap();
        assert_eq!(k.name(), "multifrontal");
        v[slot] /= 1.5;
        k.factor(&v).unwrap();
        assert_eq!(k.name(), "cholesky");
        // Indefinite and symmetric: L D Lᵀ.
        let branch: Vec<f64> = v.iter().map(|x| -x).collect();
        k.factor(&branch).unwrap();
        assert_eq!(k.name(), "cholesky");
        let b: Vec<f64> = (0..p.n()).map(|i| i as f64).collect();
        let (mut x, mut r) = (b.clone(), b.clone());
        k.solve(&mut x);
        p.residual(&branch, &x, &b, &mut r);
        assert!(r.iter().all(|e| e.abs() < 1e-9));
    }

    #[test]
    fn every_kernel_names_a_floating_island() {
        let (p, v) = network(5, &[(1, 0, 1e-3), (1, 2, 0.1), (3, 4, 0.3), (4, 5, 0.7e-3), (3, 5, 1.0 / 3.0)]);
        let a = Analysis::new(&p).unwrap();
        for info in KERNELS {
            let e = (info.real)(&a, &Options::default()).factor(&v).unwrap_err();
            let mut f = e.floating;
            f.sort_unstable();
            assert_eq!((e.cause, &f[..]), (Cause::Numerical, &[3, 4, 5][..]), "{}", info.name);
        }
    }

    #[test]
    fn arrays_go_to_the_fronts_and_ladders_do_not() {
        let (p, _) = crossbar(60);
        let a = Analysis::new(&p).unwrap();
        // Which hands values that are not symmetric to the multifrontal kernel.
        assert_eq!(a.kernel("auto").name, "cholesky");
        assert_eq!(a.kernel("LU").name, "lu");
        assert!(a.estimate("lu").seconds > a.estimate("multifrontal").seconds);
        assert!(a.estimate("multifrontal").seconds > a.estimate("cholesky").seconds);
        let n = 20_000;
        let (p, _) = network(n, &(1..=n as u32).map(|i| (i - 1, i, 1.0)).collect::<Vec<_>>());
        let a = Analysis::new(&p).unwrap();
        assert_eq!(a.kernel("auto").name, "lu");
        assert_eq!(a.estimate("lu").fill, 3 * n as u64 - 2);
        assert!(a.tree.get().is_none());
    }
}
