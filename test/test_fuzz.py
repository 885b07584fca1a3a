# SPDX-License-Identifier: MIT
"""The fuzzers: calls of the gate by hostile envs in ring 3 (guest/fuzz), and the decoders of foreign bytes on the host (fuzz/)."""

import os
import re
import subprocess

import pytest

from aril import guest, image

TOP = image.TOP
DECODERS = ("acpi", "conf", "elf", "erofs", "memmap", "options", "hid", "fat", "usb")


def gate_fuzz(calls, seed, debug=False, timeout=300):
    """One boot: counts by op and result name, and the log."""
    options = ["--app", "fuzz", "--icount", "4", "--conf", f"fuzz-calls={calls}", "--conf", f"fuzz-seed={seed}"]
    r = guest.run(options=options + (["--mem", "64M"] if debug else []), debug=debug, timeout=timeout)
    rows = {}
    run = f"fuzz: {calls}{' recounted' if debug else ''}"
    for op, results in re.findall(r"FUZZ (\w+)((?: \w+=\d+)+)$", r.log, re.M):
        rows[op] = {name: int(n) for name, n in re.findall(r"(\w+)=(\d+)", results)}
        print(f"{run}: {op:12}{results}")
    for line in re.findall(r"FUZZ ((?:seed|DONE|overflow|bound:) .*)$", r.log, re.M):
        print(f"{run}: {line}")
    assert r.status == 0 and re.search(r"FUZZ DONE strange 0, damaged 0, frames free before (\d+), after \1$", r.log, re.M), r
    return rows, r.log


def table_names(path, word):
    with open(os.path.join(TOP, "kernel/include/exo", path), encoding="utf-8") as f:
        return re.findall(rf"^{word}\((?:\d+, )?(\w+),", f.read(), re.M)


def spread(rows, log, calls):
    """Each op succeeds as often as a thousand in a million, a third of all do, of pt_copy one in a hundred; all kinds of devices are
    bound; and each error there is comes back."""
    need = calls // 1000
    succeeded = sum(row.get("ok", 0) for row in rows.values())
    total = sum(sum(row.values()) for row in rows.values())
    assert succeeded * 3 >= total >= calls, (succeeded, total)
    few = {op: rows.get(op, {}).get("ok", 0) for op in table_names("gate.def", "GATE") if rows.get(op, {}).get("ok", 0) < need}
    assert not few, f"fewer than {need} successes: {few}"
    copies = rows["pt_copy"]
    share = 100 * copies["ok"] / sum(copies.values())
    print(f"fuzz: {share:.1f} % of pt_copy calls succeed")
    assert share >= 1, copies
    bound = dict(re.findall(r"(\w+) (\d+)", re.search(r"FUZZ bound: (.*)$", log, re.M).group(1)))
    assert len(bound) == 8 and "0" not in bound.values(), bound
    missing = set(table_names("error.def", "ERROR")) - {name for row in rows.values() for name in row}
    assert not missing, f"errors that never came: {missing}"


def test_gate():
    spread(*gate_fuzz(100000, 1), 100000)


def test_gate_recounted():
    """The kernel that recounts does so after every changing op when memory is that small."""
    _, log = gate_fuzz(6000, 2, debug=True)
    m = re.search(r"recounts (\d+)", log)
    assert m and int(m.group(1)) > 3000, log


@pytest.mark.slow
def test_gate_million():
    spread(*gate_fuzz(1000000, 3, timeout=1500), 1000000)


@pytest.mark.slow
def test_gate_recounted_long():
    gate_fuzz(60000, 4, debug=True, timeout=1500)


def decode(name, runs):
    done = subprocess.run([os.path.join(TOP, "test/fuzz/run"), "--runs", str(runs), name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode("utf-8", "replace")
    print(text)
    if text.startswith("skip "):
        pytest.skip(text.split(": ", 1)[1].strip())
    assert done.returncode == 0 and f"ok {name}" in text.split("\n"), text


@pytest.mark.parametrize("name", DECODERS)
def test_decoder(name):
    decode(name, 10000)


@pytest.mark.slow
@pytest.mark.parametrize("name", DECODERS)
def test_decoder_long(name):
    # A story of the USB is seconds of a machine's life, ten thousand of which take two minutes.
    decode(name, 100000 if name == "usb" else 1000000)
