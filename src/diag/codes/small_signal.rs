//! E063x: small-signal analyses.

crate::codes! { CODES:
    NO_OUTPUT = "E0630", "output of an analysis not found",
        "The output of `.noise`, `.tf` or `.sens` is a node voltage `v(a)`, a difference `v(a,b)`, or the branch current \
         `i(v1)` of a voltage source or inductor. The name given is none of these in this circuit.";
    NO_INPUT = "E0631", "input source of an analysis not found",
        "The input of `.noise` and `.tf` is an independent voltage or current source, given by its full name \
         (`v1`, `x1.iin`). To refer noise to a point without a source, put a zero-volt source there.";
    BAD_FREQUENCIES = "E0632", "frequency range without points",
        "A frequency sweep needs a positive start (a decade or octave sweep cannot begin at 0 Hz), a stop that is not \
         below it, and at least one point: `.ac dec 10 1 1meg` takes ten points per decade from 1 Hz to 1 MHz.";
    TOO_MANY_STATES = "E0633", "too many states for pole-zero analysis",
        "`.pz` finds all poles at once with a dense eigenvalue solver, whose work grows with the cube of the number of \
         independent charges and fluxes. Cut the circuit down, or look at the response with `.ac`.";
    NOT_RATIONAL = "E0634", "pole-zero analysis of an element with delay",
        "Transmission lines and transfer functions of s do not give a finite number of poles. Replace them by lumped \
         elements, or look at the response with `.ac`.";
    NO_TRANSFER = "E0635", "no transfer from input to output",
        "The output does not depend on the input of `.pz` at any frequency: the ports are shorted by an ideal source, \
         not connected, or both on ground. There is then no transfer function whose zeros could be found.";
    NO_PARAMETER = "E0636", "nothing to take the sensitivity of",
        "The names given to `.sens` match no instance and no model of the circuit. Without names the sensitivities to \
         all parameters are computed.";
}
