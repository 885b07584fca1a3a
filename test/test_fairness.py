# SPDX-License-Identifier: MIT
"""How the library OS shares the CPU, on a machine whose time is counted in instructions: the same figures on every run and every host."""

import pytest

from aril import guest, programs

SHIFT = 3
LATENCY_US = 6000  # the target latency, apps/linux/main.c
KINDS = ("equal", "nice", "threads", "timer", "message")


@pytest.fixture(scope="module")
def figures():
    path = programs.build("fair", "musl")
    r = guest.run("sh", "-c", "".join(f"fair {k}; " for k in KINDS), options=["--icount", str(SHIFT), "--add", f"{path}:/bin/fair"], timeout=400, debug=False)
    assert r.status == 0 and not r.err, r
    lines = [[int(word) for word in line.split()] for line in r.out.splitlines()]
    assert len(lines) == len(KINDS), r
    return dict(zip(KINDS, lines))


def test_equal(figures):
    """Two spinning processes, a second of guest time: less than 2 % apart."""
    a, b = figures["equal"]
    print(f"two spinning processes: {a} and {b} rounds in a second, {200 * abs(a - b) / (a + b):.2f} % apart")
    assert 200 * abs(a - b) / (a + b) < 2


def test_nice(figures):
    """Five steps of nice are a factor of 1.25 to the fifth."""
    a, b = figures["nice"]
    print(f"nice 0 beside nice 5: {a / b:.3f} to 1")
    assert 0.97 < a / b / 1.25 ** 5 < 1.03


def test_threads(figures):
    """A process of one thread beside one of three: each thread is one among four."""
    rounds = figures["threads"]
    assert (max(rounds) - min(rounds)) / max(rounds) < 0.02


@pytest.mark.parametrize("by", ("timer", "message"))
def test_wakes(by, figures):
    """A process that mostly sleeps, beside ten that spin: it has the CPU within the target latency after its time, or after another one's message."""
    mean, worst = figures[by]
    print(f"woken by {by} beside ten spinning processes: {mean} us late in the mean, {worst} us at worst")
    assert worst < LATENCY_US
