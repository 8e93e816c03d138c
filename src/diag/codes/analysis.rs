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
    NO_BRANCH = "E0604", "no branch current",
        "An F, H, W or K element, or `i(...)` in an expression, refers to the current of an element that has no current \
         unknown of its own. Voltage sources, inductors and controlled voltage sources have one.";
    NO_STATE = "E0605", "no such internal state",
        "`.ic @element[state]=value` names a state that the device does not have. `ferrospice models TYPE` lists a \
         device's states and operating-point quantities.";
    BAD_RANGE = "E0606", "sweep or time range that makes no sense",
        "A transient must have a positive step and stop time, a logarithmic sweep positive limits and at least one \
         point, a sweep a step in the direction of its end.";
    UNKNOWN_METHOD = "E0607", "unknown integration method",
        "`.options method=` is one of trap (trapezoidal), gear (variable-order BDF, `maxord` up to 6), be (backward \
         Euler) and trbdf2.";
    UNKNOWN_SWEEP = "E0608", "unknown sweep variable",
        "A `.dc` or `.step` names a source, parameter, model or instance that the circuit does not have. Sweeps are over \
         independent sources, `.param` names, `temp`, `@instance[parameter]` and `model(parameter)`.";
    NOT_FINITE = "E0609", "an equation without a value",
        "Where the search for a solution began, and at places near it, an equation of a device is not a finite number: a \
         division by zero (a parameter whose default is 0 is a frequent reason), a logarithm or a power of a negative \
         voltage, an overflow. Drive the device within the range for which its equations are written, give a \
         `.nodeset` there, or guard the expression: `sqrt(max(x, 0))`, `ln(abs(x) + 1e-30)`.";
    ENDLESS = "E0610", "a loop that does not end",
        "A `while`, `for` or `repeat` inside a Verilog-A module has run a million times in one evaluation and was stopped. Its \
         condition stays true, or it looks for a solution to a tolerance that it does not reach at these voltages. Bound the \
         number of rounds: `while (abs(dx) > tol && n < 100)`.";
}
