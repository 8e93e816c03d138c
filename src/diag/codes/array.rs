//! E09xx: arrays as primitives.

crate::codes! { CODES:
    ARRAY_SHAPE = "E0901", "array data of the wrong shape",
        "Two descriptions of an array disagree: the matrix of cells has m rows and n columns, so there are m word lines \
         and n bit lines, and every list that belongs to the lines or to the cells must have as many entries. Rows of a \
         CSV file must all have the same number of fields. The message says what was expected and what was found. A \
         matrix whose columns are the word lines can be read with `--transpose`.";
    ARRAY_CELL = "E0902", "cell without a valid value",
        "A conductance must be a number of 0 S or more, a resistance a number above 0 Ω; infinity is an open cell. The \
         message names the cells by row and column, counted from 0, as the matrix has them. NaN in measured data usually \
         means `not measured`: replace it, or declare the cell dead with `--dead ROW,COL`.";
    ARRAY_WIRE = "E0903", "wire or driver that is not valid",
        "Resistances of wire segments and of drivers are 0 Ω or more; an end that is not connected has an infinite \
         resistance. Voltages and capacitances are finite, capacitances 0 F or more. A line whose wire has no resistance \
         cannot be broken, since it has no segments, and cannot have two sources without resistance.";
    ARRAY_PLACE = "E0904", "row or column that the array does not have",
        "Rows (word lines) and columns (bit lines) are counted from 0: an array of 128 x 64 has the rows 0 to 127 and \
         the columns 0 to 63. Cells are written `ROW,COL`. The message has the range.";
    ARRAY_SIZE = "E0905", "array too large or empty",
        "An array has at least one row and one column, and at most 2^28 cells (16384 x 16384), which is some twenty \
         gigabytes of work space.";
    ARRAY_UNTIED = "W0906", "lines that nothing determines",
        "A floating line, or a group of them, has no path to any driver: its cells are all open, or lead to lines that \
         float as well. No current flows there and its voltage could be anything; it is reported as NaN. Connect an end \
         of the line (a large resistance will do) if the voltage matters.";
    ARRAY_UNSOLVED = "E0907", "array not solved to the tolerance",
        "The iteration over the wire planes did not reach the tolerance. The number of iterations grows with \
         n sqrt(r g), where n is the length of the lines, r the resistance of a wire segment and g the conductance of \
         the cells. Values that span more than about ten decades leave no digits: check the units (ohms or siemens, \
         `--resistances` or `--conductances`), or allow a larger `--tol`.";
    ARRAY_NO_CONVERGENCE = "E0908", "nonlinear array not converged",
        "Newton's method over the cells did not converge, not even with the sources turned up in steps. The message names \
         the cell with the largest remaining imbalance. Look at the cell's law at the voltages that it sees: a jump in \
         its current, or a negative slope that the wires cannot hold, has no solution or several.";
    ARRAY_FILE = "E0910", "array file cannot be read",
        "Matrices and vectors are read from NumPy files (`.npy`, little-endian `f8`, `f4`, `i8` or `i4`, C or Fortran \
         order), from arrays of `.npz` files (`FILE.npz:NAME`) and from text with one row a line and commas or blanks \
         between numbers; `#` begins a comment. Numbers may have SI suffixes (`10k`). The message has the place.";
    ARRAY_LAW = "E0911", "cell law with a parameter out of range",
        "A law of cells has a parameter that it cannot work with. The parameters of each law and their ranges are listed \
         by `ferrospice array laws`.";
    ARRAY_STEP = "E0912", "transient of the array cannot go on",
        "The time step fell below the smallest that makes sense without a solution that satisfies the tolerances. The \
         message has the time and the cell that changes fastest. Often a state runs away: its rate has no bound, or its \
         window does not stop it.";
    ARRAY_CELL_MODEL = "E0913", "cell model does not fit the array",
        "A cell of a crossbar is a circuit between its word line and its bit line, `wl` and `bl`: models, native or \
         Verilog-A, subcircuits, and nodes of its own. It knows neither ground nor the currents of elements elsewhere. Put \
         what needs them outside of the array.";
}
