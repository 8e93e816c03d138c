#!/usr/bin/env python3
"""Runs ferrospice and every installed peer on the same circuits, side by side, and prints a Markdown table.

README.md beside this file says what is compared and how it is kept fair.
"""
import argparse
import json
import math
import pathlib
import statistics
import sys
import tempfile
import time

import waves
from circuit import Cannot
from circuits import CIRCUITS
from simulators import installed

HERE = pathlib.Path(__file__).resolve().parent
HEAD = (
    "| circuit | simulator | wall s | ratio | CPU s | points | rejected | iterations | µs/point | ratio/point "
    "| error | own error | MiB |"
)
RULE = "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"


def say(text):
    print(f"peers: {text}", file=sys.stderr, flush=True)


def shown(errors):
    """`max 1.2e-4, rms 3.1e-5`"""
    if isinstance(errors, str):
        return f"is a run of {errors}"
    return ", ".join(f"{k} {v:.1e}" for k, v in errors.items() if k != "seconds") if errors else ""


def tight_run(simulator, circuit, folder, args):
    """The columns of a run at tight tolerances and a quarter of the step, or None with the reason said."""
    say(f"{circuit.name}: reference of {simulator.name}")
    try:
        run = simulator.run(circuit, folder, args.reference_timeout, tight=True)
    except Cannot as why:
        return None, str(why)
    if run.failure:
        say(f"{circuit.name}: no reference of {simulator.name}: {run.failure}")
        return None, run.failure
    columns = simulator.read(run)
    run.result.unlink()
    return columns, ""


def measure(circuit, simulators, folder, args):
    """{simulator: record} of one circuit. Runs alternate; one that failed is not tried again."""
    records = {s.name: {"runs": [], "failure": ""} for s in simulators}
    for turn in range(args.repeat if circuit.stop else max(9, args.repeat)):
        for s in simulators:
            record = records[s.name]
            slow = record["runs"] and record["runs"][0].wall > args.slow
            if record["failure"] or slow:
                continue
            try:
                run = s.run(circuit, folder, args.timeout, threads=args.threads)
            except Cannot as why:
                record["failure"] = f"cannot be expressed: {why}"
                say(f"{circuit.name}: {s.name}: {record['failure']}")
                continue
            say(f"{circuit.name}: {s.name} {turn + 1}/{args.repeat}: {run.wall:.3f} s {run.failure}")
            if run.failure:
                record["failure"] = run.failure
                if args.keep:
                    (folder / f"{circuit.name}.{s.name}.log".replace(" ", "_")).write_text(run.text)
            record["runs"].append(run)
            if turn == 0 and circuit.stop and run.result.exists():
                try:
                    record["columns"] = s.read(run)
                except (ValueError, KeyError, AttributeError) as fault:
                    record["failure"] = record["failure"] or f"unreadable result: {fault}"
                columns = record.get("columns")
                if columns and not record["failure"] and columns["time"][-1] < 0.999 * circuit.stop:
                    record["failure"] = f"stopped at {columns['time'][-1]:.3g} s of {circuit.stop:g} s"
                if columns and circuit.product and not record["failure"]:
                    record["product"] = waves.product_right(columns, circuit.product, circuit.level)
            if not args.keep:
                run.result.unlink(missing_ok=True)
    return records


def judge(circuit, simulators, records, folder, args):
    """Adds `error` (against the common reference) and `own` (against the simulator's own tight run)."""
    if not circuit.stop or args.no_reference:
        return {}
    agreement, ours, source = {}, circuit.exact, None
    tight = {}
    # A reference of ferrospice where it gives one, else of the first peer that does.
    order = sorted(simulators, key=lambda s: ["ferrospice", "vacask", "ngspice", "gnucap", "vacask lean"].index(s.name))
    for s in order if not ours else []:
        if not records[s.name]["failure"] or s is simulators[0]:
            ours, _ = tight[s.name] = tight_run(s, circuit, folder, args)
            if ours:
                source = s.name
                break
    if source and source != simulators[0].name:
        agreement["common reference"] = source
        say(f"{circuit.name}: the common reference is a run of {source}")
    for s in simulators:
        record = records[s.name]
        columns = record.get("columns")
        if not columns or record["failure"]:
            continue
        if ours:
            record["error"] = waves.compare(circuit, columns, ours)
        if s.name == source:
            record["own"] = record.get("error")
        elif not args.no_own and s.name != "vacask lean":
            own, _ = tight_run(s, circuit, folder, args)
            if own:
                record["own"] = waves.compare(circuit, columns, own)
                if ours:
                    agreement[s.name] = waves.compare(circuit, own, ours)
    return agreement


