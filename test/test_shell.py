# SPDX-License-Identifier: MIT
"""The contract of test/machine: one command, its bytes, its status; and what a crash says where. One boot a test, or few."""

import os
import re
import signal
import subprocess
import tempfile
import time

import pytest

from aril import guest, programs


def hostile():
    return ["--add", programs.build("hostile", "musl") + ":/bin/hostile"]


def test_exit_status():
    r = guest.run("sh", "-c", "echo out; echo err >&2; exit 7")
    assert (r.status, r.out, r.err) == (7, b"out\n", b"err\n"), r


def test_killed_by_signal():
    assert guest.run("sh", "-c", "kill -SEGV $$").status == 139


def test_bytes_are_exact():
    r = guest.run("sh", "-c", "cat; printf 'a\\r\\n\\000\\377\\n'; printf x", stdin=bytes(range(256)) * 300)
    assert r.status == 0 and r.err == b"", r
    assert r.out == bytes(range(256)) * 300 + b"a\r\n\0\xff\nx"


def test_not_found():
    r = guest.run("no-such-command")
    assert r.status == 127 and r.out == b"", r


def test_not_executable():
    assert guest.run("/etc").status == 126


@pytest.mark.parametrize("deed,address", [("null_read", 0), ("nobody", 99999999999999), ("kernel_read", 0xffff800000000000)])
def test_crash_is_told(deed, address):
    """COMMAND itself dies: address, cause and rip are on the host's stderr and in the log, not in its own streams."""
    r = guest.run("/bin/hostile", deed, options=hostile())
    assert r.status == 139 and r.out == b"", r
    line = re.search(rb"^.*Segmentation fault.*$", r.err, re.M)
    assert line, r
    assert re.search(rb"\b(0x)?0*%x\b" % address, line.group(0)) and b"rip" in line.group(0), line.group(0)
    assert re.search(r"Segmentation fault.*rip", r.log), r


def test_shell_above_goes_on():
    r = guest.run("sh", "-c", "hostile null_read; echo $?; hostile nobody; echo $?; hostile kernel_read; echo $?; hostile >/dev/null; echo alive", options=hostile())
    assert r.status == 0 and r.out == b"139\n139\n139\nalive\n", r
    assert b"rip" not in r.err, r
    assert len(re.findall(r"Segmentation fault.*rip", r.log)) >= 3, r


def test_script_on_stdin():
    r = guest.run(stdin=b"ls / | wc -l >/tmp/n\nx=5\nwhile [ $x -gt 0 ]; do\nx=$((x - 1))\ndone\necho hello $x\ncat <<END\nhere $x\nEND\nexit 3\necho never\n")
    assert r.status == 3 and r.out == b"hello 0\nhere 0\n" and r.err == b"", r


def test_stdin_end_ends_shell():
    r = guest.run(stdin=b"echo one\nfalse\n")
    assert r.status == 1 and r.out == b"one\n", r


def test_demo_on_empty_input():
    r = guest.run(timeout=180)
    assert r.status == 0 and r.err == b"" and len(r.out.split(b"\n")) > 20, r


def test_add_and_get():
    with tempfile.TemporaryDirectory() as folder:
        tree = os.path.join(folder, "tree")
        os.makedirs(os.path.join(tree, "sub"))
        with open(os.path.join(tree, "run me"), "w", encoding="ascii") as f:
            f.write("#!/bin/sh\necho ran \"$@\"\n")
        os.chmod(os.path.join(tree, "run me"), 0o751)
        os.symlink("run me", os.path.join(tree, "sub", "link"))
        os.link(os.path.join(tree, "run me"), os.path.join(tree, "sub", "hard"))
        got = os.path.join(folder, "got")
        r = guest.run("sh", "-c", "'/opt/x/run me' a 'b c'; stat -c %a '/opt/x/run me'; stat -c %h /opt/x/sub/hard; readlink /opt/x/sub/link; sha256sum </bin/busybox; "
                      "seq 100000 >/tmp/out; chmod 604 /tmp/out", options=["--add", f"{tree}:/opt/x", "--get", f"/tmp/out:{got}"])
        assert r.status == 0 and r.out.split(b"\n")[:4] == [b"ran a b c", b"751", b"2", b"run me"], r
        with open(got, "rb") as f:
            assert f.read() == b"".join(b"%d\n" % i for i in range(1, 100001))
        assert os.stat(got).st_mode & 0o7777 == 0o604
        r = guest.run("false", options=["--get", f"/no/such:{got}2"])
        assert r.status == 1 and b"/no/such" in r.err and not os.path.exists(got + "2"), r


def test_timeout():
    start = time.monotonic()
    r = guest.run("sleep", "1000", timeout=12)
    assert r.status == 124 and time.monotonic() - start < 30, r


def test_machine_is_reaped():
    """SIGTERM to the driver: QEMU and the run's folder are gone, the status tells the signal."""
    with tempfile.TemporaryDirectory() as folder:
        line = guest.command_line([], ["sh", "-c", "echo up; sleep 1000"], os.path.join(folder, "log"))
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=dict(os.environ, TMPDIR=folder))
        assert process.stdout.readline() == b"up\n"
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], stdout=subprocess.PIPE, check=True).stdout.split()
        assert children
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
        assert not [c for c in children if os.path.exists(f"/proc/{int(c)}")]
        assert os.listdir(folder) == ["log"]


def test_environment():
    r = guest.run("sh", "-c", "echo $PATH; echo $HOME $SHELL; umask; uname -s -r -m; id; pwd; grep -c root /etc/passwd; test -t 0; echo $?")
    out = r.out.decode().split("\n")
    assert out[0] == guest.PATH and out[1].startswith("/root /bin/") and out[2] == "0022" and out[3] == "Linux 6.1.0-aril x86_64", r
    assert out[4].startswith("uid=0(root) gid=0(root)") and out[6] == "1" and out[7] == "1", r


def test_wall_clock():
    r = guest.run("date", "-u", "+%s")
    assert r.status == 0 and abs(int(r.out) - time.time()) < 60, r
