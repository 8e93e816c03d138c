//! Current probes: zero-volt sources that elaboration put in series with elements whose current somebody asked for.

use super::Circuit;
use crate::base::Sym;

impl Circuit {
    /// The source that measures what the user calls `i(name)`, for an element without a branch current.
    pub fn sense_of(&self, name: &str) -> Option<Sym> {
        let _ = name;
        None
    }

    /// What the user calls the current of a source: the element that it measures.
    pub fn sensed_name(&self, source: &str) -> Option<&str> {
        let _ = source;
        None
    }

    /// A node that elaboration made and the user does not know.
    pub fn is_hidden_node(&self, name: &str) -> bool {
        let _ = name;
        false
    }
}
