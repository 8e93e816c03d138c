#!/usr/bin/env python3
"""Writes the tables beside the `.array` decks of this folder and prints the closed forms that they check.

    python3 generate_tables.py

The tables are committed; run it again after changing a formula. Standard library only.
"""

import math
import os

HERE = os.path.dirname(os.path.abspath(__file__))


def table(name, rows, cols, value):
    """A line for each row, a value for each column."""
    with open(os.path.join(HERE, name), "w") as f:
        for i in range(rows):
            f.write(",".join(f"{value(i, j):.6g}" for j in range(cols)) + "\n")
    return [[float(f"{value(i, j):.6g}") for j in range(cols)] for i in range(rows)]


# --- uniform_30x20.cir: exact solution of a uniform crossbar by sine transforms ---


def total(terms):
    """Sum without rounding of real numbers, also of the two parts of complex ones."""
    terms = [complex(t) for t in terms]
    re, im = math.fsum(t.real for t in terms), math.fsum(t.imag for t in terms)
    return complex(re, im) if im else re


def uniform(v, n, g, gw, gb):
    """Column currents and node voltages of both planes. Rows driven at column 0 through one segment, columns grounded
    behind the last row through one segment."""
    m = len(v)
    th = [(2 * l + 1) * math.pi / (2 * n + 1) for l in range(n)]
    lam = [4 * gw * math.sin(t / 2) ** 2 for t in th]
    psi = [[2 / math.sqrt(2 * n + 1) * math.sin((j + 1) * th[l]) for l in range(n)] for j in range(n)]
    tp = [(2 * k + 1) * math.pi / (2 * m + 1) for k in range(m)]
    mu = [4 * gb * math.sin(t / 2) ** 2 for t in tp]
    phi = [[2 / math.sqrt(2 * m + 1) * math.sin((m - i) * tp[k]) for k in range(m)] for i in range(m)]
    fv = [sum(v[i] * phi[i][k] for i in range(m)) for k in range(m)]
    w_kl, b_kl = [[0.0] * n for _ in range(m)], [[0.0] * n for _ in range(m)]
    for k in range(m):
        for l in range(n):
            f = gw * psi[0][l] * fv[k]
            d = lam[l] * mu[k] + g * (lam[l] + mu[k])
            w_kl[k][l], b_kl[k][l] = (mu[k] + g) * f / d, g * f / d

    def back(x):
        half = [[total(x[k][l] * psi[j][l] for l in range(n)) for j in range(n)] for k in range(m)]
        return [[total(phi[i][k] * half[k][j] for k in range(m)) for j in range(n)] for i in range(m)]

    w, b = back(w_kl), back(b_kl)
    currents = [gb * b[m - 1][j] for j in range(n)]
    return currents, w, b


