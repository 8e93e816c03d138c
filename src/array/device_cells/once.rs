//! One evaluation of a row of cells for each iteration of the array around it.
//!
//! The inner unknowns follow the voltages of the lines along the slopes of the evaluation before, dz = -J_zz⁻¹ (r_z + J_zt dv):
//! the iteration of lines and cells together is then Newton's method for the whole array, with the cells' unknowns
//! eliminated. A cell whose unknowns all stay near those of its last evaluation is continued on its tangents, as a batch
//! does with devices that rest ([`crate::device::Point::quiet`]); the devices of the others are evaluated without it. On the
//! same tangents at the same point in time nothing is to be eliminated again: currents follow voltages by the slopes that
//! are known.

use std::sync::PoisonError;

use super::reduce::{Evaluated, Size, reduce};
use super::{DeviceCells, LINES, MOST, Row};
use crate::array::cells::{LineFrame, Moment, Stuck};
use crate::device::{IterMem, Load, Point};

/// Where a cell is against its last evaluation.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Stand {
    /// Near, and the currents told last are on the same tangents at the same point in time.
    Stays,
    Near,
    Moved,
}

impl Row {
    /// Evaluates the devices of the cells that have moved, of `k` unknowns each. Whether none of them limited its voltages.
    fn evaluate(&mut self, k: usize, point: &Point) -> bool {
        let is_whole = !self.can_rest || self.moved.len() == self.is_known.len();
        if is_whole {
            self.f.fill(0.0);
            self.q.fill(0.0);
            self.g.fill(0.0);
            self.c.fill(0.0);
        } else {
            for at in self.moved.iter().map(|cell| *cell as usize * k) {
                self.f[1 + at..1 + at + k].fill(0.0);
                self.q[1 + at..1 + at + k].fill(0.0);
                self.g[1 + at * k..1 + (at + k) * k].fill(0.0);
                self.c[1 + at * k..1 + (at + k) * k].fill(0.0);
            }
            // Ground's.
            (self.f[0], self.q[0], self.g[0], self.c[0]) = (0.0, 0.0, 0.0, 0.0);
        }
        let mut is_free = true;
        for ((batch, memory), each) in self.batches.iter().zip(&mut self.memory).zip(&self.each) {
            let mut mem = IterMem::new(memory);
            let mut load = Load { f: &mut self.f, q: &mut self.q, g: &mut self.g, c: &mut self.c };
            match batch.alone().filter(|_| !is_whole) {
                None => batch.eval(point, &self.x, &mut mem, &mut load),
                Some(alone) => {
                    self.picked.clear();
                    self.picked.extend(self.moved.iter().flat_map(|cell| cell * each..(cell + 1) * each));
                    alone.eval_these(&self.picked, point, &self.x, &mut mem, &mut load);
                }
            }
            is_free &= !mem.limited;
        }
        for &cell in &self.moved {
            let own = 1 + cell as usize * k..1 + (cell as usize + 1) * k;
            self.at[own.clone()].copy_from_slice(&self.x[own]);
            self.is_known[cell as usize] = is_free && self.can_rest;
        }
        is_free
    }
}

