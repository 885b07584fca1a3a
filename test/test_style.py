# SPDX-License-Identifier: MIT
"""How C is written here: lines of at most 120 columns, a tab counting 4, and no conditional expression inside another. What stood otherwise when the rule came is
counted in test/style_debts, a line a file: such a count may fall only. `test/test_style.py` as a command writes that file anew."""

import glob
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DEBTS = os.path.join(TOP, "test", "style_debts")
FOLDERS = ("efi", "kernel", "lib", "apps", "test")
WIDTH = 120
TAB = 4


def is_wide(line: str) -> bool:
    return len(line.expandtabs(TAB)) > WIDTH


def blanked(text: str) -> str:
    """Without comments, strings and character constants; lines stay where they are."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def nested(text: str) -> list:
    """Numbers of the lines on which a `?` stands inside another conditional expression."""
    seen, lines, line = [False], [], 1
    for c in re.sub(r"(?m)^\s*#.*$", "", blanked(text)):
        if c == "\n":
            line += 1
        elif c in "([":
            seen.append(False)
        elif c in ")]" and len(seen) > 1:
            seen.pop()
        elif c in "{};":
            seen = [False] * len(seen)
        elif c == ",":
            seen[-1] = False
        elif c == "?":
            if any(seen) and line not in lines:
                lines.append(line)
            seen[-1] = True
    return lines


def counts() -> dict:
    """Of each C file: lines that are too wide, lines with nesting."""
    found = {}
    for folder in FOLDERS:
        for path in sorted(glob.glob(os.path.join(TOP, folder, "**", "*.[ch]"), recursive=True)):
            with open(path, encoding="utf-8") as f:
                text = f.read()
            found[os.path.relpath(path, TOP)] = sum(map(is_wide, text.split("\n"))), len(nested(text))
    return found


def debts() -> dict:
    with open(DEBTS, encoding="utf-8") as f:
        rows = [line.split() for line in f if line.strip() and not line.startswith("#")]
    return {path: (int(wide), int(deep)) for path, wide, deep in rows}


def test_width_and_nesting():
    allowed, wrong = debts(), []
    found = counts()
    for path, (wide, deep) in found.items():
        wide_most, deep_most = allowed.get(path, (0, 0))
        if wide > wide_most:
            wrong.append(f"{path}: {wide} lines of more than {WIDTH} columns, {wide_most} are put up with")
        if deep > deep_most:
            wrong.append(f"{path}: {deep} lines with `? :` inside `? :`, {deep_most} are put up with")
    print(f"style: {sum(w for w, _ in found.values())} wide lines, {sum(d for _, d in found.values())} with nested conditional expressions")
    assert len(found) > 300 and not wrong, "\n".join(wrong)


def test_faults_are_seen():
    assert is_wide("\t" * 30 + "x") and not is_wide("\t" * 30) and is_wide("x" * 121)
    assert nested("int a = b ? c : d ? e : f;") == [1]
    assert nested("x = b ? c :\n\tf(d ? e : g);\n") == [2]
    assert nested("f(a ? b : c, d ? e : g);\nx = (a ? b : c) + (d ? e : g); y = a ? b : c;") == []
    assert nested('/* a ? b ? c : d : e */ x = a ? "b ? c" : \'?\';\n') == []


if __name__ == "__main__":
    with open(DEBTS, "w", encoding="utf-8") as out:
        out.write("# SPDX-License-Identifier: MIT\n# file, lines that are too wide, lines with nested conditional expressions: see test/test_style.py\n")
        out.writelines(f"{path} {wide} {deep}\n" for path, (wide, deep) in counts().items() if wide or deep)
