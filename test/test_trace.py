# SPDX-License-Identifier: MIT
"""Watching: the trace of the gate as text and as JSON, with nothing of it in what COMMAND prints; the address space in figures."""

import html
import json
import os
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET

import pytest

from aril import guest, programs, source, trace, trace_spans, trace_words

SVG = "{http://www.w3.org/2000/svg}"


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
    open_until, spans = {}, [e for e in events if e["ph"] == "X"]
    for e in sorted(spans, key=lambda e: (e["ts"], -e["dur"])):
        ends = open_until.setdefault(e["tid"], [])
        while ends and ends[-1] <= e["ts"] + 1e-9:
            ends.pop()
        assert e["name"] and e["args"]["what"] and (not ends or e["ts"] + e["dur"] <= ends[-1] + 1e-6), f"{e}: not within {ends}"
        ends.append(e["ts"] + e["dur"])
    named = {e["tid"] for e in events if e["ph"] == "M"}
    assert named == {e["tid"] for e in events if e["ph"] != "M"} and len(named) >= 2
    assert {"frame_claim", "pte_write", "exit_group", "page fault", "sh[2]"} <= {e["name"] for e in spans}
    assert {e["args"]["name"] for e in events if e["name"] == "process_name"} >= {"monitor", "init 1", "sh 2"}
    begun = {e["id"]: e for e in events if e["ph"] == "s"}
    assert begun and {e["id"] for e in events if e["ph"] == "f"} == set(begun)


def page_data(path: str) -> dict:
    with open(path, encoding="utf-8") as f:
        return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', f.read(), re.S).group(1))


@pytest.fixture(scope="module")
def page():
    """A trace as a page: of a shell that forks, execs and waits."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trace.html")
        r = guest.run("sh", "-c", "/bin/busybox cat /etc/hostname /nosuch; exit 7", options=["--trace", path])
        assert (r.status, r.out) == (7, b"aril\n") and b"nosuch" in r.err, r
        yield path


def test_page(page):
    """Processes by name, calls with what they cost in them, arguments and errors decoded, arrows to children."""
    data = page_data(page)
    tracks = [t["name"].split(",")[0] for t in data["tracks"]]
    assert tracks[:3] == ["monitor", "init[1]", "sh[2]"] and "sh[3]" in tracks and "busybox[3]" in tracks
    spans = data["spans"]
    assert all(s[5] and s[6] and 0 <= s[3] <= s[4] <= data["end"] + 0.001 and s[1] < data["tracks"][s[0]]["depth"] for s in spans)
    # A fork: Linux's call, in it the gate's, which link the parent's tables sealed and make the child.
    fork = next(s for s in spans if s[5] in ("clone", "fork") and tracks[s[0]] == "sh[2]")
    # A slice may end in it, so up to the child's birth.
    made = next(s for s in spans if s[0] == fork[0] and s[3] > fork[3] and s[5] == "env_make")
    within = [s for s in spans if s[0] == fork[0] and s[1] == 2 and fork[3] <= s[3] and s[4] <= made[4]]
    assert any(s[5] == "pt_link" and " level 3 SEALED" in s[6] and "root 0x" in s[6] for s in within)
    assert made[7] == "sh[3]" and ["makes", fork[0], made[3], tracks.index("sh[3]")] in [a[:4] for a in data["arrows"]]
    # exec gives the process another env: it keeps its number and has another name.
    assert any(s[5] == "execve" and tracks[s[0]] == "sh[3]" for s in spans)
    led = {(why, tracks[a], tracks[b]) for why, a, _, b, _ in data["arrows"]}
    assert ("becomes", "sh[3]", "busybox[3]") in led and ("makes", "sh[2]", "sh[3]") in led
    # Its end wakes who waits for that, in a notify of the gate or by the family's own queue; init is told by the monitor.
    assert ("wakes", "monitor", "init[1]") in led and {why for why, _, _ in led} == {"makes", "becomes", "wakes", "yields to"}
    # What was refused says why; a fault says what was wanted.
    refused = [s for s in spans if s[8] and s[2] == "gate"]
    assert refused and all(re.match(r"-E[A-Z]+: \w", s[7]) for s in refused) and any(s[7].startswith("-ESEALED: the path") for s in refused)
    assert any(re.match(r"page fault: write of 0x[0-9a-f]+, which may not, by 0x", s[6]) for s in spans)
    words = " ".join(s[6] + s[7] for s in spans)
    assert "type PT1" in words and "|RW|U" in words and "what SET_ALARM" in words and "the entry was frame 0x" in words
    # A call whose env leaves the CPU in it goes on when that is back.
    waited = [s for s in spans if s[5].startswith("wait4") and tracks[s[0]] == "sh[2]"]
    assert [s[5] for s in waited][:2] == ["wait4", "wait4 (goes on)"]
    with open(page, encoding="utf-8") as f:
        text = f.read()
    assert not re.findall(r"(?:https?:)?//[^\s\"'<]+", text.replace("http://www.w3.org/2000/svg", "").split("<script>")[0]) and "<link" not in text and " src=" not in text


def test_ends(page):
    """Linux's calls end where the library goes back, with their result: one that needs no gate has a length, too."""
    data = page_data(page)
    tracks = [t["name"].split(",")[0] for t in data["tracks"]]
    linux = [s for s in data["spans"] if s[2] == "linux"]
    back = [s for s in linux if s[7]]
    assert len(back) > 30 and all(re.fullmatch(r"-E[A-Z0-9]+|\d+|0x[0-9a-f]+", s[7]) for s in back)
    for s in linux:
        # Without a result: it does not come back, or another env had the CPU and it goes on later.
        goes_on = any(t[0] == s[0] and t[3] >= s[4] and t[5] == s[5].split()[0] + " (goes on)" for t in linux)
        assert s[7] or s[5].split()[0] in ("execve", "exit_group") or goes_on, s
    # Of those that return none is as short as its entry alone: the note stands behind what was done.
    assert all(s[4] > s[3] for s in back)
    assert any(s[5].startswith("wait4") and s[7] == "3" and tracks[s[0]] == "sh[2]" for s in back)
    assert any(s[7].startswith("-E") and s[8] for s in back) and any(s[7] == "0" and not s[8] for s in back)
    assert not any(s[5] == "nop" for s in data["spans"])


