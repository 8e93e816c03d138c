#!/usr/bin/env python3
"""Writes the decks that the side-by-side comparison runs: same text for every simulator.

Usage: generate.py DIRECTORY
"""
import pathlib
import sys


def rc_ladder(n=1000):
    lines = [f"* RC ladder of {n} sections under a pulse train"]
    lines.append("Vin n0 0 PULSE(0 1 0 10n 10n 2u 4u)")
    for k in range(n):
        lines.append(f"R{k + 1} n{k} n{k + 1} 1k")
        lines.append(f"C{k + 1} n{k + 1} 0 1p")
    lines.append(".tran 10n 40u 0 20n")
    return lines, f"v(n{n // 2})"


def ring(n, level):
    lines = [f"* ring oscillator of {n} CMOS inverters, MOS level {level}"]
    common = "tox=20n cgso=0.3n cgdo=0.3n cj=0.3m mj=0.5 cjsw=0.2n mjsw=0.33 pb=0.8"
    if level == 1:
        lines.append(f".model nch nmos level=1 vto=0.7 kp=100u gamma=0.4 phi=0.65 lambda=0.05 {common}")
        lines.append(f".model pch pmos level=1 vto=-0.7 kp=40u gamma=0.4 phi=0.65 lambda=0.05 {common}")
    else:
        extra = "nsub=2e16 xj=0.2u theta=0.08 vmax=1.5e5 eta=0.02 kappa=0.3"
        lines.append(f".model nch nmos level=3 vto=0.7 uo=500 {extra} {common}")
        lines.append(f".model pch pmos level=3 vto=-0.7 uo=180 {extra} {common}")
    lines.append("Vdd vdd 0 PWL(0 0 1n 3.3)")
    for k in range(n):
        a, b = f"n{k}", f"n{(k + 1) % n}"
        lines.append(f"Mp{k} {b} {a} vdd vdd pch w=4u l=1u ad=8p as=8p pd=12u ps=12u")
        lines.append(f"Mn{k} {b} {a} 0 0 nch w=2u l=1u ad=4p as=4p pd=8u ps=8u")
    lines.append("Ikick 0 n0 PULSE(0 50u 2n 0.1n 0.1n 1n 1)")
    lines.append(".tran 50p 200n 0 100p" if n < 50 else ".tran 50p 60n 0 100p")
    return lines, "v(n0)"


def rectifier():
    lines = [
        "* four-diode full-wave rectifier",
        ".model d1 d is=1e-14 rs=0.5 n=1.05 cjo=20p tt=5n",
        "Vin a b SIN(0 10 50k)",
        "Rb b 0 1meg",
        "D1 a p d1",
        "D2 b p d1",
        "D3 0 a d1",
        "D4 0 b d1",
        "Cl p 0 100n",
        "Rl p 0 10k",
        ".tran 50n 2m 0 50n",
    ]
    return lines, "v(p)"


def start():
    return [
        "* ten-line deck: what a start costs",
        "V1 a 0 1",
        "R1 a b 1k",
        "R2 b c 1k",
        "R3 c 0 1k",
        "D1 b 0 dm",
        ".model dm d",
        "C1 c 0 1n",
        ".op",
    ], "v(b)"


DECKS = {
    "start": start,
    "rc_ladder_1000": rc_ladder,
    "ring_mos1_11": lambda: ring(11, 1),
    "ring_mos3_11": lambda: ring(11, 3),
    "ring_mos1_101": lambda: ring(101, 1),
    "rectifier": rectifier,
}


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, make in DECKS.items():
        lines, signal = make()
        options = ".options reltol=1e-3 abstol=1e-12 vntol=1e-6 method=trap"
        text = "\n".join(lines[:1] + [options] + lines[1:] + [f".save {signal}", ".end", ""])
        (out / f"{name}.cir").write_text(text)


if __name__ == "__main__":
    main()
