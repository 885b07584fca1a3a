# SPDX-License-Identifier: MIT
"""`aril explore`: for each page fault the walk, the entries before and after, and the source that served it. The data is
what the machine's own tables and the files of the tree say; the page shows the data (slow: in a headless browser)."""

import html
import json
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from aril import explore, guest, place, trace, trace_spans, trace_words

# A fork and two writes, then a process whose pages are looked at from outside: Linux's pagemap is another way to the
# same facts.
SCRIPT = """
wild 2>/dev/null; forkonce; /bin/busybox sleep 100 & p=$!
until read -r pid name state rest </proc/$p/stat && [ $state = S ]; do :; done
pages $p; kill $p
"""
PAGES = r"""
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char name[64], line[256];
	unsigned long start, end;
	if (argc != 2 || snprintf(name, sizeof name, "/proc/%s/maps", argv[1]) < 0)
		return 1;
	FILE *maps = fopen(name, "re");
	snprintf(name, sizeof name, "/proc/%s/pagemap", argv[1]);
	int pagemap = open(name, O_RDONLY);
	while (maps && fgets(line, sizeof line, maps) && sscanf(line, "%lx-%lx", &start, &end) == 2) {
		for (uint64_t word; start < end && start < 1ul << 46; start += 4096)
			if (pread(pagemap, &word, 8, (off_t)(start / 512)) == 8 && word >> 63)
				printf("%lx %lx\n", start, word & ((1ul << 55) - 1));
	}
	return 0;
}
"""


def built(folder: str, name: str, source: str, *flags: str) -> str:
    """The words of --add for it."""
    program = os.path.join(folder, name)
    subprocess.run(["musl-gcc", "-static", "-D_GNU_SOURCE", "-O2", *flags, "-o", program, source], check=True)
    return f"{program}:/bin/{name}"


def explored(path: str, *command: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "pages.c"), "w", encoding="ascii") as f:
            f.write(PAGES)
        # With line tables, which other programs of the suite have not.
        once = built(folder, "forkonce", os.path.join(place.TOP, "test/programs/forkonce.c"), "-g")
        pages = built(folder, "pages", f.name)
        with open(os.path.join(folder, "wild.c"), "w", encoding="ascii") as f:
            f.write("int main(void) { return *(volatile int *)99999999999999; }")
        wild = built(folder, "wild", f.name)
        done = subprocess.run(
            [guest.MACHINE, "explore", "--timeout", "100", "--add", once, "--add", pages, "--add", wild, path, "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=200,
            check=False,
        )
        assert done.returncode in (0, 143) and not done.stderr, done
        return done.stdout


@pytest.fixture(scope="module")
def run():
    """(path of the page, its data, what `map` said)"""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.html")
        said = explored(path, "sh", "-c", SCRIPT).decode()
        with open(path, encoding="utf-8") as f:
            text = f.read()
        data = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.S).group(1)
        yield path, json.loads(data), said


def frame(words: str) -> int:
    return int(re.match(r"frame (0x[0-9a-f]+) ", words)[1], 16)


def faults_of(data: dict, name: str) -> list:
    return [f for f in data["explore"]["faults"] if f" {name}[" in f["title"]]


def test_walk_is_what_pagemap_says(run):
    """Frames of a waiting process: after the last fault at each page, and as Linux's own file has them."""
    _, data, said = run
    pages = {int(va, 16): int(pfn, 16) for va, pfn in map(str.split, said.splitlines())}
    last = {int(f["base"][3], 16): f["after"][3] for f in faults_of(data, "busybox")}
    assert len(last) > 10 and set(last) <= set(pages)
    assert {va: frame(words) for va, words in last.items()} == {va: pages[va] for va in last}


