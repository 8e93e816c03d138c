//! What the primitives share: parameter columns, temperature laws, the four entries of a two-terminal element.

use super::{
    Binder, Group, InstanceRef, Load, ParamId, ParamKind, ParamSpec, Slot, Terminal, Unknown, UnknownSpec, Value,
    Wiring,
};
use crate::base::consts::ZERO_C;

/// Terminals of every two-terminal element.
pub static TWO: &[Terminal] = &[
    Terminal { name: "p", doc: "first terminal; current is positive from here through the element", optional: false },
    Terminal { name: "n", doc: "second terminal", optional: false },
];

/// The given numbers of a parameter table, by column; columns that nobody gave take no memory.
#[derive(Clone)]
pub struct Bank {
    table: &'static [ParamSpec],
    rows: usize,
    /// NaN: not given.
    columns: Vec<Vec<f64>>,
}

impl Bank {
    pub fn new(table: &'static [ParamSpec], rows: usize) -> Self {
        Bank { table, rows, columns: vec![vec![]; table.len()] }
    }

    pub fn of_instances(table: &'static [ParamSpec], group: &Group) -> Self {
        let mut bank = Bank::new(table, group.len());
        for inst in group.iter() {
            for (id, value) in inst.params {
                if let Value::Num(x) = value {
                    bank.put(inst.index, *id, *x);
                }
            }
        }
        bank
    }

    pub fn of_models(table: &'static [ParamSpec], group: &Group) -> Self {
        let mut bank = Bank::new(table, group.models.len());
        for (row, model) in group.models.iter().enumerate() {
            for (id, value) in &model.params {
                if let Value::Num(x) = value {
                    bank.put(row, *id, *x);
                }
            }
        }
        bank
    }

    pub fn put(&mut self, row: usize, id: ParamId, value: f64) {
        let rows = self.rows;
        if let Some(column) = self.columns.get_mut(id as usize) {
            if column.is_empty() {
                column.resize(rows, f64::NAN);
            }
            if let Some(x) = column.get_mut(row) {
                *x = value;
            }
        }
    }

    /// Changes a numeric parameter; false when it is none, or out of its range.
    pub fn set(&mut self, row: usize, id: ParamId, value: f64) -> bool {
        let Some(spec) = self.table.get(id as usize) else { return false };
        let is_number = !matches!(spec.kind, ParamKind::Text | ParamKind::Vector);
        if !is_number || !value.is_finite() || !spec.range.contains(value) || row >= self.rows {
            return false;
        }
        self.put(row, id, value);
        true
    }

    #[inline]
    pub fn given(&self, row: usize, id: ParamId) -> Option<f64> {
        self.columns.get(id as usize).and_then(|c| c.get(row)).copied().filter(|x| !x.is_nan())
    }

    /// The value, or the table's default.
    pub fn get(&self, row: usize, id: ParamId) -> Option<f64> {
        self.given(row, id).or_else(|| self.table.get(id as usize).and_then(|s| s.default))
    }

    /// The value, or the table's default, or 0.
    pub fn real(&self, row: usize, id: ParamId) -> f64 {
        self.get(row, id).unwrap_or(0.0)
    }
}

/// `1 + tc1 dT + tc2 dT²` of an element whose temperature is its own (`temp`, °C), or the circuit's plus `dtemp`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TempLaw {
    pub tc1: f64,
    pub tc2: f64,
    /// °C; NaN: the circuit's.
    pub temp_c: f64,
    pub dtemp: f64,
    /// K
    pub tnom: f64,
}

impl TempLaw {
    /// Temperature of the element in a circuit at `temp` K.
    pub fn temperature(&self, temp: f64) -> f64 {
        if self.temp_c.is_nan() { temp + self.dtemp } else { self.temp_c + ZERO_C }
    }

    pub fn factor(&self, temp: f64) -> f64 {
        let dt = self.temperature(temp) - self.tnom;
        1.0 + dt * (self.tc1 + dt * self.tc2)
    }
}

/// Where a passive element's tables have what makes its [`TempLaw`].
pub struct LawIds {
    /// Of the instance.
    pub tc1: ParamId,
    pub tc2: ParamId,
    pub temp: ParamId,
    pub dtemp: ParamId,
    /// Of the model.
    pub model_tc1: ParamId,
    pub model_tc2: ParamId,
    pub tnom: ParamId,
}

impl LawIds {
    /// The law of instance `i` with model `m` (a row beyond the bank: none) where the circuit's tnom is `tnom` K.
    pub fn law(&self, bank: &Bank, i: usize, models: &Bank, m: usize, tnom: f64) -> TempLaw {
        TempLaw {
            tc1: bank.given(i, self.tc1).unwrap_or_else(|| models.real(m, self.model_tc1)),
            tc2: bank.given(i, self.tc2).unwrap_or_else(|| models.real(m, self.model_tc2)),
            temp_c: bank.given(i, self.temp).unwrap_or(f64::NAN),
            dtemp: bank.real(i, self.dtemp),
            tnom: models.given(m, self.tnom).map_or(tnom, |t| t + ZERO_C),
        }
    }
}

