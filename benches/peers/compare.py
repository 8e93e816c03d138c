#!/usr/bin/env python3
"""Runs ferrospice and every installed peer on the same decks, side by side, and prints a Markdown table.

Runs alternate, so that a noisy machine is noisy to all; medians are quoted. The cost of a step is the wall clock of the
whole process less that of the `start` deck, divided by the accepted time points. Iterations come from each simulator's
own accounting. The error is against a run of ferrospice at reltol 1e-6 with a quarter of the step: the relative
difference of the period for the oscillators (whose phase no simulator keeps), else the largest difference relative to
the signal's range.

Usage: compare.py [--repeat N] [--binary PATH] [DECK ...]
"""
import argparse
import pathlib
import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


def read_raw(path):
    """First plot of a binary raw file: (names, columns)."""
    data = pathlib.Path(path).read_bytes()
    head, _, body = data.partition(b"Binary:\n")
    text = head.decode("utf-8", "replace")
    n = int(re.search(r"No\. Variables:\s*(\d+)", text).group(1))
    p = int(re.search(r"No\. Points:\s*(\d+)", text).group(1))
    names = [line.split("\t")[2] for line in text.split("Variables:\n", 1)[1].splitlines() if line.startswith("\t")]
    values = struct.unpack(f"<{n * p}d", body[: 8 * n * p])
    return names, [values[i::n] for i in range(n)]


def interpolate(t, x, at):
    out, k = [], 0
    for a in at:
        while k + 2 < len(t) and t[k + 1] < a:
            k += 1
        w = (a - t[k]) / (t[k + 1] - t[k]) if t[k + 1] > t[k] else 1.0
        out.append(x[k] + w * (x[k + 1] - x[k]))
    return out


def error(raw, reference):
    _, a = read_raw(raw)
    _, b = read_raw(reference)
    stop = min(a[0][-1], b[0][-1])
    grid = [stop * (k + 0.5) / 4000 for k in range(4000)]
    ya, yb = interpolate(a[0], a[1], grid), interpolate(b[0], b[1], grid)
    span = max(yb) - min(yb) or 1.0
    return max(abs(p - q) for p, q in zip(ya, yb)) / span


def period(raw):
    """Mean time between rising crossings of half the range, the first third of the run left out."""
    _, (t, v) = read_raw(raw)
    level = 0.5 * (max(v) + min(v))
    at = []
    for k in range(1, len(t)):
        if v[k - 1] < level <= v[k] and t[k] > t[-1] / 3:
            at.append(t[k - 1] + (t[k] - t[k - 1]) * (level - v[k - 1]) / (v[k] - v[k - 1]))
    return (at[-1] - at[0]) / (len(at) - 1) if len(at) > 4 else float("nan")


def accuracy(name, raw, reference):
    if name.startswith("ring"):
        return abs(period(raw) / period(reference) - 1.0)
    return error(raw, reference)


def iterations(simulator, binary, deck, tmp):
    """Newton iterations of the transient, by the simulator's own count."""
    if simulator == "ferrospice":
        _, done = timed([binary, "run", "--quiet", "--stats", str(deck), "-r", str(tmp / "stats.raw")], tmp)
        found = re.search(r"(\d+) iterations", done.stderr + done.stdout)
    else:
        counted = tmp / "acct.cir"
        counted.write_text(deck.read_text().replace(".save ", ".options acct\n.save ", 1))
        _, done = timed(["ngspice", "-b", "-r", str(tmp / "stats.raw"), str(counted)], tmp)
        found = re.search(r"[Tt]ransient iterations\s*=\s*(\d+)", done.stdout + done.stderr)
    return int(found.group(1)) if found else 0


def timed(command, cwd):
    start = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    return time.perf_counter() - start, done


def points(raw):
    return len(read_raw(raw)[1][0])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--repeat", type=int, default=5)
    ap.add_argument("--binary", default=str(HERE.parents[1] / "target/release/ferrospice"))
    ap.add_argument("decks", nargs="*")
    args = ap.parse_args()
    if not pathlib.Path(args.binary).exists():
        sys.exit("build first: cargo build --release")
    simulators = {"ferrospice": lambda deck, raw: [args.binary, "run", "--quiet", deck, "-r", raw]}
    if shutil.which("ngspice"):
        simulators["ngspice"] = lambda deck, raw: ["ngspice", "-b", "-r", raw, deck]
    else:
        print("ngspice is not installed: no comparison", file=sys.stderr)
    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        subprocess.run([sys.executable, HERE / "generate.py", tmp], check=True)
        names = args.decks or [p.stem for p in sorted(tmp.glob("*.cir"))]
        names = ["start"] + [n for n in names if n != "start"]
        base = {}
        print("| deck | simulator | wall s (median) | points | iterations | µs per step | ratio of step cost | ratio of wall | error |")
        print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
        for name in names:
            deck = tmp / f"{name}.cir"
            wall = {s: [] for s in simulators}
            for _ in range(args.repeat):
                for s, command in simulators.items():
                    seconds, done = timed(command(str(deck), str(tmp / f"{name}.{s}.raw")), tmp)
                    if done.returncode != 0:
                        sys.exit(f"{s} failed on {name}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
                    wall[s].append(seconds)
            median = {s: statistics.median(w) for s, w in wall.items()}
            if name == "start":
                base = median
                for s, m in median.items():
                    print(f"| start | {s} | {m:.4f} | | | | | {m / median['ferrospice']:.2f} | |")
                continue
            tight = tmp / f"{name}.tight.cir"
            text = deck.read_text().replace("reltol=1e-3", "reltol=1e-6")
            text = re.sub(
                r"(\.tran \S+ \S+ \S+ )([\d.]+)([a-z]+)",
                lambda m: f"{m.group(1)}{float(m.group(2)) / 4}{m.group(3)}",
                text,
            )
            tight.write_text(text)
            timed(simulators["ferrospice"](str(tight), str(tmp / "tight.raw")), tmp)
            cost = {}
            for s, m in median.items():
                raw = tmp / f"{name}.{s}.raw"
                cost[s] = (m - base[s]) / points(raw) * 1e6
                print(
                    f"| {name} | {s} | {m:.4f} | {points(raw)} | {iterations(s, args.binary, deck, tmp)} "
                    f"| {cost[s]:.2f} | {cost[s] / cost['ferrospice']:.2f} | {m / median['ferrospice']:.2f} "
                    f"| {accuracy(name, raw, tmp / 'tight.raw'):.1e} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
