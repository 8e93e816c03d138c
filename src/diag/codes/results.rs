//! E07xx: results, measures, checks and files.

crate::codes! { CODES:
    UNKNOWN_SIGNAL = "E0701", "unknown signal",
        "A `.print`, `.save`, `.meas` or plot asks for a quantity that the run did not produce. Node voltages are \
         `v(node)`, branch currents `i(element)`, internals `@element[name]`.";
    MEASURE_SYNTAX = "E0702", "measure cannot be read",
        "A `.meas` card does not have one of the known forms. They are:\n\
         .meas tran NAME trig SIGNAL val=V [td=T] [rise|fall|cross=N|last] targ SIGNAL val=V [...]\n\
         .meas tran NAME find SIGNAL at=T        .meas tran NAME find SIGNAL when A=B [cross=N]\n\
         .meas tran NAME when A=B [td=T] [rise|fall|cross=N|last]\n\
         .meas tran NAME min|max|pp|avg|rms|integ|min_at|max_at SIGNAL [from=T] [to=T]\n\
         .meas tran NAME deriv SIGNAL at=T|when A=B        .meas tran NAME param='expression'\n\
         A SIGNAL is `v(a)`, `v(a,b)`, `i(x)`, `vdb(a)`, `par('expression')` or `'expression'`.";
    MEASURE_FAILED = "E0703", "measure has no result",
        "The event a `.meas` waits for did not happen within the run: a signal never crossed the level, crossed it fewer \
         times than asked for, or the interval `from`..`to` lies outside the data. The message says how often it \
         crossed and what range the signal covered. The result is NaN.";
    MEASURE_NAME = "E0704", "unknown name in a measure",
        "An expression of a `.meas` or `.check` uses a name that is neither a measure evaluated before it, nor a \
         parameter, nor a signal. Measures are evaluated in the order of the deck, so one can use those above it.";
    MEASURE_FUNCTION = "E0705", "unknown or misused function",
        "A signal expression calls a function that does not exist or has the wrong number of arguments. Besides the usual \
         functions there are `db(x) ph(x) mag(x) re(x) im(x) conj(x) deriv(x) integ(x)`, `v(a) v(a,b) i(x) p(x)` and, \
         with any letter of `m p r i` or `db` after `v` or `i`, the magnitude, phase, real part, imaginary part and \
         decibels of AC quantities: `vdb(out)`, `ip(v1)`.";
    MEASURE_WINDOW = "W0708", "interval that ends before it begins",
        "A measure's `from` lies after its `to`. The interval between the two is taken, whichever is first; write the \
         earlier one as `from`. A sweep that runs downwards may be measured either way.";
    MEASURE_WORD = "L0709", "word without effect in a measure",
        "`goal=`, `minval=` and `weight=` steer HSPICE's optimiser and `print=` its listing. The measure is made without \
         them; what a deck has to reach can be said with a `.check`.";
    MEASURE_TWICE = "W0710", "two measures of one name",
        "Both are made, but an expression or a `.check` that names them gets the later one, and so does whoever reads the \
         results by name. Give each a name of its own, also those of different analyses.";
    EMPTY_TABLE = "E0706", "no data to evaluate",
        "The analysis produced no points (it failed or was stopped at once), or the deck has no analysis of the kind that \
         the measure, Fourier or plot card names. Add the analysis, or change the kind on the card.";
    FOURIER_SPAN = "E0707", "Fourier analysis needs a full period",
        "`.four FREQ` analyses the last period 1/FREQ of the transient. The run is shorter than that, or FREQ is not \
         positive. Make the stop time at least one period; several are better, so that the start has died out.";
    CANNOT_WRITE = "E0720", "cannot write a file",
        "A result file could not be created or written. Files are written beside their target under a temporary name and \
         renamed at the end, so the folder must exist and be writable, and the disk must have room; the former file, if \
         any, is still there untouched.";
    CANNOT_READ = "E0721", "cannot read a file",
        "A result file could not be opened or read. The message has the system's reason.";
    BAD_FILE = "E0722", "result file is damaged or of another kind",
        "The file is not a raw file, CSV, npz or JSON result as far as it can be told, or it breaks off in its header. The \
         message says what was expected and where. Files cut off in their data are read up to the last whole point.";
    UNKNOWN_FORMAT = "E0723", "unknown file format",
        "Results are written as `raw`, `raw-ascii`, `csv`, `npz` or `json`, pictures as `svg` or `png`; the file name's \
         extension chooses. Give a known extension or name the format.";
    NOTHING_TO_PLOT = "E0730", "nothing to plot",
        "No trace has a point that can be drawn: the signals are unknown, empty, all NaN, or a logarithmic axis was asked \
         for and every value is zero.";
    LOG_OF_NEGATIVE = "W0731", "logarithmic axis of values that are not positive",
        "A logarithmic axis cannot show zero or negative numbers. Negative values are drawn by their magnitude and zeros \
         are left out as gaps. Plot `abs(x)` to say so yourself, or use a linear axis.";
    CANNOT_DRAW = "E0732", "picture could not be drawn",
        "The drawing library reported a fault, usually a size too small for the number of panes. Give a larger size or \
         fewer panes.";
}
