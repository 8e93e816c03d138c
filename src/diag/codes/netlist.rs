//! E01xx: text, files and syntax of the netlist.

crate::codes! { CODES:
    INCLUDE_NOT_FOUND = "E0101", "included file not found",
        "A `.include` or `.lib` names a file that could not be read. It is looked for next to the file that \
         includes it, then in each `-I` directory; the message lists the paths that were tried.";
    INCLUDE_CYCLE = "E0102", "file includes itself",
        "A file is included while it is already being read, directly or through others, so the deck would have no end. \
         Sections of one library file may refer to each other, but not in a circle.";
    SECTION_NOT_FOUND = "E0103", "library section not found",
        "A `.lib file section` asks for a section that the file does not define. A section starts with `.lib section` \
         and ends with `.endl`; the sections that the file does have are listed.";
    UNCLOSED_BLOCK = "E0104", "block is never closed",
        "A `.subckt` without `.ends`, a `.if` without `.endif`, a library section without `.endl`, a `.control` without \
         `.endc` or a `.data` without `.enddata`. Everything after it was read as its inside, so look at this fault first.";
    STRAY_END = "E0105", "end without a beginning",
        "A card such as `.ends`, `.else`, `.endif`, `.endl` or `.endc` ends or divides a block that is not open here, or \
         names another subcircuit than the one that is open.";
    UNBALANCED = "E0106", "unbalanced parentheses, braces or quotes",
        "A `(`, `{` or quote is opened and not closed on the same logical line, or closed without being opened. A line goes \
         on over the next one only if that starts with `+`.";
    UNKNOWN_CARD = "E0107", "unknown card",
        "A line starts with a dot, but not with the name of a card. The nearest known names are listed.";
    CARD_SYNTAX = "E0108", "card cannot be read",
        "A card such as `.param`, `.func`, `.subckt`, `.model`, `.include` or `.lib` lacks something or has something that does not \
         belong there. The message shows how it is written.";
    UNSUPPORTED_CARD = "E0109", "card is not supported",
        "The card is known from another simulator, but has no counterpart here; leaving it out silently would change the \
         circuit or its analysis. The message says what can be used instead.";
    NOT_A_STATEMENT = "E0110", "line is neither element nor card",
        "An element starts with a letter that says what it is (`R1 out 0 1k`), a card with a dot (`.tran 1n 1u`), a comment with \
         `*` or `;`, a continuation with `+`.";
    STRAY_CONTINUATION = "E0111", "nothing to continue",
        "A line starts with `+`, but there is no line before it to continue: it is the first of its file, or comes right after the \
         title. The first line of a deck is always its title.";
    DUPLICATE_PORT = "E0112", "port named twice",
        "A `.subckt` has two ports of the same name, so one of the nodes of a call would have no place. Names are \
         case-insensitive.";
    TOO_DEEP = "E0113", "nested too deeply",
        "Files included inside each other, or `.subckt` and `.if` blocks inside each other, to a depth that no real deck has. \
         Probably a file is missing its `.ends` or includes itself under changing names.";
    TOO_LARGE = "E0114", "file too large",
        "Files of two gigabytes and more cannot be read: places in them are kept as 32-bit numbers. Split the deck with `.include`, \
         or describe a regular array by an array element.";
    ARRAY = "E0115", "array cannot be read",
        "An `.array` needs a name that begins with X, `rows`, `cols` and `cell`; `pins` names the lines at the cell's terminals in \
         order (`wl`, `bl`, `sl`, `gl`; anything else is a node). Cells are counted from 0. Tables have a line for each row and a \
         value for each column. The ranges of one line of elements all count the same.";
    ARRAY_KEY = "W0105", "word of an array goes to its cells",
        "What an `.array` card does not know goes to every cell as a parameter. This word is close to one of the card's own.";
    CONTROL_SKIPPED = "W0101", "control block skipped",
        "A `.control` ... `.endc` block is a script for ngspice and is not executed. Put analyses, measures and prints into cards \
         (`.tran`, `.meas`, `.print`) instead.";
    MODEL_PARENTHESES = "W0102", "parentheses of a model do not match",
        "The parameters of a `.model` are enclosed in parentheses that do not pair up. All parameters on the line were read \
         nevertheless, as other simulators do.";
    TYPOGRAPHIC = "W0104", "dash instead of a minus sign",
        "Text copied from a document or a web page may have a dash or a typographic minus sign where SPICE has `-`. It is \
         read as a minus sign; replace it, so that other simulators read the deck too.";
    TITLE_IS_CARD = "W0103", "first line is the title",
        "The first line of a deck is always its title and never read as a card or element, but here it looks like one. \
         Put a title line before it.";
    IGNORED_CARD = "L0101", "card without effect",
        "The card is known from another simulator and has no meaning here. Nothing about the circuit or its results depends \
         on it, so it can be left out.";
    MEGA_SUSPICION = "L0102", "milli where mega may be meant",
        "In SPICE `M` and `m` both are milli: `1MHz` is a thousandth of a hertz and `10M` a hundredth of an ohm. A million is \
         written `Meg`: `1MegHz`.";
}
