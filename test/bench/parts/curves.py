# SPDX-License-Identifier: MIT
"""Costs against how much else there is: test/programs/flatcost.c on both systems, its exponents and ratios, and plots."""

import math
import os

from . import build, cpio, rows, svg, systems, table

GUEST = "/bin/flatcost"
# What flatcost.c is asked for, each in a boot of its own: seconds.
CURVES = {"poll": 120, "epoll": 120, "open": 120, "signals": 120, "timers": 120, "children": 200, "maps": 120, "threads": 120}


def program():
    source = os.path.join(build.TOP, "test", "programs", "flatcost.c")
    command = ["musl-gcc", "-static", "-D_GNU_SOURCE", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]
    return build.compile_one(os.path.join(build.OUT, "flatcost"), command, [source], [source])


def aril(name, seconds):
    line = [systems.MACHINE, "run", "--mem", systems.MEMORY, "--timeout", str(seconds), "--qemu=-cpu", f"--qemu={systems.CPU}",
            "--icount", str(systems.SHIFT), "--add", f"{program()}:{GUEST}", "--", GUEST, name]
    return rows.Figures(systems.lines_of(line, seconds + 60, None)).points


def linux(name, seconds):
    """The program is the first process there: the machine ends with it."""
    folder, archive = os.path.join(build.OUT, "curves-tree"), os.path.join(build.OUT, "curves-initramfs")
    os.makedirs(os.path.join(folder, "bin"), exist_ok=True)
    os.makedirs(os.path.join(folder, "dev"), exist_ok=True)
    with open(program(), "rb") as f, open(folder + GUEST, "wb") as to:
        to.write(f.read())
    os.chmod(folder + GUEST, 0o755)
    cpio.write(folder, archive)
    append = f"console=ttyS0 quiet panic=-1 rdinit={GUEST} -- {name}"
    line = systems.linux_command(systems.linux_kernel(), True, append, "stdio")
    line[line.index("-initrd") + 1] = archive
    return rows.Figures(systems.lines_of(line, seconds, None)).points


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
