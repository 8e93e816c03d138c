#!/usr/bin/env python3
"""Makes the golden results of tests/golden/ngspice/ with ngspice, for tests/ngspice.rs.

    python3 tests/golden/generate.py [part of a deck's name ...]

Every deck of tests/golden/decks/, and every deck under netlists/ that has a `*golden` comment, is run by ngspice in
batch mode; its raw file is thinned and written as JSON with the program's version, the deck's hash and the date.
ngspice is needed here only: the test reads the stored files.

What is changed in the deck before ngspice sees it:

* `.check`, `.meas`, `.print`, `.plot`, `.probe` and `.four` cards are left out (ngspice has no `.check`, and refuses
  `.meas` together with `-r`).
* Tolerances are replaced by tight ones (reltol 1e-6; 1e-5 in a transient) and the largest time step by 1/10000 of the run, or by
  `tmax=` of the deck's `*golden` line, so that the golden is nearer to the exact solution than what is tested.
* Constants. ngspice 39 has k = 1.38064852e-23 J/K and q = 1.6021766208e-19 C (CODATA 2014); ferrospice has those of
  2019 (exact). kT/q differs by 3.4e-7, which moves an exponential of 30 by 1e-5. All temperatures given to ngspice
  are therefore multiplied (in kelvin) by the ratio of the two k/q: kT/q is then the same, and every T/Tnom too.
  What remains are differences T - Tnom and Eg(T), below 1e-7.
  (ngspice's vacuum permittivity, 8.854214871e-12 F/m, cannot be compensated: decks that depend on it say so.)

`*golden` lines in a deck, key=value, quoted where there are blanks:

    signals=v(a),i(v1)   what to keep of a transient (default: all node voltages and source currents of the top level)
    ac=v(out)            what to keep of AC; `dc=` and `op=` alike
    rel=2e-5             relative tolerance of static results, instead of the test's
    time=0.004           tolerance along the time axis, as a fraction of the run (free-running oscillators, switches)
    tran=0.02            tolerance of waveforms relative to their range, instead of 10 reltol
    tmax=5n              largest step of the golden run
    why="..."            reason for any of these tolerances
"""

import datetime
import json
import math
import os
import re
import shlex
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.path.join(ROOT, "tests", "golden", "ngspice")
# (k/q of ferrospice) / (k/q of ngspice 39)
KQ_RATIO = (1.380649e-23 / 1.602176634e-19) / (1.38064852e-23 / 1.6021766208e-19)
TIGHT = "reltol=1e-6 abstol=1e-16 vntol=1e-10 itl1=500 itl2=500"
# In a transient the small largest step makes the accuracy; much tighter than this, ngspice's step control stalls at the
# corners of the Meyer capacitances.
TIGHT_TRAN = "reltol=1e-5 abstol=1e-13 vntol=1e-8 chgtol=1e-15 itl1=500 itl2=500 itl4=100"
DROPPED = (".check", ".meas", ".measure", ".print", ".plot", ".probe", ".four")
TOLERANCES = ("reltol", "abstol", "vntol", "chgtol", "trtol", "itl1", "itl2", "itl4", "temp", "tnom")
MAX_POINTS = 200
SUFFIX = {"t": 1e12, "g": 1e9, "meg": 1e6, "k": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18}


def number(word):
    m = re.match(r"([+-]?\d*\.?\d*(?:e[+-]?\d+)?)(t|g|meg|k|m|u|n|p|f|a)?", word.lower())
    return float(m[1]) * SUFFIX.get(m[2], 1.0)


def warmed(celsius):
    """The temperature that gives ngspice our kT/q, in its degrees Celsius."""
    return repr((celsius + 273.15) * KQ_RATIO - 273.15)


def logical_lines(text):
    """Lines with their continuations joined; the title is kept as it is."""
    out = []
    for k, line in enumerate(text.split("\n")):
        if k > 0 and line.startswith("+") and len(out) > 1:
            out[-1] += " " + line[1:]
        else:
            out.append(line)
    return out


def directives(text):
    found = {}
    for line in text.split("\n"):
        if line.lower().startswith("*golden"):
            for word in shlex.split(line[7:]):
                key, _, value = word.partition("=")
                found[key.lower()] = value
    return found


