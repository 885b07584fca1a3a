# SPDX-License-Identifier: MIT
"""The budget: instructions that each row may cost on Aril today. A row that costs more fails the suite; one that costs less asks to be written down."""

import os
import re

from . import build, rows, systems

PATH = os.path.join(build.HERE, "budget")
# Rows whose work is the program's own, or whose file may not have been fetched, are measured by `make bench` alone; and those that take seconds.
LEFT_OUT = {"sort", "gzip", "sqlite", "sh-loop", "exec-dynamic", "fork-parent", "demand-zero", "fork-512m", "timer"}
# Rows that are means of many operations beside other processes: where a slice ends among them is not the same on every run.
MEANS = {"cow-copy", "cow-last", "cow-last-child", "fork", "fork-glibc", "fork-64m", "fork-child1", "fork-exec", "spawn", "yield", "thread"}
# Rows with two ways, of which the quick round may meet one only; 3 % over the shorter is 1 % over the longer. Of two that wake each other, who has run less decides
# where each is put in the run queue, for a thousand turns or more (34 instructions a turn); of an exec's two envs, when the dead one is taken apart.
TWO_WAYS = {"pipe", "eventfd", "futex", "vfork-exec"}
HEAD = """\
# SPDX-License-Identifier: MIT
# Guest instructions of each row on Aril, minimum of the quick round: row, count, tolerance in percent (0 where it repeats exactly).
# Written by `make budget`; checked by `make test`. A changed line is a changed cost: its reason stands in the commit.
"""


def measured(each=None, seconds=240, otherwise=False):
    """{row: minimum} of the quick round, and the native figures: a slice that ends inside a sample is no cost of the row. otherwise: in another order, on
    another memory, so that what depends on such things shows."""
    wanted = [i for i in rows.table_ids() if i not in LEFT_OUT]
    lines, _ = systems.aril(["quick", ",".join(reversed(wanted) if otherwise else wanted)], seconds, each, packages=otherwise, memory="1G" if otherwise else systems.MEMORY)
    figures = rows.Figures(lines)
    _, log = systems.aril([], seconds, app="bench")
    found = dict(figures.minimum)
    for title, _, minimum in rows.native_figures(log)[0]:
        found["native." + rows.slug(title)] = minimum
    return found


def read():
    """{row: (count, tolerance in percent)}"""
    found = {}
    with open(PATH, encoding="ascii") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                name, count, tolerance = line.split()
                found[name] = (float(count), float(tolerance))
    return found


def write(first, second):
    """Two measurements, the second made otherwise: a row that is the same in both has no tolerance."""
    with open(PATH, "w", encoding="ascii") as f:
        f.write(HEAD)
        for name, count in first.items():
            tolerance = 3 if name in TWO_WAYS else 1 if name in MEANS or count != second.get(name, count) else 0
            f.write(f"{name:48} {count:12.2f} {tolerance}\n")


def check(found, budget):
    """(failures, remarks), one line each."""
    failures, remarks = [], []
    for name, (count, tolerance) in budget.items():
        now = found.get(name)
        if now is None:
            failures.append(f"{name}: {count:,.2f} instructions in the budget, not measured any more")
        elif now > count * (1 + tolerance / 100) + 0.005:
            failures.append(f"{name}: {now:,.2f} instructions, {now - count:,.2f} more than the budget's {count:,.2f} (+{100 * (now - count) / max(count, 1):.2f} %)")
        elif now < count * (1 - max(tolerance, 1) / 100):
            remarks.append(f"{name}: {now:,.2f} instructions, {count - now:,.2f} less than the budget's {count:,.2f}: make budget")
    remarks += [f"{name}: {now:,.2f} instructions, not in the budget: make budget" for name, now in found.items() if name not in budget]
    return failures, remarks
