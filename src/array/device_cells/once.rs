//! One evaluation of a row of cells for each iteration of the array around it.
//!
//! The inner unknowns follow the voltages of the lines along the slopes of the evaluation before, dz = -J_zz⁻¹ (r_z + J_zt dv):
//! the iteration of lines and cells together is then Newton's method for the whole array, with the cells' unknowns
//! eliminated. A row whose unknowns all stay near those of its last evaluation is continued on its tangents, as a batch
//! does with devices that rest ([`crate::device::Point::quiet`]). On the same tangents at the same point in time nothing
//! is to be eliminated again: currents follow voltages by the slopes that are known.

use std::sync::PoisonError;

use super::reduce::{Evaluated, Size, reduce};
use super::{DeviceCells, LINES, MOST, Row};
use crate::array::cells::{LineFrame, Moment, Stuck};
use crate::device::{IterMem, Load, Point};

impl Row {
    /// f and q on the tangents of the last evaluation; `k` unknowns a cell.
    #[inline(always)]
    fn tangent(&mut self, k: usize) {
        let [x0, f0, q0] = &self.at;
        let blocks = self.g[1..].chunks_exact(k * k).zip(self.c[1..].chunks_exact(k * k));
        for (cell, (g, c)) in blocks.enumerate() {
            let own = 1 + cell * k..1 + (cell + 1) * k;
            let (x, x0) = (&self.x[own.clone()], &x0[own.clone()]);
            let (f0, q0) = (&f0[own.clone()], &q0[own.clone()]);
            let (f, q) = (&mut self.f[own.clone()], &mut self.q[own]);
            for r in 0..k {
                (f[r], q[r]) = (f0[r], q0[r]);
                for s in 0..k {
                    f[r] += g[r * k + s] * (x[s] - x0[s]);
                    q[r] += c[r * k + s] * (x[s] - x0[s]);
                }
            }
        }
    }

    /// Evaluates the devices. Whether none of them limited its voltages.
    fn evaluate(&mut self, point: &Point) -> bool {
        self.f.fill(0.0);
        self.q.fill(0.0);
        self.g.fill(0.0);
        self.c.fill(0.0);
        let mut is_free = true;
        for (batch, memory) in self.batches.iter().zip(&mut self.memory) {
            let mut mem = IterMem::new(memory);
            let mut load = Load { f: &mut self.f, q: &mut self.q, g: &mut self.g, c: &mut self.c };
            batch.eval(point, &self.x, &mut mem, &mut load);
            is_free &= !mem.limited;
        }
        let may_rest = is_free && !point.is_static && self.batches.iter().all(|b| b.depends_on_x_alone());
        for (to, from) in self.at.iter_mut().zip([&self.x, &self.f, &self.q]) {
            to.clear();
            if may_rest {
                to.extend_from_slice(from);
            }
        }
        is_free
    }
}

impl DeviceCells {
    /// Are all unknowns of a row near those of its last evaluation? Voltages are by `quiet`, states by that share.
    #[inline(always)]
    fn is_near(&self, size: Size, row: &Row, quiet: f64) -> bool {
        let (k, t) = (size.unknowns(), size.terminals);
        if quiet == 0.0 || row.at[0].len() != row.x.len() {
            return false;
        }
        let mut allowed = [(quiet, 0.0); MOST + LINES];
        for (a, i) in allowed[t..k].iter_mut().zip(&self.internals).filter(|(_, i)| i.unit != "V") {
            *a = (i.abstol, quiet);
        }
        let allowed = &allowed[..k];
        row.x[1..].chunks_exact(k).zip(row.at[0][1..].chunks_exact(k)).all(|(x, x0)| {
            let mut near = true;
            for r in 0..k {
                near &= (x[r] - x0[r]).abs() <= allowed[r].0 + allowed[r].1 * x0[r].abs();
            }
            near
        })
    }

    /// See [`LineCells::once`](crate::array::cells::LineCells::once). The commonest sizes have code of their own.
    pub(super) fn follow(&self, at: &Moment, is_first: bool, frame: LineFrame) -> Result<bool, Stuck> {
        let (terminals, kept) = (self.terminals, self.kept);
        let size = Size { inner: self.unknowns - terminals, terminals, kept };
        match (size.inner, terminals, kept) {
            (1, 2, 2) => self.follow_sized(Size { inner: 1, terminals: 2, kept: 2 }, at, is_first, frame),
            (2, 2, 2) => self.follow_sized(Size { inner: 2, terminals: 2, kept: 2 }, at, is_first, frame),
            (1, 3, 3) => self.follow_sized(Size { inner: 1, terminals: 3, kept: 3 }, at, is_first, frame),
            (2, 3, 3) => self.follow_sized(Size { inner: 2, terminals: 3, kept: 3 }, at, is_first, frame),
            (3, 3, 3) => self.follow_sized(Size { inner: 3, terminals: 3, kept: 3 }, at, is_first, frame),
            _ => self.follow_sized(size, at, is_first, frame),
        }
    }