def test_faults():
    """Entries before and after a fault, as the library tells them, are what the gate's calls in it say: who wrote below
    a sealed table has tables of its own then."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trace.html")
        seen = {}
        write, trace.write = trace.write, lambda t, *_: seen.update(trace=t)
        try:
            from aril import cli
            assert cli.main(["trace", "--timeout", "100", path, "--", "sh", "-c", "(exit 7); exit 3"]) == 3
        finally:
            trace.write = write
    story = trace_spans.Spans(seen["trace"], seen["trace"].records())
    faults = [s for s in story.spans if s.kind == "fault" and s.name == "page fault" and s.after]
    assert len(faults) > 30 and all(s.before and s.rip and s.address for s in faults)
    present, frame = 1, ((1 << 40) - 1) << 12
    kinds = set()
    for s in faults:
        if s.result != "served":
            continue
        gates = [g for g in story.spans if g.kind == "gate" and g.env == s.env]
        inside = [g for g in gates if s.since <= g.start and g.end <= s.end]
        assert s.after[3] & present and s.before != s.after, s
        for i, level in enumerate((4, 3, 2, 1)):
            was, now = s.before[i], s.after[i]
            names = {g.name for g in inside if f"level {level}" in g.text}
            if was & present and was & frame != now & frame and level > 1:
                assert "pt_copy" in names, (s, names)
                kinds.add("copied")
            elif not was & present and now & present and level > 1:
                assert "pt_link" in names, (s, names)
                kinds.add("made")
            elif was != now and level == 1:
                assert "pte_write" in {g.name for g in inside}
                kinds.add("page")
        for g in inside:
            # The gate said what stood there before.
            m = re.fullmatch(r"the entry was frame (0x[0-9a-f]+) .*", g.result)
            level = re.search(r"at (0x[0-9a-f]+) level (\d)", g.text)
            if m and level and s.address >> 12 == int(level[1], 16) >> 12 and level[2] == "1":
                assert (s.before[3] & frame) >> 12 == int(m[1], 16), (s, g)
                kinds.add("told")
    assert kinds == {"copied", "made", "page", "told"}
    # Where calls came from is the library's text: the first 2 MiB of its home.
    calls = [g for g in gates if g.result != "another environment runs"]
    assert calls and all(g.rip in source.LIBRARY_TEXT and g.rip % (1 << 30) < 2 << 20 for g in calls)


def deeds(picture: str) -> list:
    """Of a picture of a fork: what was called, in order of time."""
    boxes = {
        float(r.get("data-at")): re.match(r"[\w ]+", r.find(f"{SVG}title").text).group()
        for r in ET.fromstring(picture).iter(f"{SVG}rect")
        if r.get("data-at")
    }
    return [name for _, name in sorted(boxes.items())]


def captions(picture: str) -> str:
    """Its words, without times, addresses and what stands in boxes."""
    words = [t.text for t in ET.fromstring(picture).iter(f"{SVG}text") if t.text and not t.get("transform")]
    said = " ".join(w for w in words if len(w) > 60 and "µs" not in w)
    return re.sub(r"0x[0-9a-f]+", "ADDRESS", said)


@pytest.fixture(scope="module")
def fork_picture():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fork.svg")
        program = programs.build("forkonce", "musl")
        r = guest.run("forkonce", options=["--icount", "4", "--add", f"{program}:/bin/forkonce", "--trace", path])
        assert r.status == 7, r
        with open(path, encoding="utf-8") as f:
            yield f.read()


def test_committed_picture(fork_picture):
    """apps/forktime.svg is what a fork does today: the same deeds in the same order, the same five captions."""
    with open(os.path.join(guest.TOP, "apps", "forktime.svg"), encoding="utf-8") as f:
        kept = f.read()
    assert deeds(kept) == deeds(fork_picture), "make pictures draws it anew"
    assert captions(kept) == captions(fork_picture), "make pictures draws it anew"
    assert deeds(kept)[:2] == ["fork", "frame_claim"] and deeds(kept).count("pt_copy") == 2 and len(deeds(kept)) > 50


def test_fork_picture(fork_picture):
    """Five captions, each with its number in the picture too; what they say is what happened; no box is outside."""
    root = ET.fromstring(fork_picture)
    numbers = [t.text for t in root.iter(f"{SVG}text") if t.get("fill") == "#ffffff"]
    assert sorted(numbers) == sorted("1122334455")
    said = captions(fork_picture)
    calls = deeds(fork_picture)
    of_fork = calls[1 : calls.index("env_set") + 1]
    assert f"the {len(of_fork)} calls of the gate" in said and "answer is 3." in said
    assert f"{of_fork.count('frame_type')} tables of them" in said and "2 tables of the parent's" in said
    width, height = float(root.get("width")), float(root.get("height"))
    for r in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(r.get(k) or 0) for k in ("x", "y", "width", "height"))
        assert 0 <= x and x + w <= width and 0 <= y and y + h <= height


def test_no_fork():
    """A picture of a fork without one is told, and no file is left."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.svg")
        r = guest.run("true", options=["--trace", path])
        assert r.status == 125 and b"no fork in this trace" in r.err and not os.path.exists(path), r


