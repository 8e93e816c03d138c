//! E08xx: Verilog-A, from text to checked modules.

crate::codes! { CODES:
    CHARACTER = "E0801", "character that Verilog-A does not know",
        "The text has a character that no word, number or operator of Verilog-A contains. Text that went through a word \
         processor often has typographic quotes or a long dash in place of `\"` and `-`; macros are written with a backtick `` ` ``.";
    UNCLOSED = "E0802", "string or comment is not closed",
        "A string ends on its own line with `\"`, unless the line ends in a backslash. A comment `/*` ends with the next `*/`; \
         comments do not nest.";
    NUMBER = "E0803", "number cannot be read",
        "A number is written `12`, `1.5`, `1e-9`, or with one scale factor of T G M K k m u n p f a directly after it: `5n`. \
         Units are not allowed: `5nm` is wrong. Based integers are `8'hff`, `'b0101`.";
    CONDITIONAL = "E0804", "conditional compilation does not close",
        "Every `` `ifdef `` or `` `ifndef `` needs one `` `endif `` in the same file; between them stand any number of `` `elsif NAME `` \
         and at most one `` `else ``.";
    DIRECTIVE = "E0805", "compiler directive cannot be read",
        "A directive such as `` `define ``, `` `undef ``, `` `include `` or `` `timescale `` lacks what must follow it: a name, a file name in quotes, a time.";
    TOO_LARGE = "E0806", "model is larger than the compiler's limits",
        "Macro expansion, nesting, unrolled loops, arrays or expressions exceed a limit that no real model comes near. The \
         limits keep a faulty or hostile file from using unbounded time and memory.";
    UNKNOWN_MACRO = "E0807", "macro is not defined",
        "A word with a backtick is neither a directive nor a macro that a `` `define `` before this place has introduced. The constants \
         `P_Q, `P_K, `M_PI and others come with `` `include \"constants.vams\" ``.";
    MACRO_RECURSION = "E0808", "macro uses itself",
        "The text of a macro leads back to the macro, directly or through others, so its expansion would never end.";
    MACRO_ARGUMENTS = "E0809", "wrong arguments of a macro",
        "A macro defined with arguments is used with as many, in parentheses and separated by commas. A comma inside of \
         parentheses does not separate.";
    INCLUDE = "E0810", "file is not found",
        "An included file is searched beside the file that includes it, then in the directories given by -I. \
         `disciplines.vams` and `constants.vams` are built in.";
    INCLUDE_DEPTH = "E0811", "files include each other without end",
        "Includes are nested deeper than the limit, most likely because a file includes itself. Headers guard \
         against that with `` `ifndef NAME ``, `` `define NAME ``, `` `endif ``.";
    SYNTAX = "E0812", "syntax error",
        "The text does not follow the grammar of Verilog-A at this place. The message says what would fit; a forgotten `;`, \
         `end` or `)` before it is the usual reason.";
    UNSUPPORTED = "E0813", "not supported",
        "The construct belongs to Verilog or Verilog-AMS, but not to what is supported here: analog modules. Digital \
         processes, user-defined primitives and connect modules are among what is not.";
    NO_MODULE = "E0814", "file has no module",
        "A Verilog-A source describes at least one `module ... endmodule`. If the file is a header, compile the file that includes it.";
    PARAM_DEFAULT = "E0815", "parameter without default",
        "Every parameter has a default value, from which its type follows when none is written: `parameter real rs = 1 from (0:inf);`.";
    UNKNOWN_NAME = "E0820", "unknown name",
        "The name is neither a variable, parameter, net, branch nor function that is visible at this place. Verilog-A \
         distinguishes upper and lower case, and names of a block are visible in the block only.";
    UNKNOWN_FUNCTION = "E0821", "unknown function",
        "The call names neither a mathematical function, an analog operator, an access function of a discipline, nor an \
         `analog function` of the module. System functions begin with `$`.";
    UNKNOWN_MODULE = "E0822", "unknown module",
        "An instance names a module that no file read so far describes. Modules may be described in any order; include the \
         file with `` `include ``.";
    UNKNOWN_DISCIPLINE = "E0823", "unknown discipline or nature",
        "A declaration of nets begins with the name of a discipline. `electrical`, `thermal` and the other standard ones come \
         with `` `include \"disciplines.vams\" ``; others are declared by `discipline ... enddiscipline`.";
    DUPLICATE = "E0824", "name is declared twice",
        "Within one module, function or block every name has one meaning. The earlier declaration is shown too.";
    WRONG_KIND = "E0825", "name means something else than what is needed here",
        "A net is used through an access function, `V(a)`, not by its name; a parameter or genvar cannot be assigned; a branch is no \
         variable. The declaration is shown with the use.";
    TYPE = "E0826", "types do not fit",
        "Numbers and strings do not mix: a string cannot be computed with or assigned to a number. Bit operations and shifts take \
         integers. `^` is a bit operation; a power is written `**` or `pow(x, y)`.";
    NOT_CONSTANT = "E0827", "constant needed",
        "The value is needed before the simulation: bounds of ranges and arrays, numbers of repetitions, defaults of parameters. \
         It may use numbers, parameters and genvars, but neither variables nor voltages.";
    ACCESS = "E0828", "access function does not fit",
        "Which access function reaches a net or branch follows from its discipline: V and I for electrical, Temp and Pwr for thermal. \
         It takes one or two nets of one discipline, one branch, or (flow only) a port `<p>`.";
    DISCIPLINES_DIFFER = "E0829", "nets of different disciplines",
        "Both ends of a branch must have the same natures: there is no potential between an electrical and a thermal net. \
         A thermal branch to the reference is written `Temp(t)`.";
    ARGUMENT_COUNT = "E0830", "wrong number of arguments",
        "A function, operator or system task was given more or fewer arguments than it takes; the message says how it is called.";
    BAD_ARGUMENT = "E0831", "argument of the wrong sort",
        "Some arguments must be of a certain form: the second of `ddx` is `V(net)` or `I(branch)`, `output` arguments of functions are variables, \
         names of analyses and simulation parameters are strings in quotes, the first of `$limit` is an access function.";
    MISPLACED = "E0832", "not allowed at this place",
        "Analog operators and contributions need a history, so they stand in analog blocks, not in functions, not in loops whose count is \
         known only at run time, not in event-controlled statements. A `for` loop over a genvar is unrolled and may contain them.";
    INDEX = "E0833", "index does not fit",
        "An element of an array or vector is named with as many indices as it has dimensions, within its declared \
         bounds; a net or branch needs a constant index (numbers, parameters, genvars).";
    PORT = "E0834", "ports do not fit",
        "Every port of the module header has one declaration of its direction, and every declared direction belongs to a port of \
         the header. An instance connects its module's ports in order or by name.";
    RECURSION = "E0835", "definition leads back to itself",
        "Analog functions cannot call themselves, modules cannot contain themselves and defaults of parameters cannot depend on themselves.";
    FORMAT = "E0836", "format string and arguments do not fit",
        "Each `%` item takes one argument: %d %b %o %h %c integers, %e %f %g %r reals, %s strings; `%m` (the instance's path) and `%%` take none.";
    EVENT = "E0837", "unknown event",
        "Analog events are `initial_step`, `final_step` (with names of analyses), `cross`, `above`, `absdelta` and `timer`, joined by `or`.";
    RANGE = "E0838", "range of a parameter cannot be met",
        "The lower bound of a range lies above its upper bound, or the default value of the parameter lies outside of the range.";
    NATURE = "E0839", "nature or discipline is not complete",
        "A nature needs `abstol` and `access`, or a parent that has them; a discipline names natures that exist. \
         Two natures that are in use cannot share an access function unless they have the same parent.";
    OVERRIDE = "E0840", "parameter cannot be set",
        "An instance sets a parameter that its module does not have, or that is a `localparam`, or sets one twice.";
    LOOP = "E0841", "loop cannot be unrolled",
        "A loop over a genvar, and every loop of a generate construct, runs from a constant to a constant condition by constant steps; \
         the same genvar is initialised, tested and stepped.";
    TABLE = "E0842", "table cannot be read",
        "`$table_model` takes its inputs, then a file name in quotes or one array for each column, then a control string such as \"1L,3CC;2\": \
         for each input the degree 1, 2 or 3 (or D, I) and how to extrapolate (C, L, E).";
    PARAMSET = "E0843", "paramset cannot be chosen",
        "Several paramsets of one name share their modules' instances by what these give: a set fits when all that is given are \
         parameters of it and all its values, defaults and local ones included, are in its ranges. Of those that fit, the one with \
         the fewest parameters left to their defaults is taken, then the one with the most local parameters that have ranges. \
         None, or two that are equal, cannot be chosen.";
    IMPLICIT_DISCIPLINE = "L0801", "net without discipline",
        "A net that is accessed has no discipline; it is taken as `electrical` (or as `default_discipline says). Declare it: `electrical x;`.";
    IMPLICIT_DIRECTION = "L0802", "port without direction",
        "A port of the header has no `inout`, `input` or `output`; it is taken as `inout`. Declare it: `inout p;`.";
    LATE_ATTRIBUTE = "L0803", "attributes after the name",
        "In Verilog-A 1.0 attributes `(* ... *)` stood after the name that they describe. Since Verilog-AMS 2.0 they stand before the declaration.";
    DIALECT = "L0804", "form of another dialect",
        "The construct is not in the language reference, or no longer, but published models use it, and what it means is clear. \
         The message says how the standard writes it.";
    LOGICAL_BITS = "L0805", "bit operator on conditions",
        "`&` and `|` work on the bits of integers; between conditions `&&` and `||` are meant, and are what is computed.";
    IMPLICIT_VARIABLE = "L0806", "variable is not declared",
        "A named block assigns a variable that is declared nowhere. It is taken as a local `real` of the block. Declare it: `real x;`.";
    BACKTICK = "L0807", "backtick where the name alone is meant",
        "`` `ifdef `` and `` `define `` are followed by the macro's name without a backtick.";
    BIG_INTEGER = "L0808", "integer beyond 32 bits",
        "Integers of Verilog-A have 32 bits. A larger literal is taken as a real number; write it with a point or an exponent.";
    INTEGER_DIVISION = "L0809", "integer division drops a fraction",
        "The quotient of two integers is an integer in Verilog-A: `1/2` is 0. Write `1.0/2` for one half.";
    UNUSED_LIMIT = "L0810", "unknown name of a limiting function",
        "`$limit` knows \"pnjlim\", \"fetlim\" and \"vdslim\" by name, and analog functions of the module. Others have no effect on results \
         and none on convergence.";
    UNKNOWN_ATTRIBUTE = "L0811", "attribute has an unusual value",
        "Of attributes, desc and units are strings, `type` of a parameter is \"instance\" or \"model\". Other values are kept, but have no effect.";
    SAME_NET = "L0813", "both ends of a branch are one net",
        "An access function names the same net twice. The potential is 0 and a flow has no effect; most likely another net is meant.";
    SKIPPED_MACRO = "L0814", "macro is defined for other compilers only",
        "The only definition of the macro stands in a part of the text that `` `ifdef `` leaves out, as models have it for compilers \
         that they know by name. Since nothing else defines it, that definition is taken. `-D NAME` selects the part as a whole.";
    KEYWORD = "L0815", "keyword of the language as a name",
        "Verilog-AMS reserves words that analog models have no use for (`edge`, `release`, `table`, `small` ...) and the names of \
         its functions and operators. Where no confusion is possible they are accepted as names, but other compilers refuse them.";
    DEFAULT_OUT_OF_RANGE = "L0812", "default of a parameter lies outside of its range",
        "The default value does not satisfy the parameter's own `from` and `exclude`, so an instance that leaves the parameter \
         out would be refused.";
}
