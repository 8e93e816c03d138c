//! Time integration of `f(x, t) + d/dt q(x) = 0`, without knowing what f and q are.
//!
//! Every method says `q'(t₁) ≈ a0 q(x₁) + Σ bᵢ qₙ₋ᵢ + c q'ₙ`: coefficients from [`method`], the past from [`history`],
//! the next step from [`control`].

pub mod control;
pub mod history;
pub mod method;

pub use control::{Controller, Verdict};
pub use history::History;
pub use method::{Coefficients, Method, SDIRK};
