# SPDX-License-Identifier: MIT
"""What boot costs, in guest instructions, and what it needs: memory sizes, machines, two libraries of firmware."""

import re
import time

import pytest

from aril import guest
from test_hostile import Bare

SHIFT = 3
LIMIT = 6_000_000


def test_instructions_to_ring3():
    """From the return of ExitBootServices to the first instruction of ring 3, 2 GiB of RAM, calibration included."""
    r = guest.run("true", options=["--icount", str(SHIFT), "--mem", "2G"], timeout=400, debug=False)
    assert r.status == 0, r
    found = re.search(r"time to first user instruction: (\d+) ticks", r.log)
    assert found, r
    instructions = int(found.group(1)) >> SHIFT
    print(f"ExitBootServices to ring 3: {instructions} instructions")
    assert 0 < instructions <= LIMIT


def test_boot_times():
    """Wall-clock seconds on this host, plain TCG: printed, no limit."""
    start = time.monotonic()
    with Bare(conf=b"app = linux\n") as m:
        assert m.wait(r"^efi: Aril"), m.log()
        ours = time.monotonic() - start
        assert m.wait(r"^efi: leaving firmware"), m.log()
        leaving = time.monotonic() - start
        assert m.wait(r"init: started"), m.log()
        shell = time.monotonic() - start
    print(f"boot: {ours:.1f} s of firmware, left after {leaving:.1f} s, a shell after {shell:.1f} s")


@pytest.mark.parametrize("mem", ["96M", "3G", "6G"])
def test_memory_sizes(mem):
    r = guest.run("sh", "-c", "echo up; grep MemTotal /proc/meminfo | wc -l", options=["--mem", mem])
    assert r.status == 0 and r.out == b"up\n1\n", r


def test_machine_pc():
    r = guest.run("echo", "up", options=["--qemu=-machine", "--qemu=pc"])
    assert r.status == 0 and r.out == b"up\n", r


def test_plain_cpu():
    """A processor without SMAP, AVX, RDRAND."""
    r = guest.run("sh", "-c", "head -c 16 /dev/urandom | wc -c", options=["--qemu=-cpu", "--qemu=qemu64"])
    assert r.status == 0 and r.out == b"16\n", r


def test_out_of_memory():
    """A refused allocation is ENOMEM to the program; the shell lives on and the memory comes back."""
    r = guest.run("sh", "-c", "dd if=/dev/zero of=/tmp/big bs=1M count=400 2>/dev/null; echo $?; : >/tmp/big; dd if=/dev/zero of=/tmp/small bs=1M count=8 2>/dev/null; echo $?",
                  options=["--mem", "160M"])
    out = r.out.split()
    assert r.status == 0 and out[0] != b"0" and out[1] == b"0", r
