#!/usr/bin/env python3
"""Cost of a time step and memory against the size of the circuit, from 10^2 to 10^6 unknowns.

Three families: an RC ladder (a chain: factors without fill), a square RC grid (fill grows as n log n under a good
ordering, the factorisation as n^1.5), a chain of CMOS inverters (evaluation dominates; its logic levels are given). Each
size is run twice, to stop times of which one is a multiple of the other: the difference of the two processor times over
the difference of the time points is the cost of a step, free of reading, ordering and operating point. Memory is the
peak of the longer run. Exponents are fitted over sizes of at least 1000. Writes growth.csv, growth_memory.csv and an SVG
of each, drawn by ferrospice itself.
"""
import argparse
import math
import pathlib
import re
import subprocess
import sys
import tempfile

from circuit import Circuit, for_spice
from circuits import SUPPLY, cmos, inverter
from simulators import Ferrospice

HERE = pathlib.Path(__file__).resolve().parent


def ladder(n):
    c = Circuit("ladder", f"RC ladder of {n} sections")
    c.v("v1", "n0", "0", ("sin", 0, 1, 1e6))
    for k in range(n):
        c.r(f"r{k}", f"n{k}", f"n{k + 1}", 1e3)
        c.c(f"c{k}", f"n{k + 1}", "0", 1e-12)
    c.save("n5")
    return c, 10e-9


def grid(n):
    m = max(2, round(math.sqrt(n)))
    c = Circuit("grid", f"RC grid of {m} x {m}")
    c.v("v1", "in", "0", ("sin", 0, 1, 1e6))
    c.r("rin", "in", "n0_0", 1e3)
    for i in range(m):
        for j in range(m):
            if i + 1 < m:
                c.r(f"rv{i}_{j}", f"n{i}_{j}", f"n{i + 1}_{j}", 1e3)
            if j + 1 < m:
                c.r(f"rh{i}_{j}", f"n{i}_{j}", f"n{i}_{j + 1}", 1e3)
            c.c(f"c{i}_{j}", f"n{i}_{j}", "0", 1e-12)
    c.save("n1_1")
    return c, 10e-9


def chain(n):
    """A pulse every 20 ns enters; with the delay of a stage near 0.1 ns, about a tenth of the stages switch at a time."""
    c = Circuit("chain", f"chain of {n} CMOS inverters")
    cmos(c, 1)
    c.v("vdd", "vdd", "0", ("dc", SUPPLY))
    c.v("v1", "n0", "0", ("pulse", 0, SUPPLY, 1e-9, 0.2e-9, 0.2e-9, 10e-9, 20e-9))
    for k in range(n):
        inverter(c, str(k), f"n{k}", f"n{k + 1}")
    c.save("n5")
    # Without these the search for the operating point ends in E0602 somewhere between 10^4 and 3.2 10^4 stages.
    c.nodeset = {f"n{k}": 0.0 if k % 2 == 0 else SUPPLY for k in range(n + 1)}
    # What is measured is the cost of a step, not how many the error control would choose.
    c.options = " trtol=1e6"
    return c, 100e-12


FAMILIES = {"ladder": ladder, "grid": grid, "chain": chain}


def slope(points):
    """Least-squares slope of log y against log x."""
    pts = [(math.log(x), math.log(y)) for x, y in points if y > 0]
    if len(pts) < 2:
        return math.nan
    mx, my = (sum(p[k] for p in pts) / len(pts) for k in (0, 1))
    return sum((x - mx) * (y - my) for x, y in pts) / sum((x - mx) ** 2 for x, _ in pts)


def say(text):
    print(f"growth: {text}", file=sys.stderr, flush=True)


def idle(simulator, folder):
    """Peak bytes of a run that does next to nothing."""
    c = Circuit("idle", "one resistor")
    c.v("v1", "a", "0", ("dc", 1))
    c.r("r1", "a", "0", 1)
    return simulator.run(c, folder, 60).rss


