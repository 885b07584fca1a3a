# SPDX-License-Identifier: MIT
"""Owns the page of a trace: one HTML file with a timeline to zoom in, and a table of what each process cost. It needs no
network and no other file."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Optional
from xml.sax.saxutils import escape

from . import svg, trace_spans
from .trace_spans import FAULT, GATE, LINUX, TURN

COLOURS = {TURN: svg.LIGHT[svg.GREY], LINUX: svg.LIGHT[svg.BLUE], FAULT: svg.LIGHT[svg.RED], GATE: svg.LIGHT[svg.GREEN]}
BORDERS = {TURN: svg.GREY, LINUX: svg.BLUE, FAULT: svg.RED, GATE: svg.GREEN}
WORDS = {TURN: "has the CPU", LINUX: "Linux's call", FAULT: "page fault or exception", GATE: "call of the gate"}

# Spans are [track, depth, kind, start, end, name, text, result, failed]; tracks stand one below the other.
SCRIPT = r"""
'use strict';
const data = JSON.parse(document.getElementById('data').textContent), canvas = document.getElementById('line');
const said = document.getElementById('said'), ROW = 17, LEFT = 150, HEAD = 24;
const tops = []; let height = HEAD;
for (const t of data.tracks) { tops.push(height); height += t.depth * ROW + 12; }
let from = 0, to = data.end, chosen = -1, chosenDo = () => {};
const depthsOf = i => data.tracks[i].depth;
function x(at) { return LEFT + (at - from) / (to - from) * (canvas.width / ratio - LEFT); }
let ratio = window.devicePixelRatio || 1;
function fit() {
	ratio = window.devicePixelRatio || 1;
	canvas.width = canvas.clientWidth * ratio; canvas.height = height * ratio; canvas.style.height = height + 'px';
	draw();
}
function clip(c, words, w) {
	if (c.measureText(words).width <= w) return words;
	let n = Math.floor(w / 6.2);
	return n > 3 ? words.slice(0, n - 1) + '\u2026' : '';
}
function unit() {
	const raw = (to - from) / 8, power = Math.pow(10, Math.floor(Math.log10(raw)));
	return [1, 2, 5, 10].map(k => k * power).find(k => k >= raw);
}
function draw() {
	const c = canvas.getContext('2d'), wide = canvas.width / ratio;
	c.setTransform(ratio, 0, 0, ratio, 0, 0); c.fillStyle = '#fff'; c.fillRect(0, 0, wide, height);
	c.font = "11px 'DejaVu Sans', Verdana, sans-serif"; c.textBaseline = 'middle'; c.lineWidth = 1;
	const step = unit();
	for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
		c.strokeStyle = '#eee'; c.beginPath(); c.moveTo(x(at), HEAD - 6); c.lineTo(x(at), height); c.stroke();
		c.fillStyle = '#6b6b6b'; c.fillText(+at.toFixed(3) + ' \u00b5s', x(at) + 2, 10);
	}
	c.save(); c.beginPath(); c.rect(LEFT, HEAD, wide - LEFT, height); c.clip();
	data.spans.forEach((s, i) => {
		if (s[4] < from || s[3] > to) return;
		const a = Math.max(x(s[3]), LEFT - 2), w = Math.max(Math.min(x(s[4]), wide + 2) - a, 0.7), y = tops[s[0]] + s[1] * ROW;
		c.fillStyle = data.colours[s[2]]; c.fillRect(a, y, w, ROW - 2);
		if (w > 3 || i === chosen) {
			c.strokeStyle = s[8] || i === chosen ? '#d55e00' : data.borders[s[2]]; c.lineWidth = i === chosen ? 2.5 : 0.7;
			c.strokeRect(a + 0.5, y + 0.5, w - 1, ROW - 3);
		}
		if (w > 24) { c.fillStyle = '#222'; c.fillText(clip(c, s[5], w - 6), a + 4, y + ROW / 2 - 0.5); }
	});
	c.lineWidth = 1.2;
	for (const a of data.arrows) {
		if (a[4] < from || a[2] > to) continue;
		const x1 = x(a[2]), y1 = tops[a[1]] + ROW / 2, x2 = x(a[4]), y2 = tops[a[3]] + 2, up = y2 < y1;
		c.strokeStyle = c.fillStyle = { makes: '#a05195', becomes: '#0072b2', wakes: '#009e73' }[a[0]] || '#8a8a8a';
		c.beginPath(); c.moveTo(x1, y1); c.lineTo(x2, y2); c.stroke();
		c.beginPath(); c.moveTo(x2 - 3, y2 + (up ? 6 : -6)); c.lineTo(x2, y2); c.lineTo(x2 + 3, y2 + (up ? 6 : -6)); c.fill();
	}
	c.restore();
	data.tracks.forEach((t, i) => { c.fillStyle = '#222'; c.fillText(clip(c, t.name, LEFT - 10), 4, tops[i] + ROW / 2); });
}
function pick(px, py) {
	const at = from + (px - LEFT) / (canvas.width / ratio - LEFT) * (to - from), slack = (to - from) / 600;
	let best = -1;
	data.spans.forEach((s, i) => {
		const y = tops[s[0]] + s[1] * ROW;
		if (py < y || py >= y + ROW || s[3] > at + slack || s[4] < at - slack) return;
		if (best < 0 || Math.abs(s[3] + s[4] - 2 * at) < Math.abs(data.spans[best][3] + data.spans[best][4] - 2 * at)) best = i;
	});
	return best;
}
function choose(i) {
	chosen = i;
	if (i >= 0) {
		const s = data.spans[i];
		said.textContent = data.tracks[s[0]].name + ', ' + data.words[s[2]] + ', ' + s[3].toFixed(3) + ' to ' + s[4].toFixed(3) + ' \u00b5s ('
			+ (s[4] - s[3]).toFixed(3) + '):\n' + s[6] + (s[7] ? '\n= ' + s[7] : '');
	}
	draw();
	chosenDo(i);
}
function show(a, b) {
	const least = 0.05, wide = Math.max(b - a, least);
	from = Math.max(0, Math.min(a, data.end - wide)); to = Math.min(data.end, from + wide); draw();
}
canvas.addEventListener('wheel', e => {
	e.preventDefault();
	const at = from + (e.offsetX - LEFT) / (canvas.clientWidth - LEFT) * (to - from), k = e.deltaY > 0 ? 1.25 : 0.8;
	show(at - (at - from) * k, at + (to - at) * k);
}, { passive: false });
let drag = null;
canvas.addEventListener('pointerdown', e => { drag = [e.offsetX, from, to, false]; canvas.setPointerCapture(e.pointerId); });
canvas.addEventListener('pointermove', e => {
	if (!drag) return;
	const by = (drag[0] - e.offsetX) / (canvas.clientWidth - LEFT) * (drag[2] - drag[1]);
	if (Math.abs(drag[0] - e.offsetX) > 3) drag[3] = true;
	if (drag[3]) show(drag[1] + by, drag[2] + by);
});
canvas.addEventListener('pointerup', e => { if (drag && !drag[3]) choose(pick(e.offsetX, e.offsetY)); drag = null; });
document.getElementById('all').addEventListener('click', () => show(0, data.end));
document.querySelectorAll('[data-at]').forEach(b => b.addEventListener('click', () => {
	const s = data.spans[+b.dataset.at], wide = Math.max(s[4] - s[3], 0.5); show(s[3] - wide, s[4] + wide); choose(+b.dataset.at);
}));
window.addEventListener('resize', fit);
fit();
"""

STYLE = """#line{width:100%;display:block;border:1px solid #ddd;cursor:crosshair}table{border-collapse:collapse;margin:1em 0}
td,th{padding:.15em .8em;text-align:right;border-bottom:1px solid #eee}td:first-child,th:first-child{text-align:left}button{font:inherit;margin:0 .4em .4em 0}
.key{display:inline-block;width:14px;height:11px;border:1px solid;margin:0 .35em 0 1em}"""


def costs(story: trace_spans.Spans) -> str:
    """A row a process: what it did, and for how long it had the CPU."""
    rows: dict = {}
    for s in story.spans:
        row = rows.setdefault(story.names.env(s.env), Counter())
        if s.kind == TURN:
            row["us"] += s.end - s.start
            row["turns"] += 1
        elif not s.goes_on:
            row[s.kind] += 1
            row["failed"] += s.failed
    head = "<tr><th>process</th><th>turns</th><th>µs</th><th>Linux's calls</th><th>faults</th><th>gate calls</th><th>refused</th></tr>"
    body = "".join(
        f"<tr><td>{escape(who)}</td><td>{r['turns']}</td><td>{r['us']:,.0f}</td><td>{r[LINUX]}</td><td>{r[FAULT]}</td><td>{r[GATE]}</td><td>{r['failed']}</td></tr>"
        for who, r in rows.items()
    )
    return f"<table>{head}{body}</table>"


def places(story: trace_spans.Spans) -> str:
    """Buttons that lead to the first of each kind of call that people look for."""
    found = {}
    for i, s in enumerate(story.spans):
        if (
            s.kind != TURN
            and not s.goes_on
            and s.name
            in ("fork", "vfork", "clone", "execve", "exit_group", "page fault", "env_make", "pt_copy", "pt_link")
        ):
            found.setdefault(s.name, i)
    return "".join(f'<button data-at="{i}">first {escape(name)}</button>' for name, i in found.items())


@dataclass
class More:
    """What a page has beside the time line. where: a last word for each span."""

    title: str = "A run, as the gate saw it"
    data: dict = field(default_factory=dict)
    where: Optional[list] = None
    style: str = ""
    body: str = ""
    script: str = ""


def page(trace) -> str:
    return page_of(trace, trace_spans.Spans(trace, trace.records()), More())


def page_of(trace, story: trace_spans.Spans, more: More) -> str:
    at = {env: i for i, env in enumerate(story.envs)}
    deep = Counter()
    for s in story.spans:
        deep[s.env] = max(deep[s.env], s.depth + 1)
    spans = [
        [
            at[s.env],
            s.depth,
            s.kind,
            round(s.start, 3),
            round(s.end, 3),
            s.name + (" (goes on)" if s.goes_on and s.kind != TURN else ""),
            s.text,
            s.result,
            int(s.failed),
            *([more.where[i]] if more.where else ()),
        ]
        for i, s in enumerate(story.spans)
    ]
    arrows = [
        [a.why, at[a.from_env], round(a.from_at, 3), at[a.env], round(a.at, 3)]
        for a in story.arrows
        if a.from_env in at
    ]
    tracks = [{"name": f"{story.names.env(env)}, env {env & 0xFFF}", "depth": deep[env]} for env in story.envs]
    data = {
        "spans": spans,
        "arrows": arrows,
        "tracks": tracks,
        "end": max(story.end, 0.001),
        "colours": COLOURS,
        "borders": BORDERS,
        "words": WORDS,
        **more.data,
    }
    keys = "".join(
        f'<span class="key" style="background:{COLOURS[k]};border-color:{BORDERS[k]}"></span>{escape(WORDS[k])}'
        for k in COLOURS
    )
    lost = f" The first {trace.lost:,} records are lost." if trace.lost else ""
    text = json.dumps(data, ensure_ascii=True).replace("<", "\\u003c")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{more.title}</title>'
        f"<style>{svg.STYLE}{STYLE}{more.style}</style></head>\n<body><h1>{more.title}</h1>\n"
        f"<p>{trace.total:,} records.{lost} A track is an environment, named by its process. Turn the wheel to zoom, drag to move, click a span for its arguments and result. "
        "Red borders were refused. Violet arrows lead to an environment that was made, blue ones to the one that exec made of the same process, "
        "green ones to one that was woken, grey ones to one that was given the CPU.</p>\n"
        "<p>A span of Linux's call or of a page fault ends where the library goes back to the program: while a trace is "
        "made, it says so. What does not come back (exit, execve) and what came by int 0x80 end with their last call "
        "of the gate.</p>\n"
        f'<p>{keys}</p>\n<p><button id="all">all of it</button>{places(story)}</p>\n<canvas id="line"></canvas>\n<div id="said">Click a span.</div>\n{more.body}{costs(story)}'
        f'<script id="data" type="application/json">{text}</script>\n<script>{SCRIPT}{more.script}</script></body></html>\n'
    )
