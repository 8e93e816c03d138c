"""The circuits of the comparison. Each function returns a Circuit; `quick` makes it small or short."""
import math

from circuit import Circuit

CARRIED = dict(tox=20e-9, cgso=0.3e-9, cgdo=0.3e-9, cj=0.3e-3, mj=0.5, cjsw=0.2e-9, mjsw=0.33, pb=0.8)
SUPPLY = 3.3


def cmos(c, level):
    if level == 1:
        rest = dict(gamma=0.4, phi=0.65, **{"lambda": 0.05}, **CARRIED)
        c.model("nch", "nmos1", vto=0.7, kp=100e-6, **rest)
        c.model("pch", "pmos1", vto=-0.7, kp=40e-6, **rest)
    else:
        rest = dict(nsub=2e16, xj=0.2e-6, theta=0.08, vmax=1.5e5, eta=0.02, kappa=0.3, **CARRIED)
        c.model("nch", "nmos3", vto=0.7, uo=500, **rest)
        c.model("pch", "pmos3", vto=-0.7, uo=180, **rest)


def n_size(w=2e-6):
    return dict(w=w, l=1e-6, ad=2e-6 * w, pd=2 * w + 4e-6, **{"as": 2e-6 * w, "ps": 2 * w + 4e-6})


def inverter(c, tag, a, out):
    c.m(f"mp{tag}", out, a, "vdd", "vdd", "pch", **n_size(4e-6))
    c.m(f"mn{tag}", out, a, "0", "0", "nch", **n_size(2e-6))


def nand(c, tag, a, b, out):
    c.m(f"mpa{tag}", out, a, "vdd", "vdd", "pch", **n_size(4e-6))
    c.m(f"mpb{tag}", out, b, "vdd", "vdd", "pch", **n_size(4e-6))
    c.m(f"mna{tag}", out, a, f"s{tag}", "0", "nch", **n_size(4e-6))
    c.m(f"mnb{tag}", f"s{tag}", b, "0", "0", "nch", **n_size(4e-6))


def start(quick):
    c = Circuit("start", "ten-line deck: what a start costs")
    c.v("v1", "a", "0", ("dc", 1))
    c.r("r1", "a", "b", 1e3)
    c.r("r2", "b", "c", 1e3)
    c.r("r3", "c", "0", 1e3)
    c.model("dm", "d", **{"is": 1e-14})
    c.d("d1", "b", "0", "dm")
    c.c("c1", "c", "0", 1e-9)
    c.save("b")
    c.metric = None
    return c


def rc(quick):
    """Pulse train of 1 V, 1 ms wide, every 2 ms into 1 kohm and 1 uF; one step a microsecond."""
    c = Circuit("rc", "single RC under a pulse train")
    delay, edge, width, period = 1e-6, 1e-6, 1e-3, 2e-3
    c.v("v1", "in", "0", ("pulse", 0, 1, delay, edge, edge, width, period))
    c.r("r1", "in", "out", 1e3)
    c.c("c1", "out", "0", 1e-6)
    c.tran(1e-6, 0.02 if quick else 1.0, 1e-6)
    c.save("out")

    def answer(times):
        """Closed form at increasing times: tau y' + y = u with u piecewise linear."""
        tau = 1e-3
        corners = [(0.0, 0.0)]
        for k in range(int(c.stop / period) + 2):
            t = delay + k * period
            corners += [(t, 0.0), (t + edge, 1.0), (t + edge + width, 1.0), (t + 2 * edge + width, 0.0)]
        k, y0, values = 0, 0.0, []

        def at(t):
            (t0, u0), (t1, u1) = corners[k], corners[k + 1]
            s, slope = t - t0, (u1 - u0) / (t1 - t0)
            decay = math.exp(-s / tau)
            return y0 * decay + u0 * (1 - decay) + slope * (s - tau * (1 - decay))

        for t in times:
            while t > corners[k + 1][0]:
                y0 = at(corners[k + 1][0])
                k += 1
            values.append(at(t))
        return values

    c.exact = answer
    return c


def ladder(quick):
    """1000 sections of 1 kohm and 1 pF; the diffusion reaches section n after n^2 ns."""
    n = 100 if quick else 1000
    c = Circuit("ladder", f"RC ladder of {n} sections under a pulse train")
    c.v("v1", "n0", "0", ("pulse", 0, 1, 0, 10e-9, 10e-9, 50e-6, 100e-6))
    for k in range(n):
        c.r(f"r{k + 1}", f"n{k}", f"n{k + 1}", 1e3)
        c.c(f"c{k + 1}", f"n{k + 1}", "0", 1e-12)
    c.tran(0.1e-6, 100e-6 if quick else 1e-3, 0.1e-6)
    c.save("n10", "n30", "n100")
    return c


