//! E085x: Verilog-A modules as devices.

crate::codes! { CODES:
    NOT_SUPPORTED = "E0850", "Verilog-A construct that cannot be simulated",
        "The construct is part of the language, or understood well enough to be named, but there is no way to simulate it \
         here. The rest of the module is fine; replace the construct named, or leave it out. Analog operators in loops need \
         loops whose number of rounds is known when the module is compiled.";
    TOO_LARGE = "E0851", "module too large when written out",
        "Loops with a known number of rounds and arrays are written out before the equations are differentiated. This \
         module then has more operations than can be compiled in reasonable time and memory: use smaller arrays or loops \
         whose bounds depend on something that is known only while simulating. An element whose index is known only then is \
         chosen from all of them, so that an index in a loop costs by the square of the array's size: 4096 elements at most.";
    UNKNOWN_SIMPARAM = "E0852", "simulator parameter that does not exist",
        "`$simparam(name)` without a default asks for a value that the simulator must have. Known names are gmin, tnom (°C), \
         sourceScaleFactor, scale, shrink, gdev, simulatorVersion and simulatorSubversion; for others give a default as the \
         second argument.";
    PARAM_RANGE = "E0853", "parameter outside of the range that its module declares",
        "A Verilog-A parameter may say which values make sense (`from (0:inf) exclude 1`). The value of this instance is not \
         among them, so that the module's equations would be used where they do not hold.";
    NO_MACHINE_CODE = "W0857", "module runs in the interpreter",
        "The code generator could not make machine code for this module, for the reason given. The results are the same, but \
         evaluation takes many times longer. This is a limit of the program, not a fault of the module.";
    MODULE_TWICE = "W0850", "module defined twice",
        "Two Verilog-A files of this deck define a module of the same name. Instances use the one that was read first; \
         remove one of the files, or rename a module.";
    NOT_A_CHARGE = "W0851", "time derivative with a factor that moves",
        "`c(v) * ddt(v)` is not the derivative of a charge: going around a loop of voltages leaves charge behind, and the \
         time derivative needs an unknown of its own. Integrate the capacitance and write `ddt(q(v))`.";
    CHARGE_LOST = "W0852", "charge that leaves through the global reference",
        "The charges that a module puts on its nodes do not sum to zero, because a branch with a `ddt` ends at ground. In a \
         circuit whose reference is elsewhere such a model is wrong; give it a terminal for that charge.";
    JUMP = "W0853", "equation that jumps",
        "A current or charge of the module changes by a finite amount over an arbitrarily small change of its voltages. \
         Newton's method cannot converge onto such a place, and time steps collapse when the solution is drawn to it.";
    WRONG_DERIVATIVE = "W0854", "derivative that differences contradict",
        "The derivative that the compiler made of an equation is not what differences of its values say. Where values come \
         from a limiting function that depends on the past this may be right; anywhere else it is worth a report.";
    NOT_FINITE = "W0855", "equation without a finite value",
        "At voltages of a volt or so an equation of the module is infinite or no number: a division by zero, the logarithm or \
         root of a negative number, or an exponential without limit. Guard the expression, or use `limexp`.";
    BAD_VALUES = "W0856", "allowed parameter values give infinite results",
        "With a parameter at an end of its declared range, or at half or twice its default, an equation has no finite value. \
         Ranges are meant to keep such values away.";
}
