# SPDX-License-Identifier: MIT
"""What a family's monitor keeps to itself, and what it sees to whatever its members do."""

import os
import re
import subprocess
import tempfile
import time

import pytest

from aril import conf, guest, image, planted, programs, qemu, session


def searched(nonce, *more):
    """Output of a search of all memory that a program can read for that run's nonce."""
    hidden = "".join(chr(ord(c) + 1) for c in nonce)
    with tempfile.TemporaryDirectory(prefix="aril-test-") as folder:
        program = programs.build("search", "musl")
        source = image.Source(folder, guest.DEBUG, "linux", [f"{program}:/t/search"], ())
        disk = source.disk(conf.text("linux", "pipe", nonce, ["/t/search", hidden, *more], []))
        machine = qemu.Machine(folder, disk, os.path.join(folder, "log"))
        with tempfile.TemporaryFile() as out:
            try:
                status = session.Session(machine, nonce, {}, out=out.fileno(), err=out.fileno(), deadline=time.monotonic() + 120).run()
            finally:
                machine.stop()
            out.seek(0)
            return status, out.read().decode()


def test_nonce_is_hidden():
    """No page that a program can read holds the run's nonce, and what the monitor says is only read."""
    status, out = searched(conf.nonce())
    assert status == 0, out
    pages, found, refused = map(int, re.search(r"^(\d+) pages, found (\d+) times, (\d+) writes refused$", out, re.M).groups())
    assert pages > 1000 and found == 0 and refused >= 2, out


def test_search_finds():
    """The same search finds it where it was put."""
    status, out = searched(conf.nonce(), "planted")
    assert status == 0 and re.search(r"found at 0x[0-9a-f]+$", out, re.M), out
    assert not re.search(r" found 0 times", out), out


@pytest.mark.parametrize("others", ("sleep", "spin"))
def test_awake(others):
    """A sleep, a timer and a byte reach a process while all others sleep, and while one spins with its upcalls off."""
    program = programs.build("awake", "musl")
    with tempfile.TemporaryDirectory(prefix="aril-test-") as folder:
        line = guest.command_line(["--timeout", "100", "--add", f"{program}:/t/awake"], ("/t/awake", others), os.path.join(folder, "log"), None)
        process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.5)
        process.stdin.write(b"k")
        process.stdin.flush()
        out = process.stdout.read()
        process.stdin.close()
        assert process.wait(60) == 0 and out == b"got k\n", out


def test_kill_overdue():
    """A SIGKILL reaches who takes none, whatever the one that made it does: the monitor ends it."""
    program = programs.build("overdue", "musl")
    r = guest.run("/t/overdue", options=["--add", f"{program}:/t/overdue"], timeout=100)
    assert r.status == 0, r
    assert r.out.decode().split("\n") == [f"the maker {what}: ended" for what in ("sleeps", "is stopped", "spins", "is gone")] + [""], r


@pytest.mark.slow
def test_control_is_read():
    """A monitor that writes where members write faults at its first attempt: its link to control memory is read-only."""
    with tempfile.TemporaryDirectory(prefix="aril-test-") as folder:
        read = "\t\tmemory_serve(m);\n"
        app = planted.build(os.path.join(folder, "tree"), [("apps/linux/monitor.c", read, read + "\t\tF->told.ends = m->told.ends;\n")])
        r = guest.run("true", options=["--add", f"{app}:/aril/linux"], timeout=100)
    assert r.status == 125 and re.search(r"monitor\[0\]: library fault: write at 0x7f8000[0-9a-f]+ \(no permission\)", r.log), r
