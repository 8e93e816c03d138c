//! Evaluating the system, and the face that it shows to Newton's method.

use super::Simulation;
use super::linear::TIE;
use super::modified::Modified;
use crate::device::{IterMem, Load, Point, UnknownKind};
use crate::integrate::Controller;
use crate::newton::{Knobs, Matrix, Problem, Singular};
use crate::sparse::{Cause, Stats};

/// Conductance, S, through which `.ic` and `.nodeset` force a node.
const FORCE: f64 = 1e10;

impl Simulation {
    /// Evaluates f, q, df/dx, dq/dx at x into `self.f, q, g, c`. True: a device limited.
    pub fn load(&mut self, at: &Point, x: &[f64]) -> bool {
        self.stats.device_evals += 1;
        self.g.copy_from_slice(&self.g_linear);
        self.c.copy_from_slice(&self.c_linear);
        self.g_rows.fill(&mut self.f, |col, v| v * x[col]);
        self.c_rows.fill(&mut self.q, |col, v| v * x[col]);
        let mut limited = false;
        for s in &self.slots {
            if !s.is_replayed {
                let mut mem = IterMem::new(&mut self.memory[s.memory.clone()]);
                let mut out = Load { f: &mut self.f, q: &mut self.q, g: &mut self.g, c: &mut self.c };
                s.batch.eval(at, x, &mut mem, &mut out);
                limited |= mem.limited;
                if s.is_nonlinear {
                    let evaluated = s.batch.len() - mem.reused;
                    self.stats.instance_evals += evaluated as u64;
                    self.stats.bypassed += mem.reused as u64;
                    self.is_moved |= evaluated > 0;
                }
            }
        }
        for &u in &self.adrift {
            self.f[u] += TIE * x[u];
            self.g[self.diagonal[u] as usize] += TIE;
        }
        self.f[0] = 0.0;
        self.q[0] = 0.0;
        limited
    }

    /// Like [`Simulation::load`] for the first point of a `uic` transient: the replayed batches are evaluated too, since
    /// a capacitor or inductor with `ic=` has another content there than its matrix says.
    pub fn load_uic(&mut self, x: &[f64]) {
        let at = Point { is_uic_start: true, ..self.point_tran(0.0) };
        self.f.fill(0.0);
        self.q.fill(0.0);
        self.g.fill(0.0);
        self.c.fill(0.0);
        for s in &self.slots {
            let mut mem = IterMem::new(&mut self.memory[s.memory.clone()]);
            let mut out = Load { f: &mut self.f, q: &mut self.q, g: &mut self.g, c: &mut self.c };
            s.batch.eval(&at, x, &mut mem, &mut out);
        }
        self.is_moved = true;
        for u in 1..self.nodes {
            self.q[u] += self.circuit.options.cshunt * x[u];
        }
        self.f[0] = 0.0;
        self.q[0] = 0.0;
    }

    /// The matrix stays the same as long as the step does, and no nonlinear device was evaluated anew.
    fn keeps_factors(&self, a0: f64) -> bool {
        !self.is_moved && self.forced.is_empty() && self.factored_for == Some(a0)
    }

    /// Looks for an instance that has no value at `x` because a loop of its description does not end.
    fn find_endless(&mut self, at: &Point, x: &[f64]) -> bool {
        let found = self.slots.iter().enumerate().find_map(|(g, s)| {
            s.batch.endless(at, x, &self.memory[s.memory.clone()]).map(|i| self.circuit.groups[g].get(i).name)
        });
        self.endless = found;
        found.is_some()
    }

    /// out += C dx with the C of the last load.
    pub fn add_content(&self, dx: &[f64], out: &mut [f64]) {
        self.content.add(out, |col, slot| self.c[slot as usize] * dx[col]);
    }

    /// Tells the step controller, from the Jacobians of the last load, which unknowns carry charge, flux or state and
    /// which rows have nonlinear contents.
    pub fn describe(&self, controller: &mut Controller) {
        controller.chgtol = self.circuit.options.chgtol;
        controller.content_rows.clear();
        let mut rows = vec![false; self.n];
        controller.is_dynamic.fill(false);
        for col in 0..self.pattern.n() {
            let range = self.pattern.range(col);
            for (r, s) in self.pattern.rows()[range.clone()].iter().zip(range.start + 1..range.end + 1) {
                if self.c[s] != 0.0 {
                    controller.is_dynamic[col + 1] = true;
                    // States are judged on themselves, with their own tolerance.
                    rows[*r as usize + 1] |= self.c[s] != self.c_linear[s] && (*r as usize + 1) < self.nodes;
                }
            }
        }
        controller.content_rows.extend((1..self.n as u32).filter(|r| rows[*r as usize]));
        for u in 1..self.n {
            controller.class[u] = match self.unknown_kind(u) {
                UnknownKind::Voltage => 0,
                UnknownKind::Current => 1,
                UnknownKind::State { .. } => 2,
            };
        }
        // A node that an independent source holds is told what to be.
        for g in self.circuit.groups.iter().filter(|g| g.info().name == "vsource") {
            for i in g.iter() {
                if let [p, 0] = i.nodes {
                    controller.is_dynamic[*p as usize] = false;
                }
            }
        }
    }

