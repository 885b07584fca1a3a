# SPDX-License-Identifier: MIT
"""What it costs to run a program apart from others (test/programs/apart.c): in a box, and on Linux in namespaces of its own."""

import re

from aril import programs

from . import rows, systems

ALONE = "/bin/apart nothing"
DYNAMIC = "/usr/bin/true" # Debian's, with its interpreter and libc
WAYS = (("a static program", "plain"), ("the same in a box", f"plain /bin/box {ALONE}"), ("a dynamic one (Debian's true)", f"plain {DYNAMIC}"), ("the same in a box", f"plain /bin/box {DYNAMIC}"))


def figures(lines):
    """Guest instructions, of one run after another."""
    return [int(ticks) / rows.TICKS for ticks in re.findall(r"^apart (\d+)\r?$", "\n".join(lines), re.M)]


def aril(seconds=120):
    """In the order of WAYS."""
    script = "; ".join(f"apart {way}" for _, way in WAYS)
    line = [systems.MACHINE, "run", "--timeout", str(seconds), "--qemu=-cpu", f"--qemu={systems.CPU}", "--icount", str(systems.SHIFT),
            "--add", f"{programs.build('apart', 'musl')}:/bin/apart", "--add-program", f"{DYNAMIC}:{DYNAMIC}", "--", "sh", "-c", script]
    found = figures(systems.lines_of(line, seconds + 60, None))
    if len(found) != len(WAYS):
        raise systems.Failed("a program that was to run apart did not")
    return found


def linux(seconds=120):
    """Of bare Linux, as README.md calls it: a static program, and the same in new namespaces of every kind."""
    program = programs.build("apart", "musl")
    found = [figures(systems.linux_alone(program, [way], seconds, systems.BARE)) for way in ("plain", "unshare")]
    if [len(of) for of in found] != [1, 1]:
        raise systems.Failed("a program that was to run apart did not")
    return [of[0] for of in found]


def told(ours, theirs):
    """Head and body of the table."""
    body = [[title, f"{count:,.0f}", ""] for (title, _), count in zip(WAYS, ours)]
    for row, count in zip((0, 1), theirs):
        body[row][2] = f"{count:,.0f}"
    return ["guest instructions, start to end", "Aril", "bare Linux (in a box: clone with all namespaces)"], body
