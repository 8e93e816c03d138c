//! E04xx: device and model parameters.

crate::codes! { CODES:
    UNKNOWN_PARAMETER = "E0401", "unknown parameter",
        "A device or model has no parameter of this name. `ferrospice models TYPE` lists those it has, \
         with units, defaults and ranges.";
    OUT_OF_RANGE = "E0402", "parameter out of range",
        "The value lies outside the range in which the model's equations mean anything (a negative area, \
         a grading coefficient above one). `ferrospice models TYPE` gives the range.";
}
