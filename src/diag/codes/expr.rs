//! E02xx: expressions and parameters.

crate::codes! { CODES:
    EXPR_SYNTAX = "E0201", "expression cannot be read",
        "An expression in `{}` or quotes is not complete or has a character that does not belong there. \
         Operators are + - * / ** ^ % comparisons && || ! and `c ? a : b`; functions take their arguments in parentheses.";
    UNKNOWN_NAME = "E0202", "unknown parameter",
        "An expression uses a name that is neither a parameter of its subcircuit or of the deck nor a constant. \
         Parameters are defined by `.param name=value` or on a `.subckt` line; a node voltage is written `v(node)` and \
         the current of an element `i(element)`.";
    UNKNOWN_FUNCTION = "E0203", "unknown function",
        "An expression calls a function that is neither built in nor defined by `.func name(x,y) {expression}`. \
         The nearest known names are listed.";
    ARGUMENT_COUNT = "E0204", "wrong number of arguments",
        "A function was given more or fewer arguments than it takes. The message shows how it is called; \
         arguments are separated by commas: `limit(x, 0, 1)`.";
    UNKNOWN_QUANTITY = "E0205", "unknown node or element in an expression",
        "`v(node)` names a node, or `i(element)` an element, that does not exist where the expression stands. Inside a \
         subcircuit its own nodes and elements are meant first; from outside they are reached with dots: `v(x1.out)`.";
    SIGNAL_NOT_ALLOWED = "E0206", "a number is needed, not a signal",
        "The expression is evaluated once, before the simulation, so it can only use parameters and constants. Voltages, \
         currents, `time`, `hertz`, `ddt` and `idt` have values only while the simulation runs: use them in a B source \
         or in the expression of a behavioural element, for example `B1 out 0 v={2*v(in)}`.";
    RECURSION = "E0207", "function calls itself without end",
        "A `.func` calls itself, directly or through others, and no condition ends it. A recursive function is allowed \
         when a condition of parameters alone ends it: `.func fact(n) {n<=1 ? 1 : n*fact(n-1)}`.";
    NOT_FINITE = "E0208", "no finite value",
        "A constant expression has no value: a division by zero, the logarithm of zero or of a negative number, the root \
         of a negative number, an overflow. While a simulation runs such faults are guarded (1/0 gives 1e32, as in ngspice), \
         because an iteration may pass through them; in a parameter they are an error.";
    EXPR_TOO_LARGE = "E0209", "expression too large",
        "The expression has too many terms or is nested too deeply, in itself or after its functions are put in. \
         Split it over several parameters or functions.";
    CONSTANT_NEEDED = "E0210", "argument must be constant",
        "Some arguments are read once, before the simulation: the points of `table` and `pwl`, the initial value of `idt`, \
         the arguments of random functions such as `agauss`. They can use parameters, but no voltages, currents or time.";
    TABLE_ORDER = "E0211", "table is not in order",
        "The x values of `table(x, x1,y1, x2,y2, ...)` and `pwl` must not decrease. Two equal ones make a jump.";
    AMBIGUOUS_NUMBER = "L0201", "digits after a suffix",
        "In SPICE everything after the suffix of a number is a unit and ignored, so `2k2` is 2000. LTspice reads \
         2200. Write `2.2k`, which means the same everywhere.";
}
