# SPDX-License-Identifier: MIT
"""What a request costs a client of the key-value server (test/programs/store.c): a library OS in a box beside a process behind a Unix socket."""

import re

from aril import programs

from . import rows, systems

IN_BOX = "box --name store --memory 16M --app kv & until box list | grep -q 'store.*runs'; do usleep 10000; done; usleep 100000; store store bench; store - socket; kill $!; wait"
TITLES = {"get": "get of 100 bytes", "put": "put of 100 bytes", "read": "get by reading the server's table in place"}


def figures(lines):
    """A dict for each run of the program: what, ticks."""
    runs = "\n".join(lines).split("done")[:-1]
    return [{what: int(ticks) / rows.TICKS for what, ticks in re.findall(r"^(put|get|read) (\d+)\r?$", run, re.M)} for run in runs]


def aril(seconds=120):
    """Of the store in a box, and of the process behind a socket there."""
    line = [systems.MACHINE, "run", "--timeout", str(seconds), "--qemu=-cpu", f"--qemu={systems.CPU}", "--icount", str(systems.SHIFT),
            "--add", f"{programs.build('store', 'musl')}:/bin/store", "--", "sh", "-c", IN_BOX]
    found = figures(systems.lines_of(line, seconds + 60, None))
    if len(found) != 2:
        raise systems.Failed("the store's clients did not come to their end")
    return found


def linux(seconds=120):
    """Of the better of the two Linuxes, as README.md calls them."""
    found = figures(systems.linux_alone(programs.build("store", "musl"), ["-", "socket"], seconds, systems.BARE))
    if len(found) != 1:
        raise systems.Failed("the socket's client did not come to its end")
    return found[0]


def told(box, ours, theirs):
    """Head and body of the table."""
    def number(of, what):
        return f"{of[what]:,.0f}" if what in of else ""
    body = [[title, number(theirs, what), number(ours, what), number(box, what), f"{theirs[what if what in theirs else 'get'] / box[what]:.1f}" if theirs else ""] for what, title in TITLES.items()]
    return ["guest instructions a request", "Unix socket on bare Linux", "Unix socket on Aril", "server in a box", "Linux/box"], body