    /// Notes which kernel works and what it holds: one may have handed over to another.
    pub(crate) fn note_kernel(&mut self, after: &Stats, name: &'static str) {
        self.stats.factor_entries = after.factor_nnz;
        self.stats.factor_flops = after.flops;
        if self.stats.kernel != name {
            let choice = self.solver.estimate(name);
            self.stats.kernel = name.into();
            self.stats.ordering = choice.ordering.into();
            self.stats.factor_estimate = choice.seconds;
        }
    }

    /// Unknowns that a static solution holds: (unknown, value).
    pub fn holds(&self) -> impl Iterator<Item = (usize, f64)> {
        self.holds.iter().map(|h| (h.unknown as usize, h.value))
    }
}

/// The discretised time derivative, as the equations see it: `q' = a0 q(x) + past`.
#[derive(Clone, Copy, Debug)]
pub struct Dynamic<'a> {
    pub a0: f64,
    pub past: &'a [f64],
}

/// A simulation at one point, as a problem for Newton.
pub struct System<'a> {
    pub sim: &'a mut Simulation,
    pub at: Point,
    /// `None`: static.
    pub dynamic: Option<Dynamic<'a>>,
    /// Reference of the pseudo-transient.
    pub reference: Vec<f64>,
    /// F of the last load.
    residual: &'a mut [f64],
}

impl<'a> System<'a> {
    /// `residual` is scratch of one number per unknown.
    pub fn new(sim: &'a mut Simulation, at: Point, dynamic: Option<Dynamic<'a>>, residual: &'a mut [f64]) -> Self {
        System { sim, at, dynamic, reference: vec![], residual }
    }
}