/// `tc=tc1[,tc2]` fills the two single parameters that were not given.
pub fn spread_tc(bank: &mut Bank, inst: &InstanceRef, tc: ParamId, tc1: ParamId, tc2: ParamId) {
    let Some(list) = inst.vector(tc) else {
        if let Some(x) = inst.given(tc).filter(|_| bank.given(inst.index, tc1).is_none()) {
            bank.put(inst.index, tc1, x);
        }
        return;
    };
    for (id, x) in [tc1, tc2].into_iter().zip(list) {
        if bank.given(inst.index, id).is_none() {
            bank.put(inst.index, id, *x);
        }
    }
}

/// A node of an instance; ground where elaboration gave too few.
pub fn node(inst: &InstanceRef, k: usize) -> Unknown {
    inst.nodes.get(k).copied().unwrap_or(0)
}

/// Entries of a current from row p to row n that depends on the difference of columns p and n.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quad {
    pub pp: Slot,
    pub pn: Slot,
    pub np: Slot,
    pub nn: Slot,
}

impl Quad {
    pub fn connect(w: &mut dyn Wiring, rows: (Unknown, Unknown), cols: (Unknown, Unknown)) -> Self {
        Quad {
            pp: w.slot(rows.0, cols.0),
            pn: w.slot(rows.0, cols.1),
            np: w.slot(rows.1, cols.0),
            nn: w.slot(rows.1, cols.1),
        }
    }

    #[inline]
    pub fn g(&self, out: &mut Load, g: f64) {
        out.g(self.pp, g);
        out.g(self.pn, -g);
        out.g(self.np, -g);
        out.g(self.nn, g);
    }

    #[inline]
    pub fn c(&self, out: &mut Load, c: f64) {
        out.c(self.pp, c);
        out.c(self.pn, -c);
        out.c(self.np, -c);
        out.c(self.nn, c);
    }
}

/// Terminals, branch currents and entries of elements that have a branch each.
#[derive(Clone)]
pub struct Branches {
    pub p: Vec<Unknown>,
    pub n: Vec<Unknown>,
    pub b: Vec<Unknown>,
    pub slots: Vec<BranchSlots>,
}

impl Branches {
    pub fn new(group: &Group) -> Self {
        let size = group.len();
        Branches {
            p: group.iter().map(|i| node(&i, 0)).collect(),
            n: group.iter().map(|i| node(&i, 1)).collect(),
            b: vec![0; size],
            slots: vec![BranchSlots::default(); size],
        }
    }

    pub fn len(&self) -> usize {
        self.p.len()
    }

    pub fn is_empty(&self) -> bool {
        self.p.is_empty()
    }

    pub fn unknowns(&self) -> Vec<UnknownSpec> {
        (0..self.len()).map(UnknownSpec::branch).collect()
    }

    pub fn assign(&mut self, binder: &Binder) {
        self.b.copy_from_slice(binder.internals);
    }

    pub fn connect(&mut self, w: &mut dyn Wiring) {
        for i in 0..self.len() {
            self.slots[i] = BranchSlots::connect(w, self.p[i], self.n[i], self.b[i]);
        }
    }

    /// [`BranchSlots::eval`] of one element.
    #[inline]
    pub fn eval(&self, i: usize, out: &mut Load, x: &[f64], sign: f64) {
        self.slots[i].eval(out, x, self.p[i], self.n[i], self.b[i], sign);
    }

    /// Voltage from p to n, and the current.
    #[inline]
    pub fn at(&self, i: usize, x: &[f64]) -> (f64, f64) {
        (x[self.p[i] as usize] - x[self.n[i] as usize], x[self.b[i] as usize])
    }
}

/// Entries of a branch: its current leaves p and enters n, its row holds the voltage from p to n.
#[derive(Clone, Copy, Debug, Default)]
pub struct BranchSlots {
    pub p_b: Slot,
    pub n_b: Slot,
    pub b_p: Slot,
    pub b_n: Slot,
    pub b_b: Slot,
}

impl BranchSlots {
    pub fn connect(w: &mut dyn Wiring, p: Unknown, n: Unknown, b: Unknown) -> Self {
        BranchSlots {
            p_b: w.slot(p, b),
            n_b: w.slot(n, b),
            b_p: w.slot(b, p),
            b_n: w.slot(b, n),
            // A diagonal for kernels that want one, even where it stays zero.
            b_b: w.slot(b, b),
        }
    }

    /// The currents, and `sign` times the voltage in the branch row.
    #[inline]
    pub fn eval(&self, out: &mut Load, x: &[f64], p: Unknown, n: Unknown, b: Unknown, sign: f64) {
        let i = x[b as usize];
        out.f(p, i);
        out.f(n, -i);
        out.g(self.p_b, 1.0);
        out.g(self.n_b, -1.0);
        out.f(b, sign * (x[p as usize] - x[n as usize]));
        out.g(self.b_p, sign);
        out.g(self.b_n, -sign);
    }
}
