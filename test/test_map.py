# SPDX-License-Identifier: MIT
"""Pictures of page tables and frames: what the guest's `map` says is what /proc/PID/pagemap says, a fork's three moments
are those that fork promises, and each picture is whole: every entry in it, no word upon another, nothing from a network."""

import itertools
import os
import re
import subprocess
import xml.etree.ElementTree as ET

import pytest

from aril import guest, map as aril_map, map_draw, svg

SVG = "{http://www.w3.org/2000/svg}"
# One boot for all: the raw texts between marks, and what is said as text.
SCRIPT = """
mark() { echo "@@ $1"; }
sleep 100 & p=$!
mark tree; map --raw --pid $p
mark again; cat /proc/$p/maps
# Of each region, its words: addresses are below 2^47, a word is 8 bytes.
mark pagemap
while read range rest; do
	from=$((0x${range%-*} / 4096)); end=$((0x${range#*-} / 4096))
	[ $((end - from)) -gt 2048 ] && continue
	dd if=/proc/$p/pagemap bs=8 skip=$from count=$((end - from)) 2>/dev/null | od -An -v -tx8 -w8 | awk -v at=$from '{ print at + NR - 1, $1 }'
done </proc/$p/maps
mark fork; map --raw --fork
mark frames; map --raw --frames
mark boot; map --raw --boot
mark boottext; map --boot
mark text; map --pid $p; map --fork | head -3; map --frames | head -2; map
mark command; map -- sleep 100 | head -2; map --pid $p -- sleep 100 | head -1
mark wrong; for w in '--pid 99' '--pid x' '--fork --frames' '--pid 3 --fork' '-- true' '-- /no/such' '--what'; do map $w 2>&1 | head -1; done
mark all
jobs -p | wc -l; kill $p
"""


@pytest.fixture(scope="module")
def said():
    r = guest.run("sh", "-c", SCRIPT)
    assert r.status == 0 and not r.err, r
    return dict(re.findall(r"^@@ (\w+)\n(.*?)(?=^@@ |\Z)", r.out.decode(), re.M | re.S))


