#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Repeats the fits of the cards: does each command give the values that the card has?

    python3 models/refit.py [--binary BIN] [-I DIR] [CARD...]

The header of a card says where its chosen values come from:

    * fit: ferrospice fit netlists/devices/CARD.cir --vary CARD:p=LOW:HIGH ...
    * fit: none; <how each value follows>

This script runs the commands from the project's root (`ferrospice` becomes the binary; without -I nothing but --json is
added, so that the cards and decks in the binary and in the tree must be the same) and prints a table of the card's values
and the fitted ones. Exit status 1: a fit failed, a check of its deck was missed, a value differs by more than 2 %, or a
card has no such line.
"""
import argparse
import json
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CARDS = ROOT / "models/cards"
LARGEST = 2.0  # difference in per cent
SUFFIX = {"t": 1e12, "g": 1e9, "meg": 1e6, "k": 1e3, "mil": 25.4e-6, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12,
          "f": 1e-15, "a": 1e-18}
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"


def number(text):
    """A SPICE number: 4.7k, 10meg, 1e-3; None for anything else."""
    match = re.match(rf"({NUMBER})(meg|mil|[tgkmunpfa])?[a-z]*$", text.lower())
    return match and float(match[1]) * SUFFIX.get(match[2], 1.0)


def statements(text):
    """The lines of a netlist with their continuations, without comments."""
    lines = []
    for line in text.splitlines():
        if line.startswith("+") and lines:
            lines[-1] += " " + line[1:]
        elif not line.startswith("*"):
            lines.append(line.split("$ ")[0])
    return lines


def fit_line(card):
    """What the header says after `* fit:`; None without that line."""
    found = None
    for line in card.read_text().splitlines():
        if found is not None:
            more = re.match(r"\*\s{2,}(.*)|\* fit:\s*(.*)", line)
            if not more:
                return found
            found += " " + (more[1] or more[2] or "").strip()
        elif line.startswith("* fit:"):
            found = line[6:].strip()
    return found


def card_value(variable, deck):
    """Value of CARD:NAME in its .model line, or of NAME in a .param line of the deck."""
    model, _, name = variable.rpartition(":")
    path = CARDS / f"{model}.lib" if model else None
    path = path if path and path.exists() else deck
    for line in statements(path.read_text()):
        words = line.lower().split(None, 2)
        if model and words[:2] != [".model", model.lower()] or not model and words[:1] != [".param"]:
            continue
        match = re.search(rf"\b{re.escape(name.lower())}\s*=\s*([^\s()]+)", line.lower())
        if match:
            return number(match[1])
    return None


def refit(card, command, binary, include):
    """Runs one command; prints its rows; true if all is well."""
    words = shlex.split(command)
    if words[:2] != ["ferrospice", "fit"] or "--vary" not in words:
        print(row(card, "", "", "", "", f"not a command of ferrospice fit: {command}"))
        return False
    extra = [word for path in include for word in ("-I", path)]
    run = subprocess.run([binary, *words[1:], *extra, "--json"], cwd=ROOT, capture_output=True, text=True)
    try:
        result = json.loads(run.stdout)
    except ValueError:
        said = (run.stderr.strip().splitlines() or ["no result"])[0]
        print(row(card, "", "", "", "", f"FAILED: {said}"))
        return False
    missed = [check["name"] for check in result["checks"] if not check["ok"]]
    good = bool(result["ok"]) and not missed and run.returncode == 0
    deck = ROOT / next(word for word in words[2:] if word.endswith(".cir"))
    for variable, fitted in result["values"].items():
        value = card_value(variable, deck)
        if value is None:
            print(row(card, variable, "?", f"{fitted:.5g}", "", "NOT ON THE CARD"))
            good = False
            continue
        away = 100.0 * (fitted - value) / abs(value or 1.0)
        same = abs(away) <= LARGEST
        good &= same
        print(row(card, variable, f"{value:.5g}", f"{fitted:.5g}", f"{away:+.3f}", "ok" if same else "DIFFERS"))
    if missed or not result["ok"]:
        print(row(card, "", "", "", "", f"FAILED: missed: {' '.join(missed) or 'no convergence'}"))
    return good


def row(card, variable, value, fitted, away, verdict):
    name = variable.removeprefix(card + ":")
    return f"{card:<28} {name:<14} {value:>12} {fitted:>12} {away:>9}  {verdict}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="target/release/ferrospice", help="ferrospice (from the project's root)")
    parser.add_argument("-I", "--include", action="append", default=[], metavar="DIR",
                        help="passed on: take the library from DIR instead of that in the binary")
    parser.add_argument("cards", nargs="*", metavar="CARD", help="all cards unless named")
    arguments = parser.parse_args()
    paths = [CARDS / f"{name}.lib" for name in arguments.cards] or sorted(CARDS.glob("*.lib"))
    print(row("card", "parameter", "card value", "fitted", "differs %", "verdict"))
    fits, nones, bad, without = 0, 0, [], []
    for path in paths:
        card = path.stem
        said = fit_line(path) if path.exists() else None
        if said is None:
            without.append(card)
            print(row(card, "", "", "", "", "NO FIT LINE" if path.exists() else "NO SUCH CARD"))
        elif re.match(r"none\b", said):
            nones += 1
            print(row(card, "", "", "", "", "none"))
        else:
            fits += 1
            if not refit(card, said, arguments.binary, arguments.include):
                bad.append(card)
        sys.stdout.flush()
    print(f"\n{len(paths)} cards: {fits} with a fit, {nones} with none, {len(without)} without the line")
    if without:
        print("without the line:", " ".join(without))
    if bad:
        print("failed:", " ".join(bad))
    return 1 if bad or without else 0


if __name__ == "__main__":
    sys.exit(main())