    #[inline(always)]
    fn follow_sized(&self, size: Size, at: &Moment, is_first: bool, frame: LineFrame) -> Result<bool, Stuck> {
        let Size { inner, terminals: t, kept } = size;
        let (k, told, contents) = (size.unknowns(), size.told(), size.contents());
        let is_static = at.a0 == 0.0;
        let point = if is_static { Point::dc() } else { Point::tran(at.time) };
        let point = Point { gmin: self.gmin, quiet: at.quiet, ..point };
        let mut guard = self.rows[frame.first / self.cols].lock().unwrap_or_else(PoisonError::into_inner);
        let row = &mut *guard;
        row.follow.resize(self.cols * inner * told, 0.0);
        row.block.resize(inner * size.width(), 0.0);
        // Before anything moves: currents that are on the tangents already follow the lines alone.
        let on_tangents = !is_first && row.is_followed;
        for cell in 0..self.cols {
            let (lines, z) = row.x[1 + cell * k..1 + (cell + 1) * k].split_at_mut(t);
            let v = &frame.v[cell * kept..(cell + 1) * kept];
            if is_first {
                z.copy_from_slice(&frame.z[cell * inner..(cell + 1) * inner]);
            } else {
                let follow = &row.follow[cell * inner * told..(cell + 1) * inner * told];
                for (z, f) in z.iter_mut().zip(follow.chunks_exact(told)) {
                    *z += f[0];
                    for a in 0..kept {
                        *z -= f[1 + a] * (v[a] - (lines[a] - self.shift));
                    }
                }
            }
            if on_tangents {
                // Undone by an evaluation, if there is to be one after all.
                let (i, g) = (&mut frame.i[cell * kept..][..kept], &frame.g[cell * kept * kept..][..kept * kept]);
                for a in 0..kept {
                    for b in 0..kept {
                        i[a] += g[a * kept + b] * (v[b] - (lines[b] - self.shift));
                    }
                }
            }
            lines.fill(self.shift);
            lines.iter_mut().zip(v).for_each(|(x, v)| *x += v);
        }
        let is_near = self.is_near(size, row, at.quiet);
        if on_tangents && is_near {
            self.stay(size, row, frame);
            return Ok(true);
        }
        let mut is_settled = true;
        if is_near {
            row.tangent(k);
        } else {
            is_settled = row.evaluate(&point);
        }
        row.is_followed = !row.at[0].is_empty();
        let held: &[bool] = if is_static { &self.is_held } else { &[] };
        for cell in 0..self.cols {
            let (own, blk) = (1 + cell * k..1 + (cell + 1) * k, 1 + cell * k * k..1 + (cell + 1) * k * k);
            let past: &[f64] = if is_static { &[] } else { &at.past[cell * contents..(cell + 1) * contents] };
            let (q, c) = (&row.q[own.clone()], &row.c[blk.clone()]);
            let evaluated = Evaluated { f: &row.f[own.clone()], q, g: &row.g[blk], c, a0: at.a0, past, held };
            let i = &mut frame.i[cell * kept..(cell + 1) * kept];
            let slopes = &mut frame.g[cell * kept * kept..(cell + 1) * kept * kept];
            if !reduce(size, evaluated, &mut row.block, i, slopes) {
                row.is_followed = false;
                let text = "the inner equations of the cell have no unique solution".into();
                return Err(Stuck { cell: frame.first + cell, text });
            }
            let block = row.block.chunks_exact(size.width());
            let z = &row.x[own][t..];
            let follow = row.follow[cell * inner * told..(cell + 1) * inner * told].chunks_exact_mut(told);
            for (s, (line, follow)) in block.zip(follow).enumerate() {
                let dz = line[inner];
                // After this correction the error is that of its square. NaN is not small.
                is_settled &= dz.abs() <= 1e-5 * z[s].abs() + 1e3 * self.tolerance[s];
                frame.z[cell * inner + s] = z[s] + dz;
                follow.copy_from_slice(&line[inner..]);
            }
            if !frame.c.is_empty() {
                let to = &mut frame.c[cell * contents..(cell + 1) * contents];
                for (nth, to) in to.iter_mut().enumerate() {
                    let r = if nth < kept { nth } else { t + nth - kept };
                    *to = q[r];
                    for s in 0..inner {
                        *to += c[r * k + s + t] * row.block[s * size.width() + inner];
                    }
                }
            }
        }
        Ok(is_settled)
    }

    /// A row that went on along the tangents on which it was already: its inner equations hold there, its currents are known.
    #[inline(always)]
    fn stay(&self, size: Size, row: &mut Row, frame: LineFrame) {
        let Size { inner, terminals: t, kept } = size;
        let (k, contents) = (size.unknowns(), size.contents());
        row.follow.chunks_exact_mut(size.told()).for_each(|f| f[0] = 0.0);
        for (z, x) in frame.z.chunks_exact_mut(inner.max(1)).zip(row.x[1..].chunks_exact(k)) {
            z.copy_from_slice(&x[t..]);
        }
        let [x0, _, q0] = &row.at;
        for (cell, to) in frame.c.chunks_exact_mut(contents).enumerate() {
            let own = 1 + cell * k..1 + (cell + 1) * k;
            let (x, x0, q0) = (&row.x[own.clone()], &x0[own.clone()], &q0[own]);
            let c = &row.c[1 + cell * k * k..1 + (cell + 1) * k * k];
            for (nth, to) in to.iter_mut().enumerate() {
                let r = if nth < kept { nth } else { t + nth - kept };
                *to = q0[r];
                for s in 0..k {
                    *to += c[r * k + s] * (x[s] - x0[s]);
                }
            }
        }
    }
}