def test_tree_is_what_pagemap_says(said):
    """Two ways to the same frames: entries of the tables, and Linux's file."""
    state = aril_map.read(said["tree"]).states[0]
    assert state.name == "sleep" and state.root and state.env
    pages = {}
    for e in state.all():
        if e.kind == "page" and e.in_row:
            pages.update({e.va // aril_map.PAGE + i: frame for i, frame in enumerate(e.frames())})
        elif e.kind == "page":
            pages.update({e.va // aril_map.PAGE + i: None for i in range(e.count)})
    seen = 0
    for line in said["pagemap"].splitlines():
        at, word = line.split()
        word = int(word, 16)
        is_there = word >> 63
        assert bool(is_there) == (int(at) in pages), line
        if is_there and pages[int(at)] is not None:
            assert word & (1 << 55) - 1 == pages[int(at)], line
            seen += 1
    assert seen > 100
    tables = [e for e in state.all() if e.is_table]
    assert {e.state for e in tables} >= {"own", "live"} and {e.level for e in state.all()} == {1, 2, 3, 4}
    # Nothing of the library's homes can be written there but what members share.
    assert not any("w" in e.path and "x" in e.path for e in state.all() if e.kind == "page")
    for e in tables:
        below = sum(c.count for c in e.children)
        assert e.state == "live" or below == e.used, e


def moments(said):
    m = aril_map.read(said["fork"])
    return m, map_draw.Story(m).moments


def test_fork(said):
    """Before: all may be written. After: one table of level 2, sealed in both roots, and nothing copied. After a write: two tables and a page of the child's own."""
    _, (before, after, wrote) = moments(said)
    assert all(n.state == "own" and n.refs == 1 for n in before.nodes.values()) and len(before.nodes) == 6
    assert all(c.rights[1] == "w" for c in before.pages().values())
    sealed = [n for n in after.nodes.values() if n.state == "sealed"]
    assert [(n.level, n.refs, n.users) for n in sealed] == [(2, 2, {"parent", "child"})]
    assert set(before.nodes) < set(after.nodes) and {
        n.level for f, n in after.nodes.items() if f not in before.nodes
    } == {3, 4}
    assert {k: c.frame for k, c in after.pages().items()} == {k: c.frame for k, c in before.pages().items()}
    new = [n for f, n in wrote.nodes.items() if f not in after.nodes]
    assert sorted(n.level for n in new) == [1, 2] and all(n.users == {"child"} and n.state == "own" for n in new)
    leaf = next(n for n in new if n.level == 1)
    own = [c for c in leaf.cells if "w" in c.rights]
    assert (
        [c.count for c in own] == [1]
        and own[0].state == "sole"
        and own[0].frame not in {f for c in before.pages().values() for f in c.frames() or [c.frame]}
    )
    assert all(c.state == "many" for c in leaf.cells if "w" not in c.rights)
    # Nobody may write what the other reads: the parent's entries of that table have lost R/W, too.
    others = [n for n in wrote.nodes.values() if n.level == 1 and n.users == {"parent"}]
    assert len(others) == 1 and all("w" not in c.rights for c in others[0].cells)
    assert all(n.state == "sealed" and n.refs == 2 for n in wrote.nodes.values() if n.level == 1 and len(n.users) == 2)


def test_frames(said):
    m = aril_map.read(said["frames"])
    at = 0
    for first, count, kind, env in m.frames:
        assert first == at and count > 0 and kind in map_draw.FRAME_COLOURS
        assert kind not in ("free", "absent", "kernel") or env == 0
        at += count
    kinds = [kind for _, _, kind, _ in m.frames]
    assert at > 200000 and {"free", "kernel", "data", "root", "env", "table1"} <= set(kinds)
    owners = {env for _, _, kind, env in m.frames if kind == "root"}
    assert owners == set(m.envs) and 1 in owners and "map" in {name for _, name in m.names.values()}


def boxes(text: str):
    """Where each word of a picture stands: (left, right, top, bottom, words)."""
    for t in ET.fromstring(text).iter(f"{SVG}text"):
        size, words = float(t.get("font-size")), t.text or ""
        w = len(words) * size * (0.602 if "Mono" in (t.get("font-family") or "") else 0.56)
        x = float(t.get("x")) - {"start": 0, "middle": w / 2, "end": w}[t.get("text-anchor")]
        y = float(t.get("y"))
        yield x, x + w, y - size * 0.75, y + size * 0.2, words


def test_boot(said):
    """All stages took time; the firmware's types are read, and the frames of now are as many as there are."""
    m = aril_map.read(said["boot"])
    assert [name for name, _, _ in m.boot] == ["firmware", "loader", "kernel", "library to here"] and all(
        ticks > 0 and hz > 10**8 for _, ticks, hz in m.boot
    )
    assert {"free", "boot data", "loader code", "ACPI tables"} <= set(m.firmware) and m.firmware["free"] > 500000
    frames = aril_map.read(said["frames"]).frames
    assert sum(m.became.values()) == 4 * sum(count for _, count, _, _ in frames)
    assert re.search(r"^kernel +\d+ ticks +\d+ us$", said["boottext"], re.M) and re.search(
        r"^now free +\d+ KiB$", said["boottext"], re.M
    )
    assert re.search(r"^firmware +\d+ ticks +\d+ us$", said["boottext"], re.M) and re.search(
        r"^clean 0000001000 to [0-9a-f]{10} free$", said["boottext"], re.M
    )


def covered(ranges: list, kinds: tuple) -> set:
    """Pages of those types."""
    return {p for start, end, kind in ranges if kind in kinds for p in range(start >> 12, end >> 12)}


def test_cleaned(said):
    """The map by addresses holds what its sums say. Cleaned, it is in order, in pieces that do not touch, and free is what
    the firmware called free or its own for the boot, but for page 0."""
    m = aril_map.read(said["boot"])
    given, clean = m.given, m.clean
    assert len(given) > 10 and len(clean) > 3
    sums: dict = {}
    for start, end, kind in given:
        sums[kind] = sums.get(kind, 0) + (end - start >> 10)
    assert sums == m.firmware
    assert all(a[1] < b[0] or (a[1] == b[0] and a[2] != b[2]) for a, b in zip(clean, clean[1:]))
    usable = covered(given, ("free", "boot code", "boot data", "loader code", "loader data"))
    assert covered(clean, ("free",)) == usable - {0}
    assert covered(clean, ("reserved",)) >= covered(given, ("ACPI tables", "ACPI NVS", "runtime code", "runtime data"))


@pytest.mark.parametrize("name", ["tree", "fork", "frames", "boot"])
def test_picture(said, name):
    m = aril_map.read(said[name])
    text = map_draw.Picture(m).svg()
    root = ET.fromstring(text)
    width, height = float(root.get("width")), float(root.get("height"))
    placed = list(boxes(text))
    assert len(placed) > 15
    for x, right, top, bottom, words in placed:
        assert x >= 0 and right <= width and top >= 0 and bottom <= height, words
    for a, b in itertools.combinations(placed, 2):
        assert a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2], f"{a[4]!r} stands on {b[4]!r}"
    words = {b[4] for b in placed}
    for e in m.states[0].all() if name == "tree" else ():
        assert f"{e.va:012x}" in words and e.path in words and e.state in words
    if name == "fork":
        for title in ("1  Before the fork", "2  After the fork", "3  After one write of the child"):
            assert title in words
        assert (
            sum(r.get("stroke") == svg.RED and float(r.get("stroke-width")) > 2 for r in root.iter(f"{SVG}rect")) >= 5
        )


def plain(picture: str) -> list:
    """A picture's words, with numbers of frames, envs and processes by the order in which they come."""
    seen: dict = {}

    def number(m):
        return m[1] + f"#{seen.setdefault(m[2], len(seen))}"

    words = [t.text or "" for t in ET.fromstring(picture).iter(f"{SVG}text")]
    return [re.sub(r"\b(env |table |directory |PDPT |PML4 )([0-9a-f]+)\b", number, w) for w in words]


def test_committed_picture(said):
    """apps/fork.svg is what a fork looks like today."""
    with open(os.path.join(guest.TOP, "apps", "fork.svg"), encoding="utf-8") as f:
        kept = f.read()
    assert plain(kept) == plain(map_draw.Picture(aril_map.read(said["fork"])).svg()), "make pictures draws it anew"
    assert any("#" in w for w in plain(kept)) and len(plain(kept)) > 60


def test_words_that_meet_are_seen():
    d = svg.Drawing(300)
    d.text(10, 20, "these words")
    d.text(40, 22, "and those")
    (a, b) = boxes(d.done())
    assert a[1] > b[0] and a[3] > b[2]


def test_text(said):
    text = said["text"]
    assert re.search(
        r"^as it is\|process: sleep\nroot [0-9a-f]+ env \d+ account \d+ pid \d+\n000000000000 table rwx own frame", text
    ), text
    assert re.search(
        r"^  008[0-9a-f][048c]0{7} table r-x live frame [0-9a-f]+ env 1's, \d+ links, 1 entries  home [1-6]?\d of env 1$", text, re.M
    )
    assert re.search(r"^      0+400000 page x \d+ r-- many frame [0-9a-f]+ env \d+'s, in \d+ entries  /bin/busybox$", text, re.M)
    assert re.search(r" page x \d+ rw- sole .*  \[stack\]$", text, re.M) and re.search(r"  library$", text, re.M)
    assert "before the fork|parent: map\n" in text and re.search(r"^free +0 +\d+ +\d+$", text, re.M)
    assert re.search(r"^\d+ frames mapped, .*, 0 disagreements$", text, re.M)
    assert said["command"].count("sleep\n") == 2 and said["all"].strip() == "1"


def test_refused(said):
    assert said["wrong"].splitlines() == [
        "map: process 99: there is none",
        "map: --pid wants the number of a process",
        *["usage: map [--raw] [--pid N] [-- COMMAND [ARG]...]"] * 2,
        "map: true ended before it waited for anything",
        "map: /no/such: No such file or directory",
        "usage: map [--raw] [--pid N] [-- COMMAND [ARG]...]",
    ]
    for words, said_here in (
        (["--fork", "--pid", "3"], "--fork shows something else"),
        (["--svg", "/tmp/x"], "a picture of what?"),
        (["--pid", "0"], "the number of a process"),
        (["--app", "mini"], "--app"),
    ):
        done = subprocess.run(
            [guest.MACHINE, "map", *words], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, timeout=60
        )
        assert done.returncode == 125 and said_here in done.stderr.decode(), done


def test_command(tmp_path):
    """From the host: both files in one call, of COMMAND where it waits; a failure of the guest's map is told, and leaves no file."""
    done = subprocess.run(
        [
            guest.MACHINE,
            "map",
            "--timeout",
            "100",
            "--svg",
            f"{tmp_path}/a.svg",
            "--html",
            f"{tmp_path}/a.html",
            "--",
            "sh",
            "-c",
            "sleep 100; :",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=200,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), done
    picture, page = (tmp_path / "a.svg").read_text(encoding="utf-8"), (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "Page tables of sh, process" in picture and picture in page
    outside = re.findall(r"(?:https?:)?//[^\s\"'<]+", page.replace("http://www.w3.org/2000/svg", ""))
    assert not outside and page.count("<script>") == 1 and "data-key" in page
    done = subprocess.run(
        [guest.MACHINE, "map", "--timeout", "100", "--svg", f"{tmp_path}/b.svg", "--", "true"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=200,
        check=False,
    )
    assert (
        done.returncode == 125 and b"true ended before it waited" in done.stderr and not (tmp_path / "b.svg").exists()
    ), done