def test_fork(run):
    """Who writes first, parent or child, copies two tables and a page; the other takes over those that stood before."""
    _, data, _ = run
    first, second = [f for f in faults_of(data, "forkonce") if f["before"][3] != "absent" and "write" in f["title"]]
    changed = [[b != a for b, a in zip(f["before"], f["after"])] for f in (first, second)]
    assert changed[0] == [False, True, True, True]
    assert all(frame(first["before"][k]) != frame(first["after"][k]) for k in (1, 2, 3))
    # Of the other only rights change: these are the frames that both had.
    assert [frame(w) for w in second["before"][1:]] == [frame(w) for w in first["before"][1:]]
    assert [frame(w) for w in second["after"][1:]] == [frame(w) for w in first["before"][1:]]
    assert "|RW|" not in second["before"][1] and all("|RW|" in w for w in second["after"])
    assert second["env"] != first["env"] and second["frame"][0] == second["frame"][1]


def test_nowhere(run):
    """A read where nothing is: no entry on the whole way, before and after, and why it was not served."""
    _, data, _ = run
    (f,) = [f for f in faults_of(data, "wild") if " 0x5af3107a3fff," in f["title"]]
    assert f["before"] == f["after"] == ["absent"] * 4 and f["index"] == [181, 460, 131, 419]
    assert data["spans"][f["span"]][7:9] == ["not served: EFAULT", 1]


def test_source(run):
    """Lines are those of the files; the call of the gate stands in them, and the fault's own line in the program."""
    _, data, _ = run
    x, spans = data["explore"], data["spans"]
    first = [f for f in faults_of(data, "forkonce") if f["before"][3] != "absent" and "write" in f["title"]][0]
    named = []
    for i in first["calls"]:
        function, path, line = x["code"][spans[i][9]][0]
        with open(os.path.join(place.TOP, path), encoding="utf-8") as f:
            text = f.read().split("\n")
        assert [n for n, _ in x["source"][f"{path}:{line}"]] == list(range(line - 2, line + 3))
        assert all(text[n - 1] == t for n, t in x["source"][f"{path}:{line}"])
        if f"gate_{spans[i][5]}(" in text[line - 1]:
            named.append((spans[i][5], path, function))
    assert ("pt_copy", "lib/vm/path.c", "table_copy") in named and len(named) >= 6
    own = x["code"][spans[first["span"]][9]][0]
    assert own[:2] == ["main", "test/programs/forkonce.c"] and re.search(
        r"page\.byte = [23];", dict(x["source"][f"{own[1]}:{own[2]}"])[own[2]]
    )
    assert sum(bool(x["code"].get(spans[i][9])) for f in x["faults"] for i in f["calls"]) > 50


def test_fault_in_pieces():
    """A slice ends within a fault: what was called before that served it, too, and each piece leads to the fault."""
    a, b, at = 0x1002, 0x1003, 0x400000
    names = {name: n for n, (name, _) in trace_words.gate_arguments().items()}
    note, copy = names["nop"], names["pt_copy"]
    steps = [
        (a, trace_words.SWITCH, 0, [b]),
        (a, trace_words.UPCALL, 14, [14, 7, at, 0x401000]),
        (a, trace_words.CALL, note, [trace_words.FAULT_BEGIN, at, 0x1007, 0x2005, 0x3005, 0x4005]),
        (a, trace_words.RETURN, note, [0]),
        (a, trace_words.CALL, copy, [0, at | 3, 5, 0, 1]),
        (a, trace_words.RETURN, copy, [1, 0x8000000100]),
        (b, trace_words.SWITCH, 0, [a]),
        (a, trace_words.SWITCH, 0, [b]),
        (a, trace_words.CALL, note, [trace_words.FAULT_END, at, 0x1007, 0x5007, 0x3005, 0x4005]),
        (a, trace_words.RETURN, note, [0]),
    ]
    t = trace.Trace()
    t.hz = 10**6
    records = [trace.Record(i, env, kind, n, args + [0] * (6 - len(args))) for i, (env, kind, n, args) in enumerate(steps)]
    story = trace_spans.Spans(t, records)
    (f,) = explore.Explorer(story, {}).faults
    assert [story.spans[i].start for i in f["pieces"]] == [1, 7] and f["span"] == f["pieces"][1] and f["at"] == 1
    assert [story.spans[i].name for i in f["calls"]] == ["pt_copy"]
    assert f["before"][1] == "frame 0x2 P|U|X" and f["after"][1] == "frame 0x5 P|RW|U|X"


