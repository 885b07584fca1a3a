# SPDX-License-Identifier: MIT
"""Owns how pictures are drawn: SVG text out of boxes, words and lines, and a page of HTML around it that needs no
network. Knows nothing of what is shown."""

from xml.sax.saxutils import escape, quoteattr

FONT = "font-family=\"'DejaVu Sans', Verdana, sans-serif\""
MONO = "'DejaVu Sans Mono', Menlo, Consolas, monospace"
INK, FAINT, PAPER = "#222222", "#6b6b6b", "#ffffff"
# Okabe and Ito's colours, which most people can tell apart, and light ones of the same hues for what words stand on.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#a05195",
    "#56b4e9",
    "#8a8a8a",
)
LIGHT = {
    BLUE: "#d3e7f5",
    ORANGE: "#fbe6bd",
    GREEN: "#cfeee3",
    RED: "#f9d8c4",
    PURPLE: "#ecd9ea",
    SKY: "#e2f2fc",
    GREY: "#ebebeb",
}


def head(width: float, height: float, size: int = 12) -> str:
    """The opening tag and a white ground."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" {FONT} font-size="{size}">\n'
        f'<rect width="{width:g}" height="{height:g}" fill="{PAPER}"/>'
    )


class Drawing:
    """Grows downward: its height is known at the end. Lengths are pixels."""

    def __init__(self, width: float):
        self.width, self.height, self.parts = width, 0.0, []

    def reach(self, y: float) -> None:
        self.height = max(self.height, y)

    def rect(self, x, y, w, h, fill="none", stroke="none", wide=1.0, dash="", round_=0, tip="", more="") -> None:
        """tip: what a viewer shows below the pointer; more: attributes as they are."""
        self.reach(y + h)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        radius = f' rx="{round_}"' if round_ else ""
        start = f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="{fill}" stroke="{stroke}" stroke-width="{wide:g}"{dashes}{radius}{more}'
        self.parts.append(f"{start}><title>{escape(tip)}</title></rect>" if tip else start + "/>")

    def text(self, x, y, words, size=12, fill=INK, anchor="start", mono=False, bold=False) -> None:
        self.reach(y + 4)
        family = f" font-family={quoteattr(MONO)}" if mono else ""
        weight = ' font-weight="bold"' if bold else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" text-anchor="{anchor}" xml:space="preserve"{family}{weight}>{escape(words)}</text>'
        )

    def upright(self, x, y, words, size=9) -> None:
        """Read from below; y is where it begins."""
        self.parts.append(
            f'<text transform="translate({x:.1f} {y:.1f}) rotate(-90)" font-size="{size}" fill="{INK}">{escape(words)}</text>'
        )

    def line(self, points, stroke=INK, wide=1.0, dash="", arrow=False) -> None:
        path = " ".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(points))
        self.reach(max(y for _, y in points))
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<path d="{path}" fill="none" stroke="{stroke}" stroke-width="{wide:g}"{dashes}/>')
        if arrow:
            x, y = points[-1]
            self.parts.append(
                f'<path d="M{x - 3.5:.1f} {y - 7:.1f} L{x:.1f} {y:.1f} L{x + 3.5:.1f} {y - 7:.1f} z" fill="{stroke}"/>'
            )

    def chip(self, x, y, words, colour, size=11) -> float:
        """A word on its colour, with y as its base line; the x behind it."""
        w = wide(words, size) + 10
        self.rect(x, y - size, w, size + 4, LIGHT[colour], colour, 0.8, round_=3)
        self.text(x + 5, y - 0.5, words, size)
        return x + w

    def legend(self, x, y, items) -> float:
        """items: (fill, stroke, width of it, dashes, words), in rows as wide as the drawing; the y below."""
        left = x
        for fill, stroke, thick, dash, words in items:
            w = 22 + wide(words, 11) + 18
            if x > left and x + w > self.width - 10:
                x, y = left, y + 18
            self.rect(x, y - 10, 16, 12, fill, stroke, thick, dash, 2)
            self.text(x + 22, y, words, 11)
            x += w
        return y + 18

    def done(self) -> str:
        return "\n".join([head(self.width, self.height + 10), *self.parts, "</svg>"]) + "\n"


def wide(words: str, size: float) -> float:
    """About how wide they are drawn; never less than that."""
    return len(words) * size * 0.62


def counted(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def wrapped(words: str, most: int) -> list:
    lines, line = [], ""
    for word in words.split():
        if line and len(line) + 1 + len(word) > most:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return lines + [line]


STYLE = """body{font:14px/1.45 'DejaVu Sans',Verdana,sans-serif;color:#222;max-width:1200px;margin:1.5em auto;padding:0 1em}
svg{max-width:100%;height:auto}code,pre{font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace}[data-key]{cursor:pointer}
.lit{stroke:#d55e00!important;stroke-width:2.5!important}#said{position:sticky;bottom:0;background:#fffbe8;border:1px solid #d8cfa0;padding:.5em .8em;min-height:1.4em;white-space:pre-wrap}"""
# Whatever has data-key tells what it is when it is clicked, and all of the same key light up.
SCRIPT = """document.addEventListener('click',function(e){var t=e.target.closest('[data-key]');if(!t)return;
document.querySelectorAll('.lit').forEach(function(x){x.classList.remove('lit')});
document.querySelectorAll('[data-key="'+t.dataset.key+'"]').forEach(function(x){x.classList.add('lit')});
var tip=t.querySelector('title');document.getElementById('said').textContent=tip?tip.textContent:''});"""


def page(title: str, words: str, pictures: list) -> str:
    """HTML with the pictures inside. words: plain text, blank lines between paragraphs."""
    paragraphs = "".join(f"<p>{escape(p)}</p>\n" for p in words.split("\n\n") if p.strip())
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style></head>\n<body><h1>{escape(title)}</h1>\n'
        f'{paragraphs}{"".join(pictures)}<div id="said">Click a box: what it is stands here, and whatever is the same frame lights up.</div>\n<script>{SCRIPT}</script></body></html>\n'
    )