def uniform_deck():
    m, n, r, rw, rb = 30, 20, 1e3, 2.0, 5.0
    v = [u[0] for u in table("uniform_inputs.csv", m, 1, lambda i, j: (1 + 7 * i % m) / m)]
    current, w, b = uniform(v, n, 1 / r, 1 / rw, 1 / rb)
    lines = [
        "Uniform 30x20 crossbar with wires against its exact solution",
        "* Purpose: equal cells, segments of 2 ohm (word lines) and 5 ohm (bit lines), a different input on every word line; all",
        "* column currents and some node voltages against the solution by sine transforms. Amperes, volts.",
        "* g cells, gw and gb segments; t_l = (2l-1) pi/(2n+1), a_l = 4 gw sin^2(t_l/2), p_l(j) = 2/sqrt(2n+1) sin((j+1) t_l);",
        "* u_k = (2k-1) pi/(2m+1), c_k = 4 gb sin^2(u_k/2), q_k(i) = 2/sqrt(2m+1) sin((m-i) u_k); l = 1..n, k = 1..m;",
        "* F_kl = gw p_l(0) sum_i V_i q_k(i), D_kl = a_l c_k + g (a_l + c_k);",
        "* w_ij = sum q_k(i) p_l(j) (c_k + g) F_kl/D_kl, b_ij = sum q_k(i) p_l(j) g F_kl/D_kl, I_j = gb b_(m-1)j.",
        "* Written by generate_tables.py.",
        f".array XB rows={m} cols={n} cell=r r=1k rwl=2 rbl=5",
        "* inputs: a column of sources, one for each word line",
        ".subckt input p n u=0",
        "v1 p n {u}",
        ".ends",
        f'.array XIN rows={m} cols=1 cell=input pins="wl 0" map="u:uniform_inputs.csv"',
        f"V[0:{m - 1}] xin.wl[0:{m - 1}] xb.wl[0:{m - 1}] 0",
        f"Vs[0:{n - 1}] xb.bl[0:{n - 1}] 0 0",
        ".op",
    ]
    for j in range(n):
        lines.append(f".check column_{j} i(vs[{j}]) within 1e-7% of {current[j]:.15g}")
    for i, j in ((0, 0), (0, n - 1), (m // 2, n // 2), (m - 1, n - 1)):
        lines.append(f".check w_{i}_{j} v(xb.wl[{i}][{j}]) within 1e-7% of {w[i][j]:.15g}")
        lines.append(f".check b_{i}_{j} v(xb.bl[{j}][{i}]) within 1e-7% of {b[i][j]:.15g}")
    out = [f"i(vs[{j}])" for j in range(n)]
    into = [f"i(v[{i}])" for i in range(m)]
    parts = ["+".join(into[k:k + 10]) for k in range(0, m, 10)] + ["+".join(out[k:k + 10]) for k in range(0, n, 10)]
    lines += ["* what goes in comes out", ".check balance '" + "\n+ +".join(parts[:3])]
    lines += ["+ -(" + "\n+ +".join(parts[3:]) + ")' within 1e-12 of 0"]
    lines.append(".end")
    with open(os.path.join(HERE, "uniform_30x20.cir"), "w") as f:
        f.write("\n".join(lines) + "\n")


# --- vmm_1t1r_128x64.cir ---

KP, W_L, OVERDRIVE = 120e-6, 4.0, 2.5


def cell_1t1r(v, r, over=OVERDRIVE):
    """Resistor on the drain side of a level-1 transistor in its linear region."""
    k = KP * W_L
    b = 1 + k * r * over
    x = (b - math.sqrt(b * b - 2 * k * r * v)) / (k * r)
    return (v - x) / r


def vmm():
    m, n = 128, 64
    r = table("vmm_r.csv", m, n, lambda i, j: 1e4 * 10 ** (2 * ((37 * i + 23 * j + i * j) % 101) / 101))
    v = [u[0] for u in table("vmm_inputs.csv", m, 1, lambda i, j: 0.2 * ((29 * i) % 128) / 127)]
    rw = 1.0
    ideal = [[cell_1t1r(v[i], r[i][j]) for j in range(n)] for i in range(m)]
    # No cell carries more than in the ideal array, so no node is further from its source than this.
    row, col = [[0.0] * n for _ in range(m)], [[0.0] * n for _ in range(m)]
    for i in range(m):
        for j in range(n):
            row[i][j] = rw * math.fsum((min(k, j) + 1) * ideal[i][k] for k in range(n))
            col[i][j] = rw * math.fsum((m - max(k, i)) * ideal[k][j] for k in range(m))
    least = [math.fsum(
        cell_1t1r(max(v[i] - row[i][j] - col[i][j], 0), r[i][j], OVERDRIVE - col[i][j]) if v[i] > row[i][j] + col[i][j]
        else -(row[i][j] + col[i][j] - v[i]) / r[i][j] for i in range(m)) for j in range(n)]
    print("vmm: ideal sum and bound of columns")
    for j in (0, 17, 31, 63):
        s = math.fsum(ideal[i][j] for i in range(m))
        print(f"  {j}: {s:.10g} {least[j]:.10g}")
    print(f"  power of the ideal array {math.fsum(v[i] * x for i in range(m) for x in ideal[i]):.10g}")


def read_1s1r():
    """One cell off, the others on."""
    table("read_x0.csv", 32, 32, lambda i, j: 1 if (i, j) == (1, 1) else 0)
    on, off = (1 / 4e3 + 15.5 / 4e3) * 2.3, (1 / 1e6 + 15.5 / 4e3) * 2.3
    print(f"read without selectors: {on:.10g} {off:.10g}")


def faults():
    m, n = 12, 8
    g = table("faults_g.csv", m, n, lambda i, j: 1e-6 * (5 + (7 * i + 11 * j) % 23))
    v = [0.05 * (1 + (5 * i) % 7) for i in range(m)]
    for j in range(n):
        good = math.fsum(v[i] * g[i][j] for i in range(m))
        bad = [[g[i][k] for k in range(n)] for i in range(m)]
        bad[3][2] = bad[9][2] = bad[4][6] = 0.0
        bad[5][1], bad[7][4] = 1 / 2e3, 1 / 1e9
        for k in range(3, n):
            bad[6][k] = 0.0
        for i in range(0, 5):
            bad[i][5] = 0.0
        print(f"faults {j}: {good:.10g} {math.fsum(v[i] * bad[i][j] for i in range(m)):.10g}")
    print("faults, inputs " + " ".join(f"{x:.3g}" for x in v))


def stack():
    g = table("stack_g.csv", 9, 4, lambda i, j: 1e-6 * (10 + (13 * i + 5 * j) % 17))
    v0, v2 = [0.1, 0.2, 0.3], [-0.15, 0.25, 0.05]
    for j in range(4):
        b1 = math.fsum(g[i][j] * v0[i] + g[3 + i][j] * v2[i] for i in range(3))
        b3 = math.fsum(g[6 + i][j] * v2[i] for i in range(3))
        print(f"stack, bit line {j}: {b1:.10g} {b3:.10g}")
    for i in range(3):
        print(f"stack, word line {i}: {v0[i] * math.fsum(g[i]):.10g} "
              f"{v2[i] * math.fsum(g[3 + i] + g[6 + i]):.10g}")
    # bit lines of plane 1 float: a node equation for each
    for j in range(4):
        up = math.fsum(g[i][j] * v0[i] + g[3 + i][j] * v2[i] for i in range(3))
        print(f"stack, floating bit line {j}: {up / math.fsum(g[i][j] + g[3 + i][j] for i in range(3)):.10g}")


def ecram():
    """Starting occupations around one half."""
    table("ecram_x0.csv", 8, 8, lambda i, j: 0.48 + 0.04 * ((3 * i + 5 * j) % 8) / 7)


def complex_uniform():
    """Cells 1 kOhm with 1 pF across, segments of 2 and 5 ohm, 12x16, one row driven, 100 MHz."""
    v = [0.0] * 12
    v[3] = 1.0
    y = 1e-3 + 2j * math.pi * 1e8 * 1e-12
    current, w, _ = uniform(v, 16, y, 1 / 2, 1 / 5)
    for name, x in (("I_0", current[0]), ("I_15", current[15]), ("w_3_15", w[3][15])):
        print(f"ac {name}: {abs(x):.12g} {math.atan2(x.imag, x.real):.12g}")


def delay():
    """Time to one half at the end of a ladder of 128 segments of 10 ohm and 1 fF."""
    n, rc = 128, 10 * 1e-15

    def rest(t):
        # 1 - v at the last node: sum over the modes of the ladder
        out = 0.0
        for k in range(1, n + 1):
            th = (2 * k - 1) * math.pi / (2 * n + 1)
            lam = 4 * math.sin(th / 2) ** 2
            psi_first, psi_last = math.sin(th), math.sin(n * th)
            out += 4 / (2 * n + 1) * psi_first * psi_last / lam * math.exp(-lam * t / rc)
        return out

    lo, hi = 0.0, 1e-6
    for _ in range(200):
        mid = (lo + hi) / 2
        lo, hi = (mid, hi) if rest(mid) > 0.5 else (lo, mid)
    print(f"delay: 1 at t = 0 is {rest(0):.12g}, half at {lo:.10g} s, Elmore {rc * n * (n + 1) / 2:.10g} s")


def differential():
    """Weights of both signs on pairs of cells."""
    m, n = 16, 10
    w = [[((7 * i + 11 * j + i * j) % 31 - 15) / 15 for j in range(n)] for i in range(m)]
    r = table("pairs_r.csv", m, 2 * n, lambda i, j: 1 / (1e-6 + 50e-6 * max(0, w[i][j // 2] * (1 if j % 2 == 0 else -1))))
    v = [0.01 * ((5 * i) % 16 - 8) for i in range(m)]
    print("pairs, inputs " + " ".join(f"{x:.3g}" for x in v))
    for j in range(n):
        print(f"pairs {j}: {math.fsum(v[i] * (1 / r[i][2 * j] - 1 / r[i][2 * j + 1]) for i in range(m)):.10g}")


def neurons():
    """Periods of neurons whose membranes are bit lines: the synapses load them."""
    m, n, r, c, vth, dead = 16, 4, 1e6, 1e-9, 0.1, 3e-6
    g = table("neurons_g.csv", m, n, lambda i, j: 0.5e-6 * (1 + (5 * i + 3 * j + i * j) % 6))
    table("neurons_g2.csv", n, 2, lambda i, j: 10e-6 * (1 + (i + 2 * j) % 3))
    v = [0.6 if (3 * i) % 5 < 3 else 0.0 for i in range(m)]
    print("neurons, inputs " + " ".join(f"{x:g}" for x in v))
    for j in range(n):
        reff = 1 / (1 / r + math.fsum(g[i][j] for i in range(m)))
        end = reff * math.fsum(v[i] * g[i][j] for i in range(m))
        print(f"neurons {j}: rests at {end:.6g} V, period {dead + reff * c * math.log(end / (end - vth)):.10g} s")


if __name__ == "__main__":
    uniform_deck()
    vmm()
    read_1s1r()
    faults()
    stack()
    ecram()
    complex_uniform()
    delay()
    differential()
    neurons()
