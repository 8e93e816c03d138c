//! One evaluation of a row of cells for each iteration of the array around it.
//!
//! The inner unknowns follow the voltages of the lines along the slopes of the evaluation before, dz = -J_zz⁻¹ (r_z + J_zt dv):
//! the iteration of lines and cells together is then Newton's method for the whole array, with the cells' unknowns
//! eliminated. A row whose unknowns all stay near those of its last evaluation is continued on its tangents, as a batch
//! does with devices that rest ([`crate::device::Point::quiet`]).

use std::sync::PoisonError;

use super::{DeviceCells, LINES, MOST, Row, eliminate};
use crate::array::cells::{LineFrame, Moment, Stuck};
use crate::device::{IterMem, Load, Point};

impl Row {
    /// f and q on the tangents of the last evaluation; `k` unknowns a cell.
    fn tangent(&mut self, k: usize) {
        let [x0, f0, q0] = &self.at;
        for cell in 0..(self.x.len() - 1) / k {
            let (at, block) = (1 + cell * k, 1 + cell * k * k);
            let mut d = [0.0; MOST + LINES];
            for ((d, x), x0) in d.iter_mut().zip(&self.x[at..at + k]).zip(&x0[at..]) {
                *d = x - x0;
            }
            for r in 0..k {
                let row = block + r * k..block + (r + 1) * k;
                let (g, c) = (&self.g[row.clone()], &self.c[row]);
                let (mut f, mut q) = (f0[at + r], q0[at + r]);
                for ((d, g), c) in d.iter().zip(g).zip(c) {
                    f += g * d;
                    q += c * d;
                }
                (self.f[at + r], self.q[at + r]) = (f, q);
            }
        }
    }
}

impl DeviceCells {
    /// Are all unknowns of a row near those of its last evaluation? Voltages are by `quiet`, states by that share.
    fn is_near(&self, row: &Row, quiet: f64) -> bool {
        let (k, t) = (self.unknowns, self.terminals);
        if row.at[0].len() != row.x.len() {
            return false;
        }
        let mut allowed = [(quiet, 0.0); MOST + LINES];
        for (a, i) in allowed[t..k].iter_mut().zip(&self.internals).filter(|(_, i)| i.unit != "V") {
            *a = (i.abstol, quiet);
        }
        let cells = row.x[1..].chunks_exact(k).zip(row.at[0][1..].chunks_exact(k));
        let near = |((x, x0), (floor, share)): ((&f64, &f64), &(f64, f64))| (x - x0).abs() <= floor + share * x0.abs();
        cells.into_iter().all(|(x, x0)| x.iter().zip(x0).zip(&allowed).all(near))
    }

