//! The imbalance of currents at all nodes, from voltages alone: what a solution is certified by.

use super::krylov::Rhs;
use super::planes::{Matrix, TIED, dot, of_row, sum};

/// The size of the right-hand side, A.
pub(crate) fn scale(a: &Matrix, rhs: &Rhs) -> f64 {
    let mut s = 0.0;
    if let Some((w, b)) = rhs.full() {
        s += dot(w, w) + dot(b, b);
    }
    if let Some((w, b)) = rhs.ends() {
        let series = |end: f64, line: f64| if end == f64::INFINITY { line } else { end * line / (end + line) };
        for (wires, volts, pivots, is_word) in [(&a.word, w, &a.pw, true), (&a.bit, b, &a.pb, false)] {
            for e in 0..2 {
                for (k, v) in volts[e].iter().enumerate() {
                    let end = wires.ends[e][k];
                    if end == 0.0 || *v == 0.0 {
                        continue;
                    }
                    let line = if !wires.is_ideal() {
                        wires.g
                    } else if end < f64::INFINITY && pivots[k] > 0.0 {
                        1.0 / pivots[k]
                    } else if is_word {
                        a.g[k * a.n..(k + 1) * a.n].iter().sum()
                    } else {
                        (0..a.m).map(|i| a.g[i * a.n + k]).sum()
                    };
                    s += (if line == 0.0 { end.min(1.0) } else { series(end, line) } * v).powi(2);
                }
            }
        }
    }
    s.sqrt()
}

/// Room for one row of everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    word: Vec<f64>,
    bit: Vec<f64>,
    current: Vec<f64>,
    columns: Vec<f64>,
}

impl Rows {
    pub fn new(n: usize) -> Rows {
        let row = || vec![0.0; n];
        Rows { word: row(), bit: row(), current: row(), columns: row() }
    }
}

/// The residual of the full system at word-line voltages `w` and bit-line voltages `b`, with the currents of the cells
/// (from word to bit line) given row by row: `each(i, word row, bit row)` sees currents missing at the nodes, A. Lines
/// without resistance have theirs at their first node.
#[inline(always)]
pub(crate) fn full_residual(
    a: &Matrix,
    rhs: &Rhs,
    (w, b): (&[f64], &[f64]),
    rows: &mut Rows,
    mut cell: impl FnMut(usize, &mut [f64]),
    mut each: impl FnMut(usize, &[f64], &[f64]),
) {
    let (m, n) = (a.m, a.n);
    let Rows { word: rw, bit: rb, current, columns } = rows;
    columns.fill(0.0);
    let (full, ends) = (rhs.full(), rhs.ends());
    for i in 0..m {
        let rows = i * n..(i + 1) * n;
        cell(i, current);
        a.word_row(i, &w[rows.clone()], rw);
        a.bit_row(i, b, rb);
        missing(rw, rb, current);
        if let Some((fw, fb)) = full {
            rw.iter_mut().zip(&fw[rows.clone()]).for_each(|(r, f)| *r += f);
            rb.iter_mut().zip(&fb[rows]).for_each(|(r, f)| *r += f);
        }
        if let Some((vw, vb)) = ends {
            for (e, j) in [(0, 0), (1, n - 1)] {
                let s = a.word.ends[e][i];
                rw[j] += if s < f64::INFINITY { s * vw[e][i] } else { 0.0 };
            }
            for (e, here) in [(0, 0), (1, m - 1)] {
                if i == here {
                    for j in 0..n {
                        let s = a.bit.ends[e][j];
                        rb[j] += if s < f64::INFINITY { s * vb[e][j] } else { 0.0 };
                    }
                }
            }
        }
        a.mask_word(i, rw);
        a.mask_bit(i, rb);
        if a.word.is_ideal() {
            let s = sum(rw);
            rw.fill(0.0);
            rw[0] = s;
        }
        if a.bit.is_ideal() {
            columns.iter_mut().zip(&*rb).for_each(|(c, r)| *c += r);
            rb.fill(0.0);
            if i + 1 == m {
                rb.copy_from_slice(columns);
            }
        }
        each(i, rw, rb);
    }
}

#[inline(always)]
fn missing(rw: &mut [f64], rb: &mut [f64], current: &[f64]) {
    let n = current.len();
    let (rw, rb) = (&mut rw[..n], &mut rb[..n]);
    for j in 0..n {
        rw[j] = -rw[j] - current[j];
        rb[j] = current[j] - rb[j];
    }
}

/// out += g (here - there)
#[inline(always)]
fn segment(out: &mut [f64], g: f64, here: &[f64], there: &[f64]) {
    let n = out.len();
    let (here, there) = (&here[..n], &there[..n]);
    for j in 0..n {
        out[j] += g * (here[j] - there[j]);
    }
}

impl Matrix {
    /// out = (Tb + shunt) v at row `i`.
    #[inline(always)]
    fn bit_row(&self, i: usize, v: &[f64], out: &mut [f64]) {
        let (m, n) = (self.m, self.n);
        let b = &self.bit;
        let row = |i: usize| &v[i * n..(i + 1) * n];
        let here = row(i);
        out.iter_mut().zip(here).for_each(|(o, v)| *o = b.shunt * v);
        if !b.is_ideal() {
            if i > 0 {
                let above = row(i - 1);
                let breaks = of_row(&b.breaks, i - 1);
                segment(out, b.g, here, above);
                for &(_, j) in breaks {
                    out[j] -= b.g * (here[j] - above[j]);
                }
            }
            if i + 1 < m {
                let below = row(i + 1);
                let breaks = of_row(&b.breaks, i);
                segment(out, b.g, here, below);
                for &(_, j) in breaks {
                    out[j] -= b.g * (here[j] - below[j]);
                }
            }
        }
        for &(_, j) in of_row(&b.ties, i) {
            out[j] += TIED * here[j];
        }
        for (e, at) in [(0, 0), (1, m - 1)] {
            if i == at {
                for j in 0..n {
                    let s = b.ends[e][j];
                    out[j] += if s < f64::INFINITY { s * here[j] } else { 0.0 };
                }
            }
        }
    }

    fn mask_bit(&self, i: usize, row: &mut [f64]) {
        let b = &self.bit;
        for (e, at) in [(0, 0), (1, self.m - 1)] {
            if b.is_ideal() || i == at {
                for (j, r) in row.iter_mut().enumerate() {
                    if b.is_held(e, j) {
                        *r = 0.0;
                    }
                }
            }
        }
    }
}
