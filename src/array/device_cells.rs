//! Cells made of devices: any two-terminal circuit of native or Verilog-A models, bound to dense blocks of its own.
//!
//! A cell is a small circuit between two nodes. Its devices are batched row by row of the array; the numbers of the unknowns
//! and the matrix slots that a batch is given lie in the cell's own block, so that the same code that fills the matrix of a
//! netlist fills K x K numbers for each cell. With z the nodes and states inside,
//!
//! ```text
//!   J_zz dz = -r_z                        until dz is small, the word line at v and the bit line at 0
//!   di/dv   = J_tt - J_tz J_zz⁻¹ J_zt
//! ```
//!
//! States that a device holds at DC keep the value that they have, and so do nodes with a capacitor to ground that has an
//! initial value: the usual way to write a state as a subcircuit. Ground is the reference of such states only: a cell whose
//! current changes when both of its lines rise by the same voltage is refused.

use std::sync::{Arc, Mutex, PoisonError};

use super::cells::{Cells, Frame, Internal, Moment, Stuck};
use crate::circuit::Circuit;
use crate::device::card::NO_MODEL;
use crate::device::{
    AnalysisKind, Batch, Binder, Env, Group, IterMem, Load, ParamId, Point, Slot, Unknown, UnknownKind, Value, Wiring,
};
use crate::diag::Diagnostic;
use crate::diag::codes::array::ARRAY_CELL_MODEL;
use crate::expr::program::Input;

/// Iterations inside a cell.
const ITERATIONS: usize = 200;
/// Unknowns inside a cell at most.
const MOST: usize = 64;

/// A parameter that differs from cell to cell.
#[derive(Clone, Debug)]
pub struct Varied {
    /// Index of the group and of the instance within it, in the cell's circuit.
    pub group: usize,
    pub instance: usize,
    pub param: ParamId,
    /// One value for each cell.
    pub values: Vec<f64>,
}

/// The batches of one row of cells, with room for their evaluation.
struct Row {
    batches: Vec<Box<dyn Batch>>,
    /// Iteration memory of each batch.
    memory: Vec<Vec<f64>>,
    x: Vec<f64>,
    f: Vec<f64>,
    q: Vec<f64>,
    g: Vec<f64>,
    c: Vec<f64>,
}

/// Cells of devices.
pub struct DeviceCells {
    rows: Vec<Mutex<Row>>,
    cols: usize,
    /// Unknowns of a cell: the word line, the bit line, then the inner ones.
    unknowns: usize,
    internals: Vec<Internal>,
    /// Held at DC.
    is_held: Vec<bool>,
    /// Tolerance of each inner unknown.
    tolerance: Vec<f64>,
    initial: Vec<f64>,
    gmin: f64,
    /// Of the bit line above ground, V.
    shift: f64,
}

struct Blocks {
    size: u32,
}

impl Wiring for Blocks {
    fn slot(&mut self, row: Unknown, col: Unknown) -> Slot {
        if row == 0 || col == 0 {
            return 0;
        }
        let k = self.size;
        let (cell, r, c) = ((row - 1) / k, (row - 1) % k, (col - 1) % k);
        debug_assert_eq!(cell, (col - 1) / k, "devices of one cell know no other");
        1 + cell * k * k + r * k + c
    }
}

fn misfit(text: impl Into<String>) -> Diagnostic {
    Diagnostic::error(ARRAY_CELL_MODEL, text)
}

