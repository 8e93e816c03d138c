//! Dense linear algebra for fronts. Small products run in loops written here, which the compiler turns into vector
//! instructions of the machine at hand (through `pulp`); large ones are faer's.
//!
//! ```text
//! lu(A, rows s of m):  columns in halves: lu(left); right upper := L⁻¹ right upper; right lower -= left lower · right
//!                      upper; lu(right).   Pivots are sought among the first s rows only.
//! ```
//! S. Toledo, "Locality of reference in LU decomposition with partial pivoting", SIAM J. Matrix Anal. Appl. 18, 1997.

use faer::linalg::matmul::matmul;
use faer::traits::ComplexField;
use faer::{Accum, MatMut, MatRef, Par};
use num_complex::Complex64;

use crate::sparse::Scalar;

/// Numbers that fronts are made of.
pub trait Dense: Scalar + ComplexField {
    /// self − a b, fused where `FMA` says that the machine can.
    fn msub<const FMA: bool>(self, a: Self, b: Self) -> Self;
}

impl Dense for f64 {
    #[inline(always)]
    fn msub<const FMA: bool>(self, a: f64, b: f64) -> f64 {
        if FMA { (-a).mul_add(b, self) } else { self - a * b }
    }
}

impl Dense for Complex64 {
    #[inline(always)]
    fn msub<const FMA: bool>(self, a: Complex64, b: Complex64) -> Complex64 {
        let re = self.re.msub::<FMA>(a.re, b.re).msub::<FMA>(-a.im, b.im);
        let im = self.im.msub::<FMA>(a.re, b.im).msub::<FMA>(a.im, b.re);
        Complex64::new(re, im)
    }
}

/// Products with more multiplications than this are faer's.
const LARGE: usize = 20_000;
/// Widest product that the loops here do at once.
const DEPTH: usize = 16;

/// C -= A B for one block of up to [`DEPTH`] columns of A: `columns` columns of C of `ldc` each, rows `at..at + m`.
/// B's columns are packed, `k` numbers each.
#[inline(always)]
fn small<T: Dense, const FMA: bool>(
    (m, n, k): (usize, usize, usize),
    a: &[T],
    lda: usize,
    mut b: impl FnMut(usize, usize) -> T,
    c: &mut [T],
    ldc: usize,
) {
    let mut packed = [[T::ZERO; 4]; DEPTH];
    let mut j = 0;
    while j < n {
        let width = (n - j).min(4);
        for (p, row) in packed[..k].iter_mut().enumerate() {
            *row = [T::ZERO; 4];
            for (q, x) in row[..width].iter_mut().enumerate() {
                *x = b(p, j + q);
            }
        }
        let c = &mut c[j * ldc..];
        match width {
            4 => strip::<T, FMA, 4>(m, &packed[..k], a, lda, c, ldc),
            3 => strip::<T, FMA, 3>(m, &packed[..k], a, lda, c, ldc),
            2 => strip::<T, FMA, 2>(m, &packed[..k], a, lda, c, ldc),
            _ => strip::<T, FMA, 1>(m, &packed[..k], a, lda, c, ldc),
        }
        j += width;
    }
}

#[inline(always)]
fn strip<T: Dense, const FMA: bool, const N: usize>(
    m: usize,
    b: &[[T; 4]],
    a: &[T],
    lda: usize,
    c: &mut [T],
    ldc: usize,
) {
    let mut i = 0;
    while i + 8 <= m {
        tile::<T, FMA, 8, N>(i, b, a, lda, c, ldc);
        i += 8;
    }
    if i + 4 <= m {
        tile::<T, FMA, 4, N>(i, b, a, lda, c, ldc);
        i += 4;
    }
    if i + 2 <= m {
        tile::<T, FMA, 2, N>(i, b, a, lda, c, ldc);
        i += 2;
    }
    if i < m {
        tile::<T, FMA, 1, N>(i, b, a, lda, c, ldc);
    }
}

#[inline(always)]
fn tile<T: Dense, const FMA: bool, const M: usize, const N: usize>(
    i: usize,
    b: &[[T; 4]],
    a: &[T],
    lda: usize,
    c: &mut [T],
    ldc: usize,
) {
    let mut sum = [[T::ZERO; M]; N];
    for (j, col) in sum.iter_mut().enumerate() {
        col.copy_from_slice(&c[j * ldc + i..][..M]);
    }
    for (p, row) in b.iter().enumerate() {
        let mut x = [T::ZERO; M];
        x.copy_from_slice(&a[p * lda + i..][..M]);
        for j in 0..N {
            for q in 0..M {
                sum[j][q] = sum[j][q].msub::<FMA>(x[q], row[j]);
            }
        }
    }
    for (j, col) in sum.iter().enumerate() {
        c[j * ldc + i..][..M].copy_from_slice(col);
    }
}

