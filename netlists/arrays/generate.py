#!/usr/bin/env python3
"""Writes the array decks of this folder.

    python3 generate.py

The decks are committed; run it again after changing a size, a pattern or a pulse. Standard library only.
"""

import os

HERE = os.path.dirname(os.path.abspath(__file__))


def write(name, lines):
    with open(os.path.join(HERE, name), "w") as f:
        f.write("\n".join(lines) + "\n")


def pwl(points):
    """`pwl(...)` of (time in ns, volts) pairs, repeated values dropped."""
    kept = [p for k, p in enumerate(points)
            if k in (0, len(points) - 1) or not (points[k - 1][1] == p[1] == points[k + 1][1])]
    return "pwl(" + " ".join(f"{t:g}n {v:g}" for t, v in kept) + ")"


def slots(levels, slot, edge, start=0.0):
    """A waveform that holds levels[k] in the k-th slot of `slot` ns; edges of `edge` ns, back to rest between slots."""
    points = [(0.0, 0.0)]
    for k, level in enumerate(levels):
        t = start + k * slot
        points += [(t + edge, 0.0), (t + 2 * edge, level), (t + slot - 2 * edge, level), (t + slot - edge, 0.0)]
    points.append((start + len(levels) * slot, 0.0))
    return pwl(points)


def wrapped(head, items, per_line=10):
    """A long card on continuation lines."""
    out = [head]
    for k in range(0, len(items), per_line):
        out.append("+ " + " ".join(items[k:k + per_line]))
    return out


THRESHOLD = [
    "* Threshold memristor, conductance linear in the state: G = Goff + (Gon - Goff) x; beyond +-Vt the state relaxes to a rail:",
    "* dx/dt = beta (v - Vt) (1 - x) for v > Vt, beta (v + Vt) x for v < -Vt; x in [0, 1].",
    "* Positive v(te,be) beyond Vt sets (x -> 1, low resistance), negative resets.",
    ".subckt memristor te be ron=5k roff=100k x0=0 beta=2e8 vt=0.8",
    "cx x 0 1 ic={x0}",
    "rx x 0 1e12",
    "bx 0 x i={beta}*(v(te,be)-0.5*(abs(v(te,be)+{vt})-abs(v(te,be)-{vt})))"
    "*(v(te,be)>0 ? 1-v(x) : v(x))",
    "bm te be i=v(te,be)*({1/roff}+({1/ron-1/roff})*v(x))",
    ".ends",
]


