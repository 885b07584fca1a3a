# SPDX-License-Identifier: MIT
"""Writes what was measured as text and as Markdown. Measures nothing."""


def number(x):
    if x is None:
        return ""
    if x >= 1e7:
        return f"{x / 1e6:,.1f} M"
    return f"{x:,.0f}" if x >= 100 or x == int(x) else f"{x:.1f}"


def ratio(a, b):
    """a against b; empty when one is missing."""
    return "" if a is None or not b else f"{a / b:.2f}" if a > 0.1 * b else f"{a / b:.2g}" if a > 0.001 * b else f"{a / b:.5f}"


def text(head, body):
    """Columns aligned, the first to the left."""
    rows = [head, *body]
    widths = [max(len(r[i]) for r in rows) for i in range(len(head))]
    lines = ["  ".join([r[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(r[1:], widths[1:])]).rstrip() for r in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]]) + "\n"


def markdown(head, body):
    lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(c.replace("|", "\\|") for c in r) + " |" for r in body]) + "\n"