def prepare(text, tmax):
    """The deck as ngspice gets it."""
    temp, tnom, given = 27.0, 27.0, []
    body = []
    for line in logical_lines(text):
        low = line.strip().lower()
        if body and low.startswith(DROPPED):
            continue
        if body and low.startswith((".options", ".option")):
            for word in re.sub(r"\s*=\s*", "=", low).split()[1:]:
                key, _, value = word.partition("=")
                if key == "temp":
                    temp = number(value)
                elif key == "tnom":
                    tnom = number(value)
                elif key not in TOLERANCES:
                    given.append(word)
            continue
        if low.startswith(".temp"):
            temp = number(low.split()[1])
            continue
        if low.startswith(".tran"):
            words = [w for w in low.split()[1:] if w != "uic"]
            stop = number(words[1])
            start = number(words[2]) if len(words) > 2 else 0.0
            limit = number(tmax) if tmax else stop / 10000
            line = f".tran {words[0]} {words[1]} {start!r} {limit!r}" + (" uic" if "uic" in low.split() else "")
        if low.startswith(".dc temp"):
            words = low.split()
            line = " ".join([".dc temp", warmed(number(words[2])), warmed(number(words[3])),
                             repr(number(words[4]) * KQ_RATIO)] + words[5:])
        # An instance's own temperature.
        if body and low[:1].isalpha():
            line = re.sub(r"\btemp=([-\d.]+)", lambda m: "temp=" + warmed(float(m[1])), line)
        body.append(line)
    tight = TIGHT_TRAN if any(l.lower().startswith(".tran") for l in body) else TIGHT
    options = f".options {tight} temp={warmed(temp)} tnom={warmed(tnom)} " + " ".join(given)
    return "\n".join(body[:1] + [options] + body[1:]) + "\n"


def read_raw(path):
    """All plots of a binary raw file: (title, is_complex, names, columns)."""
    data = open(path, "rb").read()
    plots, at = [], 0
    while at < len(data):
        mark = data.index(b"Binary:\n", at)
        head = data[at:mark].decode("utf-8", "replace")
        at = mark + 8
        field = lambda key: re.search(rf"^{key}:\s*(.*?)\s*$", head, re.M)[1]
        variables, points = int(field("No. Variables")), int(field("No. Points"))
        is_complex = "complex" in field("Flags")
        names = [l.split("\t")[2] for l in head[head.index("Variables:\n") + 11:].split("\n") if l.startswith("\t")]
        width = 2 if is_complex else 1
        count = variables * points * width
        values = struct.unpack(f"<{count}d", data[at:at + 8 * count])
        at += 8 * count
        columns = []
        for v in range(variables):
            if is_complex:
                columns.append([complex(values[2 * (p * variables + v)], values[2 * (p * variables + v) + 1])
                                for p in range(points)])
            else:
                columns.append(list(values[v::variables]))
        plots.append((field("Plotname"), is_complex, names, columns))
    return plots


KINDS = (("operating point", "op"), ("dc transfer", "dc"), ("ac analysis", "ac"), ("transient", "tran"),
         ("noise spectral", "noise"), ("integrated noise", "noise_total"), ("transfer function", "tf"),
         ("sensitivity", "sens"), ("pole-zero", "pz"))


def thin(t, v):
    """Points such that straight lines between them stay within 1e-4 of the range, at most MAX_POINTS; and that error."""
    span = (max(v) - min(v)) or 1.0
    keep = {0, len(t) - 1}
    # Greedy: split where the error is largest.
    import heapq

    def worst(a, b):
        best, where = 0.0, -1
        for k in range(a + 1, b):
            w = (t[k] - t[a]) / (t[b] - t[a]) if t[b] > t[a] else 0.0
            e = abs(v[k] - (v[a] + w * (v[b] - v[a])))
            if e > best:
                best, where = e, k
        return best, where

    heap = []

    def push(a, b):
        e, k = worst(a, b)
        if k >= 0:
            heapq.heappush(heap, (-e, a, b, k))

    push(0, len(t) - 1)
    while heap and -heap[0][0] > 1e-4 * span and len(keep) < MAX_POINTS:
        _, a, b, k = heapq.heappop(heap)
        keep.add(k)
        push(a, k)
        push(k, b)
    return sorted(keep), -heap[0][0] if heap else 0.0


def wanted(name, choice, text):
    """The signals asked for, or all of the top level; not those of elements that ngspice makes for POLY and TABLE."""
    if choice:
        return name in choice
    inside = re.fullmatch(r"[vi]\(([^.#@$]+)\)", name)
    return inside is not None and re.search(rf"(?<!\w){inside[1]}(?!\w)", text.lower()) is not None


def digits(x, n=12):
    """Short but exact enough: n significant digits."""
    return float(f"{x:.{n}g}")


