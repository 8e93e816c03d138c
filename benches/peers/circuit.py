"""A flat circuit, and the text of it that each simulator reads.

Quantities are SI floats. Only what every simulator can express is used: flat elements, piecewise linear and pulse
sources, model cards. Where a simulator lacks an element, its text is refused with the reason.
"""


class Cannot(Exception):
    """The circuit cannot be expressed for a simulator; the message says why."""


class Circuit:
    """Elements in order, model cards, saved nodes and one transient analysis."""

    def __init__(self, name, title):
        self.name, self.title = name, title
        self.elements, self.models, self.saved = [], {}, []
        self.step = self.stop = self.most = None
        self.reltol = 1e-3
        self.tight = 1e-6
        # Further options of ferrospice and ngspice, with a leading blank each.
        self.options = ""
        # Voltages near which the search for the operating point begins.
        self.nodeset = {}
        # What errors are relative to, for the simulators that let one choose; and all that are worth comparing.
        self.relref = ""
        self.relrefs = ("",)
        self.metric = "wave"
        # The signal is the difference of the two saved nodes.
        self.difference = False
        self.level = None
        self.product = None
        self.exact = None
        self.note = ""

    def add(self, kind, name, nodes, *rest):
        self.elements.append((kind, name, tuple(nodes), rest))

    def r(self, name, a, b, ohms):
        self.add("r", name, (a, b), ohms)

    def c(self, name, a, b, farads):
        self.add("c", name, (a, b), farads)

    def v(self, name, p, n, wave):
        self.add("v", name, (p, n), wave)

    def i(self, name, p, n, wave):
        self.add("i", name, (p, n), wave)

    def d(self, name, anode, cathode, model):
        self.add("d", name, (anode, cathode), model)

    def m(self, name, d, g, s, b, model, **size):
        self.add("m", name, (d, g, s, b), model, size)

    def memristor(self, name, te, be, x0):
        """Threshold memristor with the parameters `MEMRISTOR` and the initial state x0, reached by the operating point."""
        self.add("y", name, (te, be), x0)

    def model(self, name, kind, **params):
        self.models[name] = (kind, params)

    def tran(self, step, stop, most=None):
        """Print step, stop time, largest step (the print step where not given)."""
        self.step, self.stop, self.most = step, stop, most or step

    def save(self, *nodes):
        self.saved += nodes


# Conductance linear in the state, G = Goff + (Gon - Goff) x; beyond +-vt the state relaxes to a rail:
# dx/dt = beta (v - vt) (1 - x) for v > vt, beta (v + vt) x for v < -vt.
MEMRISTOR = {"ron": 5e3, "roff": 1e5, "beta": 2e8, "vt": 0.8}


def num(x):
    return f"{x:.12g}"


def pairs(params):
    return " ".join(f"{k}={num(v)}" for k, v in params.items())


def spice_wave(wave):
    kind, *args = wave
    if kind == "dc":
        return num(args[0])
    if kind == "pwl":
        args = [x for point in args[0] for x in point]
    lines, line = [], f"{kind.upper()}("
    for x in args:
        if len(line) > 100:
            lines.append(line)
            line = "+"
        line += f" {num(x)}"
    lines.append(line + ")")
    return "\n".join(lines)


SPICE_MEMRISTOR = [
    ".subckt memristor te be x0=0",
    "cx x 0 1",
    "vx x0 0 {x0}",
    "rx x x0 1",
    "bx 0 x i={beta:.12g}*(v(te,be)-0.5*(abs(v(te,be)+{vt:.12g})-abs(v(te,be)-{vt:.12g})))"
    "*(v(te,be)>0 ? 1-v(x) : v(x))",
    "bm te be i=v(te,be)*({goff:.12g}+{dg:.12g}*v(x))",
    ".ends",
]


def spice(circuit, tight=False, extra="", refuse=(), memristor=None):
    """The text for ferrospice and ngspice (and, less `refuse`d element kinds, gnucap). `memristor` is the Verilog-A file of
    the memristor, for who compiles it; else it is a subcircuit of behavioural sources."""
    reltol, abstol, vntol, most = tolerances(circuit, tight)
    out = [
        f"* {circuit.title}",
        f".options reltol={num(reltol)} abstol={num(abstol)} vntol={num(vntol)} method=trap{extra}",
    ]
    for name, (kind, params) in circuit.models.items():
        level = {"1": " level=1", "3": " level=3"}.get(kind[-1], "")
        out.append(f".model {name} {kind.rstrip('13')}{level} {pairs(params)}")
    if memristor and any(kind == "y" for kind, *_ in circuit.elements):
        out.append(f'.hdl "{memristor}"')
        out.append(f".model memristor threshold_memristor {pairs(MEMRISTOR)}")
    elif any(kind == "y" for kind, *_ in circuit.elements):
        if "y" in refuse:
            raise Cannot("no behavioural sources")
        p = MEMRISTOR
        values = {"beta": p["beta"], "vt": p["vt"], "goff": 1 / p["roff"], "dg": 1 / p["ron"] - 1 / p["roff"]}
        for line in SPICE_MEMRISTOR:
            for key, x in values.items():
                line = line.replace("{" + key + ":.12g}", num(x))
            out.append(line)
    for kind, name, nodes, rest in circuit.elements:
        head = f"{'x' if kind == 'y' else ''}{name} {' '.join(nodes)}"
        if kind in "rc":
            out.append(f"{head} {num(rest[0])}")
        elif kind in "vi":
            out.append(f"{head} {spice_wave(rest[0])}")
        elif kind == "d":
            out.append(f"{head} {rest[0]}")
        elif kind == "m":
            out.append(f"{head} {rest[0]} {pairs(rest[1])}")
        else:
            out.append(f"{head} memristor x0={num(rest[0])}")
    out += [f".nodeset v({node})={num(v)}" for node, v in circuit.nodeset.items()]
    tran = f".tran {num(circuit.step)} {num(circuit.stop)} 0 {num(most)}" if circuit.stop else ".op"
    return out, tran


