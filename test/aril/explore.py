# SPDX-License-Identifier: MIT
"""Owns the page that explores a run: the trace's time line (trace_html.py), and for a page fault that is clicked the
walk of the processor with its entries before and after, the entries of that process that the trace has seen so far,
and the lines of source that served it. One HTML file; it needs no network and no other file."""

from . import source, trace_html, trace_spans
from .trace_words import Words

LEVELS = (4, 3, 2, 1)
AROUND = 2  # lines of source above and below
# A call's address is the one behind it.
SYSCALL_SIZE = 2

# Runs behind trace_html's script, in the same scope.
SCRIPT = r"""
const X = data.explore, walk = document.getElementById('walk'), seen = document.getElementById('seen'), code = document.getElementById('code');
const NAMES = ['PML4', 'PDPT', 'page directory', 'page table'];
function svgNode(parent, name, attributes, text) {
	const e = document.createElementNS('http://www.w3.org/2000/svg', name);
	for (const k in attributes) e.setAttribute(k, attributes[k]);
	if (text !== undefined) e.textContent = text;
	parent.appendChild(e);
	return e;
}
function element(parent, name, text, kind) {
	const e = document.createElement(name);
	if (text !== undefined) e.textContent = text;
	if (kind) e.className = kind;
	parent.appendChild(e);
	return e;
}
function drawWalk(f) {
	walk.replaceChildren();
	const W = 236, H = 98;
	const s = svgNode(walk, 'svg', { viewBox: '0 0 ' + (5 * W) + ' ' + (H + 6), width: '100%' });
	for (let k = 0; k < 5; k++) {
		const x = k * W + 2, last = k === 4, changed = !last ? f.before[k] !== f.after[k] : f.frame[0] !== f.frame[1];
		const g = svgNode(s, 'g', { 'data-level': last ? 'page' : 4 - k, 'data-changed': changed ? 1 : 0 });
		svgNode(g, 'rect', { x: x, y: 2, width: W - 24, height: H - 4, rx: 4, fill: last ? '#e2f2fc' : '#fbe6bd', stroke: changed ? '#d55e00' : '#8a8a8a', 'stroke-width': changed ? 2.6 : 1 });
		svgNode(g, 'text', { x: x + 8, y: 20, 'font-weight': 'bold', 'font-size': 12 }, last ? 'the page' : NAMES[k] + ', entry ' + f.index[k]);
		const words = last ? [f.frame[0], f.frame[1]] : [f.before[k], f.after[k]];
		['before', 'after'].forEach((when, i) => {
			svgNode(g, 'text', { x: x + 8, y: 40 + i * 34, 'font-size': 10, fill: '#6b6b6b' }, when);
			svgNode(g, 'text', { x: x + 8, y: 54 + i * 34, 'font-size': 10.5, class: when, 'font-family': 'monospace' }, words[i]);
		});
		if (!last) svgNode(s, 'path', { d: 'M' + (x + W - 24) + ' ' + H / 2 + ' h18 m-6 -4 l6 4 l-6 4', fill: 'none', stroke: '#222', 'stroke-width': 1.4 });
	}
}
function drawSeen(f) {
	seen.replaceChildren();
	const rows = new Map();
	for (const other of X.faults) {
		if (other.env !== f.env || other.at > f.at) continue;
		for (let k = 0; k < 4; k++) {
			const key = other.base[k] + '/' + k;
			if (other.after[k] === 'absent') rows.delete(key);
			else rows.set(key, { k: k, base: other.base[k], words: other.after[k], of: other });
		}
	}
	const list = [...rows.values()].sort((a, b) => a.base < b.base ? -1 : a.base > b.base ? 1 : a.k - b.k);
	const s = svgNode(seen, 'svg', { width: 500, height: list.length * 16 + 6 });
	list.forEach((row, i) => {
		const y = 14 + i * 16, mine = row.base === f.base[row.k];
		const g = svgNode(s, 'g', { class: 'entry', 'data-mine': mine ? 1 : 0 });
		svgNode(g, 'rect', { x: 0, y: y - 12, width: 500, height: 15, fill: mine ? '#fbe6bd' : row.k === 3 ? '#ffffff' : '#f4f4f4' });
		svgNode(g, 'text', { x: 6 + row.k * 14, y: y, 'font-size': 11, 'font-family': 'monospace' }, row.base);
		svgNode(g, 'text', { x: 150, y: y, 'font-size': 11 }, row.k === 3 ? 'page' : NAMES[row.k + 1]);
		svgNode(g, 'text', { x: 245, y: y, 'font-size': 10.5, 'font-family': 'monospace' }, row.words);
		g.addEventListener('click', () => { const p = data.spans[row.of.span]; show(p[3] - 20, p[4] + 20); choose(row.of.span); });
	});
}
function drawCode(list, title) {
	code.replaceChildren();
	element(code, 'h3', title);
	for (const i of list) {
		const s = data.spans[i], chain = X.code[s[9]] || [], box = element(code, 'div', undefined, 'call');
		box.dataset.span = i;
		element(box, 'div', s[6] + (s[7] ? ' = ' + s[7] : ''), 'said' + (s[8] ? ' refused' : ''));
		if (!chain.length) element(box, 'div', X.none, 'where');
		for (const c of chain.slice(0, 1)) {
			element(box, 'div', chain.map(c => c[0] + ' ' + c[1] + ':' + c[2]).join('  \u2190  '), 'where');
			const pre = element(box, 'pre');
			for (const [n, text] of X.source[c[1] + ':' + c[2]] || [])
				element(pre, 'span', String(n).padStart(4) + '  ' + text.replace(/\t/g, '    ') + '\n', n === c[2] ? 'here' : '');
		}
	}
}
function explore(i) {
	const f = X.faults.find(f => f.pieces.includes(i)), s = i >= 0 ? data.spans[i] : null;
	document.getElementById('title').textContent = f ? f.title : 'Click a page fault above, or choose one.';
	walk.replaceChildren(); seen.replaceChildren(); code.replaceChildren();
	if (f) { drawWalk(f); drawSeen(f); drawCode([...(X.code[s[9]] ? [f.span] : []), ...f.calls], f.calls.length + ' calls of the gate served it'); }
	else if (s && s[9]) drawCode([i], 'Where it was called');
	const list = document.getElementById('faults');
	list.value = f ? String(f.span) : '';
}
chosenDo = explore;
{
	const list = document.getElementById('faults');
	for (const f of X.faults) { const o = element(list, 'option', f.title); o.value = f.span; }
	list.addEventListener('change', () => { const i = +list.value, s = data.spans[i]; show(s[3] - 20, s[4] + 20); choose(i); });
	explore(-1);
}
"""

