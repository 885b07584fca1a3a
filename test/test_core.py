# SPDX-License-Identifier: MIT
"""Core files: what a killed program leaves behind for a debugger, when it was asked for, and when not."""

import os
import re
import shutil
import struct
import subprocess

import pytest

from aril import guest, programs


def guest_core(tmp_path, kind, script):
    """Runs the script with `crash` at hand; (result, path of the program, path of the core that the script leaves)."""
    program, core = programs.build("core", kind), str(tmp_path / "core")
    r = guest.run("sh", "-c", f"cd /tmp; ulimit -c unlimited; {script}", options=["--add", f"{program}:/bin/crash", "--get", f"/tmp/core:{core}"])
    return r, program, core


def segments(core):
    """(address, bytes) of the memory in it."""
    with open(core, "rb") as f:
        data = f.read()
    offset, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    for i in range(count):
        kind, _, at, va, _, in_file, _, _ = struct.unpack_from("<IIQQQQQQ", data, offset + i * size)
        if kind == 1:
            yield va, data[at:at + in_file]


def symbol(program, name):
    said = subprocess.run(["nm", program], check=True, stdout=subprocess.PIPE).stdout.decode()
    return int(re.search(rf"^(\w+) \w {name}$", said, re.M).group(1), 16)


def test_image(tmp_path):
    """Status and file as on Linux; memory as the program left it, also what it had made read-only since."""
    r, program, core = guest_core(tmp_path, "static", "crash segv; echo $?; test -f core && echo there; stat -c %a core")
    assert r.status == 0 and r.out == b"139\nthere\n600\n" and b"core dumped" in r.err, r
    memory = dict(segments(core))
    at = symbol(program, "marker_data")
    words = [struct.unpack_from("<I", text, at - va)[0] for va, text in memory.items() if va <= at < va + len(text)]
    assert words == [0x41524C + 42]
    assert any(b"local words\0" in text for text in memory.values())
    notes = subprocess.run(["readelf", "-nW", core], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert not notes.stderr and notes.stdout.count(b"NT_PRSTATUS") == 2, notes
    assert all(name in notes.stdout for name in (b"NT_PRPSINFO", b"NT_SIGINFO", b"NT_AUXV", b"NT_FILE", b"NT_FPREGSET")), notes


@pytest.mark.skipif(not shutil.which("gdb"), reason="gdb: missing; make deps-boot")
@pytest.mark.parametrize("kind", ("static", "pie"))
def test_debugger(tmp_path, kind):
    """gdb opens it: why, where, by whom called, and the other thread."""
    r, program, core = guest_core(tmp_path, kind, "crash segv")
    assert r.status == 139, r
    asked = [word for text in ("bt", "info threads", "print/x (int)marker_data") for word in ("-ex", text)]
    said = subprocess.run(["gdb", "-nx", "-batch", *asked, program, core], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    text = said.stdout.decode()
    assert "terminated with signal SIGSEGV" in text and re.search(r"#0 .*inner_most.*\n#1 .*in_between.*\n#2 .*main", text), text
    assert re.search(r"^\* 1 .*inner_most", text, re.M) and re.search(r"^  2 .*(pause|pthread_barrier_wait)", text, re.M) and hex(0x41524C + 42) in text, text


def test_large_reservation_stays_small():
    """64 GiB of which one page is used: a file of that size with holes, made at once."""
    add = ["--add", f"{programs.build('core', 'static')}:/bin/crash"]
    r = guest.run("sh", "-c", "cd /tmp; ulimit -c unlimited; crash large; echo $?; test $(stat -c %s core) -gt 68000000000 && test $(stat -c %b core) -lt 1000 && echo sparse",
                  options=add)
    assert r.status == 0 and r.out == b"139\nsparse\n", r


def test_refused():
    """No file, and a status without the dumped bit: not asked for; no signal of that kind; less than a page allowed; a folder, a link, or a second name in the way."""
    add = ["--add", f"{programs.build('core', 'static')}:/bin/crash"]
    script = """cd /tmp
crash segv; echo $? $(ls)
ulimit -c unlimited; crash term; echo $? $(ls)
ulimit -S -c 7; crash segv; echo $? $(ls)
ulimit -S -c 60; crash segv; echo $? $(($(stat -c %b core) / 16)) $(head -c 4 core); rm core
ulimit -S -c unlimited; mkdir core; crash abort; echo $? $(ls core)
rmdir core; ln -s away core; crash abort; echo $? $(ls)
rm core; echo kept >one; ln one core; crash abort; echo $? $(cat one)
rm core; cd /proc; crash abort; echo $?"""
    r = guest.run("sh", "-c", script, options=add)
    assert r.status == 0, r
    assert r.out == b"139\n143\n139\n139 3 \x7fELF\n134\n134 core\n134 kept\n134\n", r
    assert r.err.count(b"core dumped") == 1, r