CLICK = """<script>
const told = [], n = data.spans.length, each = [];
for (const kind of ['turn', 'linux', 'fault', 'gate']) data.spans.forEach((s, i) => { if (s[2] === kind && s[4] - s[3] > 1) each.push(i); });
for (let k = 0; k < 10; k++) {
	const i = each[Math.floor(k * each.length / 10)], s = data.spans[i], wide = s[4] - s[3];
	show(s[3] - wide / 4, s[4] + wide / 4);
	const at = { offsetX: 0, clientX: x((s[3] + s[4]) / 2) + canvas.getBoundingClientRect().left, clientY: tops[s[0]] + s[1] * ROW + 5 + canvas.getBoundingClientRect().top, pointerId: 1, bubbles: true };
	canvas.setPointerCapture = () => {};
	canvas.dispatchEvent(new PointerEvent('pointerdown', at)); canvas.dispatchEvent(new PointerEvent('pointerup', at));
	told.push([i, said.textContent]);
}
document.body.dataset.told = JSON.stringify(told);
</script></body>"""


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium: missing; make deps-pages")
def test_page_in_a_browser(page, tmp_path):
    """It loads without an error; each of ten clicks says what the data has there."""
    data = page_data(page)
    with open(page, encoding="utf-8") as f:
        text = f.read()
    alert = "<script>window.onerror = (m) => { document.documentElement.dataset.error = m; };</script><style>"
    (tmp_path / "page.html").write_text(text.replace("<style>", alert, 1).replace("</body>", CLICK), encoding="utf-8")
    done = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1300,1100", f"--user-data-dir={tmp_path}/profile", "--dump-dom",
                           f"file://{tmp_path}/page.html"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
    dom = done.stdout.decode("utf-8", "replace")
    assert "data-error" not in dom.split(">", 2)[1], dom[:300]
    told = json.loads(html.unescape(re.search(r'<body data-told="([^"]*)"', dom).group(1)))
    assert len(told) == 10 and len({i for i, _ in told}) == 10
    for i, words in told:
        s = data["spans"][i]
        assert words.startswith(data["tracks"][s[0]]["name"]) and s[6] in words and s[7] in words, (s, words)


def test_every_kind_is_known():
    """The driver's numbers are those of trace.h."""
    with open(os.path.join(guest.TOP, "kernel/include/exo/trace.h"), encoding="utf-8") as f:
        kinds = re.findall(r"^\tEXO_T_(\w+),", f.read(), re.M)
    assert [getattr(trace, k) for k in kinds] == list(range(len(kinds)))


def test_every_note_is_known():
    with open(os.path.join(guest.TOP, "lib/rt/note.h"), encoding="utf-8") as f:
        kinds = re.findall(r"^\tNOTE_(\w+),", f.read(), re.M)
    names = {"NONE": "NOTE_NONE", "FAULT": "FAULT_BEGIN"}
    assert [getattr(trace_words, names.get(k, k)) for k in kinds] == list(range(len(kinds))) and len(kinds) == 5


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
