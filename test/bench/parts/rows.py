# SPDX-License-Identifier: MIT
"""The rows' names and the meaning of the lines that the programs print."""

import os
import re

from . import build

TICKS = 8  # ticks of one instruction, 2^SHIFT
# Whole programs that nobody here wrote; with the boot they stand first.
PROGRAMS = ("sh-loop", "sort", "gzip", "sqlite")
BOOT = ("boot", "boot: from the image's first instruction to the first program's")


def rows():
    """(id, title, includes) in the table's order; curves have no title."""
    with open(os.path.join(build.HERE, "program", "rows.def"), encoding="utf-8") as f:
        return re.findall(r'^ROW\((\S+),\s*"([^"]*)",\s*\w+,\s*"([^"]*)"\)', f.read(), re.M)


def table_ids():
    return [i for i, title, _ in rows() if title]


class Figures:
    """What one run brought: medians and minima by row (in ticks / scale), reasons of absent rows, points of curves, single marks."""

    def __init__(self, lines, scale=TICKS):
        self.median, self.minimum, self.absent, self.points, self.marks = {}, {}, {}, {}, {}
        for line in lines:
            m = re.fullmatch(r"row (\S+) ([\d.]+) ([\d.]+)", line)
            if m:
                by = 1 if m.group(1) == "timer" else scale
                self.median[m.group(1)] = float(m.group(2)) / by
                self.minimum[m.group(1)] = float(m.group(3)) / by
            m = re.fullmatch(r"absent (\S+) (.*)", line)
            if m:
                self.absent[m.group(1)] = m.group(2)
            m = re.fullmatch(r"point (\S+) (\d+) ([\d.]+)", line)
            if m:
                self.points.setdefault(m.group(1), []).append((int(m.group(2)), float(m.group(3)) / scale))
            m = re.fullmatch(r"(first|start|image) (\d+)", line)
            if m:
                self.marks[m.group(1)] = int(m.group(2))

    def boot(self, entry, scale=TICKS):
        """A row of its own: from the tick at which the image began to the first program's beginning."""
        self.median["boot"] = self.minimum["boot"] = (self.marks["first"] - entry) / scale


def slug(title):
    """A native figure's name in the budget."""
    return re.sub(r"[^A-Za-z0-9]+", "-", title).strip("-")


def native_figures(log):
    """The native app's lines in the machine's log: (figures as (title, median, minimum), points by curve)."""
    figures = [(m[0], float(m[1]), float(m[2])) for m in re.findall(r'BENCH "([^"]+)" ([\d.]+) ([\d.]+)', log)]
    points = {}
    for curve, x, y in re.findall(r"POINT (\S+) (\d+) ([\d.]+)", log):
        points.setdefault(curve, []).append((int(x), float(y)))
    return figures, points
