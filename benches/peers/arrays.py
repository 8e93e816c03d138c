#!/usr/bin/env python3
"""Crossbars with wires: this program, badcrossbar and ngspice on the same data, one after another in each round.

    python3 benches/peers/arrays.py --program target/release/ferrospice [--sizes 64,128,256] [--rounds 3]

Cells log-uniform 10 kOhm to 1 MOhm, wires 1 Ohm a segment, word lines driven at the left with U(0, 1) V through one
segment, bit lines grounded at the bottom through one: badcrossbar's topology. Needs numpy; badcrossbar from PyPI
(`pip install badcrossbar`; its drawing part wants cairo, its solver does not) and ngspice are used where they are found.
With `--law sinh` the cells are I = g/6 sinh(6 V) in a V/2 write at 3 V, which badcrossbar cannot do.

Times are of whole processes for this program and ngspice (reading the data included), of the call alone for badcrossbar.
The last column is the largest difference of a column current from this program's, over the largest current.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import types

import numpy as np

WIRE = 1.0
KAPPA = 6.0


def badcrossbar():
    """The module, without its drawing part where cairo is missing."""
    try:
        import cairo  # noqa: F401
    except ImportError:
        sys.modules["cairo"] = types.ModuleType("cairo")
    try:
        import badcrossbar as module
        return module
    except Exception as e:  # Whatever its dependencies throw: it is not there.
        print(f"badcrossbar is left out: {e}", file=sys.stderr)
        return None


def ours(program, folder, n, law):
    out = os.path.join(folder, "ours.npz")
    if law == "sinh":
        command = [program, "array", "read", "-g", "g.npy", "--law", "sinh", "-p", f"kappa={KAPPA}",
                   "-s", f"0,{n - 1}", "-v", "3", "--scheme", "half"]
    else:
        command = [program, "array", "solve", "-g", "g.npy", "-i", "v.npy"]
    command += ["--wire", str(WIRE), "-j", "1", "-o", out, "--json"]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    inner = json.loads(done.stdout.splitlines()[0])["seconds"]
    return seconds, inner, np.load(out)["column_currents"]


def netlist(g, word, bit, law):
    m, n = g.shape
    lines = ["crossbar"]
    for i in range(m):
        lines += [f"vw{i} x{i} 0 {word[i]!r}", f"rx{i} x{i} w{i}_0 {WIRE}"]
        for j in range(n):
            if law == "sinh":
                lines.append(f"b{i}_{j} w{i}_{j} b{i}_{j} i={float(g[i, j]) / KAPPA!r}*sinh({KAPPA}*v(w{i}_{j},b{i}_{j}))")
            else:
                lines.append(f"r{i}_{j} w{i}_{j} b{i}_{j} {1 / float(g[i, j])!r}")
            if j + 1 < n:
                lines.append(f"rw{i}_{j} w{i}_{j} w{i}_{j + 1} {WIRE}")
            if i + 1 < m:
                lines.append(f"rb{i}_{j} b{i}_{j} b{i + 1}_{j} {WIRE}")
    for j in range(n):
        lines += [f"rg{j} b{m - 1}_{j} y{j} {WIRE}", f"vb{j} y{j} 0 {bit[j]!r}"]
    return lines


def ngspice(folder, g, word, bit, law):
    n = g.shape[1]
    names = " ".join(f"i(vb{j})" for j in range(n))
    text = netlist(g, word, bit, law) + [
        ".options reltol=1e-9 abstol=1e-15 vntol=1e-12", f".save {names}", ".control", "set filetype=ascii", "op",
        "write n.raw", "quit", ".endc", ".end"]
    with open(os.path.join(folder, "n.cir"), "w") as f:
        f.write("\n".join(text) + "\n")
    start = time.perf_counter()
    subprocess.run(["ngspice", "-b", "n.cir"], cwd=folder, capture_output=True, check=True)
    seconds = time.perf_counter() - start
    values = {}
    with open(os.path.join(folder, "n.raw")) as f:
        head, data = f.read().split("Values:")
    order = [line.split()[1] for line in head.split("Variables:")[1].splitlines() if len(line.split()) == 3]
    numbers = [float(x) for x in data.split()[1:]]
    values = dict(zip(order, numbers))
    return seconds, np.array([values[f"i(vb{j})"] for j in range(n)])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", default="target/release/ferrospice")
    p.add_argument("--sizes", default="32,64,128,256")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--law", choices=["ohmic", "sinh"], default="ohmic")
    p.add_argument("--ngspice-most", type=int, default=64, help="largest size for ngspice")
    p.add_argument("--badcrossbar-most", type=int, default=512, help="largest size for badcrossbar")
    a = p.parse_args()
    program = os.path.abspath(a.program)
    peer = badcrossbar() if a.law == "ohmic" else None
    has_ngspice = shutil.which("ngspice") is not None
    print(f"{'size':>6} {'who':>12} {'best s':>10} {'solve s':>10} {'ratio':>8} {'difference':>11}")
    for n in [int(s) for s in a.sizes.split(",")]:
        rng = np.random.default_rng(1)
        g = 1 / 10 ** rng.uniform(4, 6, (n, n))
        if a.law == "sinh":
            g = 10 ** rng.uniform(-7, -5, (n, n))
        word, bit = rng.uniform(0, 1, n), np.zeros(n)
        if a.law == "sinh":
            word, bit = np.full(n, 1.5), np.full(n, 1.5)
            word[0], bit[n - 1] = 3.0, 0.0
        word, bit = word.tolist(), bit.tolist()
        times, currents = {}, {}
        with tempfile.TemporaryDirectory() as folder:
            np.save(os.path.join(folder, "g.npy"), g)
            np.save(os.path.join(folder, "v.npy"), np.array(word))
            for _ in range(a.rounds):
                whole, inner, currents["ferrospice"] = ours(program, folder, n, a.law)
                times.setdefault("ferrospice", []).append((whole, inner))
                if peer is not None and n <= a.badcrossbar_most:
                    start = time.perf_counter()
                    solution = peer.compute(np.array(word).reshape(-1, 1), 1 / g, WIRE)
                    seconds = time.perf_counter() - start
                    times.setdefault("badcrossbar", []).append((seconds, seconds))
                    currents["badcrossbar"] = np.asarray(solution.currents.output).ravel()
                if has_ngspice and n <= a.ngspice_most:
                    seconds, currents["ngspice"] = ngspice(folder, g, word, bit, a.law)
                    times.setdefault("ngspice", []).append((seconds, seconds))
        mine = min(t[1] for t in times["ferrospice"])
        top = np.abs(currents["ferrospice"]).max()
        for who, list_ in times.items():
            whole, inner = min(t[0] for t in list_), min(t[1] for t in list_)
            off = np.abs(currents[who] - currents["ferrospice"]).max() / top
            print(f"{n:>6} {who:>12} {whole:>10.4f} {inner:>10.4f} {inner / mine:>8.1f} {off:>11.1e}", flush=True)


if __name__ == "__main__":
    main()