STYLE = """#walk{margin:.6em 0}#below{display:flex;gap:1.5em;flex-wrap:wrap}#below>div{min-width:0}#seen{max-height:640px;overflow:auto;width:520px}.entry{cursor:pointer}
#code{flex:1 1 520px}.call{border-left:3px solid #009e73;padding-left:.7em;margin-bottom:.7em}.said{font-size:12px}.refused{color:#d55e00}
.where{color:#6b6b6b;font-size:12px}pre{margin:.2em 0;font-size:12px;background:#f8f8f8;overflow:auto}.here{background:#fbe6bd}select{font:inherit;max-width:100%}"""

BODY = """<h2>A page fault</h2><p><select id="faults"><option value="">choose a page fault</option></select></p>
<p id="title"></p><div id="walk"></div><div id="below"><div id="code"></div><div><h3>Entries of this process that the trace has seen</h3><div id="seen"></div></div></div>
"""


def frame_words(entry: int, words: Words) -> str:
    return words.pte(entry).split(" ")[1] if entry & 1 else "none"


class Explorer:
    """programs: {process's name: ELF file} of those whose lines can be told, too."""

    def __init__(self, story: trace_spans.Spans, programs: dict):
        self.story = story
        self.programs = programs
        self.faults = [self.fault(i, s) for i, s in enumerate(story.spans) if s.after is not None]
        self.code = self.chains()

    def title(self, s: trace_spans.Span) -> str:
        return f"{s.since:,.0f} µs, {self.story.names.env(s.env)}: {s.text}"

    def fault(self, i: int, s: trace_spans.Span) -> dict:
        words = self.story.words
        inside = [
            k
            for k, g in enumerate(self.story.spans)
            if g.kind == trace_spans.GATE and g.env == s.env and s.since <= g.start and g.end <= s.end
        ]
        pieces = [k for k, p in enumerate(self.story.spans) if p.kind == s.kind and p.env == s.env and p.since == s.since]
        return {
            "span": i,
            "pieces": pieces,
            "env": s.env,
            "at": s.since,
            "title": self.title(s),
            "index": [s.address >> 12 + 9 * (level - 1) & 511 for level in LEVELS],
            "base": [f"{s.address >> 12 + 9 * (level - 1) << 12 + 9 * (level - 1):012x}" for level in LEVELS],
            "before": [words.pte(e) for e in s.before],
            "after": [words.pte(e) for e in s.after],
            "frame": [frame_words(e[3], words) for e in (s.before, s.after)],
            "calls": inside,
        }

    def chains(self) -> dict:
        """{span's rip: its functions, without the gate's stubs}"""
        by_file: dict = {}
        for s in self.story.spans:
            if s.rip in source.LIBRARY_TEXT:
                by_file.setdefault(source.LIBRARY, set()).add(self.address(s))
            elif s.rip:
                elf = self.programs.get(self.story.names.process(s.env)[1])
                if elf:
                    by_file.setdefault(elf, set()).add(self.address(s))
        found = {}
        for elf, addresses in by_file.items():
            for address, chain in source.chains(elf, sorted(addresses)).items():
                kept = [c for c in chain if c[1] != source.STUBS]
                if kept:
                    found[address] = kept
        return found

    @staticmethod
    def address(s: trace_spans.Span) -> int:
        return s.rip - SYSCALL_SIZE if s.kind == trace_spans.GATE else s.rip

    def data(self) -> dict:
        snippets = {f"{f}:{n}": source.lines(f, n, AROUND) for _, f, n in {c[0] for c in self.code.values()}}
        return {
            "faults": self.faults,
            "code": {f"{a:x}": chain for a, chain in self.code.items()},
            "source": snippets,
            "none": "no line table tells where that is",
        }

    def page(self, trace) -> str:
        return trace_html.page_of(
            trace,
            self.story,
            trace_html.More(
                title="A run to explore",
                data={"explore": self.data()},
                where=[f"{self.address(s):x}" if s.rip else "" for s in self.story.spans],
                style=STYLE,
                body=BODY,
                script=SCRIPT,
            ),
        )


def page(trace, programs: dict) -> str:
    return Explorer(trace_spans.Spans(trace, trace.records()), programs).page(trace)
