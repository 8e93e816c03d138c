//! What every layer may use: names, numbers with SI suffixes, physical constants, smooth maths,
//! exp and ln in vector registers, dual numbers, the counter-based random generator, cancellation and progress.

pub mod consts;
pub mod control;
pub mod dual;
pub mod fastmath;
pub mod intern;
pub mod npy;
pub mod pair;
pub mod rng;
pub mod smooth;
pub mod units;

pub use control::Control;
pub use intern::{Names, Sym};