/// C -= A B, all by columns: A is m × k, B k × n, C m × n.
#[inline(always)]
pub fn multiply<T: Dense, const FMA: bool>(
    (m, n, k): (usize, usize, usize),
    a: &[T],
    lda: usize,
    b: &[T],
    ldb: usize,
    c: &mut [T],
    ldc: usize,
) {
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    if m * n * k > LARGE && m >= 8 && n >= 4 {
        let a = MatRef::from_column_major_slice_with_stride(a, m, k, lda);
        let b = MatRef::from_column_major_slice_with_stride(b, k, n, ldb);
        let c = MatMut::from_column_major_slice_with_stride_mut(c, m, n, ldc);
        matmul(c, Accum::Add, a, b, -T::ONE, Par::Seq);
        return;
    }
    let mut p = 0;
    while p < k {
        let depth = (k - p).min(DEPTH);
        small::<T, FMA>((m, n, depth), &a[p * lda..], lda, |i, j| b[j * ldb + p + i], c, ldc);
        p += depth;
    }
}

/// The same where B and C are rows `at..at + k` and `at + k..` of the same `n` columns of `ld` each.
#[inline(always)]
fn multiply_below<T: Dense, const FMA: bool>(
    (n, k): (usize, usize),
    a: &[T],
    bc: &mut [T],
    ld: usize,
    at: usize,
    end: usize,
) {
    let m = end - at - k;
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    if m * n * k > LARGE && m >= 8 && n >= 4 {
        let a = MatRef::from_column_major_slice_with_stride(a, m, k, ld);
        let bc = MatMut::from_column_major_slice_with_stride_mut(bc, end, n, ld);
        let (b, c) = bc.split_at_row_mut(at + k);
        matmul(c, Accum::Add, a, b.as_ref().get(at.., ..), -T::ONE, Par::Seq);
        return;
    }
    let mut p = 0;
    while p < k {
        let depth = (k - p).min(DEPTH);
        let mut j = 0;
        while j < n {
            let width = (n - j).min(4);
            let mut packed = [[T::ZERO; 4]; DEPTH];
            for (q, row) in packed[..depth].iter_mut().enumerate() {
                for (w, x) in row[..width].iter_mut().enumerate() {
                    *x = bc[(j + w) * ld + at + p + q];
                }
            }
            let c = &mut bc[j * ld + at + k..];
            match width {
                4 => strip::<T, FMA, 4>(m, &packed[..depth], &a[p * ld..], ld, c, ld),
                3 => strip::<T, FMA, 3>(m, &packed[..depth], &a[p * ld..], ld, c, ld),
                2 => strip::<T, FMA, 2>(m, &packed[..depth], &a[p * ld..], ld, c, ld),
                _ => strip::<T, FMA, 1>(m, &packed[..depth], &a[p * ld..], ld, c, ld),
            }
            j += width;
        }
        p += depth;
    }
}

/// What elimination watches for.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    pub pivrel: f64,
    /// What a pivot that is only noise is replaced by.
    pub perturbation: f64,
    /// A pivot of at most this fraction of its first value is noise.
    pub noise: f64,
    /// Largest entry of L so far; NaN once anything was not a number.
    pub growth: f64,
    /// Pivots replaced, and the first of them (position + 1).
    pub perturbed: u32,
    pub first: u32,
    /// Position of the panel's first pivot.
    pub base: u32,
}

impl Watch {
    /// Both of two sweeps.
    pub fn join(self, other: Watch) -> Watch {
        // NaN wins.
        let growth = if self.growth >= other.growth || self.growth.is_nan() { self.growth } else { other.growth };
        Watch {
            growth,
            perturbed: self.perturbed + other.perturbed,
            first: if self.first != 0 { self.first } else { other.first },
            ..self
        }
    }
}

/// LU of the first s rows and columns of the m × s matrix `a`; L continues below. `perm` receives which row came to
/// which place, `inv` the reciprocals of the pivots; `diagonal` holds the magnitudes of the diagonal before elimination.
#[inline(always)]
pub fn lu<T: Dense, const FMA: bool>(
    m: usize,
    s: usize,
    a: &mut [T],
    perm: &mut [u32],
    inv: &mut [T],
    diagonal: &[f64],
    watch: &mut Watch,
) {
    for (k, p) in perm.iter_mut().enumerate() {
        *p = k as u32;
    }
    // Left to right in panels; before each, everything to the left is applied in chunks of growing width (the
    // recursion of the head comment, unrolled).
    let mut done = 0;
    while done < s {
        let end = (done + PANEL).min(s);
        panel::<T, FMA>(m, s, done..end, a, perm, inv, diagonal, watch);
        done = end;
        if done == s {
            break;
        }
        // Columns that this level of the recursion updates: as wide as the part just finished.
        let count = done / PANEL;
        let width = PANEL << count.trailing_zeros();
        let first = done - width;
        let last = (done + width).min(s);
        let (left, right) = a[..last * m].split_at_mut(done * m);
        let left = &left[first * m..];
        let n = last - done;
        lower::<T, FMA>(width, n, left, m, first, right, m, first);
        multiply_below::<T, FMA>((n, width), &left[done..], right, m, first, m);
    }
}