def one_t_one_m(n=8):
    """1T1M: word lines (gates) are rows, bit lines (top electrodes) and source lines are columns."""
    slot, edge = 50, 1
    bits = [[1 if j in (i, n - 1 - i) else 0 for j in range(n)] for i in range(n)]
    phases = 1 + 2 * n
    d = [
        f"{n}x{n} one-transistor one-memristor array: reset, write a cross, read it back",
        "* Purpose: a 1T1M array with line resistance is reset as a block, written row by row with both diagonals (a cross),",
        "* and read row by row; read currents of written and unwritten cells are checked. Volts, amperes, seconds.",
        f"* Slots of {slot} ns: 0 reset all; 1..{n} write rows 0..{n - 1}; {n + 1}..{2 * n} read rows 0..{n - 1}.",
        "* Word lines are rows (gates), bit lines (top electrodes) and source lines are columns.",
        "* Reference: Y. Pershin & M. Di Ventra, Radioengineering 22:485 (2013), arXiv:1204.2600 (device);",
        "* F. Alibart, E. Zamanidoost, D. Strukov, Nat. Commun. 4:2072 (2013) (array use).",
        "* Written by generate.py.",
    ] + THRESHOLD + [
        ".model nch nmos level=1 vto=0.5 kp=120u lambda=0.02 gamma=0.3 phi=0.7 tox=10n cgso=0.3n cgdo=0.3n",
        "* cell: bit line in and out, word line in and out, source line in and out; wire segments of 2 ohm and 1 fF",
        ".subckt cell bi bo wi wo si so x0=0.5",
        "rb bi bo 2",
        "rw wi wo 5",
        "rs si so 2",
        "cb bo 0 1f",
        "cw wo 0 1f",
        "xm bo d memristor x0={x0}",
        "m1 d wo so 0 nch w=10u l=0.5u",
        ".ends",
        "* the watched cell has an ammeter in series, for the hysteresis plot",
        ".subckt watched bi bo wi wo si so x0=0.5",
        "rb bi bo 2",
        "rw wi wo 5",
        "rs si so 2",
        "cb bo 0 1f",
        "cw wo 0 1f",
        "va bo te 0",
        "xm te d memristor x0={x0}",
        "m1 d wo so 0 nch w=10u l=0.5u",
        ".ends",
    ]
    for i in range(n):
        gate = [3.0 if p == 0 or p == 1 + i or p == 1 + n + i else 0.0 for p in range(phases)]
        d += [f"vw{i} w{i}_0 0 " + slots(gate, slot, edge)]
    for j in range(n):
        bl = [0.0] + [1.8 if bits[i][j] else 0.0 for i in range(n)] + [0.2] * n
        sl = [2.0] + [0.0] * (2 * n)
        # Bit-line pulses lie inside the word-line pulses.
        d += [f"vb{j} b0_{j} 0 " + slots(bl, slot, 3 * edge)]
        d += [f"vs{j} s0_{j} 0 " + slots(sl, slot, 3 * edge)]
    for i in range(n):
        for j in range(n):
            kind = "watched" if (i, j) == (0, 0) else "cell"
            x0 = round(0.2 + 0.6 * ((7 * i + 3 * j) % n) / n, 3)
            d.append(f"x{i}_{j} b{i}_{j} b{i + 1}_{j} w{i}_{j} w{i}_{j + 1} s{i}_{j} s{i + 1}_{j} {kind} x0={x0}")
    end = phases * slot
    d += ["* States begin to move exponentially: at a reltol of 1e-3 their onset would be off by a percent of their range.",
          ".options reltol=3e-4", f".tran 1n {end}n uic"]
    checks = []
    for i, j in ((0, 0), (0, 7), (3, 4), (5, 5)):
        t = (1 + n + i) * slot + slot / 2
        d.append(f".meas tran on_{i}{j} find i(vs{j}) at={t:g}n")
        checks.append(f".check on_{i}{j} on_{i}{j} between 34u and 40u")
    for i, j in ((0, 1), (3, 0), (7, 6)):
        t = (1 + n + i) * slot + slot / 2
        d.append(f".meas tran off_{i}{j} find i(vs{j}) at={t:g}n")
        checks.append(f".check off_{i}{j} off_{i}{j} between 1u and 2.5u")
    for i, j in ((0, 0), (1, 2), (4, 3)):
        d.append(f".meas tran x_{i}{j} find v(x{i}_{j}.xm.x) at={end}n")
        checks.append(f".check state_{i}{j} x_{i}{j} within 0.02 of {bits[i][j]}")
    d += checks
    d += [
        "* hysteresis of the watched cell: its current against its voltage; column currents and a state",
        ".plot tran i(x0_0.va) vs v(x0_0.te,x0_0.d)",
        ".plot tran v(x0_0.xm.x) i(vs0)",
        f"*golden signals=v(x0_0.d),v(x0_0.xm.x),v(x3_0.xm.x) tran=5e-3 why=\"states begin to move exponentially, which multiplies the errors of steps\"",
        ".end",
    ]
    write(f"1t1m_{n}x{n}.cir", d)


