# SPDX-License-Identifier: MIT
"""--strace: a line for each call, with names and arguments of syscall.def and errors by name; the program's own streams stay what they are."""

import re

from aril import guest


def test_lines(tmp_path):
    log = tmp_path / "calls"
    r = guest.run("sh", "-c", "ls /nothing; cat /etc/hostname | tr a-z A-Z; kill -0 $$; exit 7", options=[f"--strace={log}"])
    assert (r.status, r.out, r.err) == (7, b"ARIL\n", b"ls: /nothing: No such file or directory\n"), r
    lines = log.read_text(encoding="ascii").splitlines()
    assert all(re.match(r"\d+ \w+(\(.*\)( = (-?\d+|0x[0-9a-f]+|-1 E\w+|\? ERESTARTSYS))?| = -1 E\w+)$", line) for line in lines), lines
    calls = [line.partition(" ")[2] for line in lines]
    shell = lines[0].partition(" ")[0]
    for want in (r'newfstatat\(AT_FDCWD, "/nothing", 0x[0-9a-f]+, 0x\w+\) = -1 ENOENT', r'write\(2, "ls: /nothing: No such file or di"\.\.\., 40\) = 40',
                 r'execve\("/proc/self/exe", \["cat", "/etc/hostname"\], 0x[0-9a-f]+\)', r'openat\(AT_FDCWD, "/etc/hostname", O_RDONLY, 00\) = \d',
                 r'read\(0, "aril\\n", \d+\) = 5', r'write\(1, "ARIL\\n", 5\) = 5', r"pipe2?\(0x[0-9a-f]+.*\) = 0", rf"kill\({shell}, 0\) = 0", r"exit_group\(7\)"):
        assert any(re.fullmatch(want, call) for call in calls), (want, calls)


def test_on_stderr():
    r = guest.run("true", options=["--strace"])
    assert r.status == 0 and r.out == b"" and re.search(rb"^2 exit_group\(0\)$", r.err, re.M), r


def test_off():
    r = guest.run("true")
    assert (r.status, r.out, r.err) == (0, b"", b"")