impl DeviceCells {
    /// How far each unknown may be from where its cell was evaluated: so much, and such a share. Voltages by `quiet`,
    /// states by that share.
    #[inline(always)]
    fn reach(&self, size: Size, quiet: f64) -> [(f64, f64); MOST + LINES] {
        let mut allowed = [(quiet, 0.0); MOST + LINES];
        let inner = allowed[size.terminals..size.unknowns()].iter_mut().zip(&self.internals);
        for (a, i) in inner.filter(|(_, i)| i.unit != "V") {
            *a = (i.abstol, quiet);
        }
        allowed
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
        let mut guard = self.rows[frame.first / self.cols].lock().unwrap_or_else(PoisonError::into_inner);
        let row = &mut *guard;
        row.follow.resize(self.cols * inner * told, 0.0);
        row.block.resize(inner * size.width(), 0.0);
        let may_rest = row.can_rest && !is_static && at.quiet > 0.0;
        let reach = self.reach(size, at.quiet);
        let reach = &reach[..k];
        let on_tangents = !is_first && row.is_followed;
        row.moved.clear();
        for cell in 0..self.cols {
            let (lines, z) = row.x[1 + cell * k..1 + (cell + 1) * k].split_at_mut(t);
            let v = &frame.v[cell * kept..(cell + 1) * kept];
            let mut dv = [0.0; LINES];
            for a in 0..kept {
                dv[a] = v[a] - (lines[a] - self.shift);
            }
            if is_first {
                z.copy_from_slice(&frame.z[cell * inner..(cell + 1) * inner]);
            } else {
                let follow = &row.follow[cell * inner * told..(cell + 1) * inner * told];
                for (z, f) in z.iter_mut().zip(follow.chunks_exact(told)) {
                    *z += f[0];
                    for a in 0..kept {
                        *z -= f[1 + a] * dv[a];
                    }
                }
            }
            lines.fill(self.shift);
            lines.iter_mut().zip(v).for_each(|(x, v)| *x += v);
            let own = 1 + cell * k..1 + (cell + 1) * k;
            let (x, x0) = (&row.x[own.clone()], &row.at[own]);
            let mut is_near = may_rest && row.is_known[cell];
            // False for NaN.
            for r in 0..k {
                is_near &= (x[r] - x0[r]).abs() <= reach[r].0 + reach[r].1 * x0[r].abs();
            }
            row.stands[cell] = match (is_near, on_tangents) {
                (true, true) => Stand::Stays,
                (true, false) => Stand::Near,
                (false, _) => Stand::Moved,
            };
            if !is_near {
                row.moved.push(cell as u32);
            } else if on_tangents {
                let (i, g) = (&mut frame.i[cell * kept..][..kept], &frame.g[cell * kept * kept..][..kept * kept]);
                for a in 0..kept {
                    for b in 0..kept {
                        i[a] += g[a * kept + b] * dv[b];
                    }
                }
            }
        }
        let mut is_settled = true;
        if !row.moved.is_empty() {
            let point = if is_static { Point::dc() } else { Point::tran(at.time) };
            // Batches of which all cells move are not to look for devices that rest.
            let quiet = if row.can_rest { 0.0 } else { at.quiet };
            is_settled = row.evaluate(k, &Point { gmin: self.gmin, quiet, ..point });
        }
        row.is_followed = false;
        let held: &[bool] = if is_static { &self.is_held } else { &[] };
        for cell in 0..self.cols {
            let (own, blk) = (1 + cell * k..1 + (cell + 1) * k, 1 + cell * k * k..1 + (cell + 1) * k * k);
            let (x, x0, g, c) = (&row.x[own.clone()], &row.at[own.clone()], &row.g[blk.clone()], &row.c[blk]);
            let (mut f, mut q) = (&row.f[own.clone()], &row.q[own]);
            // Inner equations hold on tangents, and currents are known there.
            let is_new = row.stands[cell] != Stand::Stays;
            if row.stands[cell] != Stand::Moved {
                let (f1, q1) = row.tangent.split_at_mut(k);
                for r in 0..k {
                    (f1[r], q1[r]) = (f[r], q[r]);
                    for s in 0..k {
                        q1[r] += c[r * k + s] * (x[s] - x0[s]);
                    }
                    // Those of a cell that stays are known.
                    for s in (0..k).filter(|_| is_new) {
                        f1[r] += g[r * k + s] * (x[s] - x0[s]);
                    }
                }
                (f, q) = (&*f1, &*q1);
            }
            let follow = row.follow[cell * inner * told..(cell + 1) * inner * told].chunks_exact_mut(told);
            let z = &x[t..];
            if is_new {
                let past: &[f64] = if is_static { &[] } else { &at.past[cell * contents..(cell + 1) * contents] };
                let evaluated = Evaluated { f, q, g, c, a0: at.a0, past, held };
                let i = &mut frame.i[cell * kept..(cell + 1) * kept];
                let slopes = &mut frame.g[cell * kept * kept..(cell + 1) * kept * kept];
                if !reduce(size, evaluated, &mut row.block, i, slopes) {
                    let text = "the inner equations of the cell have no unique solution".into();
                    return Err(Stuck { cell: frame.first + cell, text });
                }
                let block = row.block.chunks_exact(size.width());
                for (s, (line, follow)) in block.zip(follow).enumerate() {
                    let dz = line[inner];
                    // After this correction the error is that of its square. NaN is not small.
                    is_settled &= dz.abs() <= 1e-5 * z[s].abs() + 1e3 * self.tolerance[s];
                    frame.z[cell * inner + s] = z[s] + dz;
                    follow.copy_from_slice(&line[inner..]);
                }
            } else {
                follow.for_each(|f| f[0] = 0.0);
                frame.z[cell * inner..(cell + 1) * inner].copy_from_slice(z);
            }
            if !frame.c.is_empty() {
                let to = &mut frame.c[cell * contents..(cell + 1) * contents];
                for (nth, to) in to.iter_mut().enumerate() {
                    let r = if nth < kept { nth } else { t + nth - kept };
                    *to = q[r];
                    for s in (0..inner).filter(|_| is_new) {
                        *to += c[r * k + s + t] * row.block[s * size.width() + inner];
                    }
                }
            }
        }
        row.is_followed = may_rest;
        Ok(is_settled)
    }
}
