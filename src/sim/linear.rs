//! The static Jacobian at a solved point, factored: for transfer functions and sensitivities.

use super::Simulation;
use crate::device::Point;
use crate::diag::Diagnostic;

/// Conductance, S, that ties a part without a DC path to ground in static solutions.
const TIE: f64 = 1e-12;

impl Simulation {
    /// Ties parts without a DC path to ground. Only for static solutions: nothing of it is left in a transient or in AC.
    pub(super) fn tie_loose(&mut self, x: &[f64]) {
        let circuit = self.circuit.clone();
        for &u in &circuit.loose {
            self.f[u as usize] += TIE * x[u as usize];
            self.g[self.diagonal[u as usize] as usize] += TIE;
        }
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
