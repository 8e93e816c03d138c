//! The static Jacobian at a solved point, factored: for transfer functions and sensitivities.

use super::Simulation;
use crate::device::Point;
use crate::diag::Diagnostic;

/// Conductance to ground of nodes that nothing determines at DC, S.
const UNDRIVEN: f64 = 1e-12;

impl Simulation {
    /// Holds nodes without a DC path near 0 V. Only for static solutions: nothing of it is left in a transient or in AC.
    pub(super) fn hold_undriven(&mut self, x: &[f64]) {
        let circuit = self.circuit.clone();
        for &u in &circuit.undriven {
            self.f[u as usize] += UNDRIVEN * x[u as usize];
            self.g[self.diagonal[u as usize] as usize] += UNDRIVEN;
        }
    }

    /// Evaluates at the operating point `x`, holds what a static solution holds, and factors df/dx.
    pub fn factor_static(&mut self, at: &Point, x: &[f64]) -> Result<(), Vec<Diagnostic>> {
        self.load(at, x);
        self.hold_undriven(x);
        for h in self.holds.iter() {
            for s in &h.row_slots {
                self.g[*s as usize] = 0.0;
            }
            self.g[h.diagonal as usize] = 1.0;
        }
        self.factored_for = None;
        self.stats.factorizations += 1;
        self.kernel.factor(&self.g).map_err(|s| vec![self.singular(&s, " at the operating point")])
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