def rectifier(quick, negative="0"):
    """The source floats but for 1 Gohm at either end."""
    c = Circuit("rectifier", "four-diode full-wave rectifier")
    c.model("dm", "d", **{"is": 1e-14, "rs": 0.5, "n": 1.05, "cjo": 20e-12, "m": 0.4, "vj": 0.7})
    c.v("v1", "a", "b", ("sin", 0, 20, 50))
    c.r("ra", "a", "0", 1e9)
    c.r("rb", "b", "0", 1e9)
    c.d("d1", "a", "p", "dm")
    c.d("d2", "b", "p", "dm")
    c.d("d3", negative, "a", "dm")
    c.d("d4", negative, "b", "dm")
    c.c("cl", "p", negative, 100e-6)
    c.r("rl", "p", negative, 1e3)
    c.tran(1e-6, 0.04 if quick else 1.0, 1e-6)
    c.save("p")
    return c


def rectifier_floating(quick):
    """The load floats too: while no diode conducts, everything hangs on 1 Gohm and junction capacitances, the stiffest
    moment there is in so small a circuit. Judged by the voltage across the load; that to ground is hardly defined."""
    c = rectifier(quick, "n")
    c.name, c.title = "rectifier_floating", "full-wave rectifier, source and load floating"
    c.save("n")
    c.difference = True
    return c


def multiplier(quick):
    """Cockcroft-Walton: n stages of two diodes and two capacitors raise 50 V to 2 n 50 V."""
    c = Circuit("multiplier", "five-stage diode voltage multiplier")
    c.model("dm", "d", **{"is": 76.9e-12, "rs": 42e-3, "n": 1.45, "cjo": 26.5e-12, "m": 0.333, "bv": 1000, "ibv": 5e-6})
    c.v("v1", "in", "0", ("sin", 0, 50, 100e3))
    c.r("r1", "in", "a0", 1)
    low, high = "0", "a0"
    for k in range(1, 6):
        c.c(f"ca{k}", high, f"a{k}", 100e-9)
        c.c(f"cb{k}", low, f"b{k}", 100e-9)
        c.d(f"da{k}", low, f"a{k}", "dm")
        c.d(f"db{k}", f"a{k}", f"b{k}", "dm")
        high, low = f"a{k}", f"b{k}"
    c.r("rl", low, "0", 10e6)
    c.tran(10e-9, 0.2e-3 if quick else 5e-3, 10e-9)
    c.save("b5", "b1")
    return c


def ring(name, stages, level, stop, quick_stop, most=100e-12):
    """A NAND and an even number of inverters: the enable launches one edge from a stable operating point, so that the
    edge runs round the ring the same way in every simulator."""

    def make(quick):
        c = Circuit(name, f"ring oscillator of {stages} CMOS stages, MOS level {level}")
        cmos(c, level)
        c.v("vdd", "vdd", "0", ("dc", SUPPLY))
        c.v("ven", "en", "0", ("pwl", [(0, 0), (1e-9, 0), (1.2e-9, SUPPLY)]))
        nand(c, "e", "en", f"n{stages - 1}", "n0")
        for k in range(1, stages):
            inverter(c, str(k), f"n{k - 1}", f"n{k}")
        c.tran(most, quick_stop if quick else stop, most)
        c.save("n0", f"n{min(stages - 1, 100) // 2}")
        c.metric, c.level = "period", SUPPLY / 2
        return c

    return make


def product_vectors(bits):
    full = (1 << bits) - 1
    return [(0, 0), (full, full), (0x5A5B & full, 0x2C7D & full), (full, 1)]


def array_multiplier(level):
    """Braun's array: bits^2 AND gates, carry-save rows of full adders, a ripple adder at the end, all of NAND gates and
    inverters. Each vector is held long enough to settle; the product is read at its end."""

    def make(quick):
        bits, slot = (4, 15e-9) if quick else (16, 60e-9)
        c = Circuit(f"mult16_mos{level}", f"{bits}x{bits} array multiplier, MOS level {level}")
        cmos(c, level)
        c.v("vdd", "vdd", "0", ("dc", SUPPLY))
        vectors = product_vectors(bits)[: 3 if not quick else 4]
        for letter, which in (("a", 0), ("b", 1)):
            for k in range(bits):
                points = [(0.0, 0.0)]
                last = 0.0
                for j, vector in enumerate(vectors):
                    level_now = SUPPLY * (vector[which] >> k & 1)
                    if level_now != last:
                        points += [(j * slot, last), (j * slot + 0.2e-9, level_now)]
                        last = level_now
                # a source that never moves is still a source: one input a bit
                c.v(f"v{letter}{k}", f"{letter}{k}", "0", ("pwl", points) if len(points) > 1 else ("dc", 0))
        count = iter(range(10**9))

        def gate_nand(a, b):
            tag = f"g{next(count)}"
            nand(c, tag, a, b, tag)
            return tag

        def gate_and(a, b, out=None):
            x = gate_nand(a, b)
            tag = out or f"g{next(count)}"
            inverter(c, tag, x, tag)
            return tag

        def half(a, b):
            x = gate_nand(a, b)
            total = gate_nand(gate_nand(a, x), gate_nand(b, x))
            tag = f"g{next(count)}"
            inverter(c, tag, x, tag)
            return total, tag

        def full(a, b, carry):
            x = gate_nand(a, b)
            h = gate_nand(gate_nand(a, x), gate_nand(b, x))
            y = gate_nand(h, carry)
            return gate_nand(gate_nand(h, y), gate_nand(carry, y)), gate_nand(x, y)

        partial = [[gate_and(f"a{j}", f"b{i}") for j in range(bits)] for i in range(bits)]
        outputs = [partial[0][0]]
        sums, carries = partial[0][1:], [None] * (bits - 1)
        for i in range(1, bits):
            row_sums, row_carries = [], []
            for j in range(bits - 1):
                a, b, carry = partial[i][j], sums[j], carries[j]
                s, k = half(a, b) if carry is None else full(a, b, carry)
                row_sums.append(s)
                row_carries.append(k)
            outputs.append(row_sums[0])
            sums, carries = row_sums[1:] + [partial[i][bits - 1]], row_carries
        carry = None
        for j in range(bits - 1):
            a, b = sums[j], carries[j]
            s, carry = half(a, b) if carry is None else full(a, b, carry)
            outputs.append(s)
        outputs.append(carry)
        for k, node in enumerate(outputs):
            c.r(f"rp{k}", node, f"p{k}", 1)
            c.c(f"cp{k}", f"p{k}", "0", 5e-15)
        c.tran(100e-12, slot * len(vectors), 500e-12)
        c.save(*(f"p{k}" for k in range(2 * bits)))
        c.metric, c.level = "settle", SUPPLY / 2
        c.product = (bits, slot, vectors)
        c.note = f"{sum(e[0] == 'm' for e in c.elements)} MOSFETs"
        return c

    return make


