#!/usr/bin/env python3
"""Writes the decks of the comparison: DIRECTORY/NAME.cir (ferrospice, ngspice), NAME.gnucap, NAME.sim (VACASK).

Usage: generate.py [--quick] [--only NAME ...] DIRECTORY
"""
import argparse
import pathlib

from circuit import Cannot, for_gnucap, for_spice, for_vacask
from circuits import CIRCUITS


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--quick", action="store_true", help="small circuits, short runs")
    ap.add_argument("--only", action="append", choices=CIRCUITS, help="only this circuit (repeatable)")
    ap.add_argument("directory", type=pathlib.Path)
    args = ap.parse_args()
    args.directory.mkdir(parents=True, exist_ok=True)
    for name in args.only or CIRCUITS:
        circuit = CIRCUITS[name](args.quick)
        (args.directory / f"{name}.cir").write_text(for_spice(circuit))
        for suffix, text in (
            ("gnucap", lambda c: for_gnucap(c, f"{name}.gnucap.out")),
            ("sim", lambda c: for_vacask(c, memristor="memristor.osdi")),
        ):
            try:
                (args.directory / f"{name}.{suffix}").write_text(text(circuit))
            except Cannot as why:
                print(f"{name}: no .{suffix}: {why}")
        print(f"{name}: {len(circuit.elements)} elements {circuit.note}")


if __name__ == "__main__":
    main()