def test_it_stands_alone(run):
    with open(run[0], encoding="utf-8") as f:
        text = f.read()
    head = text.replace("http://www.w3.org/2000/svg", "").split("<script")[0]
    assert not re.findall(r"(?:https?:)?//[^\s\"'<]+", head) and "<link" not in text and " src=" not in text


def test_refused(tmp_path):
    done = subprocess.run([guest.MACHINE, "explore", f"{tmp_path}/a.html"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 125 and b"no COMMAND" in done.stderr and not os.listdir(tmp_path)


# Ten faults, each clicked where it stands in the time line; what is shown then.
CLICK = """<script>
const told = [];
canvas.setPointerCapture = () => {};
for (let k = 0; k < 10; k++) {
	const f = X.faults[Math.floor(k * X.faults.length / 10)], s = data.spans[f.span], wide = s[4] - s[3];
	show(s[3] - wide / 4, s[4] + wide / 4);
	const box = canvas.getBoundingClientRect();
	const at = { clientX: x((s[3] + s[4]) / 2) + box.left, clientY: tops[s[0]] + s[1] * ROW + 5 + box.top, pointerId: 1, bubbles: true };
	canvas.dispatchEvent(new PointerEvent('pointerdown', at)); canvas.dispatchEvent(new PointerEvent('pointerup', at));
	const words = kind => [...walk.querySelectorAll('.' + kind)].map(t => t.textContent);
	told.push({ span: f.span, title: document.getElementById('title').textContent, before: words('before'), after: words('after'),
		changed: [...walk.querySelectorAll('[data-level]')].map(g => +g.dataset.changed), mine: seen.querySelectorAll('[data-mine="1"]').length,
		calls: [...code.querySelectorAll('.call')].map(c => +c.dataset.span), lines: [...code.querySelectorAll('.here')].map(l => l.textContent) });
}
document.body.dataset.told = JSON.stringify(told);
</script></body>"""


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium: missing; make deps-pages")
def test_in_a_browser(run, tmp_path):
    """It loads without an error, and each of ten clicks shows what the data says."""
    path, data, _ = run
    with open(path, encoding="utf-8") as f:
        text = f.read()
    alert = "<script>window.onerror = (m) => { document.documentElement.dataset.error = m; };</script><style>"
    text = text.replace("<style>", alert, 1).replace("</body>", CLICK)
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1300,1100"]
    done = subprocess.run(
        [*browser, f"--user-data-dir={tmp_path}/profile", "--dump-dom", f"file://{tmp_path}/page.html"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=120,
        check=False,
    )
    dom = done.stdout.decode("utf-8", "replace")
    assert "data-error" not in dom.split(">", 2)[1], dom[:300]
    told = json.loads(html.unescape(re.search(r'<body data-told="([^"]*)"', dom).group(1)))
    x, spans = data["explore"], data["spans"]
    by_span = {f["span"]: f for f in x["faults"]}
    assert len(told) == 10 and len({t["span"] for t in told}) == 10
    for t in told:
        f = by_span[t["span"]]
        assert t["title"] == f["title"]
        assert t["before"] == [*f["before"], f["frame"][0]] and t["after"] == [*f["after"], f["frame"][1]]
        differ = [b != a for b, a in zip(t["before"], t["after"])]
        assert t["changed"] == [int(d) for d in differ]
        assert t["mine"] == sum(w != "absent" for w in f["after"])
        own = [t["span"]] if spans[t["span"]][9] in x["code"] else []
        assert t["calls"] == own + f["calls"]
        lines = []
        for i in t["calls"]:
            chain = x["code"].get(spans[i][9])
            if chain:
                _, source, line = chain[0]
                lines.append(dict(x["source"][f"{source}:{line}"])[line])
        assert [re.sub(r"^ *\d+  ", "", said).rstrip("\n") for said in t["lines"]] == [w.replace("\t", "    ") for w in lines]
