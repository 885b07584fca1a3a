# SPDX-License-Identifier: MIT
"""`make gdb`: backtraces that lead from ring 0 through the library OS to the program, on every way between them."""

import os
import re
import shutil
import subprocess

import pytest

from aril import place

pytestmark = pytest.mark.skipif(not shutil.which("gdb"), reason="gdb: missing; make deps")
# A fork and a wait, a write below a sealed table, an address that only the library touches. By registers: musl has
# no tables of its frames.
PROGRAM = r"""
#include <sys/syscall.h>
static inline __attribute__((always_inline)) long bare(long number, long a, void *b)
{
	register long r10 __asm__("r10") = 0;
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(0), "r"(r10) : "rcx", "r11", "memory");
	return result;
}
static volatile char written[4096] __attribute__((aligned(4096)));
static char absent[8192] __attribute__((aligned(4096)));
__attribute__((noinline)) static void forked(void)
{
	written[0] = 1;
	if (!bare(SYS_fork, 0, 0))
		(void)bare(SYS_exit, 7, 0);
	written[0] = 2;
	(void)bare(SYS_wait4, -1, 0);
}
int main(void)
{
	forked();
	return bare(SYS_getcwd, (long)absent, (void *)sizeof absent) < 0;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gdb")
    (folder / "layers.c").write_text(PROGRAM, encoding="ascii")
    path = str(folder / "layers")
    subprocess.run(["musl-gcc", "-static", "-g", "-O1", "-o", path, str(folder / "layers.c")], check=True)
    return path


def functions(program: str, places: str) -> list:
    """Of the backtrace at the last of the places, the innermost first."""
    env = {**os.environ, "PROGRAM": program, "AT": places}
    done = subprocess.run(
        [os.path.join(place.TOP, "test", "gdb")],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    out = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0 and "corrupt stack" not in out, out
    return re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(<signal handler called>|\w+)", out, re.M)


@pytest.mark.parametrize(
    "places, wanted",
    [
        ("main op_env_make", ["op_env_make", "gate_call", "fork_sealed", "sys_fork", "syscall_enter", "forked", "main"]),
        ("main op_pt_copy", ["op_pt_copy", "gate_call", "table_copy", "upcall_serve", "forked", "main"]),
        ("main op_env_kill", ["op_env_kill", "gate_slow", "gate_env_kill", "syscall_enter", "forked", "main"]),
        ("main sys_getcwd upcall_enter", ["upcall_enter", "user_copy", "sys_getcwd", "syscall_enter", "main"]),
    ],
    ids=["call", "fault", "switch", "library_fault"],
)
def test_layers(program, places, wanted):
    """From the place down to main: these, in this order, and main is the last."""
    found = functions(program, places)
    assert found and found[0] == wanted[0] and found[-1] == "main", found
    at = 0
    for name in wanted:
        assert name in found[at:], (name, found)
        at = found.index(name, at) + 1


def test_refused():
    done = subprocess.run(
        [os.path.join(place.TOP, "test", "gdb")],
        env={**os.environ, "PROGRAM": "/no/such"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1 and done.stdout == b"gdb: /no/such: no such file\n", done
