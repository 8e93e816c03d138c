//! E085x: Verilog-A modules as devices.

crate::codes! { CODES:
    NOT_SUPPORTED = "E0850", "Verilog-A construct that cannot be simulated",
        "The construct is part of the language, or understood well enough to be named, but there is no way to simulate it \
         here. The rest of the module is fine; replace the construct named, or leave it out. Analog operators in loops need \
         loops whose number of rounds is known when the module is compiled.";
    TOO_LARGE = "E0851", "module too large when written out",
        "Loops with a known number of rounds and arrays are written out before the equations are differentiated. This \
         module then has more operations than can be compiled in reasonable time and memory: use smaller arrays or loops \
         whose bounds depend on something that is known only while simulating.";
    UNKNOWN_SIMPARAM = "E0852", "simulator parameter that does not exist",
        "`$simparam(name)` without a default asks for a value that the simulator must have. Known names are gmin, tnom (°C), \
         sourceScaleFactor, scale, shrink, gdev, simulatorVersion and simulatorSubversion; for others give a default as the \
         second argument.";
    PARAM_RANGE = "E0853", "parameter outside of the range that its module declares",
        "A Verilog-A parameter may say which values make sense (`from (0:inf) exclude 1`). The value of this instance is not \
         among them, so that the module's equations would be used where they do not hold.";
    MODULE_TWICE = "W0850", "module defined twice",
        "Two Verilog-A files of this deck define a module of the same name. Instances use the one that was read first; \
         remove one of the files, or rename a module.";
}
