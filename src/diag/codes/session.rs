//! E075x: a run as a whole: its deck, its outputs, its checks.

crate::codes! { CODES:
    DECK_UNREADABLE = "E0750", "deck cannot be read",
        "The netlist named on the command line does not exist, is a directory, or is not readable by this user. \
         `-` reads the netlist from standard input.";
    NOTHING_TO_RUN = "E0751", "no analysis in the deck",
        "A run needs at least one analysis card: `.op`, `.dc`, `.tran`, `.ac`, `.noise`, `.tf`, `.sens` or `.pz`. \
         Commands in a `.control` block are skipped, so an analysis that is only there has to be written as a card \
         too: `tran 1n 1u` inside the block becomes `.tran 1n 1u` outside it.";
    OUTPUT_FAILED = "E0752", "output cannot be written",
        "A result file could not be written. Results are written to a temporary file next to the target and then \
         renamed, so the directory must be writable and what was there before is left as it was.";
    NO_POWER = "E0754", "power of this element is not available",
        "`p(x)` is the sum over the terminals of voltage times current into the element, and `e(x)` its integral \
         over time. They need the element's terminal voltages and currents, and exist in `.op`, `.dc` and `.tran` \
         only: power is no small-signal quantity.";
    INTERRUPTED = "W0755", "interrupted",
        "The run was stopped before its end. What had been computed was kept and is marked partial in the output.";
    NOTHING_TO_CHECK = "W0757", "no check in the deck",
        "`check --run` was asked to evaluate the `.check` cards of a deck that has none. A check looks like \
         `.check gain gain within 1% of 10`, `.check swing peak > 2` or `.check level vlo between 0 and 0.4`.";
    BAD_OVERRIDE = "E0758", "parameter override has no target",
        "`-D name=value` replaces the value of a global `.param`. The deck has no parameter of that name at its \
         top level.";
}
