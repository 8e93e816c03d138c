//! What the primitives share.

use super::Terminal;

/// Terminals of every two-terminal element.
pub static TWO: &[Terminal] = &[
    Terminal { name: "p", doc: "first terminal; current is positive from here through the element", optional: false },
    Terminal { name: "n", doc: "second terminal", optional: false },
];