impl Problem for System<'_> {
    fn len(&self) -> usize {
        self.sim.n
    }

    fn load(&mut self, x: &[f64], knobs: &Knobs, iteration: usize) -> bool {
        let mut at = self.at;
        at.source_scale *= knobs.source_scale;
        at.is_first_iteration = iteration == 0;
        let limited = self.sim.load(&at, x);
        self.sim.stats.iterations += 1;
        let sim = &mut *self.sim;
        match self.dynamic {
            None => {
                for h in sim.holds.iter() {
                    for s in &h.row_slots {
                        sim.g[*s as usize] = 0.0;
                    }
                    sim.g[h.diagonal as usize] = 1.0;
                    sim.f[h.unknown as usize] = x[h.unknown as usize] - h.value;
                }
                sim.tie_loose(x);
                self.residual.copy_from_slice(&sim.f);
                sim.jacobian.copy_from_slice(&sim.g);
            }
            Some(d) => {
                for ((r, f), (q, p)) in self.residual.iter_mut().zip(&sim.f).zip(sim.q.iter().zip(d.past)) {
                    *r = f + d.a0 * q + p;
                }
                let keeps = sim.keeps_factors(d.a0);
                let factored = sim.factored_for.filter(|_| sim.forced.is_empty() && knobs.shunt + knobs.pseudo == 0.0);
                sim.modified.decide(d.a0, factored.filter(|_| !keeps), iteration <= 1);
                if !keeps && sim.modified.matrix == Matrix::Exact {
                    sim.factored_for = None;
                    for ((j, g), c) in sim.jacobian.iter_mut().zip(&sim.g).zip(&sim.c) {
                        *j = g + d.a0 * c;
                    }
                }
            }
        }
        for &(u, v) in &sim.forced {
            self.residual[u as usize] += FORCE * (x[u as usize] - v);
            sim.jacobian[sim.diagonal[u as usize] as usize] += FORCE;
        }
        let extra = knobs.shunt + knobs.pseudo;
        if extra != 0.0 {
            for u in 1..sim.nodes {
                let reference = self.reference.get(u).copied().unwrap_or(0.0);
                self.residual[u] += knobs.shunt * x[u] + knobs.pseudo * (x[u] - reference);
                sim.jacobian[sim.diagonal[u] as usize] += extra;
            }
        }
        limited
    }

    fn step(&mut self, dx: &mut [f64]) -> Result<(), Singular> {
        let sim = &mut *self.sim;
        let key = self.dynamic.map(|d| d.a0).filter(|_| sim.forced.is_empty());
        let is_old = self.dynamic.is_some() && sim.modified.matrix != Matrix::Exact;
        sim.stats.modified += u64::from(is_old);
        if !is_old && !self.dynamic.is_some_and(|d| sim.keeps_factors(d.a0)) {
            sim.factored_for = None;
            let before = sim.kernel.stats();
            let has_pivots = std::mem::replace(&mut sim.has_pivots, true);
            let mut result =
                if has_pivots { sim.kernel.update(&sim.jacobian) } else { sim.kernel.factor(&sim.jacobian) };
            // Where an equation has a value, but no slope (sqrt|v|, exp(-1/|v|) at 0), Newton's method does with another.
            let has_values = || self.residual.iter().all(|r| r.is_finite());
            if matches!(&result, Err(s) if s.cause == Cause::NotFinite) && has_values() {
                sim.jacobian.iter_mut().filter(|j| !j.is_finite()).for_each(|j| *j = 0.0);
                result = sim.kernel.update(&sim.jacobian);
                sim.is_moved = true;
            }
            let after = sim.kernel.stats();
            sim.stats.factorizations += after.factored - before.factored;
            sim.stats.refactorizations += after.refactored - before.refactored;
            sim.note_kernel(&after, sim.kernel.name());
            sim.modified.note(&after);
            if let Err(s) = result {
                let unknown = s.column as usize;
                sim.last_singular = Some(s);
                return Err(Singular { unknown });
            }
            sim.factored_for = key;
            sim.is_moved = false;
        }
        for (d, r) in dx.iter_mut().zip(self.residual.iter()) {
            *d = -r;
        }
        sim.stats.solves += 1;
        sim.kernel.solve(&mut dx[1..]);
        dx[0] = 0.0;
        if is_old && let (Some(d), Some(old)) = (self.dynamic, sim.factored_for) {
            let scale = Modified::scale(d.a0, old);
            if scale != 1.0 {
                dx.iter_mut().for_each(|d| *d *= scale);
            }
        }
        Ok(())
    }

    fn matrix(&self) -> Matrix {
        if self.dynamic.is_some() { self.sim.modified.matrix } else { Matrix::Exact }
    }

    fn is_dear(&self) -> bool {
        self.dynamic.is_some() && self.sim.modified.is_worth()
    }

    fn refresh(&mut self) {
        self.sim.modified.refresh();
    }

    fn worst_residual(&mut self, x: &[f64]) -> (usize, f64) {
        let sim = &mut *self.sim;
        sim.magnitude.fill(0.0);
        for col in 0..sim.pattern.n() {
            let range = sim.pattern.range(col);
            let ax = x[col + 1].abs();
            for (r, v) in sim.pattern.rows()[range.clone()].iter().zip(&sim.jacobian[range.start + 1..range.end + 1]) {
                sim.magnitude[*r as usize + 1] += v.abs() * ax;
            }
        }
        let reltol = sim.circuit.options.reltol;
        let mut worst = (0, 0.0);
        for i in 1..sim.n {
            let ratio = self.residual[i].abs() / (reltol * sim.magnitude[i] + sim.row_tol[i]);
            if !(ratio <= worst.1) {
                worst = (i, ratio);
            }
        }
        worst
    }

    fn residual(&self) -> &[f64] {
        self.residual
    }

    fn abstol(&self) -> &[f64] {
        if self.dynamic.is_some() { &self.sim.step_abstol } else { &self.sim.abstol }
    }

    fn reltol(&self) -> f64 {
        self.sim.circuit.options.reltol
    }

    fn is_nonlinear(&self) -> &[bool] {
        &self.sim.is_nonlinear
    }

    fn is_linear(&self) -> bool {
        self.sim.is_linear()
    }

    fn reset_memory(&mut self) {
        self.sim.memory.fill(0.0);
    }

    fn restart(&mut self, attempt: usize, x: &mut [f64]) -> bool {
        self.dynamic.is_none() && self.sim.guess_again(&self.at, attempt, x)
    }

    fn is_endless(&mut self, x: &[f64]) -> bool {
        let (at, kept) = self.sim.bad_point.get_or_insert_with(|| (self.at, vec![]));
        *at = self.at;
        kept.clear();
        kept.extend_from_slice(x);
        self.sim.find_endless(&self.at, x)
    }

    fn set_reference(&mut self, x: &[f64]) {
        self.reference.clear();
        self.reference.extend_from_slice(x);
    }
}
