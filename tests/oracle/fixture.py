"""One fixture for any module, in two languages.

Every port k is driven through a noiseless resistor from a source of gain g[k] times the common drive `ramp`, so that one
sweep moves all ports along a line through the origin of the port voltages:

    ramp --(x g[k])-- s[k] --R-- p[k] --port k of the module
"""
import dataclasses

OHMS = 50.0
FIXTURE = """`include "disciplines.vams"
module oracle_resistor(p, n);
  inout p, n;
  electrical p, n;
  parameter real r = 50;
  analog I(p, n) <+ V(p, n) / r;
endmodule

// What drives a transient: one period of a wave that has no corner and begins so flat that nothing depends on how each
// simulator takes its first steps.
module oracle_ramp(p, n);
  inout p, n;
  electrical p, n;
  parameter real level = 0.7;
  parameter real frequency = 1e6;
  real s;
  analog begin
    s = sin(3.14159265358979323846 * frequency * $abstime);
    s = s * s * s * s;
    V(p, n) <+ level * (0.7 + 0.6 * s * s);
  end
endmodule
"""
CONSTANTS = """`ifndef ORACLE_CONSTANTS
`define ORACLE_CONSTANTS
`define M_E 2.7182818284590452354
`define M_LOG2E 1.4426950408889634074
`define M_LOG10E 0.43429448190325182765
`define M_LN2 0.69314718055994530942
`define M_LN10 2.30258509299404568402
`define M_PI 3.14159265358979323846
`define M_TWO_PI 6.28318530717958647693
`define M_PI_2 1.57079632679489661923
`define M_PI_4 0.78539816339744830962
`define M_1_PI 0.31830988618379067154
`define M_2_PI 0.63661977236758134308
`define M_2_SQRTPI 1.12837916709551257390
`define M_SQRT2 1.41421356237309504880
`define M_SQRT1_2 0.70710678118654752440
`define P_Q 1.602176565e-19
`define P_C 2.99792458e8
`define P_K 1.3806488e-23
`define P_H 6.62606957e-34
`define P_EPS0 8.854187817e-12
`define P_U0 1.2566370614359172e-6
`define P_CELSIUS0 273.15
`define ORACLE_VT(t) (1.3806488e-23 / 1.602176565e-19 * (t))
`endif
"""
# Directions in the space of port voltages; repeated for modules with more ports.
LINES = {
    "a": [1.0, 0.8, 0.0, -0.1, 0.05, 0.0],
    "b": [0.6, -0.7, 0.1, 0.3, 0.0, -0.2],
    "c": [-0.3, 0.9, 0.5, 0.0, -0.4, 0.1],
}


# reltol, abstol [A], vntol [V] for VACASK, from the wished-for to the last resort. Its check of residuals is off: it
# measures them against the current into a node, which may be far below the rounding of the currents through that node
# (1 V times the conductance of a contact times 1e-16). Newton's last step says how far the solution is, as it does here.
TOLERANCES = [(1e-10, 1e-18, 1e-12), (1e-9, 1e-18, 1e-11), (1e-8, 1e-17, 1e-11), (1e-7, 1e-16, 1e-10)]


@dataclasses.dataclass
class Case:
    """A module under test: its file, name, ports, parameters, and the direction in which it is driven."""

    file: str
    module: str
    ports: list
    line: str = "a"
    params: dict = dataclasses.field(default_factory=dict)
    gains: list = None
    # Zero itself is left out: what is there is 0 in exact arithmetic, and rounding in any simulator.
    sweep: tuple = (-1.0, 1.0, 0.08)
    bias: float = 0.7
    frequency: float = 1e6
    shunt: float = 0.0

    def gain(self, k):
        gains = self.gains or LINES[self.line]
        return gains[k % len(gains)]

    def pairs(self):
        return " ".join(f"{k}={v}" for k, v in self.params.items())


