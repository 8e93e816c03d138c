//! E04xx: device and model parameters.

crate::codes! { CODES:
    UNKNOWN_PARAMETER = "E0401", "unknown parameter",
        "A device or model has no parameter of this name. `ferrospice models TYPE` lists those it has, \
         with units, defaults and ranges.";
    OUT_OF_RANGE = "E0402", "parameter out of range",
        "The value lies outside the range in which the model's equations mean anything (a negative area, \
         a grading coefficient above one). `ferrospice models TYPE` gives the range.";
    INCOMPLETE_INSTANCE = "E0440", "incomplete semiconductor instance",
        "A semiconductor device needs its model and all its terminals: `D1 a k DMOD`, `Q1 c b e QMOD`, \
         `M1 d g s b NMOD`. The substrate of a bipolar transistor alone may be left out.";
    BAD_GEOMETRY = "E0441", "impossible transistor geometry",
        "The effective channel is not positive: length minus twice the lateral diffusion (l - 2 ld), or width minus \
         twice the narrowing (w - 2 wd), must leave something. Check the units: `l=2` is two metres, `l=2u` two microns.";
    BAD_DOPING = "E0442", "substrate doping below intrinsic",
        "NSUB is in 1/cm³ and must exceed the intrinsic density of silicon (1.45e10 at 27 °C), or the surface \
         potential that is computed from it would be negative. A value such as 1e15 is usual; 1e21 is per m³.";
}