def rows(circuit, simulators, records, base, args):
    first = None
    for s in simulators:
        r = records[s.name]
        good = [x for x in r["runs"] if not x.failure]
        cells = [circuit.name, s.name]
        if r["failure"] or not good:
            what = r["failure"] or "no run"
            if r["runs"]:
                last = r["runs"][-1]
                what += f" (after {last.wall:.1f} s, {last.accepted} points, {last.iterations} iterations)"
            yield "| " + " | ".join(cells) + f" | {what} |" + " |" * 10, None
            continue
        wall, cpu = (statistics.median(getattr(x, k) for x in good) for k in ("wall", "cpu"))
        run = good[0]
        # On one thread the processor's time is the wall's of a quiet machine.
        spent = {"wall": wall, "cpu": cpu}["cpu" if args.threads == 1 else "wall"] - base.get(s.name, 0.0)
        cost = spent / run.accepted * 1e6 if run.accepted and circuit.stop else math.nan
        first = first or (s.name, wall, cost)
        note = "" if r.get("product") is None else " product ok" if r["product"] else " PRODUCT WRONG"
        record = {
            "circuit": circuit.name, "simulator": s.name, "version": s.version, "wall": wall,
            "walls": [x.wall for x in good], "cpu": cpu, "points": run.accepted,
            "rejected": run.rejected, "iterations": run.iterations, "us_per_point": cost,
            "error": r.get("error"), "own_error": r.get("own"), "product": r.get("product"),
            "rss": statistics.median(x.rss for x in good), "rss_is_bound": all(x.is_bound for x in good),
        }
        ours = first[0] == simulators[0].name
        cells += [
            f"{wall:.4g}", f"{wall / first[1]:.2f}" if ours else "", f"{record['cpu']:.4g}",
            str(run.accepted) if circuit.stop else "", str(run.rejected) if circuit.stop else "", str(run.iterations),
            f"{cost:.3g}" if circuit.stop else "", f"{cost / first[2]:.2f}" if ours and circuit.stop else "",
            shown(r.get("error")) + note, shown(r.get("own")), f"{'≤ ' if record['rss_is_bound'] else ''}{record['rss'] / 2**20:.1f}",
        ]
        yield "| " + " | ".join(cells) + " |", record