def passive(n=16):
    """1M (passive) crossbar with line resistance: V/2 writes of the diagonal, then reads."""
    slot, edge = 40, 1
    v = 1.5
    reads = [0, n // 2, n - 1]
    phases = n + len(reads)
    d = [
        f"{n}x{n} passive memristor crossbar: V/2 write of the diagonal, grounded read",
        "* Purpose: a crossbar without selectors and with line resistance; each diagonal cell is written at V with all other",
        "* lines at V/2, half-selected cells must not move; rows are then read into grounded columns. Volts, amperes, seconds.",
        f"* Slots of {slot} ns: k = 0..{n - 1} writes cell (k, k); then rows {', '.join(map(str, reads))} are read at 0.2 V.",
        "* Reference: C. Xu et al., HPCA 2015 (V/2 scheme); device: Y. Pershin & M. Di Ventra, arXiv:1204.2600.",
        "* Written by generate.py.",
    ] + THRESHOLD
    tops = [f"t{j}" for j in range(n)]
    bottoms = [f"c{j}" for j in range(n)]
    d += ["* one row: row line driven at r, crossing the columns between t and c; wire segments of 1 ohm"]
    d += wrapped(".subckt row r", tops + bottoms, 16)
    for j in range(n):
        left = "r" if j == 0 else f"r{j - 1}"
        d += [f"rr{j} {left} r{j} 1", f"rc{j} t{j} c{j} 1", f"x{j} r{j} c{j} memristor"]
    d += [".ends"]
    for i in range(n):
        levels = [v if p == i else v / 2 for p in range(n)] + [0.2 if i == r else 0.0 for r in reads]
        d += [f"vr{i} row{i} 0 " + slots(levels, slot, edge)]
    for j in range(n):
        levels = [0.0 if p == j else v / 2 for p in range(n)] + [0.0] * len(reads)
        d += [f"vc{j} n0_{j} 0 " + slots(levels, slot, edge)]
    for i in range(n):
        d += wrapped(f"xr{i} row{i}",
                     [f"n{i}_{j}" for j in range(n)] + [f"n{i + 1}_{j}" for j in range(n)] + ["row"], 16)
    end = phases * slot
    d += [".options reltol=1e-3", f".tran 1n {end}n uic"]
    for k, r in enumerate(reads):
        t = (n + k) * slot + slot / 2
        d.append(f".meas tran on_{r} find i(vc{r}) at={t:g}n")
        d.append(f".meas tran off_{r} find i(vc{(r + 3) % n}) at={t:g}n")
        d.append(f".check on_{r} on_{r} between 36u and 40.2u")
        d.append(f".check off_{r} off_{r} between 1.8u and 2.4u")
    d += [
        f".meas tran kept find v(xr0.x5.x) at={end}n",
        f".meas tran wrote find v(xr{n - 1}.x{n - 1}.x) at={end}n",
        ".check half_selected kept within 1e-3 of 0",
        ".check written wrote within 0.04 of 1",
        f".plot tran i(vc0) v(row0,n1_0) v(xr0.x0.x) v(xr{n - 1}.x{n - 1}.x)",
        f"*golden signals=i(vc0),i(vc3),v(xr0.x0.x),v(xr{n - 1}.x{n - 1}.x)",
        ".end",
    ]
    write(f"1m_{n}x{n}.cir", d)


def hardclip(n):
    """Behavioural memristors with the state clipped hard at its rails, as ngspice's own example does it."""
    d = [
        f"{n}x{n} array of hard-clipped behavioural memristors: V/2 write of one row",
        "* Purpose: the state stops at its rails by a comparison in a behavioural source, so its rate jumps to zero there:",
        "* a discontinuity that makes step control collapse. One row is written for 10 ns, even columns selected. Volts, ohms, seconds.",
        "* v(..x) is the resistance in ohm; the spread of starting values makes the cells hit the rail at different times.",
        "* Reference: equations of Y. Pershin & M. Di Ventra, arXiv:1204.2600, in the netlist style of SPICE memristor examples.",
        "* Written by generate.py.",
        ".func rate(v,vt,beta) {beta*(v-0.5*(abs(v+vt)-abs(v-vt)))}",
        ".subckt memristor p m rinit=5k rmin=1k rmax=10k beta=2e12 vt=1.6",
        "bx 0 x i=((rate(v(p,m),{vt},{beta})>0 && v(x)<{rmax}) || (rate(v(p,m),{vt},{beta})<0 && v(x)>{rmin})) ? "
        "rate(v(p,m),{vt},{beta}) : 0",
        "cx x 0 1 ic={rinit}",
        "rx x 0 1e12",
        "rm p m r='v(x)'",
        ".ends",
        "* a row of cells; s spreads the starting resistances over 1k..10k",
        ".func spread(k) {1k+9k*((k)-floor(k))}",
    ]
    columns = [f"c{j}" for j in range(n)]
    d += wrapped(".subckt row r", columns + ["s=0"], 16)
    d += [f"x{j} r c{j} memristor rinit={{spread({0.05 + 0.381966 * j:.6g}+s)}}" for j in range(n)]
    d += [".ends"]
    pulse = lambda v: f"pulse(0 {v:g} 1n 0.1n 0.1n 10n 100n)"
    # Drivers of 0.1 ohm: the selected row carries up to n times 3 mA.
    d += [f"vr0 dr0 0 {pulse(3)}", "rr0 dr0 row0 0.1"]
    for i in range(1, n):
        d += [f"vr{i} dr{i} 0 {pulse(1.5)}", f"rr{i} dr{i} row{i} 0.1"]
    for j in range(n):
        d += [f"vc{j} dc{j} 0 {pulse(0 if j % 2 == 0 else 1.5)}", f"rc{j} dc{j} col{j} 0.1"]
    for i in range(n):
        d += wrapped(f"xr{i} row{i}", [f"col{j}" for j in range(n)] + ["row", f"s={0.137 * i:.6g}"], 16)
    start = lambda i, j: 1e3 + 9e3 * ((0.05 + 0.381966 * j + 0.137 * i) % 1.0)
    d += [
        ".tran 0.1n 15n uic",
        ".meas tran rail_00 find v(xr0.x0.x) at=15n",
        ".meas tran rail_04 find v(xr0.x4.x) at=15n",
        ".meas tran half_01 find v(xr0.x1.x) at=15n",
        ".meas tran half_30 find v(xr3.x0.x) at=15n",
        ".check selected_00 rail_00 between 9.99k and 10.2k",
        ".check selected_04 rail_04 between 9.99k and 10.2k",
        f".check unselected_01 half_01 within 0.01% of {start(0, 1):.6f}",
        f".check unselected_30 half_30 within 0.01% of {start(3, 0):.6f}",
        ".plot tran v(xr0.x0.x) v(xr0.x2.x) v(xr0.x4.x) i(vr0)",
        ".end",
    ]
    write(f"hardclip_{n}x{n}.cir", d)


if __name__ == "__main__":
    one_t_one_m()
    passive()
    for size in (8, 32, 64):
        hardclip(size)
