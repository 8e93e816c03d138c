#!/usr/bin/env python3
"""The circuits with PSP103 transistors that VACASK publishes as its benchmark: the nine-stage ring and c6288, a 16x16
multiplier of 10,112 transistors. The reader fetches VACASK's repository (for `benchmark/`) and the model (`psp103.va`);
nothing of either is kept here.

Every simulator reads its authors' own deck, ferrospice the one for ngspice with the analysis taken out of `.control`.
`--trtol` runs ferrospice with other bounds on the truncation error as well: with the one at which it takes as many points
as VACASK, the cost of the same number of points is compared.
"""
import argparse
import pathlib
import re
import shutil
import statistics
import sys
import tempfile

import waves
from simulators import Ferrospice, count, execute, real_vacask

ANALYSES = {"ring": ".tran 0.05n 1u 0 0.05n", "c6288": ".tran 2p 2n uic"}
SAVED = {"ring": ["1"], "c6288": [f"p{k}" for k in range(32)]}


def say(text):
    print(text, file=sys.stderr, flush=True)


def spice_deck(source, name, psp, options):
    """The deck for ngspice without its control block."""
    text = re.sub(r"^\.control.*?^\.endc\s*$", "", source.read_text(), flags=re.S | re.M)
    title, rest = text.split("\n", 1)
    rest = re.sub(r"^\.(end|options klu)\s*$", "", rest, flags=re.M)
    saved = " ".join(f"v({n})" for n in SAVED[name])
    return f'{title}\n.hdl "{psp}"\n{rest}\n.options{options}\n.save {saved}\n{ANALYSES[name]}\n.end\n'


def period(times, values, level=0.6):
    """Mean distance of rising crossings in the second half."""
    at = []
    for (t0, v0), (t1, v1) in zip(zip(times, values), zip(times[1:], values[1:])):
        if v0 < level <= v1 and t0 > times[-1] / 2:
            at.append(t0 + (t1 - t0) * (level - v0) / (v1 - v0))
    return (at[-1] - at[0]) / (len(at) - 1) if len(at) > 1 else float("nan")


def signals(raw, name):
    """Time and the saved voltages of a rawfile."""
    table = {k.lower(): v for k, v in waves.read_raw(raw).items()}
    get = lambda n: table.get(f"v({n})", table.get(n))
    return table["time"], [get(n) for n in SAVED[name]]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("benchmark", type=pathlib.Path, help="`benchmark` of VACASK's repository")
    p.add_argument("psp", type=pathlib.Path, help="psp103.va")
    p.add_argument("--ferrospice", type=pathlib.Path, default="target/release/ferrospice")
    p.add_argument("--only", action="append", choices=list(ANALYSES))
    p.add_argument("--trtol", type=float, action="append", default=[])
    p.add_argument("--threads", type=int, action="append", default=[])
    p.add_argument("--repeat", type=int, default=3)
    p.add_argument("--timeout", type=float, default=900)
    a = p.parse_args()
    ours = Ferrospice(a.ferrospice.resolve())
    vacask, openvaf = real_vacask()
    psp = a.psp.resolve()
    say(f"{ours.version}; VACASK: {vacask or 'not installed'}")
    print("| circuit | simulator | threads | points | rejected | iterations | evaluations | CPU s | wall s | us/point | result |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for name in a.only or ANALYSES:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            shutil.copytree(a.benchmark / name / "ngspice", folder, dirs_exist_ok=True)
            runs = []
            for threads in a.threads or [1]:
                for trtol in [None] + a.trtol:
                    tag = f"ferrospice{f' trtol={trtol:g}' if trtol else ''}"
                    deck = folder / f"own{trtol or ''}.cir"
                    options = " method=trap" + (f" trtol={trtol}" if trtol else "")
                    deck.write_text(spice_deck(folder / "runme.sim", name, psp, options))
                    raw = folder / f"own{trtol or ''}.raw"
                    command = [ours.binary, "run", "--quiet", "--stats", "-j", threads, deck, "-r", raw]
                    runs.append((tag, threads, command, folder, raw))
            if vacask and openvaf:
                own = folder / "vacask"
                shutil.copytree(a.benchmark / name / "vacask", own)
                done = execute([openvaf, psp, "-o", own / "psp103v4.osdi"], own, 300)
                if done.failure:
                    say(f"openvaf-r: {done.text}")
                text = re.sub(r"^\s*postprocess\(.*$", "", (own / "runme.sim").read_text(), flags=re.M)
                if "print stats" not in text:
                    text = text.replace("endc", "  print stats\nendc", 1)
                (own / "deck.sim").write_text(text)
                analysis = "tranmul" if name == "c6288" else "tran1"
                command = [vacask, "-qp", "-sp", "deck.sim"]
                runs.append(("VACASK", 1, command, own, own / f"{analysis}.raw"))
            times = {}
            for k in range(a.repeat):
                for tag, threads, command, cwd, raw in runs:
                    say(f"{name}: {tag}, {threads} threads, run {k + 1}")
                    times.setdefault((tag, threads), []).append(execute(command, cwd, a.timeout, threads))
            for tag, threads, _, _, raw in runs:
                done = times[tag, threads]
                run = done[-1]
                if run.failure:
                    print(f"| {name} | {tag} | {threads} | {run.failure} |")
                    say(run.text[-2000:])
                    continue
                if tag == "VACASK":
                    accepted, rejected = count(r"Accepted timepoints:\s+(\d+)", run.text), count(
                        r"Rejected timepoints:\s+(\d+)", run.text
                    )
                    iterations, evaluations = count(r"NR solver iterations:\s+(\d+)", run.text), ""
                else:
                    ours.counts(run)
                    accepted, rejected, iterations = run.accepted, run.rejected, run.iterations
                    evaluations = count(r"(\d+) device evaluations", run.text)
                cpu = statistics.median(r.cpu for r in done)
                wall = statistics.median(r.wall for r in done)
                t, v = signals(raw, name)
                if name == "ring":
                    result = f"period {period(t, v[0]) * 1e9:.6g} ns"
                else:
                    result = "p = " + "".join(str(int(x[-1] > 0.6)) for x in reversed(v))
                cost = wall / max(accepted, 1) * 1e6
                print(
                    f"| {name} | {tag} | {threads} | {accepted} | {rejected} | {iterations} | {evaluations} "
                    f"| {cpu:.3g} | {wall:.3g} | {cost:.4g} | {result} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
