"""Binary raw files: all plots with their names and columns, real or complex. Standard library only."""
import array
import re
import sys


def read(path):
    """[(plot name, {lower-case signal: column})]"""
    plots = []
    with open(path, "rb") as f:
        while True:
            head = b""
            while not head.endswith(b"Binary:\n"):
                line = f.readline()
                if not line:
                    return plots
                head += line
            text = head.decode("utf-8", "replace")
            n = int(re.search(r"No\. Variables:\s*(\d+)", text).group(1))
            p = int(re.search(r"No\. Points:\s*(\d+)", text).group(1))
            is_complex = re.search(r"Flags:.*complex", text) is not None
            title = re.search(r"Plotname:\s*(.*)", text).group(1).strip()
            names = [line.split()[1].lower() for line in text.split("Variables:\n", 1)[1].splitlines()[:n]]
            values = array.array("d")
            values.frombytes(f.read(8 * n * p * (2 if is_complex else 1)))
            if sys.byteorder == "big":
                values.byteswap()
            if is_complex:
                re_, im = values[0::2], values[1::2]
                columns = {m: [complex(x, y) for x, y in zip(re_[i::n], im[i::n])] for i, m in enumerate(names)}
            else:
                columns = {m: list(values[i::n]) for i, m in enumerate(names)}
            plots.append((title, columns))
