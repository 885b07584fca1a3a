# SPDX-License-Identifier: MIT
"""Costs against how much else there is: test/programs/flatcost.c on both systems, its exponents and ratios, and plots."""

import math
import os

from aril import programs

from . import build, rows, svg, systems, table

GUEST = "/bin/flatcost"
# What flatcost.c is asked for, each in a boot of its own: seconds.
CURVES = {"poll": 120, "epoll": 120, "open": 120, "signals": 120, "timers": 120, "children": 200, "maps": 120, "ranges": 120, "places": 120, "threads": 120,
          "args": 120, "mapped": 120, "texts": 120, "huge": 120}


def aril(name, seconds):
    line = [systems.MACHINE, "run", "--mem", systems.MEMORY, "--timeout", str(seconds), "--qemu=-cpu", f"--qemu={systems.CPU}",
            "--icount", str(systems.SHIFT), "--add", f"{programs.build('flatcost', 'musl')}:{GUEST}", "--", GUEST, name]
    return rows.Figures(systems.lines_of(line, seconds + 60, None)).points


def linux(name, seconds):
    return rows.Figures(systems.linux_alone(programs.build("flatcost", "musl"), [name], seconds)).points


def exponent(points):
    """Of the power of n that fits best, by least squares of logarithms."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)


def measured(say):
    """{system: {curve: points}}; Linux only where its kernel has been fetched."""
    found = {"Aril": {}, "Linux": {}}
    for name, seconds in CURVES.items():
        say(f"Aril: {name}")
        found["Aril"].update(aril(name, seconds))
        if os.path.exists(os.path.join(build.PACKAGES, "done")):
            say(f"Linux: {name}")
            found["Linux"].update(linux(name, seconds))
    return found


def told(found):
    """Head and body of the table; and the plots are drawn."""
    body = []
    for name, points in found["Aril"].items():
        other = found["Linux"].get(name, [])
        cells = [name, f"{points[0][0]:,} to {points[-1][0]:,}"]
        for of in (points, other):
            cells += [table.number(of[0][1]), table.number(of[-1][1]), f"{exponent(of):.2f}"] if of else ["", "", ""]
        body.append([*cells, table.ratio(points[-1][1], other[-1][1] if other else None)])
        with open(os.path.join(build.OUT, f"curve-{name}.svg"), "w", encoding="utf-8") as f:
            f.write(svg.plot(name, "how many there are", "guest instructions", [("Aril", points), ("Linux", other)]))
    return ["curve", "n", "Aril, first", "last", "exponent", "Linux, first", "last", "exponent", "Aril/Linux at last"], body