/// The largest magnitude, passing over what is not a number, and the sum of all, which does not. In lanes: neither depends
/// on an order of additions that anything is compared with.
#[inline(always)]
fn sizes<T: Dense>(v: &[T]) -> (f64, f64) {
    let (mut largest, mut sum) = ([0.0f64; 8], [0.0f64; 8]);
    let (chunks, rest) = v.as_chunks::<8>();
    for chunk in chunks {
        for (j, v) in chunk.iter().enumerate() {
            let size = v.mag();
            largest[j] = if size > largest[j] { size } else { largest[j] };
            sum[j] += size;
        }
    }
    for (j, v) in rest.iter().enumerate() {
        let size = v.mag();
        largest[j] = if size > largest[j] { size } else { largest[j] };
        sum[j] += size;
    }
    (largest.iter().fold(0.0, |a, &b| if b > a { b } else { a }), sum.iter().sum())
}

/// Width of the panels that are eliminated column by column.
const PANEL: usize = 8;

/// Eliminates some columns of the m × s matrix whose pivots lie in the first s rows.
#[inline(always)]
fn panel<T: Dense, const FMA: bool>(
    m: usize,
    s: usize,
    columns: std::ops::Range<usize>,
    a: &mut [T],
    perm: &mut [u32],
    inv: &mut [T],
    diagonal: &[f64],
    watch: &mut Watch,
) {
    let to = columns.end;
    for k in columns {
        let column = &a[k * m..k * m + s];
        let (max, _) = sizes(&column[k..]);
        let mut row = k;
        if !(column[k].mag() >= watch.pivrel * max) {
            row = k + column[k..].iter().position(|v| v.mag() == max).unwrap_or(0);
        }
        if row != k {
            perm.swap(row, k);
            for j in 0..s {
                a.swap(j * m + k, j * m + row);
            }
        }
        let mut pivot = a[k * m + k];
        let size = pivot.mag();
        if size <= watch.noise * diagonal[k].max(1e-2) {
            pivot = if size > 0.0 { pivot.times(watch.perturbation / size) } else { T::from(watch.perturbation) };
            a[k * m + k] = pivot;
            watch.perturbed += 1;
            if watch.first == 0 {
                watch.first = watch.base + k as u32 + 1;
            }
        }
        let reciprocal = pivot.recip();
        inv[k] = reciprocal;
        let (left, right) = a.split_at_mut((k + 1) * m);
        let l = &mut left[k * m + k + 1..];
        for v in l.iter_mut() {
            *v *= reciprocal;
        }
        let (largest, sum) = sizes(l);
        // The maximum passes over what is not a number, the sum does not.
        if !(largest <= watch.growth && sum < f64::INFINITY) {
            watch.growth = if sum < f64::INFINITY && !watch.growth.is_nan() { largest } else { f64::NAN };
        }
        for j in 0..to - k - 1 {
            let column = &mut right[j * m + k..(j + 1) * m];
            let f = column[0];
            for (x, &y) in column[1..].iter_mut().zip(&*l) {
                *x = x.msub::<FMA>(y, f);
            }
        }
    }
}

/// X := L⁻¹ X for the unit lower k × k matrix in rows `l_row..` of `l`; X is rows `at..at + k` of n columns.
#[inline(always)]
pub fn lower<T: Dense, const FMA: bool>(
    k: usize,
    n: usize,
    l: &[T],
    ldl: usize,
    l_row: usize,
    x: &mut [T],
    ldx: usize,
    at: usize,
) {
    if k <= 1 || n == 0 {
        return;
    }
    if k * k * n > 2 * LARGE && k >= 16 && n >= 4 {
        let rows = ldl;
        let l = MatRef::from_column_major_slice_with_stride(l, rows, k, ldl);
        let x = MatMut::from_column_major_slice_with_stride_mut(x, at + k, n, ldx);
        let l = l.get(l_row..l_row + k, ..);
        faer::linalg::triangular_solve::solve_unit_lower_triangular_in_place(l, x.subrows_mut(at, k), Par::Seq);
        return;
    }
    let mut j = 0;
    while j < n {
        let width = (n - j).min(4);
        let x = &mut x[j * ldx..];
        match width {
            4 => lower_strip::<T, FMA, 4>(k, l, ldl, l_row, x, ldx, at),
            3 => lower_strip::<T, FMA, 3>(k, l, ldl, l_row, x, ldx, at),
            2 => lower_strip::<T, FMA, 2>(k, l, ldl, l_row, x, ldx, at),
            _ => lower_strip::<T, FMA, 1>(k, l, ldl, l_row, x, ldx, at),
        }
        j += width;
    }
}

#[inline(always)]
fn lower_strip<T: Dense, const FMA: bool, const N: usize>(
    k: usize,
    l: &[T],
    ldl: usize,
    l_row: usize,
    x: &mut [T],
    ldx: usize,
    at: usize,
) {
    for p in 0..k - 1 {
        let column = &l[p * ldl + l_row + p + 1..p * ldl + l_row + k];
        for j in 0..N {
            let x = &mut x[j * ldx + at + p..j * ldx + at + k];
            let f = x[0];
            for (x, &y) in x[1..].iter_mut().zip(column) {
                *x = x.msub::<FMA>(y, f);
            }
        }
    }
}
