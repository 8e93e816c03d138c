//! E03xx: elaboration; E05xx: topology.

crate::codes! { CODES:
    UNKNOWN_MODEL = "E0301", "unknown model",
        "An element names a `.model` that is not defined in its scope. Models are looked up in the enclosing \
         subcircuits first, then at the top level; names are case-insensitive.";
    UNKNOWN_SUBCKT = "E0302", "unknown subcircuit",
        "An X element calls a `.subckt` that is not defined in its scope. A subcircuit defined inside another one is \
         visible only there.";
    WRONG_NODES = "E0303", "wrong number of nodes",
        "An element has more or fewer nodes than its kind or its subcircuit connects. The nodes that were given and \
         those that are expected are listed.";
    MISSING = "E0304", "something is missing",
        "A value, a model, a node or a name is needed here and is not given. The message says which; an example \
         follows where the form is not obvious.";
    UNEXPECTED = "E0305", "not understood here",
        "A field of an element or a card is neither a value that is expected at its place nor a known flag. Often a \
         model name is misspelt, a `=` is missing, or a comment lacks its `;` or `$`.";
    DUPLICATE = "E0306", "defined twice",
        "Two elements of one scope have the same name, or two subcircuits have. Names are case-insensitive: `R1` and \
         `r1` are the same element.";
    DUPLICATE_MODEL = "W0307", "model defined twice",
        "A `.model` of the same name is defined twice in one scope. The last definition holds, as in ngspice; remove \
         the other one to make the deck say what it means.";
    RECURSIVE = "E0308", "recursive subcircuit",
        "A subcircuit calls itself, directly or through others. Flattening it would never end.";
    PARAM_CYCLE = "E0309", "parameters in a circle",
        "Parameters are defined by each other, so that none of them has a value. Each place of the circle is shown; \
         break it at one of them.";
    PARAM_DEPTH = "E0310", "parameters nested too deep",
        "A long chain of parameters, each defined after the one that needs it. Parameters may be written in any order, \
         but a chain of hundreds in reverse order is refused; sort them.";
    TEXT_PARAM = "E0311", "text where a number is needed",
        "A parameter that holds a text (a model name, a file name) is used in arithmetic.";
    VALUE = "E0312", "not a value",
        "A number, a parameter or an expression in braces is needed at this place.";
    UNKNOWN_CALL_PARAM = "W0313", "unknown subcircuit parameter",
        "An X element sets a parameter that the subcircuit does not declare. The value has no effect; check the \
         spelling against the `.subckt` line.";
    OUT_OF_RANGE_CALL = "E0314", "multiplier out of range",
        "The multiplier `m` of a subcircuit call counts equal copies in parallel and must be positive.";
    TOO_LARGE = "E0315", "circuit too large",
        "Subcircuits inside subcircuits multiply; the flat circuit would exceed the limit in the message. This is \
         mostly a mistake in a generated deck.";
    UNKNOWN_LETTER = "E0316", "unknown kind of element",
        "The first letter of an element's name says what it is, and no device has this letter. A line that is meant \
         as a comment begins with `*`, a continuation with `+`.";
    NO_DEVICE = "E0317", "device not built in",
        "The element needs a device type that this build does not have. `ferrospice models` lists those that exist.";
    UNKNOWN_INSTANCE_PARAM = "E0318", "unknown element parameter",
        "An element of this kind has no parameter of this name. `ferrospice models TYPE` lists those it has, with \
         units, defaults and ranges; some belong on the `.model` card instead.";
    UNKNOWN_MODEL_PARAM = "W0319", "unknown model parameter",
        "A model of this type has no parameter of this name. Its value is ignored, as in ngspice, which lets model \
         cards made for other simulators be used; a misspelt name is found by the suggestion.";
    UNKNOWN_MODEL_TYPE = "E0320", "unknown model type",
        "The word after the name of a `.model` says which device it is for (`d`, `npn`, `nmos`, `sw` ...), and no device \
         has this one.";
    UNKNOWN_LEVEL = "E0321", "unknown model level",
        "The `level=` of a `.model` selects one of several sets of equations for the same device. The levels that \
         exist are listed.";
    WRONG_MODEL_TYPE = "E0322", "model of another kind of element",
        "An element uses a model whose type belongs to elements with another letter, such as a diode with an `npn` \
         model.";
    MODEL_CYCLE = "E0323", "models inherit in a circle",
        "Models with `ako:` inherit from each other, so that none of them has a beginning.";
    NO_BIN = "E0324", "no bin for this size",
        "A binned model (`name.1`, `name.2` ...) covers ranges of length and width by lmin, lmax, wmin and wmax, and none \
         of them holds the size of this element.";
    NOT_WHOLE = "E0325", "not a whole number",
        "The parameter counts something (turns, pulses, bits) and must be a whole number. A value that comes from an \
         expression can be rounded with `nint(...)`.";
    UNKNOWN_ELEMENT = "E0326", "unknown element",
        "An element is named whose current, value or coupling is needed, and there is none of this name. Elements \
         inside a subcircuit are named by their path: `x1.v1`.";
    UNKNOWN_NODE = "E0327", "unknown node",
        "A card names a node that no element is connected to. Nodes inside a subcircuit are named by their path: \
         `x1.out`.";
    NOT_SUPPORTED = "E0328", "not supported",
        "The deck asks for something that SPICE has and ferrospice does not have yet. The message says what can be \
         done instead, where there is something.";
    POLY = "E0329", "POLY cannot be read",
        "POLY(n) is followed by n pairs of controlling nodes (E, G) or n controlling elements (F, H), then by the \
         coefficients p0 p1 ... in the order 1, x1 .. xn, x1², x1 x2 ...";
    TABLE = "E0330", "TABLE cannot be read",
        "TABLE {input} = (x1,y1) (x2,y2) ... needs pairs of numbers whose inputs increase.";
    LAPLACE = "E0331", "LAPLACE cannot be realised",
        "A transfer function must be a quotient of polynomials of `s` with constant coefficients, so that it can be \
         realised by integrators in a transient as well as in AC.";
    PWL = "E0332", "PWL cannot be read",
        "PWL is a list of pairs of time and value; times must not decrease.";
    WAVE_FILE = "E0333", "waveform file cannot be read",
        "A PWL source takes its points from a file: two numbers a line, time and value. The file was not found, or \
         something in it is not a number.";
    NO_MULTIPLIER = "W0334", "multiplier has no effect",
        "A subcircuit call has `m=`, which multiplies its elements, and one of the elements has no multiplier.";
    UNKNOWN_OPTION = "W0336", "unknown option",
        "`.options` names something that has no meaning here. It is ignored.";
    OPTION_VALUE = "E0337", "option out of range",
        "The value of an option is not one that it can have: tolerances are positive, `maxord` is 1 to 6, `xmu` 0 to \
         0.5, temperatures lie above -273.15 °C. `method` is one of `trap`, `gear`, `be`, `trbdf2`; `relref` is \
         `alllocal` (errors relative to each unknown) or `sigglobal` (to the largest voltage and the largest current); \
         `solver` is `auto` (the linear kernel that is estimated to be fastest on the circuit's matrix) or one by name: \
         `lu` for circuits whose factors stay sparse, `multifrontal` for arrays and meshes, `cholesky` for networks whose \
         matrix is symmetric. All give the same answers; `ferrospice run --stats` tells which one worked.";
    CARD = "E0338", "card cannot be read",
        "An analysis or output card is incomplete or contradicts itself; the message says what is wrong and the label \
         shows the form.";
    CARD_IN_SUBCKT = "W0340", "card inside a subcircuit",
        "Analyses, options and outputs belong to the top level of a deck; inside a `.subckt` only `.ic`, `.nodeset`, \
         `.param`, `.func`, `.model`, `.if` and further subcircuits mean something.";
    SWEEP = "E0341", "sweep cannot be done",
        "The limits, the step or the number of points of a sweep contradict each other: a step of zero, a logarithmic \
         sweep through zero, more points than can be meant.";
    STEP_SIGN = "W0345", "step against the direction of its sweep",
        "A sweep from a larger value down to a smaller one with a positive step, or the reverse. The limits are taken at \
         their word and the step changes its sign, as in LTspice; ngspice computes no point at all.";
    UNKNOWN_SWEEP = "E0342", "unknown sweep target",
        "A sweep names something that is no source, element, global parameter, model parameter or `temp`.";
    UNKNOWN_DATA = "E0343", "unknown data table",
        "`sweep data=name` or `.step data=name` names a `.data` table that is not defined.";
    RATING = "L0344", "rating or part number",
        "LTspice writes ratings, tolerances and part numbers on its elements (`Irms=`, `tol=`, `mfg=`). They change nothing \
         in a simulation. Parasitics (`Rser=`, `Lser=`, `Rpar=`, `Cpar=`) do: they become elements.";
    EMPTY = "E0501", "no elements",
        "There is nothing to simulate. The first line of a deck is its title and never an element.";
    NO_GROUND = "E0502", "no ground",
        "No element is connected to node `0` (or `gnd`). Voltages are differences: without a reference they are not \
         determined.";
    ISLAND = "E0503", "part without connection to ground",
        "A part of the circuit is connected with the rest by nothing, so its voltages against ground are not \
         determined. Connect one of its nodes with ground, if only through a large resistor.";
    NO_DC_PATH = "W0504", "no DC path to ground",
        "Only capacitors, gates and current sources connect these nodes with the rest. Nothing determines their \
         voltage at DC; it is held near zero by a tiny conductance, and a transient starts from there unless `uic` and \
         `.ic` say otherwise. A current source that drives such a node has no solution at all.";
    VOLTAGE_LOOP = "E0505", "loop of voltage sources",
        "Voltage sources form a closed loop, alone or with inductors, which are shorts at DC. Their voltages either \
         contradict each other or leave the current around the loop undetermined. Put a small resistance in series \
         with one of them, or start a transient with `uic` where only inductors close the loop.";
    INDUCTOR_LOOP = "W0506", "loop with an inductor",
        "Inductors, alone or with voltage sources, form a closed loop. The current that circulates in it is not \
         determined at DC and is taken as zero in the inductor named first; a transient goes on from there. A series \
         resistance, as every real coil has, determines it.";
    SHORTED_SOURCE = "E0507", "shorted source",
        "Both ends of a voltage source or an inductor are on the same node: the voltage across a single node is zero, \
         whatever the source says.";
    DANGLING = "L0509", "node with one connection",
        "Only one terminal is connected to this node, so no current can flow there. This is often a misspelt node name.";
    ARRAY_LINE = "E0512", "no such node in an array",
        "An `.array` has the nodes of its lines, `xb.wl[3]`, at their cells `xb.wl[3][5]` where the wire has a resistance, and at \
         far ends `xb.wl_far[3]` where the card says `far=wl`. Rows and columns are counted from 0. A node by any other name \
         would be connected to nothing in the array.";
    CURRENT_CUTSET = "E0510", "currents without a return path",
        "Independent current sources drive a part of the circuit that has no DC path to ground, and their currents do not \
         add up to zero: there is no operating point. Give the part a DC path, or start a transient with `uic`.";
}