def spice(case, analyses, parts):
    """The deck for ferrospice."""
    out = [f"* {case.module}", f'.hdl "{case.file}"', f'.hdl "{parts}"']
    if "tran" in analyses:
        out.append(f"xramp ramp 0 oracle_ramp level={case.bias:g} frequency={case.frequency:g}")
    else:
        out.append(f"vramp ramp 0 dc {case.bias:g} ac 1")
    for k, _ in enumerate(case.ports):
        out.append(f"e{k} s{k} 0 ramp 0 {case.gain(k):g}")
        out.append(f"xr{k} s{k} p{k} oracle_resistor r={OHMS:g}")
    nodes = " ".join(f"p{k}" for k in range(len(case.ports)))
    out.append(f"xdut {nodes} {case.module} {case.pairs()}".rstrip())
    out.append(
        f".options reltol=1e-8 abstol=1e-18 vntol=1e-11 gmin=1e-12 temp=27 tnom=27 method=be trtol=1e6 itl4=50"
        + (f" gshunt={case.shunt:g}" if case.shunt else "")
    )
    signals = [f"v(p{k})" for k in range(len(case.ports))] + [f"i(e{k})" for k in range(len(case.ports))]
    out.append(".save " + " ".join(signals))
    period = 1 / case.frequency
    a, b, step = case.sweep
    cards = {
        "op": ".op",
        "dc": f".dc vramp {a:g} {b:g} {step:g}",
        "ac": ".ac dec 1 1k 1g",
        # The first step is a tenth of the first number: all steps are equal.
        "tran": f".tran {period / 100:g} {period:g} 0 {period / 1000:g}",
        "noise": f".noise v(p0) vramp dec 1 1k 1g",
    }
    out += [cards[a] for a in analyses]
    return "\n".join(out + [".end", ""])


def vacask(case, analyses, osdi, parts, reltol=1e-8, abstol=1e-18, vntol=1e-11):
    """The deck for VACASK; every analysis writes a raw file of its own name."""
    out = [f"{case.module}", "ground 0", f'load "{osdi}"', f'load "{parts}"']
    out += ["model vsource vsource", "model vcvs vcvs", "model oracle_resistor oracle_resistor (r=50)"]
    out.append(f"model dut {case.module.lower()} ({case.pairs().lower()})" if case.params else f"model dut {case.module.lower()}")
    period = 1 / case.frequency
    if "tran" in analyses:
        out.append(f"model oracle_ramp oracle_ramp (level={case.bias:g} frequency={case.frequency:g})")
        out.append("xramp (ramp 0) oracle_ramp")
    else:
        out.append(f'vramp (ramp 0) vsource type="dc" dc={case.bias:g} mag=1')
    for k, _ in enumerate(case.ports):
        out.append(f"e{k} (s{k} 0 ramp 0) vcvs gain={case.gain(k):g}")
        out.append(f"r{k} (s{k} p{k}) oracle_resistor")
    nodes = " ".join(f"p{k}" for k in range(len(case.ports)))
    out.append(f"xdut ({nodes}) dut")
    out.append("control")
    out.append("  abort always")
    saves = [f"v(p{k})" for k in range(len(case.ports))] + [f"i(e{k})" for k in range(len(case.ports))]
    out.append("  save default " + " ".join(saves))
    out.append(
        f'  options reltol={reltol:g} abstol={abstol:g} vntol={vntol:g} temp=27 tnom=27 gmin=1e-12 tran_method="euler" '
        'tran_redofactor=0 tran_lteratio=1e6 tran_itl=50 tran_fs=1 relrefsol="pointlocal" relrefres="pointlocal" '
        "nr_residualcheck=0 minr=1e-3" + (f" gshunt={case.shunt:g}" if case.shunt else "")
    )
    a, b, step = case.sweep
    for name in analyses:
        if name == "op":
            out.append("  analysis op op")
        elif name == "dc":
            out.append(f'  sweep drive instance="vramp" parameter="dc" from={a:g} to={b:g} step={step:g}')
            out.append("  analysis dc op")
        elif name == "ac":
            out.append('  analysis ac ac from=1k to=1G mode="dec" points=1')
        elif name == "tran":
            out.append(f"  analysis tran tran step={period / 1000:g} stop={period:g} maxstep={period / 1000:g}")
        elif name == "noise":
            out.append('  analysis noise noise out="p0" in="vramp" from=1k to=1G mode="dec" points=1')
    return "\n".join(out + ["endc", ""])
