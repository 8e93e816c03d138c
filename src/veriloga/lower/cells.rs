//! Cells: reading, writing, and joining them where control flow meets.

use super::{Cell, CellInfo, Lower};
use crate::diag::codes::va_device as codes;
use crate::veriloga::hir::{ExprId, Owner, ParamId, VarId};
use crate::veriloga::ir::{BinOp, Const, In, Ty, UnOp, Val};

/// Elements of an array that may be chosen from in a loop.
const MAX_CHOICE: usize = 4096;

impl Lower<'_> {
    pub(super) fn cell_type(&self, cell: Cell) -> Ty {
        match cell {
            Cell::Var(v, _) => Self::ir_type(self.m.vars[v].ty),
            Cell::Kind(_) | Cell::IsIndirect(_) | Cell::IdtReset(_) | Cell::On(_) => Ty::Bool,
            Cell::WatchOn(_) | Cell::Jump | Cell::Limited => Ty::Bool,
            _ => Ty::Real,
        }
    }

    /// What a cell holds before anything was written to it.
    pub(super) fn initial(&mut self, cell: Cell) -> Val {
        let ty = self.cell_type(cell);
        match cell {
            Cell::Var(v, k) if !self.is_params && self.m.vars[v].owner == Owner::Module => {
                let n = self.out.cells.len() as u32;
                let index = *self.hidden.entry(cell).or_insert(n);
                if index == n {
                    let var = &self.m.vars[v];
                    let name = if var.dims.is_empty() { var.name.clone() } else { format!("{}[{k}]", var.name) };
                    self.out.cells.push(CellInfo { name, ty });
                }
                self.b.input(In::Hidden, index, ty)
            }
            Cell::Aux(k) => {
                let n = self.out.cells.len() as u32;
                let index = *self.hidden.entry(cell).or_insert(n);
                if index == n {
                    self.out.cells.push(CellInfo { name: format!("operator {k}"), ty });
                }
                self.b.input(In::Hidden, index, ty)
            }
            Cell::LimitState(k) => self.b.input(In::Old, k, Ty::Real),
            Cell::Bound | Cell::TimerPeriod(_) | Cell::WatchTimeTol(_) | Cell::WatchTol(_) => {
                self.b.real(f64::INFINITY)
            }
            _ => self.zero(ty),
        }
    }

    pub(super) fn read(&mut self, cell: Cell) -> Val {
        if let Some(v) = self.env.get(cell) {
            return v;
        }
        let v = self.initial(cell);
        self.env.set(cell, v);
        v
    }

    pub(super) fn write(&mut self, cell: Cell, v: Val) {
        debug_assert_eq!(self.b.ty(v), self.cell_type(cell));
        self.env.set(cell, v);
    }

    /// An `if`: both sides are lowered, and cells and one result that differ are joined.
    pub(super) fn branch(
        &mut self,
        cond: Val,
        then: impl FnOnce(&mut Self) -> Vec<Val>,
        els: impl FnOnce(&mut Self) -> Vec<Val>,
    ) -> Vec<Val> {
        match self.b.constant(cond) {
            Some(Const::Bool(true)) => return then(self),
            Some(Const::Bool(false)) => return els(self),
            _ => {}
        }
        let mark = self.env.mark();
        self.b.open();
        let mut ty = then(self);
        let then_changes = self.env.undo(mark);
        let then_nodes = self.b.close();
        self.b.open();
        let mut ey = els(self);
        let els_changes = self.env.undo(mark);
        let els_nodes = self.b.close();
        let n = ty.len();
        let mut changed = vec![];
        let (mut i, mut j) = (0, 0);
        while i < then_changes.len() || j < els_changes.len() {
            let (t, e) = (then_changes.get(i), els_changes.get(j));
            let k = match (t, e) {
                (Some(t), Some(e)) => t.0.min(e.0),
                (Some(x), None) | (None, Some(x)) => x.0,
                (None, None) => break,
            };
            let (t, e) = (t.filter(|t| t.0 == k), e.filter(|e| e.0 == k));
            i += usize::from(t.is_some());
            j += usize::from(e.is_some());
            let cell = self.env.cell(k);
            let before = self.env.value(k);
            // Cells met on one side only had their initial value on the other; that value is a leaf, visible everywhere.
            let mut value = |x: Option<&(u32, Option<Val>)>| match x.map_or(before, |x| x.1) {
                Some(v) => v,
                None => self.initial(cell),
            };
            let (a, e) = (value(t), value(e));
            if a == e {
                self.env.set(cell, a);
            } else {
                changed.push(cell);
                ty.push(a);
                ey.push(e);
            }
        }
        let out = self.b.join(cond, then_nodes, ty, els_nodes, ey);
        for (cell, v) in changed.into_iter().zip(&out[n..]) {
            self.env.set(cell, *v);
        }
        out[..n].to_vec()
    }

    /// Flat offset of an element with constant indices, or the computed one.
    fn offset(&mut self, dims: &[usize], index: &[ExprId]) -> Result<u32, Val> {
        let values: Vec<Val> = index.iter().map(|e| self.expr(*e)).collect();
        let mut sum = self.b.int(0);
        for (v, n) in values.iter().zip(dims) {
            let n = self.b.int(*n as i32);
            let scaled = self.b.bin(BinOp::IMul, sum, n);
            sum = self.b.bin(BinOp::IAdd, scaled, *v);
        }
        // An index out of its own dimension must not reach into the next row.
        let mut inside = self.b.bool(true);
        let zero = self.b.int(0);
        for (v, n) in values.iter().zip(dims) {
            let n = self.b.int(*n as i32);
            let low = self.b.bin(BinOp::ILe, zero, *v);
            let high = self.b.bin(BinOp::ILt, *v, n);
            let both = self.b.and(low, high);
            inside = self.b.and(inside, both);
        }
        let none = self.b.int(-1);
        let at = self.b.select(inside, sum, none);
        match self.b.constant(at) {
            Some(Const::Int(k)) if k >= 0 => Ok(k as u32),
            _ => Err(at),
        }
    }

    pub(super) fn var_dims(&self, v: VarId) -> Vec<usize> {
        self.m.vars[v].dims.iter().map(|d| d.len()).collect()
    }

    pub(super) fn read_element(&mut self, v: VarId, index: &[ExprId]) -> Val {
        let dims = self.var_dims(v);
        match self.offset(&dims, index) {
            Ok(k) => self.read(Cell::Var(v, k)),
            Err(at) => {
                let ty = self.cell_type(Cell::Var(v, 0));
                if self.is_too_long(v, index) {
                    return self.zero(ty);
                }
                let n = self.m.vars[v].len() as u32;
                let elements: Vec<Val> = (0..n).map(|k| self.read(Cell::Var(v, k))).collect();
                let zero = self.zero(ty);
                self.choose(at, &elements, zero)
            }
        }
    }

    /// An element that is found while simulating takes as long as the array has elements, and in a loop that costs by the
    /// square: beyond a limit it is refused.
    fn is_too_long(&mut self, v: VarId, index: &[ExprId]) -> bool {
        let n = self.m.vars[v].len();
        let is = self.in_loop > 0 && n > MAX_CHOICE;
        if is && let Some(first) = index.first() {
            let what = format!("`{}` has {n} elements, too many for an index inside a loop", self.m.vars[v].name);
            let label = format!("known while simulating only: at most {MAX_CHOICE} elements");
            self.fault(codes::TOO_LARGE, what, self.m.exprs[*first].span, &label);
        }
        is
    }

    /// `elements[at]`, or `other` outside.
    fn choose(&mut self, at: Val, elements: &[Val], other: Val) -> Val {
        let mut r = other;
        for (k, e) in elements.iter().enumerate() {
            let k = self.b.int(k as i32);
            let is = self.b.bin(BinOp::IEq, at, k);
            r = self.b.select(is, *e, r);
        }
        r
    }

    pub(super) fn read_param_element(&mut self, p: ParamId, index: &[ExprId]) -> Val {
        let dims: Vec<usize> = self.m.params[p].dims.iter().map(|d| d.len()).collect();
        match self.offset(&dims, index) {
            Ok(k) => self.read_param(p, k),
            Err(at) => {
                let n = self.m.params[p].len() as u32;
                let elements: Vec<Val> = (0..n).map(|k| self.read_param(p, k)).collect();
                let ty = Self::ir_type(self.m.params[p].ty);
                let zero = self.zero(ty);
                self.choose(at, &elements, zero)
            }
        }
    }

    pub(super) fn read_param(&mut self, p: ParamId, k: u32) -> Val {
        if let Some(v) = self.param_values.as_ref().and_then(|m| m.get(&(p, k))) {
            return *v;
        }
        let index = self.param_index.get(&(p, k)).copied().unwrap_or(0);
        self.b.input(In::Param, index, Self::ir_type(self.m.params[p].ty))
    }

    pub(super) fn write_element(&mut self, v: VarId, index: &[ExprId], value: Val) {
        if index.is_empty() {
            return self.write(Cell::Var(v, 0), value);
        }
        let dims = self.var_dims(v);
        match self.offset(&dims, index) {
            Ok(k) => self.write(Cell::Var(v, k), value),
            Err(_) if self.is_too_long(v, index) => {}
            Err(at) => {
                for k in 0..self.m.vars[v].len() as u32 {
                    let old = self.read(Cell::Var(v, k));
                    let n = self.b.int(k as i32);
                    let is = self.b.bin(BinOp::IEq, at, n);
                    let new = self.b.select(is, value, old);
                    self.write(Cell::Var(v, k), new);
                }
            }
        }
    }

    pub(super) fn coerce_real(&mut self, v: Val) -> Val {
        match self.b.ty(v) {
            Ty::Real => v,
            Ty::Int => self.b.un(UnOp::IToF, v),
            Ty::Bool => {
                let i = self.b.un(UnOp::BToI, v);
                self.b.un(UnOp::IToF, i)
            }
        }
    }

    pub(super) fn coerce_int(&mut self, v: Val) -> Val {
        match self.b.ty(v) {
            Ty::Real => self.b.un(UnOp::FToI, v),
            Ty::Int => v,
            Ty::Bool => self.b.un(UnOp::BToI, v),
        }
    }

    pub(super) fn coerce_bool(&mut self, v: Val) -> Val {
        match self.b.ty(v) {
            Ty::Real => {
                let z = self.b.real(0.0);
                self.b.bin(BinOp::Ne, v, z)
            }
            Ty::Int => {
                let z = self.b.int(0);
                self.b.bin(BinOp::INe, v, z)
            }
            Ty::Bool => v,
        }
    }
}