def array(quick):
    """1T1M with wire resistance: word lines (gates) are rows, bit lines (top electrodes) and source lines columns. Two
    rows are written with a checkered pattern, then read; slots of 50 ns."""
    n = 8 if quick else 64
    slot = 50e-9
    c = Circuit("array64", f"{n}x{n} 1T1M array, write and read of two rows")
    c.model("nch", "nmos1", vto=0.5, kp=120e-6, gamma=0.3, phi=0.7, tox=10e-9, cgso=0.3e-9, cgdo=0.3e-9, **{"lambda": 0.02})

    def slots(levels, edge):
        points = [(0.0, 0.0)]
        for k, level in enumerate(levels):
            if level:
                t = k * slot
                points += [(t + edge, 0.0), (t + 2 * edge, level), (t + slot - 2 * edge, level), (t + slot - edge, 0.0)]
        return ("pwl", points) if len(points) > 1 else ("dc", 0.0)

    rows = [0, n // 2]
    for i in range(n):
        levels = [3.0 if rows[k % 2] == i else 0.0 for k in range(4)]
        c.v(f"vw{i}", f"w{i}_0", "0", slots(levels, 1e-9))
    for j in range(n):
        levels = [1.8 if (j + k) % 2 == 0 else 0.0 for k in range(2)] + [0.2, 0.2]
        c.v(f"vb{j}", f"b0_{j}", "0", slots(levels, 3e-9))
        c.v(f"vs{j}", f"s0_{j}", "0", ("dc", 0.0))
    for i in range(n):
        for j in range(n):
            at = f"{i}_{j}"
            below, right = f"{i + 1}_{j}", f"{i}_{j + 1}"
            c.r(f"rb{at}", f"b{at}", f"b{below}", 2)
            c.r(f"rw{at}", f"w{at}", f"w{right}", 5)
            c.r(f"rs{at}", f"s{at}", f"s{below}", 2)
            c.c(f"cb{at}", f"b{below}", "0", 1e-15)
            c.c(f"cw{at}", f"w{right}", "0", 1e-15)
            c.memristor(f"x{at}", f"b{below}", f"d{at}", 0.2 + 0.1 * ((3 * i + 5 * j) % 7))
            c.m(f"m{at}", f"d{at}", f"w{right}", f"s{below}", "0", "nch", w=10e-6, l=0.5e-6)
    c.tran(0.5e-9, 4 * slot, 0.5e-9)
    # Half-selected lines carry microvolts: whether steps follow them is a choice.
    c.relrefs = ("alllocal", "sigglobal")
    c.save(f"b{n}_{n - 1}", f"s{n}_{n - 1}", f"d{n // 2}_{n - 1}", f"d0_{n - 2}", f"d1_1")
    return c


CIRCUITS = {
    "start": start,
    "rc": rc,
    "ladder": ladder,
    "rectifier": rectifier,
    "rectifier_floating": rectifier_floating,
    "multiplier": multiplier,
    "ring_mos1_11": ring("ring_mos1_11", 11, 1, 400e-9, 50e-9),
    "ring_mos3_11": ring("ring_mos3_11", 11, 3, 400e-9, 50e-9),
    "ring_mos1_101": ring("ring_mos1_101", 101, 1, 300e-9, 100e-9),
    "ring_mos3_101": ring("ring_mos3_101", 101, 3, 300e-9, 100e-9),
    "ring_mos1_1001": ring("ring_mos1_1001", 1001, 1, 800e-9, 40e-9),
    "mult16_mos1": array_multiplier(1),
    "mult16_mos3": array_multiplier(3),
    "array64": array,
}