    /// See [`LineCells::once`].
    pub(super) fn follow(&self, at: &Moment, is_first: bool, frame: LineFrame) -> Result<bool, Stuck> {
        let (k, t, kept) = (self.unknowns, self.terminals, self.kept);
        let inner = k - t;
        let is_static = at.a0 == 0.0;
        let point = if is_static { Point::dc() } else { Point::tran(at.time) };
        let point = Point { gmin: self.gmin, quiet: at.quiet, ..point };
        let mut guard = self.rows[frame.first / self.cols].lock().unwrap_or_else(PoisonError::into_inner);
        let row = &mut *guard;
        let per_cell = inner * (kept + 1);
        row.follow.resize(self.cols * per_cell, 0.0);
        for cell in 0..self.cols {
            let x = &mut row.x[1 + cell * k..1 + (cell + 1) * k];
            let v = &frame.v[cell * kept..(cell + 1) * kept];
            let (lines, z) = x.split_at_mut(t);
            if is_first {
                z.copy_from_slice(&frame.z[cell * inner..(cell + 1) * inner]);
            } else {
                let follow = row.follow[cell * per_cell..(cell + 1) * per_cell].chunks_exact(kept + 1);
                for (z, f) in z.iter_mut().zip(follow) {
                    *z += f[0];
                    for a in 0..kept {
                        *z -= f[1 + a] * (v[a] - (lines[a] - self.shift));
                    }
                }
            }
            lines.fill(self.shift);
            lines.iter_mut().zip(v).for_each(|(x, v)| *x += v);
        }
        let mut is_settled = true;
        if at.quiet > 0.0 && self.is_near(row, at.quiet) {
            row.tangent(k);
        } else {
            row.f.fill(0.0);
            row.q.fill(0.0);
            row.g.fill(0.0);
            row.c.fill(0.0);
            for (batch, memory) in row.batches.iter().zip(&mut row.memory) {
                let mut mem = IterMem::new(memory);
                let mut load = Load { f: &mut row.f, q: &mut row.q, g: &mut row.g, c: &mut row.c };
                batch.eval(&point, &row.x, &mut mem, &mut load);
                is_settled &= !mem.limited;
            }
            let may_rest = is_settled && !is_static && row.batches.iter().all(|b| b.depends_on_x_alone());
            for (to, from) in row.at.iter_mut().zip([&row.x, &row.f, &row.q]) {
                to.clear();
                if may_rest {
                    to.extend_from_slice(from);
                }
            }
        }
        let mut block = [0.0f64; MOST * (MOST + 1 + LINES)];
        let stride = kept + inner;
        let width = inner + 1 + kept;
        for cell in 0..self.cols {
            let (at1, blk) = (1 + cell * k, 1 + cell * k * k);
            let past: &[f64] = if is_static { &[] } else { &at.past[cell * stride..(cell + 1) * stride] };
            let (f, q) = (&row.f[at1..at1 + k], &row.q[at1..at1 + k]);
            let (g, c) = (&row.g[blk..blk + k * k], &row.c[blk..blk + k * k]);
            let before =
                |r: usize| past.get(if r < kept { r } else { (kept + r).wrapping_sub(t) }).copied().unwrap_or(0.0);
            let residual = |r: usize| f[r] + at.a0 * q[r] + before(r);
            let slope = |r: usize, s: usize| g[r * k + s] + at.a0 * c[r * k + s];
            for r in 0..inner {
                let line = &mut block[r * width..(r + 1) * width];
                if is_static && self.is_held[r] {
                    line.fill(0.0);
                    line[r] = 1.0;
                    continue;
                }
                for s in 0..inner {
                    line[s] = slope(r + t, s + t);
                }
                line[inner] = -residual(r + t);
                for a in 0..kept {
                    line[inner + 1 + a] = slope(r + t, a);
                }
            }
            if !eliminate(&mut block, inner, width) {
                let text = "the inner equations of the cell have no unique solution".into();
                return Err(Stuck { cell: frame.first + cell, text });
            }
            let solved = |s: usize, column: usize| block[s * width + inner + column];
            for a in 0..kept {
                let at = cell * kept + a;
                frame.i[at] = (0..inner).fold(residual(a), |i, s| i + slope(a, s + t) * solved(s, 0));
                for b in 0..kept {
                    frame.g[at * kept + b] =
                        (0..inner).fold(slope(a, b), |g, s| g - slope(a, s + t) * solved(s, 1 + b));
                }
            }
            let z = &row.x[at1 + t..at1 + k];
            for s in 0..inner {
                let dz = solved(s, 0);
                // After this correction the error is that of its square. NaN is not small.
                is_settled &= dz.abs() <= 1e-5 * z[s].abs() + 1e3 * self.tolerance[s];
                frame.z[cell * inner + s] = z[s] + dz;
                let follow = &mut row.follow[cell * per_cell + s * (kept + 1)..][..kept + 1];
                follow.copy_from_slice(&block[s * width + inner..(s + 1) * width]);
            }
            if !frame.c.is_empty() {
                let to = &mut frame.c[cell * stride..(cell + 1) * stride];
                let content = |r: usize| (0..inner).fold(q[r], |q, s| q + c[r * k + s + t] * solved(s, 0));
                (0..kept).for_each(|r| to[r] = content(r));
                (t..k).for_each(|r| to[kept + r - t] = content(r));
            }
        }
        Ok(is_settled)
    }
}
