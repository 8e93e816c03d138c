//! Cells made of devices: any circuit of native or Verilog-A models between lines, bound to dense blocks of its own.
//!
//! A cell is a small circuit between two nodes, or between as many as it has lines. Its devices are batched row by row of the array; the numbers of the unknowns
//! and the matrix slots that a batch is given lie in the cell's own block, so that the same code that fills the matrix of a
//! netlist fills K x K numbers for each cell. With z the nodes and states inside,
//!
//! ```text
//!   J_zz dz = -r_z                        until dz is small, the word line at v and the bit line at 0
//!   di/dv   = J_tt - J_tz J_zz⁻¹ J_zt
//! ```
//!
//! States that a device holds at DC keep the value that they have, and so do nodes with a capacitor to ground that has an
//! initial value: the usual way to write a state as a subcircuit. In a cell of two lines ground is the reference of such
//! states only: one whose current changes when both of its lines rise by the same voltage is refused. Cells of more lines
//! ([`LineCells`]: gates, bulks) know the voltage of each.

mod once;
mod reduce;

use std::sync::{Arc, Mutex, PoisonError};

use super::cells::{Cells, Frame, Internal, LineCells, LineFrame, Moment, Stuck};
use crate::circuit::Circuit;
use crate::device::card::NO_MODEL;
use crate::device::{
    AnalysisKind, Batch, Binder, Env, Group, IterMem, Load, ParamId, Point, Slot, Unknown, UnknownKind, Value, Wiring,
};
use crate::diag::Diagnostic;
use crate::diag::codes::array::ARRAY_CELL_MODEL;
use crate::expr::program::Input;
use once::Stand;
use reduce::{Evaluated, Size, reduce};

/// Iterations inside a cell.
const ITERATIONS: usize = 200;
/// Unknowns inside a cell at most.
const MOST: usize = 64;
/// Lines of a cell at most.
const LINES: usize = 6;

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
    /// Instances of each batch in a cell.
    each: Vec<u32>,
    /// All batches evaluate any of their instances alone.
    can_rest: bool,
    /// Where the devices of each cell were evaluated last; what they gave is in f, q, g and c, if that is known.
    at: Vec<f64>,
    is_known: Vec<bool>,
    /// Of the present evaluation: how the cells stand, those that have moved, and a batch's instances of them.
    stands: Vec<Stand>,
    moved: Vec<u32>,
    picked: Vec<u32>,
    /// f and q of a cell on its tangents.
    tangent: Vec<f64>,
    /// Of the last evaluation alone: for each inner unknown its correction, and its change with the kept lines' voltages.
    follow: Vec<f64>,
    /// The currents told last are on the tangents of that evaluation, at the same point in time as long as the next call is
    /// not the first one.
    is_followed: bool,
    /// Room for the elimination of one cell.
    block: Vec<f64>,
}