impl DeviceCells {
    /// `rows` x `cols` copies of the circuit between the nodes `word` and `bit`. Sources that hold these nodes in the
    /// circuit (it has to have a ground) are named in `leave_out`.
    pub fn new(
        circuit: &Circuit,
        (word, bit): (&str, &str),
        leave_out: &[&str],
        (rows, cols): (usize, usize),
        varied: &[Varied],
    ) -> Result<DeviceCells, Vec<Diagnostic>> {
        let (Some(w), Some(b)) = (circuit.node(word), circuit.node(bit)) else {
            return Err(vec![misfit(format!("the cell's circuit has no nodes `{word}` and `{bit}`"))]);
        };
        if w == b || w == 0 || b == 0 {
            return Err(vec![misfit(format!("`{word}` and `{bit}` of a cell are two nodes that are not ground"))]);
        }
        let mut faults = vec![];
        // Inner nodes in order of appearance.
        let mut inner: Vec<Unknown> = vec![];
        let mut kept: Vec<(usize, Vec<usize>)> = vec![];
        let mut touches_ground = false;
        for (gi, group) in circuit.groups.iter().enumerate() {
            let mut instances = vec![];
            for i in group.iter() {
                let name = circuit.names.get(i.name);
                if leave_out.iter().any(|l| l.eq_ignore_ascii_case(name)) {
                    continue;
                }
                if !i.refs.is_empty() {
                    faults.push(
                        misfit(format!("`{name}` of the cell refers to the current of another element"))
                            .at(i.span, "not possible inside a cell"),
                    );
                }
                let read = i.params.iter().flat_map(|p| inputs(&p.1));
                for n in i.nodes.iter().copied().chain(read) {
                    touches_ground |= n == 0;
                    if n != 0 && n != w && n != b && !inner.contains(&n) {
                        inner.push(n);
                    }
                }
                instances.push(i.index);
            }
            if !instances.is_empty() {
                kept.push((gi, instances));
            }
        }
        if kept.is_empty() {
            faults.push(misfit("the cell's circuit is empty"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let env = circuit.env;
        // How many inner unknowns the devices of one cell add.
        let probe = build(circuit, &kept, &env, 1, 0, varied, &|n| position(n, w, b, &inner))?;
        let specs: Vec<_> = probe.iter().flat_map(|b| b.unknowns()).collect();
        let k = 2 + inner.len() + specs.len();
        if k > MOST + 2 {
            return Err(vec![misfit(format!("a cell with {} inner unknowns; {MOST} are possible", k - 2))]);
        }
        let mut out = DeviceCells {
            rows: vec![],
            cols,
            unknowns: k,
            internals: vec![],
            is_held: vec![],
            tolerance: vec![],
            initial: vec![],
            gmin: env.gmin,
            shift: 0.0,
        };
        for n in &inner {
            out.add(circuit.node_name(*n), UnknownKind::Voltage, false);
        }
        for s in &specs {
            out.add(s.name, s.kind, s.hold.is_some());
        }
        out.initial = vec![0.0; rows * cols * (k - 2)];
        for row in 0..rows {
            let place = |n: Unknown| position(n, w, b, &inner);
            let mut batches = build(circuit, &kept, &env, cols, row * cols, varied, &place)?;
            // Numbers beyond the first cell's are shifted by `build`, which places nodes of cell c at 1 + c k + ....
            let mut base = 2 + inner.len();
            let mut memory = vec![];
            for (batch, (_, instances)) in batches.iter_mut().zip(&kept) {
                let own = batch.unknowns();
                let per_cell = own.len() / cols.max(1);
                let mut next = vec![0usize; cols];
                let internals: Vec<Unknown> = own
                    .iter()
                    .map(|s| {
                        let cell = s.instance as usize / instances.len();
                        let at = 1 + cell * k + base + next[cell];
                        out.initial[(row * cols + cell) * (k - 2) + base + next[cell] - 2] =
                            s.hold.unwrap_or(s.initial);
                        next[cell] += 1;
                        at as Unknown
                    })
                    .collect();
                batch.assign(&Binder { internals: &internals, branch: &|_| 0 });
                batch.connect(&mut Blocks { size: k as u32 });
                batch.set_temperature(env.temp);
                batch.begin(AnalysisKind::Op);
                memory.push(vec![0.0; batch.iter_len()]);
                base += per_cell;
                let mut given = vec![];
                batch.initial_conditions(&mut given);
                for (p, n, v) in given {
                    let (p, v) = if p == 0 { (n, -v) } else { (p, v) };
                    let (cell, at) = ((p as usize).wrapping_sub(1) / k, (p as usize).wrapping_sub(1) % k);
                    if p != 0 && at >= 2 && (n == 0 || p == n) {
                        out.initial[(row * cols + cell) * (k - 2) + at - 2] = v;
                        out.is_held[at - 2] = true;
                    }
                }
            }
            let n = 1 + cols * k;
            out.rows.push(Mutex::new(Row {
                batches,
                memory,
                x: vec![0.0; n],
                f: vec![0.0; n],
                q: vec![0.0; n],
                g: vec![0.0; 1 + cols * k * k],
                c: vec![0.0; 1 + cols * k * k],
            }));
        }
        out.probe(touches_ground)?;
        Ok(out)
    }

    /// Finds out which inner unknowns store something, and whether the cell minds where its lines are against ground.
    fn probe(&mut self, touches_ground: bool) -> Result<(), Vec<Diagnostic>> {
        let (n, k, inner) = (self.cols, self.unknowns, self.unknowns - 2);
        let mut start = vec![0.0; self.len() * inner];
        self.start(&mut start);
        let mut answers = vec![];
        for v in [0.05, -0.07] {
            for shift in [0.0, 0.4] {
                self.shift = shift;
                let (mut z, mut i, mut g) = (start[..n * inner].to_vec(), vec![0.0; n], vec![0.0; n]);
                let frame = Frame { first: 0, v: &vec![v; n], z: &mut z, i: &mut i, g: &mut g, c: &mut [] };
                let solved = self.eval(&Moment::STATIC, frame);
                answers.push(solved.is_ok().then(|| i[0]));
                let row = self.rows[0].get_mut().unwrap_or_else(PoisonError::into_inner);
                for c in 0..inner {
                    self.internals[c].is_dynamic |= (0..k).any(|r| row.c[1 + r * k + c + 2] != 0.0);
                }
                // What the word line gives, the bit line gets.
                let leak = (row.f[1] + row.f[2]).abs();
                if leak > 1e-6 * row.f[1].abs() + 1e-18 {
                    answers.push(None);
                }
                row.memory.iter_mut().for_each(|m| m.fill(0.0));
            }
        }
        self.shift = 0.0;
        let differs = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() > 1e-6 * a.abs() + 1e-18,
            _ => true,
        };
        let is_bad = answers.len() > 4 || answers.chunks(2).any(|p| differs(p[0], p[1]));
        if touches_ground && is_bad {
            let d = misfit("the current of the cell depends on the voltages of its lines against ground");
            return Err(vec![
                d.help("inside a cell, use differences such as `v(wl,bl)`; ground may only carry states"),
            ]);
        }
        Ok(())
    }

    fn add(&mut self, name: &str, kind: UnknownKind, is_held: bool) {
        let (unit, abstol, is_dynamic) = match kind {
            UnknownKind::Voltage => ("V", 1e-9, false),
            UnknownKind::Current => ("A", 1e-15, false),
            UnknownKind::State { unit, abstol, .. } => (unit, abstol, true),
        };
        self.internals.push(Internal { name: name.into(), unit: unit.into(), is_dynamic, abstol });
        // Inside a cell to a thousandth of what counts outside.
        self.tolerance.push(1e-3 * abstol);
        self.is_held.push(is_held);
    }
}

/// Nodes that the expression of a parameter reads.
fn inputs(value: &Value) -> Vec<Unknown> {
    let Value::Expr(p) = value else { return vec![] };
    let arguments = p.states().iter().flat_map(|s| s.arg.inputs());
    let node = |i: &Input| if let Input::Node(n) = i { Some(*n) } else { None };
    p.inputs().iter().chain(arguments).filter_map(node).collect()
}

/// A parameter of a copy whose nodes are placed elsewhere.
fn moved(value: &Value, place: &dyn Fn(Unknown) -> u32) -> Value {
    let Value::Expr(p) = value else { return value.clone() };
    let map = |i: Input| if let Input::Node(n) = i { Input::Node(place(n)) } else { i };
    Value::Expr(Arc::new(p.with_inputs(&map)))
}

/// Place of a node in the first cell's block; 0 is ground.
fn position(n: Unknown, word: Unknown, bit: Unknown, inner: &[Unknown]) -> u32 {
    if n == 0 {
        0
    } else if n == word {
        1
    } else if n == bit {
        2
    } else {
        3 + inner.iter().position(|i| *i == n).unwrap_or(0) as u32
    }
}

/// The batches of a run of cells, nodes placed in blocks of `k` unknowns, of which the number is only known afterwards: the
/// first call is for one cell.
fn build(
    circuit: &Circuit,
    kept: &[(usize, Vec<usize>)],
    env: &Env,
    cells: usize,
    first: usize,
    varied: &[Varied],
    place: &dyn Fn(Unknown) -> u32,
) -> Result<Vec<Box<dyn Batch>>, Vec<Diagnostic>> {
    let k = if cells == 1 { 0 } else { block_size(circuit, kept, env, varied, place)? };
    let mut out = vec![];
    let mut faults = vec![];
    for (gi, instances) in kept {
        let template = &circuit.groups[*gi];
        let mut group = Group::new(template.ty.clone());
        group.models.clone_from(&template.models);
        for cell in 0..cells {
            for &index in instances {
                let i = template.get(index);
                let shift = (cell * k) as u32;
                let there = |n: Unknown| match place(n) {
                    0 => 0,
                    at => at + shift,
                };
                let nodes = i.nodes.iter().map(|n| there(*n));
                let params = i.params.iter().map(|(id, v)| (*id, moved(v, &there)));
                let model = i.model_index.filter(|m| *m != NO_MODEL);
                group.push(i.name, i.span, model, nodes, [], params);
                for v in varied.iter().filter(|v| v.group == *gi && v.instance == index) {
                    if let Some(value) = v.values.get(first + cell) {
                        let at = group.len() - 1;
                        group.set_instance_param(at, v.param, Value::Num(*value));
                    }
                }
            }
        }
        match template.ty.batch(&group, env) {
            Ok(b) => out.push(b),
            Err(d) => faults.extend(d),
        }
    }
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}

fn nodes_of(group: &Group, index: usize) -> Vec<Unknown> {
    let i = group.get(index);
    i.nodes.iter().copied().chain(i.params.iter().flat_map(|p| inputs(&p.1))).collect()
}

fn block_size(
    circuit: &Circuit,
    kept: &[(usize, Vec<usize>)],
    env: &Env,
    varied: &[Varied],
    place: &dyn Fn(Unknown) -> u32,
) -> Result<usize, Vec<Diagnostic>> {
    let one = build(circuit, kept, env, 1, 0, varied, place)?;
    let specs: usize = one.iter().map(|b| b.unknowns().len()).sum();
    let nodes = kept
        .iter()
        .flat_map(|(g, list)| list.iter().flat_map(|i| nodes_of(&circuit.groups[*g], *i).into_iter().map(place)))
        .max()
        .unwrap_or(0);
    Ok((nodes as usize).max(2) + specs)
}

impl Cells for DeviceCells {
    fn len(&self) -> usize {
        self.rows.len() * self.cols
    }

    fn internals(&self) -> &[Internal] {
        &self.internals
    }

    fn has_charge(&self) -> bool {
        true
    }

    fn start(&self, z: &mut [f64]) {
        z.copy_from_slice(&self.initial);
    }

    fn eval(&self, at: &Moment, frame: Frame) -> Result<(), Stuck> {
        let (k, inner) = (self.unknowns, self.unknowns - 2);
        let is_static = at.a0 == 0.0;
        let point = if is_static {
            Point { gmin: self.gmin, ..Point::dc() }
        } else {
            Point { gmin: self.gmin, ..Point::tran(at.time) }
        };
        debug_assert!(frame.first.is_multiple_of(self.cols) && frame.v.len() == self.cols, "cells come by rows");
        let mut guard = self.rows[frame.first / self.cols].lock().unwrap_or_else(PoisonError::into_inner);
        let row = &mut *guard;
        for (cell, v) in frame.v.iter().enumerate() {
            let x = &mut row.x[1 + cell * k..1 + (cell + 1) * k];
            x[0] = *v + self.shift;
            x[1] = self.shift;
            x[2..].copy_from_slice(&frame.z[cell * inner..(cell + 1) * inner]);
        }
        let mut block = [0.0f64; MOST * (MOST + 2)];
        for iteration in 0..ITERATIONS {
            row.f.fill(0.0);
            row.q.fill(0.0);
            row.g.fill(0.0);
            row.c.fill(0.0);
            let mut limited = false;
            for (batch, memory) in row.batches.iter().zip(&mut row.memory) {
                let mut mem = IterMem::new(memory);
                let mut load = Load { f: &mut row.f, q: &mut row.q, g: &mut row.g, c: &mut row.c };
                batch.eval(&point, &row.x, &mut mem, &mut load);
                limited |= mem.limited;
            }
            let mut is_done = !limited;
            for cell in 0..self.cols {
                let (at1, blk) = (1 + cell * k, 1 + cell * k * k);
                let past = |r: usize| match r {
                    0 if !is_static => at.past[cell * (inner + 1)],
                    r if r >= 2 && !is_static => at.past[cell * (inner + 1) + r - 1],
                    _ => 0.0,
                };
                let residual = |r: usize| row.f[at1 + r] + at.a0 * row.q[at1 + r] + past(r);
                let slope = |r: usize, c: usize| row.g[blk + r * k + c] + at.a0 * row.c[blk + r * k + c];
                // Columns: J_zz, -r_z, J_zt.
                let width = inner + 2;
                for r in 0..inner {
                    let line = &mut block[r * width..(r + 1) * width];
                    if is_static && self.is_held[r] {
                        line.fill(0.0);
                        line[r] = 1.0;
                        continue;
                    }
                    for c in 0..inner {
                        line[c] = slope(r + 2, c + 2);
                    }
                    line[inner] = -residual(r + 2);
                    line[inner + 1] = slope(r + 2, 0);
                }
                if !eliminate(&mut block, inner) {
                    return Err(Stuck {
                        cell: frame.first + cell,
                        text: "the inner equations of the cell have no unique solution".into(),
                    });
                }
                let mut current = residual(0);
                let mut along = slope(0, 0);
                let mut is_small = true;
                for c in 0..inner {
                    let (dz, dv) = (block[c * width + inner], block[c * width + inner + 1]);
                    current += slope(0, c + 2) * dz;
                    along -= slope(0, c + 2) * dv;
                    let z = &mut row.x[at1 + 2 + c];
                    is_small &= dz.abs() <= 1e-9 * z.abs() + self.tolerance[c];
                    *z += dz;
                }
                // NaN is not small.
                is_done &= is_small && current.is_finite();
                frame.i[cell] = current;
                frame.g[cell] = along;
                if !frame.c.is_empty() {
                    frame.c[cell * (inner + 1)] = row.q[at1];
                    for c in 0..inner {
                        frame.c[cell * (inner + 1) + 1 + c] = row.q[at1 + 2 + c];
                    }
                }
                if iteration + 1 == ITERATIONS && !(is_small && current.is_finite()) {
                    return Err(Stuck {
                        cell: frame.first + cell,
                        text: format!("the inner equations of the cell are not solved at {:.4} V", frame.v[cell]),
                    });
                }
            }
            if is_done {
                for cell in 0..self.cols {
                    let x = &row.x[1 + cell * k + 2..1 + (cell + 1) * k];
                    frame.z[cell * inner..(cell + 1) * inner].copy_from_slice(x);
                }
                return Ok(());
            }
        }
        Err(Stuck { cell: frame.first, text: "a device of the row keeps limiting its voltages".into() })
    }

    fn accept(&mut self, time: f64, v: &[f64], z: &[f64]) -> f64 {
        let (k, inner) = (self.unknowns, self.unknowns - 2);
        let point = Point { gmin: self.gmin, ..Point::tran(time) };
        let mut next = f64::INFINITY;
        for (i, row) in self.rows.iter_mut().enumerate() {
            let row = row.get_mut().unwrap_or_else(PoisonError::into_inner);
            for cell in 0..self.cols {
                let at = i * self.cols + cell;
                let x = &mut row.x[1 + cell * k..1 + (cell + 1) * k];
                x[0] = v[at];
                x[1] = 0.0;
                x[2..].copy_from_slice(&z[at * inner..(at + 1) * inner]);
            }
            for batch in &mut row.batches {
                next = next.min(batch.accept(&point, &row.x).next_break);
            }
        }
        next
    }
}

/// Gauss-Jordan with partial pivoting on `n` rows of `n + 2` numbers. False: singular.
fn eliminate(a: &mut [f64], n: usize) -> bool {
    let w = n + 2;
    for k in 0..n {
        let p = (k..n).fold(k, |p, i| if a[i * w + k].abs() > a[p * w + k].abs() { i } else { p });
        let pivot = a[p * w + k];
        if !(pivot.abs() > 0.0) {
            return false;
        }
        if p != k {
            (0..w).for_each(|c| a.swap(k * w + c, p * w + c));
        }
        let inverse = 1.0 / pivot;
        (k..w).for_each(|c| a[k * w + c] *= inverse);
        for i in (0..n).filter(|i| *i != k) {
            let f = a[i * w + k];
            if f != 0.0 {
                (k..w).for_each(|c| a[i * w + c] -= f * a[k * w + c]);
            }
        }
    }
    true
}
