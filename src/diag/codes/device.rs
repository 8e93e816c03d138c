//! E04xx: device and model parameters.

crate::codes! { CODES:
    OUT_OF_RANGE = "E0402", "parameter out of range",
        "The value lies outside the range in which the model's equations mean anything (a negative area, \
         a grading coefficient above one). `ferrospice models TYPE` gives the range.";
    INCOMPLETE_INSTANCE = "E0410", "incomplete semiconductor instance",
        "A semiconductor device needs its model and all its terminals: `D1 a k DMOD`, `Q1 c b e QMOD`, \
         `M1 d g s b NMOD`. The substrate of a bipolar transistor alone may be left out.";
    BAD_MOS_GEOMETRY = "E0411", "impossible transistor geometry",
        "The effective channel is not positive: length minus twice the lateral diffusion (l - 2 ld), or width minus \
         twice the narrowing (w - 2 wd), must leave something. Check the units: `l=2` is two metres, `l=2u` two microns.";
    BAD_DOPING = "E0412", "substrate doping below intrinsic",
        "NSUB is in 1/cm³ and must exceed the intrinsic density of silicon (1.45e10 at 27 °C), or the surface \
         potential that is computed from it would be negative. A value such as 1e15 is usual; 1e21 is per m³.";
    // Primitives: E044x, E045x and W044x.
    MISSING_VALUE = "E0440", "element without a value",
        "A resistor, capacitor, inductor or controlled source has neither a value of its own nor a model that gives \
         one. Write the value after the nodes (`R1 a b 1k`), or name a model with a default value or a geometry.";
    BAD_GEOMETRY = "E0441", "geometry leaves nothing",
        "A resistance from sheet resistance and geometry needs a width above the model's `narrow` and a length above \
         its `short`; otherwise the etched element would have no width or no length.";
    BAD_COUPLING = "E0442", "coupling that cannot be",
        "A coupling coefficient lies between -1 and 1, and couples inductances that are not negative: M = k sqrt(L1 L2). \
         Beyond that the coupled inductors would deliver energy that was never put in.";
    TOO_FEW_WINDINGS = "E0443", "mutual inductance without its windings",
        "A K element names two or more inductors and a coupling coefficient: `K1 L1 L2 0.99`. Every pair of those named \
         is coupled.";
    UNKNOWN_WAVEFORM = "E0444", "unknown waveform",
        "Independent sources know the waveforms pulse, sin, exp, pwl, sffm, am, trnoise, trrandom, pulsetrain and pat.";
    BAD_WAVEFORM = "E0445", "waveform arguments that cannot be",
        "The arguments of a waveform are too few or too many, or one of them makes no sense: a negative time, a period \
         of zero, a pattern with other characters than 0 and 1. The message names the argument.";
    PWL_TIMES = "E0446", "pwl times do not increase",
        "The points of a piecewise-linear waveform are pairs of time and value with strictly increasing times. For a \
         jump give it an edge: `pwl(0 0 1u 0 1.001u 1)`.";
    NOT_RATIONAL = "E0447", "transfer function is not rational in s",
        "LAPLACE takes a quotient of polynomials in `s`, such as `1/(1 + s*1u)` or `(s^2 + 1)/((s + 1)*(s + 2))`. Powers \
         of s must be whole numbers; exp(-s*td), sqrt(s) and the like have no finite number of states. For a pure delay \
         use a transmission line.";
    IMPROPER = "E0448", "transfer function grows without bound",
        "The numerator of a transfer function must not have a higher degree than the denominator: a differentiator \
         amplifies the fastest ripple most. Add the pole that the real circuit has, such as `s/(1 + s*1n)`.";
    BAD_LINE = "E0449", "transmission line without impedance or delay",
        "A transmission line needs `z0`, and either its delay `td` or a frequency `f` (with `nl`, the length in \
         wavelengths at that frequency, default 0.25).";
    BAD_SWITCH = "E0450", "switch that cannot be",
        "A switch needs resistances `ron` and `roff` above zero, and, if it is of the smooth type, a control at which it \
         is closed (`von`) other than the one at which it is open (`voff`).";
    NO_CONTROL = "E0451", "control is missing",
        "Sources F and H, and switch W, are controlled by the current of an element with a branch current (a voltage \
         source, an inductor), which they name after their nodes. Put a voltage source of 0 V where the current flows.";
    BAD_COMPLIANCE = "E0452", "compliance on a source that has none",
        "`compliance=` limits the current of a voltage source (V, E, H, B with `v=`): it needs a value above zero, and \
         makes no sense on a current source.";
    MISSING_EXPRESSION = "E0453", "behavioural element without its expression",
        "A behavioural source needs `v=` or `i=`, a behavioural resistor `r=`, a capacitor `c=` or `q=`, an inductor \
         `l=` or `flux=`; a LAPLACE source its input expression and transfer function.";
    ZERO_RESISTANCE = "W0440", "resistance of zero",
        "A resistor of exactly 0 Ω has no finite conductance; it is taken as 1 mΩ. To join two nodes use one name for \
         both, or a voltage source of 0 V if the current is to be measured.";
    ACTIVE_COUPLING = "W0441", "couplings that are not passive",
        "With more than two windings, equal negative couplings below -1/(n-1) make the inductance matrix indefinite: \
         such windings deliver energy, and a transient may grow without bound.";
}