def measure(simulator, make, n, folder, args):
    """(unknowns, seconds of a step, iterations of a step, peak bytes), or the failure."""
    circuit, step = make(n)
    # About as much work at every size: many steps of a small circuit, few of a large one.
    short = int(min(20000, max(10, args.work / n)))
    runs = []
    for points in (short, 4 * short):
        circuit.tran(step, points * step, step)
        run = simulator.run(circuit, folder, args.timeout, threads=args.threads)
        run.result.unlink(missing_ok=True)
        if run.failure:
            return run.failure
        runs.append(run)
    a, b = runs
    points = b.accepted - a.accepted
    unknowns = int(re.search(r"Transient Analysis: (\d+) unknowns", b.text).group(1))
    return unknowns, (b.cpu - a.cpu) / points, (b.iterations - a.iterations) / points, b.rss


def write(path, table, sizes, column):
    with open(path, "w") as f:
        f.write("unknowns," + ",".join(table) + "\n")
        for n in sizes:
            cells = [f"{table[name][n][column]:.6g}" if n in table[name] else "nan" for name in table]
            f.write(f"{n}," + ",".join(cells) + "\n")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--quick", action="store_true", help="up to 10^4 unknowns, fewer steps")
    ap.add_argument("--only", action="append", choices=FAMILIES, help="only this family (repeatable)")
    ap.add_argument("--largest", type=float, default=1e6, help="most unknowns (default 1e6)")
    ap.add_argument("--work", type=float, default=5e6, help="unknowns times steps of the shorter run (default 5e6)")
    ap.add_argument("--timeout", type=float, default=900, help="seconds allowed to a run")
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--binary", default=str(HERE.parents[1] / "target/release/ferrospice"))
    ap.add_argument("--out", type=pathlib.Path, default=pathlib.Path("."), help="where the tables and pictures go")
    args = ap.parse_args()
    if not pathlib.Path(args.binary).exists():
        sys.exit(f"{args.binary}: not there; build first: cargo build --release")
    if args.quick:
        args.largest, args.work = min(args.largest, 1e4), args.work / 10
    args.out.mkdir(parents=True, exist_ok=True)
    simulator = Ferrospice(args.binary)
    sizes = [n for k in range(9) if (n := round(10 ** (2 + k / 2))) <= args.largest]
    names = args.only or list(FAMILIES)
    table = {name: {} for name in names}
    print("| family | unknowns | µs/step | ns/step/unknown | iterations/step | bytes/unknown |")
    print("|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as scratch:
        floor = min(idle(simulator, scratch) for _ in range(5))
        for name in names:
            for n in sizes:
                found = measure(simulator, FAMILIES[name], n, scratch, args)
                if isinstance(found, str):
                    say(f"{name} at {n}: {found}; larger sizes are left out")
                    break
                unknowns, cost, iterations, rss = found
                rss = max(0, rss - floor)
                table[name][n] = (cost, rss)
                print(
                    f"| {name} | {unknowns} | {cost * 1e6:.4g} | {cost / unknowns * 1e9:.4g} | {iterations:.2f} "
                    f"| {rss / unknowns:.0f} |",
                    flush=True,
                )
                for picture, column in (("growth", 0), ("growth_memory", 1)):
                    write(args.out / f"{picture}.csv", table, sizes, column)
    print()
    for name, rows in table.items():
        large = [(n, v) for n, v in rows.items() if n >= 1000]
        cost = slope([(n, v[0]) for n, v in large])
        memory = slope([(n, v[1]) for n, v in large if n >= 10000])
        print(f"- {name}: cost of a step ~ n^{cost:.2f}; memory ~ n^{memory:.2f} (from 10^4)")
    for picture, title in (("growth", "CPU seconds of a time step"), ("growth_memory", "peak bytes")):
        drawn = subprocess.run(
            [args.binary, "plot", args.out / f"{picture}.csv", *names, "--logx", "--logy", "--title", title,
             "-o", args.out / f"{picture}.svg"],
            capture_output=True, text=True,
        )
        say((drawn.stdout + drawn.stderr).strip())


if __name__ == "__main__":
    main()
