#!/usr/bin/env python3
"""Speed of the device library, as Markdown: evaluations per second of each family, cost of pulse trains on synapses.

    python3 benches/library.py --ferrospice target/release/ferrospice [--only REGEX] > library.md

First table: `--copies` copies of the circuit of `tests/oracle/families.py` (below for families that only ferrospice
compiles), 200 steps or more, one thread. *eval/s*: full evaluations of the model with all derivatives, latency off
(`bypass=0`), over the processor time of the whole transient: evaluation, assembly, solution, output. *steps/s*: accepted time points times
copies by default options, with latency. The time of the same deck with an operating point only is subtracted.

Second table: 100 pulses that raise the weight and 100 that lower it, on one device with default options; the weight before,
between and after; accepted points, processor time, and time per pulse.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/oracle"))
import families  # noqa: E402
from families import Family, pulse, sine  # noqa: E402

# Families with events, draws or arrays.
MORE = [
    pulse("adex", 1e-9, 0.2, "", "", "a o 0", (), "i"),
    sine("diffusive", 1.2, 1e5, ""),
    sine("ecm_var", 0.6, 1, "", "", "a 0 m"),
    sine("fecap_domains", 3, 1e6, ""),
    sine("fecap_preisach", 6, 1e5, ""),
    pulse("gated_memristor", 12, 40e-3, "", "", "p 0 a", ["vp p 0 dc 0.1"]),
    pulse("izhikevich", 100e-12, 0.5, "", "", "a o 0", (), "i"),
    sine("jart_vcm_var", 1.4, 1, "", "", "b 0", ["r1 a b 1k"]),
    pulse("lif", 2e-9, 0.3, "", "", "a o 0", (), "i"),
    pulse("lif_stdp", 1e-9, 1e-3, "", "", "a o 0", (), "i"),
    pulse("mtj", 100e-6, 20e-9, "", "", "0 a 0", (), "i"),
    pulse("ots", 2.2, 2e-3, "", "", "b 0", ["r1 a b 10k"]),
    pulse("pcm_statistical", 0.2, 100, ""),
    pulse("qpc", 0.2, 400e-9, ""),
    pulse("synapse", 1.5, 1e-6, ""),
    pulse("threshold_switch", 1, 1e-3, "", "", "b 0", ["r1 a b 100k"]),
    pulse("vo2", 10, 20e-6, "", "", "b 0 t", ["r1 a b 10k", "vt t 0 dc 0"]),
]


class Train:
    """`up` and `down`: heights of the pulses at node a; `width` of a pulse, a quarter of the period."""

    def __init__(self, name, up, down, width, weight, params="", nodes="a 0", more=(), kind="v"):
        self.name, self.up, self.down, self.width, self.weight = name, up, down, width, weight
        self.params, self.nodes, self.more, self.kind = params, nodes, more, kind

    def deck(self, models, pulses, tran):
        w, t = self.width, 4 * self.width
        edge = f"{w / 20:g} {w / 20:g} {w:g} {t:g} {pulses}"
        waves = [f"pulse(0 {self.up:g} {t:g} {edge})", f"pulse(0 {self.down:g} {t * (pulses + 1):g} {edge})"]
        if self.kind == "v":
            out = [f"v1 a m {waves[0]}", f"v2 m 0 {waves[1]}"]
        else:
            out = [f"i1 0 a {waves[0]}", f"i2 0 a {waves[1]}"]
        stop = t * (2 * pulses + 1)
        out += [*self.more, f"x1 {self.nodes} {self.name} {self.params}", f".save @x1[{self.weight}]"]
        if tran:
            out.append(f".tran {w / 10:g} {stop:g}")
            for k, x in enumerate((t / 2, t * (pulses + 0.9), stop * 0.9999)):
                out.append(f".meas tran m{k} find @x1[{self.weight}] at={x:g}")
        else:
            out.append(".op")
        return "\n".join([self.name, f'.hdl "{models}/{self.name}.va"', *out, ".end", ""])


DRAIN = ["vd d 0 dc 0.1"]
TRAINS = [
    Train("synapse", 1.5, -1.5, 0.5e-6, "g", "states=100"),
    Train("vteam", -0.54, 0.54, 1e-3, "s", "s0=0.9"),
    Train("yakopcic", 0.3, -0.3, 10e-6, "xs"),
    Train("michigan", 1, -1, 1e-3, "xs"),
    Train("knowm", 0.3, -0.3, 10e-6, "xs"),
    Train("pku_analog", 1, -1, 2e-3, "c", "x0=0.1"),
    Train("second_order", 1.2, -1.6, 100e-9, "w"),
    Train("schottky_memristor", 1, -1, 1e-3, "x", "kp=10m kn=10m rs=100"),
    Train("memdiode", 1.1, -1.1, 1e-3, "hh"),
    Train("stanford", 1.2, -1.2, 10e-9, "g", "g_ini=1n i0=0.1m"),
    Train("jart_vcm", -0.6, 1.4, 1e-6, "nd", "ninit=0.1"),
    Train("fefet", 2.5, -3.5, 100e-9, "pol", "", "d a 0 0", DRAIN),
    Train("ftj", 2.5, -2.5, 10e-9, "pol"),
    Train("fecap", 1.2, -1.2, 100e-9, "pol", "", "a 0 0 0"),
    Train("fesfet", 4, -4, 1e-3, "pt", "", "d a 0 0", DRAIN),
    Train("fesj", 2, -2, 10e-6, "sp", "", "a 0 0"),
    Train("ferroionic", 3, -3, 1e-3, "sp", "", "a 0 0"),
    Train("ecram", 10e-9, -10e-9, 5e-3, "x", "x0=0.3 j0=200 rel=1e-4 cdl=1e-4", "a 0 d", ["vd d 0 dc 0"], "i"),
    Train("ec2t", -0.1, 0.1, 5e-3, "x", "x0=0.5 j0=200 rel=1e-4 cdl=1e-4"),
    Train("edl_transistor", 1, -1, 5e-3, "veff", "", "a 0 d", DRAIN),
    Train("ctfet", 8, -8, 0.4e-3, "f1", "tau=1 r=3", "d a 0 0", DRAIN),
    Train("floating_gate", 12, -12, 1e-6, "dvt", "", "d a 0", DRAIN),
    Train("memtransistor", 15, -15, 1e-3, "x", "k0=1", "a g 0", ["vg g 0 dc 5"]),
    Train("heterojunction", 5, -5, 1e-3, "x", "dvm=0.2 k0=1", "d 0 a 0", ["vd d 0 dc 0.3"]),
    Train("trap_memory", 2, -2, 1e-3, "x", "", "a 0 0"),
    Train("photo_switch", 10, 0, 1e-3, "h", "tauh=1", "c 0 a 0", ["vc c 0 dc 0.1"]),
    Train("domain_wall", 0.03, -0.03, 8e-9, "x", "l=100u", "a 0 0 0"),
    Train("skyrmion", 0.95, -0.95, 10e-9, "n", "", "a 0 0 0"),
]


def copies(case, models, count, points):
    """The circuit of a family many times, each with nodes and sources of its own."""
    out = [case.label, f'.hdl "{models}/{case.name}.va"']
    nodes = lambda k, names: [n if n == "0" else f"{n}_{k}" for n in names]
    for k in range(count):
        for line in case.stimulus:
            name, p, n, rest = line.split(None, 3)
            out.append(" ".join([f"{name}_{k}", *nodes(k, (p, n)), rest]))
        out.append(" ".join([f"x1_{k}", *nodes(k, case.nodes.split()), case.name, case.params]))
    name, p, *_ = case.stimulus[0].split()
    out.append(f".save v({(p if p != '0' else case.stimulus[0].split()[2])}_0)")
    out.append(f".tran {case.stop / points:g} {case.stop:g} 0 {case.stop / points:g}" if points else ".op")
    return "\n".join(out + [".end", ""])


def run(program, text, folder, options=()):
    """(processor time or nothing where it fails, statistics of the last analysis, measures, first error)"""
    deck = folder / "deck.cir"
    deck.write_text(text)
    with open(folder / "out", "wb") as out, open(folder / "err", "wb") as err:
        p = subprocess.Popen([program, "run", "--json", "-j", "1", *options, str(deck)], stdout=out, stderr=err)
        _, status, used = os.wait4(p.pid, 0)
    stats, measures, why = {}, {}, ""
    for line in (folder / "out").read_text().splitlines():
        d = json.loads(line)
        stats = d.get("stats", stats)
        if "measure" in d:
            measures[d["measure"]] = d["value"]
        if d.get("severity") == "error" and not why:
            why = d.get("message", "")
    why = why or (folder / "err").read_text()
    return used.ru_utime + used.ru_stime if status == 0 else None, stats, measures, " ".join(why.split())[:80]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ferrospice", default=str(ROOT / "target/release/ferrospice"))
    p.add_argument("--models", default=str(ROOT / "models"))
    p.add_argument("--only", default="")
    p.add_argument("--copies", type=int, default=50)
    p.add_argument("--pulses", type=int, default=100)
    p.add_argument("--table", choices=("families", "trains"), help="only one of the tables")
    args = p.parse_args()
    program, models = str(pathlib.Path(args.ferrospice).resolve()), pathlib.Path(args.models).resolve()
    present = {f.stem for f in models.glob("*.va")}
    asked = lambda x: x.name in present and re.search(args.only, x.name)
    cpu = next((x.split(":")[1].strip() for x in open("/proc/cpuinfo") if x.startswith("model name")), "?")
    said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.strip()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        print(f"{said}, {cpu}, one thread.\n")
        if args.table != "trains":
            table_of_families(args, program, models, folder, asked)
        if args.table != "families":
            table_of_trains(args, program, models, folder, asked)


def table_of_families(args, program, models, folder, asked):
    print(f"{args.copies} copies each, 200 steps or more.\n")
    print("| family | parameters | unknowns a copy | evaluations | us/evaluation | eval/s | steps/s |")
    print("|---|---|---|---|---|---|---|")
    done = set()
    for case in families.FAMILIES + MORE:
        if not asked(case) or (case.name, case.params) in done:
            continue
        done.add((case.name, case.params))
        op, *_ = run(program, copies(case, models, args.copies, 0), folder)
        cells = []
        for options in (["--option", "bypass=0"], []):
            points, found = 200, None
            for _ in range(2):
                cpu, stats, _, why = run(program, copies(case, models, args.copies, points), folder, options)
                if None in (op, cpu):
                    break
                s = max(cpu - op, 1e-3)
                found = (s, stats)
                # Long enough for the clock.
                if s > 0.1:
                    break
                points = int(points * min(50, 0.25 / s))
            cells.append(found)
        if None in cells:
            print(f"| {case.name} | {case.params} | fails: {why} | | | | |", flush=True)
            continue
        (s, stats), (d, default) = cells
        n = stats["instance_evals"]
        print(
            f"| {case.name} | {case.params} | {stats['unknowns'] / args.copies:.3g} | {n} | {1e6 * s / max(n, 1):.2f} "
            f"| {n / s:.2g} | {default['accepted'] * args.copies / d:.2g} |",
            flush=True,
        )
    print()


def table_of_trains(args, program, models, folder, asked):
    print(f"{args.pulses} pulses up, {args.pulses} pulses down.\n")
    print("| family | pulses | weight: before, between, after | points | ms | us/pulse |\n|---|---|---|---|---|---|")
    for t in filter(asked, TRAINS):
        op, *_ = run(program, t.deck(models, args.pulses, False), folder)
        cpu, stats, measures, why = run(program, t.deck(models, args.pulses, True), folder)
        if None in (op, cpu):
            print(f"| {t.name} | fails: {why} | | | | |", flush=True)
            continue
        w = ", ".join(f"{measures[k]:.4g}" for k in ("m0", "m1", "m2") if measures.get(k) is not None)
        s = max(cpu - op, 1e-4)
        unit = "V" if t.kind == "v" else "A"
        print(
            f"| {t.name} | {t.up:g}, {t.down:g} {unit}, {t.width:g} s | {t.weight}: {w} | {stats['accepted']} | {1e3 * s:.1f} "
            f"| {1e6 * s / (2 * args.pulses):.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
