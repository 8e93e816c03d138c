//! E03xx: elaboration; E05xx: topology.

crate::codes! { CODES:
    UNKNOWN_MODEL = "E0301", "unknown model",
        "An element names a `.model` that is not defined in its scope. Models are looked up in the enclosing \
         subcircuits first, then at the top level; names are case-insensitive.";
}
