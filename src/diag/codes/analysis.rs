//! E06xx: analyses and numerics.

crate::codes! { CODES:
    SINGULAR = "E0601", "singular matrix",
        "The circuit's equations have no unique solution at the point named: some unknown is determined by \
         nothing, or two equations contradict each other. Typical causes: a node connected only to capacitors \
         or current sources, a loop of voltage sources or inductors, a device whose conductance has become zero.";
    NO_CONVERGENCE = "E0602", "no convergence",
        "Newton's method did not find a solution, even with the homotopies named in the message. The worst \
         unknowns and the devices on them are listed; look at those first.";
    STEP_COLLAPSE = "E0603", "time step collapsed",
        "The transient step became too small to advance time. The unknown and the device that forced it are \
         named; typical causes are an equation that jumps (an `if` in a B source, a hard clip) or a state \
         without any smoothing at its rails.";
}
