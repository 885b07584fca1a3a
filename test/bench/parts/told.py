# SPDX-License-Identifier: MIT
"""What the table says of its figures: the best of several Linuxes, the worst row, which rounds agree. Measures nothing."""

import re

from . import table

LINUXES = {"Linux": "Linux", "bare": "bare Linux", "4K": "Linux with 4 KiB pages alone"}
# Two rounds of wall clock that differ by more say nothing.
ROUNDS_DIFFER = 1.3


def best(values):
    """(name, figure) of the cheapest; of {name: figure or None}."""
    there = {name: value for name, value in values.items() if value is not None}
    return min(there.items(), key=lambda pair: pair[1]) if there else (None, None)


def against(columns, row):
    """(ratio of Aril's median to the best Linux's, that Linux); (None, None) where either is missing."""
    name, figure = best({linux: columns[linux].median.get(row) for linux in LINUXES if linux in columns})
    aril = columns["Aril"].median.get(row)
    return (aril / figure, name) if aril is not None and figure else (None, None)


def worst(columns, titles):
    """The line that names the row with the highest ratio."""
    found = [(*against(columns, row), title) for row, title in titles]
    value, linux, title = max(entry for entry in found if entry[0] is not None)
    return f"Worst row: {title}, {table.ratio(value, 1)} of {LINUXES[linux]}."


def agreed(rounds):
    """{row: (ratio of Aril to the best Linux or None, how far rounds of one system differ)}; of {system: [{row: figure}]}. None: they differ too much."""
    result = {}
    for row in rounds["Aril"][0]:
        values = {system: [figures[row] for figures in of if row in figures] for system, of in rounds.items()}
        if any(len(v) != len(rounds["Aril"]) or min(v) <= 0 for v in values.values()):
            continue
        spread = max(max(v) / min(v) for v in values.values())
        sums = {system: sum(v) for system, v in values.items()}
        ratio = sums.pop("Aril") / best(sums)[1]
        result[row] = (ratio if spread <= ROUNDS_DIFFER else None, spread)
    return result


def wall(figure):
    """A cell: the ratio, or by how much the rounds differed; empty for a row without."""
    return "" if figure is None else f"{figure[0]:.2f}" if figure[0] is not None else f"refused: {figure[1]:.2f}"


def worst_of(text):
    """(the line's row and ratio, the highest ratio's row and ratio) of a Markdown table that has both."""
    said = re.search(r"^\*\*Worst row: (.*), ([\d.]+) of ", text, re.M)
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        if len(cells) == 11 and re.fullmatch(r"[\d.]+", cells[8]):
            found.append((float(cells[8]), cells[1]))
    return (said.group(1), float(said.group(2))), max(found)[::-1]