def golden(path):
    text = open(path).read()
    keys = directives(text)
    with tempfile.TemporaryDirectory() as tmp:
        deck, raw = os.path.join(tmp, "deck.cir"), os.path.join(tmp, "out.raw")
        open(deck, "w").write(prepare(text, keys.get("tmax")))
        run = subprocess.run(["ngspice", "-n", "-b", "-r", raw, deck], capture_output=True, text=True, timeout=60, cwd=tmp)
        log = run.stdout + run.stderr
        if not os.path.exists(raw) or run.returncode:
            raise RuntimeError(f"{path}: ngspice failed\n{log[-2000:]}")
        plots = read_raw(raw)
    out = []
    for title, is_complex, names, columns in plots:
        kind = next(k for word, k in KINDS if title.lower().startswith(word))
        plot = {"kind": kind, "signals": {}}
        has_axis = kind in ("dc", "ac", "tran", "noise")
        choice = keys.get("signals" if kind == "tran" else kind)
        choice = choice.split(",") if choice else None
        if has_axis and kind != "tran":
            axis = columns[0]
            if names[0] == "temp-sweep":
                axis = [(x + 273.15) / KQ_RATIO - 273.15 for x in axis]
            plot["axis"] = [digits(x.real) for x in axis]
        for name, column in list(zip(names, columns))[1 if has_axis else 0:]:
            name = name.lower()
            if kind in ("op", "dc", "ac", "tran") and not wanted(name, choice, text):
                continue
            if kind == "noise" and not name.startswith(("onoise_spectrum", "inoise_spectrum")):
                continue
            if kind in ("noise_total", "tf", "sens", "pz") and name.startswith("v("):
                name = name[2:-1]  # the raw file wraps every voltage-like name
            # Not the input noise: ngspice divides each interval's output noise by the gain at the interval's end.
            if kind == "noise_total" and name != "onoise_total":
                continue
            # Principal values only; ngspice differentiates numerically.
            if kind == "sens" and (":" in name or re.search(r"_(m|scale|l|w|bv_max)$", name)):
                continue
            if kind == "sens":
                name = name.removesuffix("_gain")
            # ngspice has no output resistance of a current: it says 1e20.
            if kind == "tf" and abs(column[0]) >= 1e20:
                continue
            if kind == "tran":
                time = columns[0]
                if any(b <= a for a, b in zip(time, time[1:])):
                    raise RuntimeError(f"{path}: time does not increase")
                kept, error = thin(time, column)
                plot["signals"][name] = {"t": [digits(time[k]) for k in kept], "v": [digits(column[k], 10) for k in kept],
                                         "error": digits(error, 3)}
            elif is_complex:
                plot["signals"][name] = {"re": [digits(z.real) for z in column], "im": [digits(z.imag) for z in column]}
            else:
                plot["signals"][name] = [digits(x) for x in column]
        out.append(plot)
    return {
        "deck": os.path.relpath(path, ROOT),
        "hash": fnv1a(text.encode()),
        "program": version(),
        "date": datetime.date.today().isoformat(),
        "tolerance": {k: float(keys[k]) for k in ("rel", "time", "tran") if k in keys},
        "why": keys.get("why", ""),
        "plots": out,
    }


def fnv1a(data):
    """64-bit FNV-1a."""
    h = 0xCBF29CE484222325
    for b in data:
        h = ((h ^ b) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def version():
    text = subprocess.run(["ngspice", "--version"], capture_output=True, text=True).stdout
    return re.search(r"ngspice-\S+", text)[0]


def decks():
    for folder, _, files in sorted(os.walk(os.path.join(ROOT, "tests", "golden", "decks"))):
        yield from (os.path.join(folder, f) for f in sorted(files) if f.endswith(".cir"))
    for folder, _, files in sorted(os.walk(os.path.join(ROOT, "netlists"))):
        for f in sorted(files):
            path = os.path.join(folder, f)
            if f.endswith(".cir") and "*golden" in open(path).read():
                yield path


def main():
    only = sys.argv[1:]
    os.makedirs(OUT, exist_ok=True)
    failed = 0
    for path in decks():
        rel = os.path.relpath(path, ROOT)
        if only and not any(word in rel for word in only):
            continue
        name = re.sub(r"^(tests/golden/decks|netlists)/", "", rel)[:-4].replace("/", "__")
        try:
            g = golden(path)
        except (RuntimeError, subprocess.TimeoutExpired) as e:
            print(e)
            failed += 1
            continue
        with open(os.path.join(OUT, name + ".json"), "w") as f:
            json.dump(g, f, separators=(",", ":"))
            f.write("\n")
        sizes = ", ".join(f"{p['kind']} {len(p['signals'])}" for p in g["plots"])
        print(f"{rel}: {sizes}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
