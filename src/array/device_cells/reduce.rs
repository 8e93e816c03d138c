//! The elimination of what is inside a cell: from residuals and slopes of all its unknowns to currents and slopes of its
//! lines.

/// Numbers of unknowns. The functions here are inlined into callers that know them, where these are worth code of their own.
#[derive(Clone, Copy)]
pub(super) struct Size {
    /// Inner unknowns.
    pub inner: usize,
    /// Lines, and how many of these have their currents told.
    pub terminals: usize,
    pub kept: usize,
}

impl Size {
    /// Unknowns of a cell: its lines, then the inner ones.
    #[inline(always)]
    pub fn unknowns(self) -> usize {
        self.terminals + self.inner
    }

    /// Numbers of a row of the block: J_zz, then what [`Size::told`] has.
    #[inline(always)]
    pub fn width(self) -> usize {
        self.inner + self.told()
    }

    /// What is told of each inner unknown: its correction, and minus its change with each kept line's voltage.
    #[inline(always)]
    pub fn told(self) -> usize {
        1 + self.kept
    }

    /// Contents of a cell: of the kept lines, then of the inner unknowns.
    #[inline(always)]
    pub fn contents(self) -> usize {
        self.kept + self.inner
    }
}

/// A cell at its unknowns: residuals, contents, and their slopes.
#[derive(Clone, Copy)]
pub(super) struct Evaluated<'a> {
    pub f: &'a [f64],
    pub q: &'a [f64],
    pub g: &'a [f64],
    pub c: &'a [f64],
    /// Derivatives are a0 q + past; of the kept lines, then of the inner unknowns; empty: nothing.
    pub a0: f64,
    pub past: &'a [f64],
    /// Inner unknowns that do not move; empty: none.
    pub held: &'a [bool],
}

/// Currents of the kept lines after the correction inside, and their slopes with the inner unknowns following. The block
/// is left with what [`Size::told`] says behind `inner` numbers of each row. False: no unique solution.
#[inline(always)]
pub(super) fn reduce(size: Size, cell: Evaluated, block: &mut [f64], i: &mut [f64], slopes: &mut [f64]) -> bool {
    let Size { inner, terminals: t, kept } = size;
    let (k, width) = (size.unknowns(), size.width());
    let Evaluated { a0, past, held, .. } = cell;
    let (f, q, g, c) = (&cell.f[..k], &cell.q[..k], &cell.g[..k * k], &cell.c[..k * k]);
    let (block, i, slopes) = (&mut block[..inner * width], &mut i[..kept], &mut slopes[..kept * kept]);
    let residual = |r: usize, nth: usize| f[r] + a0 * q[r] + past.get(nth).copied().unwrap_or(0.0);
    let slope = |r: usize, s: usize| g[r * k + s] + a0 * c[r * k + s];
    for r in 0..inner {
        let line = &mut block[r * width..(r + 1) * width];
        if held.get(r).is_some_and(|h| *h) {
            line.fill(0.0);
            line[r] = 1.0;
            continue;
        }
        for s in 0..inner {
            line[s] = slope(r + t, s + t);
        }
        line[inner] = -residual(r + t, kept + r);
        for a in 0..kept {
            line[inner + 1 + a] = slope(r + t, a);
        }
    }
    if !eliminate(block, inner, width) {
        return false;
    }
    let solved = |s: usize, column: usize| block[s * width + inner + column];
    // Loops rather than folds: these are inlined wherever this is.
    for a in 0..kept {
        let mut current = residual(a, a);
        for s in 0..inner {
            current += slope(a, s + t) * solved(s, 0);
        }
        i[a] = current;
        for b in 0..kept {
            let mut g = slope(a, b);
            for s in 0..inner {
                g -= slope(a, s + t) * solved(s, 1 + b);
            }
            slopes[a * kept + b] = g;
        }
    }
    true
}

/// Gauss-Jordan with partial pivoting on `n` rows of `w` numbers. False: singular.
#[inline(always)]
fn eliminate(a: &mut [f64], n: usize, w: usize) -> bool {
    for k in 0..n {
        let mut p = k;
        for i in k + 1..n {
            if a[i * w + k].abs() > a[p * w + k].abs() {
                p = i;
            }
        }
        let pivot = a[p * w + k];
        if !(pivot.abs() > 0.0) {
            return false;
        }
        if p != k {
            for c in 0..w {
                a.swap(k * w + c, p * w + c);
            }
        }
        let inverse = 1.0 / pivot;
        for c in k..w {
            a[k * w + c] *= inverse;
        }
        for i in 0..n {
            let f = a[i * w + k];
            if i != k && f != 0.0 {
                for c in k..w {
                    a[i * w + c] -= f * a[k * w + c];
                }
            }
        }
    }
    true
}
