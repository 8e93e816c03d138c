//! Random draws: functions of the instance, the accepted point and the place in the module, and of the seed where the
//! module gives one.
//!
//! A seed that is a variable is a stream that the module carries along: equal seeds give equal numbers, and each draw
//! moves the variable on. It changes, as every variable that persists, at accepted points only, so that all iterations of a
//! step see the same draws. A seed that is a constant or parameter picks one of the instance's streams.

use super::{Cell, Lower};
use crate::diag::Span;
use crate::veriloga::hir::{self, Random, Seed};
use crate::veriloga::ir::{BinOp, In, Ty, UnOp, Val};

/// Indices of `In::Key`: of the instance, of the run, of the run at this point.
const INSTANCE: u32 = 0;
const RUN: u32 = 1;
const POINT: u32 = 2;

impl Lower<'_> {
    pub(super) fn random(&mut self, r: &Random, ty: hir::Ty, span: Span) -> Val {
        let is_int = ty == hir::Ty::Int;
        let seed = match r {
            Random::Integer(s) | Random::AnalogInteger { seed: s, .. } => s,
            Random::Uniform(s, ..) | Random::Normal(s, ..) | Random::Erlang(s, ..) => s,
            Random::Exponential(s, _) | Random::Poisson(s, _) | Random::ChiSquare(s, _) | Random::T(s, _) => s,
        };
        if self.in_loop > 0 && !matches!(seed, Seed::Variable(_)) {
            self.unsupported("a random draw without a seed variable in a loop of unknown length", span);
            return if is_int { self.b.int(0) } else { self.b.real(0.0) };
        }
        let is_global = matches!(r, Random::AnalogInteger { is_global: true, .. });
        if let Random::Normal(_, mean, dev) = r {
            let z = self.draw(seed, is_global, true);
            let (mean, dev) = (self.real_expr(*mean), self.real_expr(*dev));
            let x = self.b.mul(dev, z);
            let x = self.b.add(mean, x);
            return if is_int { self.coerce_int(x) } else { x };
        }
        let u = self.draw(seed, is_global, false);
        let x = match r {
            Random::Integer(_) | Random::AnalogInteger { .. } => {
                let span = self.b.real(4_294_967_296.0);
                let low = self.b.real(-2_147_483_648.0);
                let x = self.b.mul(span, u);
                let x = self.b.add(low, x);
                let x = self.b.un(UnOp::Floor, x);
                return self.coerce_int(x);
            }
            Random::Uniform(_, lo, hi) => {
                let (lo, hi) = (self.real_expr(*lo), self.real_expr(*hi));
                let mut w = self.b.sub(hi, lo);
                if is_int {
                    let one = self.b.real(1.0);
                    w = self.b.add(w, one);
                }
                let x = self.b.mul(w, u);
                let x = self.b.add(lo, x);
                if is_int { self.b.un(UnOp::Floor, x) } else { x }
            }
            Random::Exponential(_, mean) => {
                let mean = self.real_expr(*mean);
                let l = self.b.un(UnOp::Ln, u);
                let x = self.b.mul(mean, l);
                self.b.neg(x)
            }
            Random::Poisson(_, mean) => {
                let mean = self.real_expr(*mean);
                self.b.bin(BinOp::Poisson, u, mean)
            }
            Random::ChiSquare(_, n) => {
                let n = self.real_expr(*n);
                self.b.bin(BinOp::ChiSquare, u, n)
            }
            Random::T(_, n) => {
                let n = self.real_expr(*n);
                self.b.bin(BinOp::StudentT, u, n)
            }
            Random::Erlang(_, k, mean) => {
                let (k, mean) = (self.real_expr(*k), self.real_expr(*mean));
                let x = self.b.bin(BinOp::Erlang, u, k);
                let scale = self.b.div(mean, k);
                self.b.mul(x, scale)
            }
            Random::Normal(..) => u,
        };
        if is_int { self.coerce_int(x) } else { x }
    }

    /// A uniform or standard normal number.
    fn draw(&mut self, seed: &Seed, is_global: bool, is_normal: bool) -> Val {
        let op = if is_normal { BinOp::SeededNormal } else { BinOp::Seeded };
        match seed {
            Seed::Variable(v) => {
                let key = self.b.input(In::Key, if is_global { RUN } else { INSTANCE }, Ty::Real);
                let cell = Cell::Var(*v, 0);
                let seed = self.read(cell);
                let real = self.coerce_real(seed);
                let x = self.b.bin(op, key, real);
                // The next member of a linear congruential sequence of full period.
                let (a, c) = (self.b.int(69_069), self.b.int(1));
                let next = self.b.bin(BinOp::IMul, a, seed);
                let next = self.b.bin(BinOp::IAdd, next, c);
                self.write(cell, next);
                x
            }
            Seed::None if is_global => {
                let key = self.b.input(In::Key, POINT, Ty::Real);
                let zero = self.b.real(0.0);
                self.b.bin(op, key, zero)
            }
            Seed::None => self.fresh_draw(is_normal),
            Seed::Value(e) => {
                let key = if is_global { self.b.input(In::Key, POINT, Ty::Real) } else { self.fresh_draw(false) };
                let seed = self.real_expr(*e);
                self.b.bin(op, key, seed)
            }
        }
    }

    /// A number of this place, new at each accepted point.
    fn fresh_draw(&mut self, is_normal: bool) -> Val {
        if is_normal {
            self.out.normals += 1;
            return self.b.input(In::Normal, self.out.normals - 1, Ty::Real);
        }
        self.out.uniforms += 1;
        self.b.input(In::Uniform, self.out.uniforms - 1, Ty::Real)
    }
}