/// Cells of devices.
pub struct DeviceCells {
    rows: Vec<Mutex<Row>>,
    cols: usize,
    /// Unknowns of a cell: its lines, then the inner ones.
    unknowns: usize,
    terminals: usize,
    /// Lines whose current is told: the word line where there are two, else all of them.
    kept: usize,
    internals: Vec<Internal>,
    /// Held at DC.
    is_held: Vec<bool>,
    /// Tolerance of each inner unknown.
    tolerance: Vec<f64>,
    initial: Vec<f64>,
    gmin: f64,
    /// Of the bit line above ground, V.
    shift: f64,
    /// Lines with something stored.
    is_stored: Vec<bool>,
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
        let (mut out, touches_ground) = DeviceCells::make(circuit, &[word, bit], 1, leave_out, (rows, cols), varied)?;
        out.probe(touches_ground)?;
        Ok(out)
    }

    /// `rows` x `cols` copies of the circuit between nodes that lie on lines: bit line, gate line, source line ... in the
    /// order of the planes.
    pub fn on_lines(
        circuit: &Circuit,
        nodes: &[&str],
        leave_out: &[&str],
        size: (usize, usize),
        varied: &[Varied],
    ) -> Result<DeviceCells, Vec<Diagnostic>> {
        if !(2..=LINES).contains(&nodes.len()) {
            return Err(vec![misfit(format!("a cell on {} lines; 2 to {LINES} are possible", nodes.len()))]);
        }
        let (mut out, _) = DeviceCells::make(circuit, nodes, nodes.len(), leave_out, size, varied)?;
        out.find_contents();
        Ok(out)
    }

    /// The cells, and whether one of their elements is on ground.
    fn make(
        circuit: &Circuit,
        nodes: &[&str],
        kept_lines: usize,
        leave_out: &[&str],
        (rows, cols): (usize, usize),
        varied: &[Varied],
    ) -> Result<(DeviceCells, bool), Vec<Diagnostic>> {
        let names = nodes.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" and ");
        let Some(lines) = nodes.iter().map(|n| circuit.node(n)).collect::<Option<Vec<Unknown>>>() else {
            return Err(vec![misfit(format!("the cell's circuit has no nodes {names}"))]);
        };
        if lines.iter().enumerate().any(|(k, n)| *n == 0 || lines[..k].contains(n)) {
            return Err(vec![misfit(format!("{names} of a cell are nodes that differ and are not ground"))]);
        }
        let t = lines.len();
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
                    if n != 0 && !lines.contains(&n) && !inner.contains(&n) {
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
        let is_touched =
            |n: &Unknown| kept.iter().any(|(g, l)| l.iter().any(|i| nodes_of(&circuit.groups[*g], *i).contains(n)));
        if let Some(lonely) = lines.iter().position(|n| !is_touched(n)).filter(|_| t > 2) {
            faults.push(misfit(format!("nothing in the cell is connected to `{}`", nodes[lonely])));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let env = circuit.env;
        // How many inner unknowns the devices of one cell add.
        let probe = build(circuit, &kept, &env, 1, 0, varied, &|n| position(n, &lines, &inner))?;
        let specs: Vec<_> = probe.iter().flat_map(|b| b.unknowns()).collect();
        let k = t + inner.len() + specs.len();
        if k > MOST + t {
            return Err(vec![misfit(format!("a cell with {} inner unknowns; {MOST} are possible", k - t))]);
        }
        let mut out = DeviceCells {
            rows: vec![],
            cols,
            unknowns: k,
            terminals: t,
            kept: kept_lines,
            internals: vec![],
            is_held: vec![],
            tolerance: vec![],
            initial: vec![],
            gmin: env.gmin,
            shift: 0.0,
            is_stored: vec![false; t],
        };
        for n in &inner {
            out.add(circuit.node_name(*n), UnknownKind::Voltage, false);
        }
        for s in &specs {
            out.add(s.name, s.kind, s.hold.is_some());
        }
        out.initial = vec![0.0; rows * cols * (k - t)];
        for row in 0..rows {
            let place = |n: Unknown| position(n, &lines, &inner);
            let mut batches = build(circuit, &kept, &env, cols, row * cols, varied, &place)?;
            // Numbers beyond the first cell's are shifted by `build`, which places nodes of cell c at 1 + c k + ....
            let mut base = t + inner.len();
            let mut memory = vec![];
            let each: Vec<u32> = kept.iter().map(|(_, instances)| instances.len() as u32).collect();
            let most = each.iter().fold(0, |m, e| m.max(*e)) as usize;
            for (batch, (_, instances)) in batches.iter_mut().zip(&kept) {
                let own = batch.unknowns();
                let per_cell = own.len() / cols.max(1);
                let mut next = vec![0usize; cols];
                let internals: Vec<Unknown> = own
                    .iter()
                    .map(|s| {
                        let cell = s.instance as usize / instances.len();
                        let at = 1 + cell * k + base + next[cell];
                        out.initial[(row * cols + cell) * (k - t) + base + next[cell] - t] =
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
                    if p != 0 && at >= t && (n == 0 || p == n) {
                        out.initial[(row * cols + cell) * (k - t) + at - t] = v;
                        out.is_held[at - t] = true;
                    }
                }
            }
            let n = 1 + cols * k;
            out.rows.push(Mutex::new(Row {
                can_rest: batches.iter().all(|b| b.alone().is_some()),
                batches,
                each,
                memory,
                x: vec![0.0; n],
                f: vec![0.0; n],
                q: vec![0.0; n],
                g: vec![0.0; 1 + cols * k * k],
                c: vec![0.0; 1 + cols * k * k],
                at: vec![0.0; n],
                is_known: vec![false; cols],
                stands: vec![Stand::Moved; cols],
                moved: Vec::with_capacity(cols),
                picked: Vec::with_capacity(cols * most),
                tangent: vec![0.0; 2 * k],
                follow: vec![],
                is_followed: false,
                block: vec![],
            }));
        }
        Ok((out, touches_ground))
    }

    /// Inner unknowns that store something at the last evaluation.
    fn note_contents(&mut self) {
        let (k, t) = (self.unknowns, self.terminals);
        let Some(row) = self.rows.first_mut() else { return };
        let row = row.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (c, internal) in self.internals.iter_mut().enumerate() {
            internal.is_dynamic |= (0..k).any(|r| row.c[1 + r * k + c + t] != 0.0);
        }
        for (c, stored) in self.is_stored.iter_mut().enumerate() {
            *stored |= (0..k).any(|r| row.c[1 + r * k + c] != 0.0);
        }
        row.memory.iter_mut().for_each(|m| m.fill(0.0));
    }

    /// Finds out which inner unknowns store something.
    fn find_contents(&mut self) {
        let (n, t, inner) = (self.cols, self.terminals, self.unknowns - self.terminals);
        let mut start = vec![0.0; self.rows.len() * n * inner];
        LineCells::start(self, &mut start);
        for scale in [0.05, -0.07, 1.0] {
            let v: Vec<f64> = (0..n * t).map(|k| scale * (1 + k % t) as f64).collect();
            let (mut i, mut g) = (vec![0.0; n * t], vec![0.0; n * t * t]);
            let frame = LineFrame { first: 0, v: &v, z: &mut start[..n * inner], i: &mut i, g: &mut g, c: &mut [] };
            // A voltage at which nothing is found tells nothing.
            let _ = self.run(&Moment::STATIC, frame);
            self.note_contents();
        }
    }

    /// Finds out which inner unknowns store something, and whether the cell minds where its lines are against ground.
    fn probe(&mut self, touches_ground: bool) -> Result<(), Vec<Diagnostic>> {
        let (n, inner) = (self.cols, self.unknowns - 2);
        let mut start = vec![0.0; Cells::len(self) * inner];
        Cells::start(self, &mut start);
        let mut answers = vec![];
        for v in [0.05, -0.07] {
            for shift in [0.0, 0.4] {
                self.shift = shift;
                let (mut z, mut i, mut g) = (start[..n * inner].to_vec(), vec![0.0; n], vec![0.0; n]);
                let frame = Frame { first: 0, v: &vec![v; n], z: &mut z, i: &mut i, g: &mut g, c: &mut [] };
                let solved = Cells::eval(self, &Moment::STATIC, frame);
                answers.push(solved.is_ok().then(|| i[0]));
                // What the word line gives, the bit line gets.
                let row = self.rows[0].get_mut().unwrap_or_else(PoisonError::into_inner);
                let leak = (row.f[1] + row.f[2]).abs();
                if leak > 1e-6 * row.f[1].abs() + 1e-18 {
                    answers.push(None);
                }
                self.note_contents();
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
fn position(n: Unknown, lines: &[Unknown], inner: &[Unknown]) -> u32 {
    if n == 0 {
        return 0;
    }
    let at = lines.iter().chain(inner).position(|x| *x == n);
    1 + at.unwrap_or(0) as u32
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

impl DeviceCells {
    /// Solves the inner equations of a row of cells, whose kept lines are at `frame.v` and the others at 0.
    fn run(&self, at: &Moment, frame: LineFrame) -> Result<(), Stuck> {
        let (k, t, kept) = (self.unknowns, self.terminals, self.kept);
        let inner = k - t;
        let is_static = at.a0 == 0.0;
        let point = if is_static {
            Point { gmin: self.gmin, ..Point::dc() }
        } else {
            Point { gmin: self.gmin, ..Point::tran(at.time) }
        };
        debug_assert!(frame.first.is_multiple_of(self.cols) && frame.v.len() == kept * self.cols, "cells come by rows");
        let mut guard = self.rows[frame.first / self.cols].lock().unwrap_or_else(PoisonError::into_inner);
        let row = &mut *guard;
        row.is_known.fill(false);
        for cell in 0..self.cols {
            let x = &mut row.x[1 + cell * k..1 + (cell + 1) * k];
            x[..t].fill(self.shift);
            for (x, v) in x.iter_mut().zip(&frame.v[cell * kept..(cell + 1) * kept]) {
                *x += v;
            }
            x[t..].copy_from_slice(&frame.z[cell * inner..(cell + 1) * inner]);
        }
        let size = Size { inner, terminals: t, kept };
        row.block.resize(inner * size.width(), 0.0);
        row.is_followed = false;
        let stride = size.contents();
        let held: &[bool] = if is_static { &self.is_held } else { &[] };
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
                let past: &[f64] = if is_static { &[] } else { &at.past[cell * stride..(cell + 1) * stride] };
                let evaluated = Evaluated {
                    f: &row.f[at1..at1 + k],
                    q: &row.q[at1..at1 + k],
                    g: &row.g[blk..blk + k * k],
                    c: &row.c[blk..blk + k * k],
                    a0: at.a0,
                    past,
                    held,
                };
                let i = &mut frame.i[cell * kept..(cell + 1) * kept];
                let slopes = &mut frame.g[cell * kept * kept..(cell + 1) * kept * kept];
                if !reduce(size, evaluated, &mut row.block, i, slopes) {
                    return Err(Stuck {
                        cell: frame.first + cell,
                        text: "the inner equations of the cell have no unique solution".into(),
                    });
                }
                let mut is_small = i.iter().all(|i| i.is_finite());
                let corrections = row.block.chunks_exact(size.width()).map(|line| line[inner]);
                for (c, (dz, z)) in corrections.zip(&mut row.x[at1 + t..at1 + k]).enumerate() {
                    is_small &= dz.abs() <= 1e-9 * z.abs() + self.tolerance[c];
                    *z += dz;
                }
                // NaN is not small.
                is_done &= is_small;
                if !frame.c.is_empty() {
                    let c = &mut frame.c[cell * stride..(cell + 1) * stride];
                    c[..kept].copy_from_slice(&row.q[at1..at1 + kept]);
                    c[kept..].copy_from_slice(&row.q[at1 + t..at1 + k]);
                }
                if iteration + 1 == ITERATIONS && !is_small {
                    return Err(Stuck {
                        cell: frame.first + cell,
                        text: format!(
                            "the inner equations of the cell are not solved at {:.4} V",
                            frame.v[cell * kept]
                        ),
                    });
                }
            }
            if is_done {
                for cell in 0..self.cols {
                    let x = &row.x[1 + cell * k + t..1 + (cell + 1) * k];
                    frame.z[cell * inner..(cell + 1) * inner].copy_from_slice(x);
                }
                return Ok(());
            }
        }
        Err(Stuck { cell: frame.first, text: "a device of the row keeps limiting its voltages".into() })
    }

    /// Commits an accepted point; `v` has the kept lines' voltages of every cell.
    fn commit(&mut self, time: f64, v: &[f64], z: &[f64]) -> f64 {
        let (k, t, kept) = (self.unknowns, self.terminals, self.kept);
        let inner = k - t;
        let point = Point { gmin: self.gmin, ..Point::tran(time) };
        let mut next = f64::INFINITY;
        for (i, row) in self.rows.iter_mut().enumerate() {
            let row = row.get_mut().unwrap_or_else(PoisonError::into_inner);
            // What does not depend on what was accepted has nothing to commit.
            if row.can_rest {
                continue;
            }
            for cell in 0..self.cols {
                let at = i * self.cols + cell;
                let x = &mut row.x[1 + cell * k..1 + (cell + 1) * k];
                x[..t].fill(0.0);
                x[..kept].copy_from_slice(&v[at * kept..(at + 1) * kept]);
                x[t..].copy_from_slice(&z[at * inner..(at + 1) * inner]);
            }
            for batch in &mut row.batches {
                next = next.min(batch.accept(&point, &row.x).next_break);
            }
        }
        next
    }
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
        let Frame { first, v, z, i, g, c } = frame;
        self.run(at, LineFrame { first, v, z, i, g, c })
    }

    fn accept(&mut self, time: f64, v: &[f64], z: &[f64]) -> f64 {
        self.commit(time, v, z)
    }
}

impl LineCells for DeviceCells {
    fn len(&self) -> usize {
        self.rows.len() * self.cols
    }

    fn lines(&self) -> usize {
        self.kept
    }

    fn internals(&self) -> &[Internal] {
        &self.internals
    }

    fn start(&self, z: &mut [f64]) {
        z.copy_from_slice(&self.initial);
    }

    fn is_stored(&self, line: usize) -> bool {
        self.is_stored.get(line).copied().unwrap_or(true)
    }

    fn eval(&self, at: &Moment, frame: LineFrame) -> Result<(), Stuck> {
        self.run(at, frame)
    }

    fn once(&self, at: &Moment, is_first: bool, frame: LineFrame) -> Result<bool, Stuck> {
        self.follow(at, is_first, frame)
    }

    fn accept(&mut self, time: f64, v: &[f64], z: &[f64]) -> f64 {
        self.commit(time, v, z)
    }
}
