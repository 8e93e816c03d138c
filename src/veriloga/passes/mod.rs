//! Passes over the intermediate representation.

pub mod ad;
pub mod contract;
pub mod live;
pub mod split;
pub mod tie;

pub use ad::{Derivatives, TEMPERATURE, Var, differentiate, resolve_ddx};
pub use contract::contract;
pub use live::{Deps, prune};
pub use split::{invariants, is_invariant_input, split};
pub use tie::{Ties, apart, tie};
