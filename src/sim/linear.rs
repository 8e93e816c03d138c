//! The static Jacobian at a solved point, factored: for transfer functions and sensitivities.

use super::Simulation;
use crate::device::{Point, UnknownKind};
use crate::diag::Diagnostic;
use crate::sparse::Cause;

/// Conductance, S, that ties a part without a DC path to ground in static solutions, and an internal node that nothing
/// determines always.
pub(super) const TIE: f64 = 1e-12;

impl Simulation {
    /// Ties parts without a DC path to ground. Only for static solutions: nothing of it is left in a transient or in AC.
    pub(super) fn tie_loose(&mut self, x: &[f64]) {
        let circuit = self.circuit.clone();
        for &u in &circuit.loose {
            self.f[u as usize] += TIE * x[u as usize];
            self.g[self.diagonal[u as usize] as usize] += TIE;
        }
    }

    /// Ties the internal node of a device that made the last matrix singular. False: it was something else.
    pub fn tie_adrift(&mut self) -> bool {
        let Some(s) = self.last_singular.as_ref().filter(|s| s.cause == Cause::Numerical) else { return false };
        let is_own = |u: &usize| {
            let is_voltage = *u >= self.nodes && self.unknown_kind(*u) == UnknownKind::Voltage;
            is_voltage && self.diagonal[*u] != 0 && !self.adrift.contains(u)
        };
        let all = std::iter::once(&s.column).chain(&s.floating).map(|u| *u as usize);
        // With a node of the circuit the whole part floats, which is the user's to mend.
        if all.clone().any(|u| u < self.nodes) {
            return false;
        }
        let found = all.into_iter().find(is_own);
        self.adrift.extend(found);
        found.is_some()
    }

    /// Says what was tied.
    pub fn tell_adrift(&mut self) {
        for k in self.adrift_told..self.adrift.len() {
            let name = self.namer().name(&self.circuit, self.adrift[k]);
            self.messages.push(format!("warning: nothing determines {name}; {TIE:e} S tie it to ground"));
        }
        self.adrift_told = self.adrift.len();
    }

    /// Evaluates at the operating point `x`, holds what a static solution holds, and factors df/dx.
    pub fn factor_static(&mut self, at: &Point, x: &[f64]) -> Result<(), Vec<Diagnostic>> {
        self.load(at, x);
        self.tie_loose(x);
        for h in self.holds.iter() {
            for s in &h.row_slots {
                self.g[*s as usize] = 0.0;
            }
            self.g[h.diagonal as usize] = 1.0;
        }
        self.factored_for = None;
        self.stats.factorizations += 1;
        let result = self.kernel.factor(&self.g);
        let (after, name) = (self.kernel.stats(), self.kernel.name());
        self.note_kernel(&after, name);
        result.map_err(|s| vec![self.singular(&s, " at the operating point")])
    }

    /// G x = b in place with the factors of [`Simulation::factor_static`]; component 0 is ground.
    pub fn solve_factored(&mut self, rhs: &mut [f64]) {
        self.stats.solves += 1;
        self.kernel.solve(&mut rhs[1..]);
        rhs[0] = 0.0;
    }

    /// Gᵀ x = b in place.
    pub fn solve_factored_transposed(&mut self, rhs: &mut [f64]) {
        self.stats.solves += 1;
        self.kernel.solve_transposed(&mut rhs[1..]);
        rhs[0] = 0.0;
    }
}