def precision(circuit, simulators, folder, args):
    """Error against time: each simulator at several tolerances, all against the common reference."""
    reference = circuit.exact
    for s in simulators if not reference else []:
        reference, _ = tight_run(s, circuit, folder, args)
        if reference:
            say(f"{circuit.name}: the common reference is a run of {s.name}")
            break
    settings = [(r, t) for r in circuit.relrefs for t in args.reltol or (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5)]
    for relref, reltol in settings:
        circuit.relref, circuit.reltol = relref, reltol
        able = [s for s in simulators if s.knows_relref or relref == circuit.relrefs[0]]
        records = measure(circuit, able, folder, args)
        for s in able:
            r = records[s.name]
            good = [x for x in r["runs"] if not x.failure]
            if r["failure"] or not good or not reference:
                print(f"| {circuit.name} | {s.name} | {reltol:g} {relref} | {r['failure'] or 'no reference'} | | | |", flush=True)
                continue
            error = waves.compare(circuit, r["columns"], reference)
            wall, cpu = (statistics.median(getattr(x, k) for x in good) for k in ("wall", "cpu"))
            print(
                f"| {circuit.name} | {s.name} | {reltol:g} {relref} | {wall:.4g} | {cpu:.4g} | {good[0].accepted} "
                f"| {shown(error)} |",
                flush=True,
            )


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--repeat", type=int, help="runs of each simulator (default 5, with --quick 1)")
    ap.add_argument("--quick", action="store_true", help="small circuits, short runs, one repetition")
    ap.add_argument("--only", action="append", metavar="NAME", choices=CIRCUITS, help="only this circuit (repeatable)")
    ap.add_argument("--skip", action="append", default=[], metavar="NAME", choices=CIRCUITS)
    ap.add_argument("--simulators", metavar="A,B", help="only these, by name; ferrospice always runs")
    ap.add_argument("--binary", default=str(HERE.parents[1] / "target/release/ferrospice"))
    ap.add_argument("--threads", type=int, default=1, help="threads each simulator may use (default 1)")
    ap.add_argument("--timeout", type=float, default=900, help="seconds allowed to a run")
    ap.add_argument("--reference-timeout", type=float, default=1800, help="seconds allowed to a reference")
    ap.add_argument("--slow", type=float, default=120, help="runs longer than this are not repeated")
    ap.add_argument("--precision", action="store_true", help="error against time at several reltol, instead")
    ap.add_argument("--reltol", type=float, action="append", help="with --precision: only this reltol (repeatable)")
    ap.add_argument("--tight", type=float, default=1e-6, help="reltol of the reference run (default 1e-6)")
    ap.add_argument("--no-own", action="store_true", help="no tight run of each peer, only of ferrospice")
    ap.add_argument("--no-reference", action="store_true", help="no accuracy columns")
    ap.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all figures to this file")
    ap.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="keep decks and results in this directory")
    ap.add_argument("--list", action="store_true", help="name the circuits")
    args = ap.parse_args()
    if args.list:
        for name, make in CIRCUITS.items():
            print(f"{name:16} {make(args.quick).title}")
        return
    if not pathlib.Path(args.binary).exists():
        sys.exit(f"{args.binary}: not there; build first: cargo build --release")
    args.repeat = args.repeat or (1 if args.quick else 5)
    simulators = installed(args.binary, say)
    if args.simulators:
        wanted = args.simulators.split(",")
        unknown = set(wanted) - {s.name for s in simulators}
        if unknown:
            sys.exit(f"not installed or unknown: {', '.join(sorted(unknown))}")
        simulators = [s for s in simulators if s.name in wanted or s.name == "ferrospice"]
    names = [n for n in (args.only or CIRCUITS) if n not in args.skip]
    names = ["start"] + [n for n in names if n != "start"]
    print("Simulators: " + "; ".join(f"{s.name} = {s.version}" for s in simulators) + ".\n")
    if args.precision:
        print("| circuit | simulator | reltol | wall s | CPU s | points | error |\n|---|---|---:|---:|---:|---:|---:|")
    else:
        print(HEAD, RULE, sep="\n", flush=True)
    base, report, notes = {}, [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or pathlib.Path(scratch)
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            circuit = CIRCUITS[name](args.quick)
            circuit.tight = args.tight
            say(f"{name}: {circuit.title} ({len(circuit.elements)} elements)")
            if args.precision:
                if circuit.stop:
                    precision(circuit, simulators, folder, args)
                continue
            began = time.perf_counter()
            records = measure(circuit, simulators, folder, args)
            agreement = judge(circuit, simulators, records, folder, args)
            for line, record in rows(circuit, simulators, records, base, args):
                print(line, flush=True)
                if record:
                    report.append(record)
                    if name == "start":
                        base[record["simulator"]] = record["cpu" if args.threads == 1 else "wall"]
                else:
                    report.append({"circuit": name, "failure": line})
            if agreement:
                notes.append(f"- {name}: " + "; ".join(f"{k} {shown(v)}" for k, v in agreement.items()))
            say(f"{name}: done in {time.perf_counter() - began:.0f} s")
            if args.json:
                args.json.write_text(json.dumps({"rows": report, "reference_agreement": notes}, indent=1))
    if notes:
        print("\nReferences of the peers against the common reference:\n")
        print("\n".join(notes))


if __name__ == "__main__":
    main()
