#!/usr/bin/env python3
"""Which Verilog-A files compile, and which of their modules run with default parameters.

    corpus.py --ferrospice target/release/ferrospice DIR_OR_FILE... [--emerging REGEX] [--openvaf]

Every file goes through `ferrospice va check`; every module that no other one of the file instantiates gets a deck in which
each port is driven to a small voltage through 50 ohm: operating point and a short transient. Where that fails, the same with
all voltages of the other sign. Some modules cannot run with their defaults at all, and say so: a size that is not positive,
a parameter whose default of 0 divides. These are given a value then, and the file is counted apart ("helped"). Files with
equal contents count once. `--openvaf`: also ask openvaf-r whether it compiles the file. One line a file, then the counts.
"""
import argparse
import hashlib
import pathlib
import re
import tempfile

from compare import Oracle, files_of, find_tools, first_error, run

VOLTS = [0.1, 0.05, 0.0, -0.02, 0.03, 0.0]
# Parameters that are sizes; m.
SIZES = {"l", "w", "length", "width"}


def deck(file, module, ports, sign=1, given=()):
    # A module need not touch ground, nor have ports.
    out = [f"* {module}", f'.hdl "{file}"', "i0 0 g 1u", "rg g 0 1k"]
    for k, _ in enumerate(ports):
        v = sign * VOLTS[k % len(VOLTS)]
        out.append(f"v{k} s{k} 0 dc {v} pulse({v} {v + 0.05 * sign:g} 10n 10n 10n 50n 1)")
        out.append(f"r{k} s{k} p{k} 50")
    nodes = " ".join(f"p{k}" for k in range(len(ports)))
    params = "".join(f" {k}={v:g}" for k, v in given)
    out += [f"xdut {nodes} {module}{params}", ".op", ".tran 1n 100n", ".end", ""]
    return "\n".join(out)


def sizes(args, folder, file, module):
    """A value for each parameter that is a size and has no positive default."""
    command = [args.ferrospice, "va", "explain", "-m", module, "-I", str(file.parent), str(file)]
    found = re.findall(r"^  (\w+) +real +([-+.\de]+)", run(command, folder, args.timeout)[1], re.M)
    return {name: 1e-6 for name, default in found if name.lower() in SIZES and float(default) <= 0}


def simulate(args, folder, file, module, ports):
    """(None or why it does not run with its defaults, the parameters with which it does or None)."""

    def attempt(sign, given):
        path = folder / "corpus.cir"
        path.write_text(deck(file, module, ports, sign, given.items()))
        command = [args.ferrospice, "run", "-q", "-r", str(folder / "corpus.raw"), str(path)]
        code, text = run(command, folder, args.timeout)
        return None if code == 0 else text

    first = attempt(1, {})
    if first is None or (not first.startswith("not done") and attempt(-1, {}) is None):
        return None, None
    given, text = sizes(args, folder, file, module), first
    if given:
        text = attempt(1, given)
    while text and len(given) < 4:
        # What the diagnostic names.
        zeros = re.search(r"divides by 0.*0: (.*)|divides by 0: (.*) is 0", text)
        names = [n for n in re.findall(r"parameter `(\w+)`", zeros[0]) if n not in given] if zeros else []
        if not names:
            break
        given[names[0]] = 1.0
        text = attempt(1, given)
    return first_error(first), given if given and text is None else None


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("paths", nargs="+")
    p.add_argument("--ferrospice", required=True)
    p.add_argument("--emerging", default="a^", help="files whose path matches are counted apart")
    p.add_argument("--tests", default="a^", help="files whose path matches try a compiler out and are counted apart")
    p.add_argument("--skip", help="regular expression on the path: files that are no models of their own")
    p.add_argument("--openvaf", action="store_true")
    p.add_argument("--failures", action="store_true", help="print only what fails")
    p.add_argument("--timeout", type=float, default=60)
    args = p.parse_args()
    args.ferrospice = str(pathlib.Path(args.ferrospice).resolve())
    openvaf = None
    if args.openvaf:
        args.vacask = None
        openvaf = find_tools(argparse.Namespace(vacask=None, openvaf=None))[1]
    count = {}
    seen = set()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for file in files_of(args.paths):
            file = file.resolve()
            text = file.read_bytes()
            digest = hashlib.sha1(text).hexdigest()
            if digest in seen or (args.skip and re.search(args.skip, str(file), re.I)):
                continue
            seen.add(digest)
            # Fragments for inclusion have no module of their own.
            if not re.search(rb"^\s*(\(\*.*?\*\)\s*)?(macro)?module\s", text, re.M | re.S):
                continue
            path = str(file)
            is_test, is_emerging = (re.search(x, path, re.I) for x in (args.tests, args.emerging))
            kind = "tests" if is_test else "emerging" if is_emerging else "industry"
            n = count.setdefault(kind, {"files": 0, "compile": 0, "run": 0, "helped": 0, "openvaf": 0})
            n["files"] += 1
            modules, why = Oracle.modules(argparse.Namespace(args=args, folder=folder), file)
            n["compile"] += modules is not None
            reasons = [] if modules is not None else [f"check: {why}"]
            is_lost = modules is None
            for name, ports in modules or []:
                reason, given = simulate(args, folder, file, name, ports)
                if reason:
                    with_ = " ".join(f"{k}={v:g}" for k, v in (given or {}).items())
                    reasons.append(f"{name}: {reason}" + (f"; runs with {with_}" if given else ""))
                    is_lost |= not given
            n["run"] += not reasons
            n["helped"] += bool(reasons) and not is_lost
            other = ""
            if openvaf:
                command = [openvaf, str(file), "-o", str(folder / "x.osdi"), "-I", str(file.parent), "-O", "0"]
                code, _ = run(command, folder, args.timeout)
                n["openvaf"] += code == 0
                other = "both " if code == 0 else "ours "
            if reasons or not args.failures:
                print(f"{'FAIL' if is_lost else 'ok *' if reasons else 'ok  '} {other}{kind:<8} {file}", flush=True)
                for r in reasons:
                    print(f"         {r}", flush=True)
    for kind, n in sorted(count.items()):
        percent, helped = (100 * k / n["files"] for k in (n["run"], n["run"] + n["helped"]))
        extra = f", openvaf-r compiles {n['openvaf']}" if openvaf else ""
        print(f"{kind}: {n['files']} files, {n['compile']} compile, {n['run']} run ({percent:.1f} %), {n['helped']} more with a parameter given ({helped:.1f} %){extra}")


if __name__ == "__main__":
    main()
