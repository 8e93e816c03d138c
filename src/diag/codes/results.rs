//! E07xx: results, measures, checks and files.

crate::codes! { CODES:
    UNKNOWN_SIGNAL = "E0701", "unknown signal",
        "A `.print`, `.save`, `.meas` or plot asks for a quantity that the run did not produce. Node voltages are \
         `v(node)`, branch currents `i(element)`, internals `@element[name]`.";
}
