//! E01xx: text, files and syntax of the netlist.

crate::codes! { CODES:
    INCLUDE_NOT_FOUND = "E0101", "included file not found",
        "A `.include` or `.lib` names a file that could not be read. It is looked for next to the file that \
         includes it, then in each `-I` directory; the message lists the paths that were tried.";
}
