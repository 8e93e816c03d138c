//! The effective conductance matrix: what an array does to voltages, wires included, as one matrix product.
//!
//! I = G v with v the voltages of the word lines and I the currents out of the bit lines while every source of the bit
//! lines is at 0 V. One solution for each word line or, by reciprocity, for each bit line, whichever are fewer, side by
//! side on all processors. G does not depend on how many there are.

use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::krylov::Rhs;
use super::linear::{Linear, Settings, solve};
use super::residual::Rows;
use crate::base::Control;
use crate::base::control::Progress;
use crate::diag::Diagnostic;

/// S, rows = bit lines, columns = word lines: `I[j] = Σ g[j * inputs + i] v[i]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Effective {
    pub outputs: usize,
    pub inputs: usize,
    pub g: Vec<f64>,
    /// The largest certified residual of the solutions.
    pub residual: f64,
    pub is_partial: bool,
}

impl Effective {
    pub fn new(array: &Linear, settings: &Settings, control: &Control) -> Result<Effective, Diagnostic> {
        let a = array.matrix();
        let (m, n) = (a.m, a.n);
        let by_word = m <= n;
        let count = m.min(n);
        let quiet = control.quiet();
        let done = AtomicUsize::new(0);
        let solved: Result<Vec<(Vec<f64>, f64, bool)>, Diagnostic> = (0..count)
            .into_par_iter()
            .map_init(
                || (a.clone(), array.solver().clone(), Rows::new(n)),
                |(a, solver, rows), k| {
                    let (mut word, mut bit) = (vec![0.0; m], vec![0.0; n]);
                    if by_word {
                        word[k] = 1.0;
                    } else {
                        bit[k] = 1.0;
                    }
                    if quiet.is_cancelled() {
                        return Ok((vec![0.0; if by_word { n } else { m }], 0.0, true));
                    }
                    // Not what another solution on this thread made of it.
                    if solver.is_single() != array.solver().is_single() {
                        *solver = array.solver().clone();
                    }
                    solver.guess(a, [&word, &word]);
                    let rhs = Rhs::Ends { word: [&word, &word], bit: [&bit, &bit] };
                    let c = solve(a, solver, rows, &rhs, settings, &quiet)?;
                    let (g, x, b) = (&a.g, solver.x(), solver.b());
                    let mut sums = vec![0.0; if by_word { n } else { m }];
                    for i in 0..m {
                        for j in 0..n {
                            let at = i * n + j;
                            let current = g[at] * (x[at] - b[at]);
                            if by_word {
                                sums[j] += current;
                            } else {
                                sums[i] -= current;
                            }
                        }
                    }
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    control.progress(
                        "effective",
                        &Progress { fraction: done as f64 / count as f64, at: done as f64, step: 1.0, points: done },
                    );
                    Ok((sums, c.residual, c.is_partial))
                },
            )
            .collect();
        let solved = solved?;
        let mut out = Effective { outputs: n, inputs: m, g: vec![0.0; m * n], residual: 0.0, is_partial: false };
        for (k, (sums, residual, is_partial)) in solved.iter().enumerate() {
            out.residual = out.residual.max(*residual);
            out.is_partial |= is_partial;
            for (l, s) in sums.iter().enumerate() {
                let (i, j) = if by_word { (k, l) } else { (l, k) };
                out.g[j * m + i] = *s;
            }
        }
        Ok(out)
    }

    /// Currents out of the bit lines, A.
    pub fn multiply(&self, volts: &[f64]) -> Vec<f64> {
        self.g.chunks_exact(self.inputs).map(|row| row.iter().zip(volts).map(|(g, v)| g * v).sum()).collect()
    }
}
