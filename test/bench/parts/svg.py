# SPDX-License-Identifier: MIT
"""Draws curves as SVG, axes logarithmic to base 10 (y) and 2 (x). Series differ by dashes and markers, never by colour. Knows no systems."""

import math
from xml.sax.saxutils import escape

from aril import svg as drawing

WIDTH, PLAIN = 720, 440
LEFT, RIGHT, BOTTOM = 86, 24, 62
LINE = 18  # of the legend, which stands above the axes
DASHES = ["", "8 4", "2 3", "10 3 2 3", "1 5"]


def marker(kind, x, y):
    r = 4
    if kind == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" fill="black"/>'
    if kind == 1:
        return f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}" fill="white" stroke="black"/>'
    if kind == 2:
        return f'<path d="M{x:.1f} {y - r - 1:.1f} l{r + 1} {2 * r} h{-2 * r - 2} z" fill="white" stroke="black"/>'
    if kind == 3:
        return f'<path d="M{x - r:.1f} {y - r:.1f} l{2 * r} {2 * r} m0 {-2 * r} l{-2 * r} {2 * r}" stroke="black" fill="none"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" fill="white" stroke="black"/>'


def short(n):
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if n >= unit:
            return f"{n / unit:g}{name}"
    return f"{n:g}"


def plot(title, x_label, y_label, series):
    """SVG text. series: [(name, [(x, y)])], all values above 0."""
    series = [(name, [(x, y) for x, y in points if x > 0 and y > 0]) for name, points in series]
    series = [s for s in series if s[1]]
    top, height = 38 + LINE * len(series), PLAIN + LINE * len(series)
    xs = [x for _, points in series for x, _ in points]
    ys = [y for _, points in series for _, y in points]
    x0, x1 = math.floor(math.log2(min(xs))), max(math.ceil(math.log2(max(xs))), math.floor(math.log2(min(xs))) + 1)
    y0, y1 = math.floor(math.log10(min(ys))), max(math.ceil(math.log10(max(ys))), math.floor(math.log10(min(ys))) + 1)

    def at(x, y):
        return (LEFT + (math.log2(x) - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT), height - BOTTOM - (math.log10(y) - y0) / (y1 - y0) * (height - top - BOTTOM))
    out = [drawing.head(WIDTH, height, 13), f'<text x="{LEFT}" y="24" font-size="15">{escape(title)}</text>']
    for p in range(x0, x1 + 1):
        x, _ = at(2.0 ** p, 10.0 ** y0)
        out.append(f'<path d="M{x:.1f} {top} V{height - BOTTOM}" stroke="#ddd"/><text x="{x:.1f}" y="{height - BOTTOM + 18}" text-anchor="middle">{2 ** p:g}</text>')
    for p in range(y0, y1 + 1):
        _, y = at(2.0 ** x0, 10.0 ** p)
        out.append(f'<path d="M{LEFT} {y:.1f} H{WIDTH - RIGHT}" stroke="#bbb"/><text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{short(10.0 ** p)}</text>')
    out.append(f'<rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT - RIGHT}" height="{height - top - BOTTOM}" fill="none" stroke="black"/>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{height - 16}" text-anchor="middle">{escape(x_label)}</text>')
    middle = (top + height - BOTTOM) / 2
    out.append(f'<text x="20" y="{middle}" text-anchor="middle" transform="rotate(-90 20 {middle})">{escape(y_label)}</text>')
    for i, (name, points) in enumerate(series):
        path = " ".join(f"{'M' if not k else 'L'}{at(x, y)[0]:.1f} {at(x, y)[1]:.1f}" for k, (x, y) in enumerate(points))
        out.append(f'<path d="{path}" fill="none" stroke="black" stroke-width="1.5" stroke-dasharray="{DASHES[i % len(DASHES)]}"/>')
        out += [marker(i % 5, *at(x, y)) for x, y in points]
        y = 44 + LINE * i
        out.append(f'<path d="M{LEFT} {y - 4} h40" stroke="black" stroke-width="1.5" stroke-dasharray="{DASHES[i % len(DASHES)]}"/>{marker(i % 5, LEFT + 20, y - 4)}')
        out.append(f'<text x="{LEFT + 50}" y="{y}">{escape(name)}</text>')
    return "\n".join(out) + "\n</svg>\n"