def for_spice(circuit, tight=False, extra="", memristor=None):
    out, tran = spice(circuit, tight, extra + circuit.options, memristor=memristor)
    out.append(tran)
    save = [f"v({n})" for n in circuit.saved]
    for k in range(0, len(save), 8):
        out.append(".save " + " ".join(save[k : k + 8]))
    return "\n".join(out + [".end", ""])


def for_gnucap(circuit, table, tight=False):
    """gnucap writes a text table at the print step; the file name is part of the analysis card."""
    out, tran = spice(circuit, tight, " numdgt=10", refuse="y")
    if circuit.stop:
        out.append(".print tran " + " ".join(f"v({n})" for n in circuit.saved))
    out += [f"{tran} > {table}", ".status", ".end", ""]
    return "\n".join(out)


def vacask_wave(wave):
    kind, *a = wave
    if kind == "dc":
        return f"dc={num(a[0])}"
    if kind == "pulse":
        keys = ("val0", "val1", "delay", "rise", "fall", "width", "period")
        return f'dc={num(a[0])} type="pulse" ' + pairs(dict(zip(keys, a)))
    if kind == "sin":
        return f'dc={num(a[0])} type="sine" sinedc={num(a[0])} ampl={num(a[1])} freq={num(a[2])}'
    points = ", ".join(num(x) for point in a[0] for x in point)
    return f'dc={num(a[0][0][1])} type="pwl" wave=[{points}]'


def for_vacask(circuit, memristor=None, tight=False, options=""):
    """The native language of VACASK. The devices are those its authors time themselves with: its own resistor and
    capacitor, the SPICE models with the lean noise. `memristor` is the compiled Verilog-A module."""
    reltol, abstol, vntol, most = tolerances(circuit, tight)
    out = [circuit.title, 'load "resistor.osdi"', 'load "capacitor.osdi"']
    kinds = {kind for kind, _ in circuit.models.values()}
    for file, names in (("diode", {"d"}), ("mos1", {"nmos1", "pmos1"}), ("mos3", {"nmos3", "pmos3"})):
        if kinds & names:
            out.append(f'load "spice/sn/{file}.osdi"')
    if any(kind == "y" for kind, *_ in circuit.elements):
        if not memristor:
            raise Cannot("the memristor is Verilog-A and openvaf-r is not installed")
        out.append(f'load "{memristor}"')
        out.append(f"model memristor threshold_memristor ({pairs(MEMRISTOR)})")
    out += ["model r resistor", "model c capacitor", "model v vsource", "model i isource"]
    for name, (kind, params) in circuit.models.items():
        if kind == "d":
            out.append(f"model {name} sp_diode ({pairs(params)})")
        else:
            sign = 1 if kind[0] == "n" else -1
            out.append(f"model {name} sp_mos{kind[-1]} (type={sign} {pairs(params)})")
    for kind, name, nodes, rest in circuit.elements:
        head = f"{name} ({' '.join(nodes)})"
        if kind in "rc":
            out.append(f"{head} {kind} {kind}={num(rest[0])}")
        elif kind in "vi":
            out.append(f"{head} {kind} {vacask_wave(rest[0])}")
        elif kind == "d":
            out.append(f"{head} {rest[0]}")
        elif kind == "m":
            out.append(f"{head} {rest[0]} {pairs(rest[1])}")
        else:
            out.append(f"{head} memristor x0={num(rest[0])}")
    out.append("control")
    out += [f"  save v({n})" for n in circuit.saved]
    out.append(
        f'  options tran_method="trap" reltol={num(reltol)} abstol={num(abstol)} vntol={num(vntol)} {options}'.rstrip()
    )
    if circuit.stop:
        out.append(f"  analysis result tran step={num(circuit.step)} stop={num(circuit.stop)} maxstep={num(most)}")
    else:
        out.append("  analysis result op")
    return "\n".join(out + ["  print stats", "endc", ""])


def tolerances(circuit, tight):
    """reltol, abstol [A], vntol [V], largest step [s]; the reference run is a thousand times tighter (or what `--tight`
    says), at a quarter of the step."""
    if tight:
        return circuit.tight, 1e-9 * circuit.tight, 1e-3 * circuit.tight, (circuit.most or 0) / 4
    return circuit.reltol, 1e-12, 1e-6, circuit.most
