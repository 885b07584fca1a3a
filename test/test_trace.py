# SPDX-License-Identifier: MIT
"""Watching: the trace of the gate as text and as JSON, with nothing of it in what COMMAND prints; the address space in figures."""

import json
import os
import re
import subprocess
import tempfile

from aril import guest, trace


def traced(name, *command):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        r = guest.run(*command, options=["--trace", path])
        with open(path, encoding="utf-8") as f:
            return r, f.read()


def test_text():
    r, text = traced("trace", "sh", "-c", "echo hi | cat; exit 7")
    assert (r.status, r.out) == (7, b"hi\n"), r
    head, *lines = text.splitlines()
    total, lost = map(int, re.match(r"# (\d+) records, (\d+) of them lost", head).groups())
    assert len(lines) == total - lost
    parsed = [re.fullmatch(r" *(\d+\.\d{3}) +([0-9a-f]+) (.*)", line) for line in lines]
    assert all(parsed)
    times = [float(m[1]) for m in parsed]
    assert times == sorted(times)
    whats = [m[3] for m in parsed]
    # Each env that ran was made by env_make, and is the result of one.
    made = {int(w.split(" = ")[1], 16) for w in whats if w.startswith("env_make = 0x")}
    ran = {int(m[2], 16) for m in parsed} - {0}
    assert len(made) >= 3 and ran - made == {min(ran)}
    # A call is followed by its own return, unless another env came between.
    for before, after in zip(parsed, parsed[1:]):
        if re.match(r"frame_type\(", before[3]):
            assert after[3].startswith("frame_type = ") and after[2] == before[2]
    for word in ("foreign write(0x1,", "foreign exit", "upcall fault 14", "switch from", "slice"):
        assert any(w.startswith(word) for w in whats), word


def test_json(tmp_path):
    """By the sub-command, which ends with COMMAND's status."""
    done = subprocess.run([guest.MACHINE, "trace", "--timeout", "100", f"{tmp_path}/trace.json", "--", "sh", "-c", "exit 7"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=200, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, b"", b""), done
    events = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    depth = {}
    for e in events:
        if e["ph"] in "BE":
            depth[e["tid"]] = depth.get(e["tid"], 0) + (1 if e["ph"] == "B" else -1)
            assert depth[e["tid"]] >= 0
    assert all(d == 0 for d in depth.values())
    named = {e["tid"] for e in events if e["ph"] == "M"}
    assert named == {e["tid"] for e in events if e["ph"] != "M"} and len(named) >= 2
    assert {"frame_claim", "pte_write", "runs"} <= {e["name"] for e in events if e["ph"] == "B"}


def test_every_kind_is_known():
    """The driver's numbers are those of trace.h."""
    with open(os.path.join(trace.TOP, "kernel/include/exo/trace.h"), encoding="utf-8") as f:
        kinds = re.findall(r"^\tEXO_T_(\w+),", f.read(), re.M)
    assert [getattr(trace, k) for k in kinds] == list(range(len(kinds)))


def test_refused():
    r = guest.run(options=["--app", "mini", "--trace", "/nonexistent/x"])
    assert r.status == 125 and b"--trace" in r.err


def test_map():
    """The address space of a machine with a pipeline of processes, from the public tables: nothing means two things."""
    r = guest.run("sh", "-c", "sleep 100 | cat & grep '^address space:' /proc/aril")
    m = re.search(rb"(\d+) frames mapped, (\d+) global names, (\d+) private entries, (\d+) disagreements", r.out)
    assert r.status == 0 and m, r
    mapped, names, private, disagreements = map(int, m.groups())
    assert mapped > 300 and names > 300 and private > 50 and disagreements == 0
    done = subprocess.run([guest.MACHINE, "map"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=200, check=False)
    assert done.returncode == 0 and done.stderr == b"" and re.fullmatch(rb"\d+ frames mapped, .*, 0 disagreements\n", done.stdout), done
