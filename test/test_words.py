# SPDX-License-Identifier: MIT
"""What the READMEs name is there: the files, functions and tests of the sentence that says what Aril is, and of the six questions of apps/README.md; the words and where they are defined."""

import fnmatch
import glob
import os
import re

from aril import guest

TOP = guest.TOP
QUESTIONS = 6


def read(path: str) -> str:
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def section(path: str, title: str, level: str = "##") -> str:
    return re.search(rf"^{level} {re.escape(title)}$(.*?)(?=^##|\Z)", read(path), re.M | re.S).group(1)


def ids() -> set:
    """Of all tests, without those of one function's parameters."""
    found = {f"gate.{name}" for name in re.findall(r'^TEST\("([^"]+)"', read("test/guest/gate/tests.def"), re.M)}
    for path in glob.glob(os.path.join(TOP, "test", "test_*.py")):
        found |= {f"{os.path.basename(path)[5:-3]}.{name}" for name in re.findall(r"^def test_(\w+)\(", read(path), re.M)}
    for path in glob.glob(os.path.join(TOP, "test", "unit", "**", "*.c"), recursive=True):
        found |= {f"unit.{name}" for name in re.findall(r"^TEST\((\w+)\)", read(path), re.M)}
    return found


def is_test(name: str, known: set) -> bool:
    """Of a function with parameters, as `programs.runs.spin-musl`, the function."""
    return bool(fnmatch.filter(known, name)) or name.count(".") > 1 and name.rsplit(".", 1)[0] in known


def is_defined(name: str, text: str) -> bool:
    """A function of C or of these tests' style, or a label."""
    return bool(re.search(rf"^(\w[^;\n]*\b)?{name}(\(.*[^;]|:)$", text, re.M))


def wrong_in(text: str, known: set) -> tuple:
    """(what is not there, how many files, functions and tests are named): a file's functions stand behind it."""
    wrong, path, counts = [], None, [0, 0, 0]
    for word in re.findall(r"`([^`\n]+)`", text):
        if re.fullmatch(r"[\w/]+/[\w.]+", word):
            path = word
            counts[0] += 1
            if not os.path.exists(os.path.join(TOP, path)):
                wrong.append(f"{path}: no such file")
                path = None
        elif re.fullmatch(r"[a-z]\w*", word) and path and os.path.isfile(os.path.join(TOP, path)):
            counts[1] += 1
            if not is_defined(word, read(path)):
                wrong.append(f"{path}: {word} is not defined there")
        elif re.fullmatch(r"[a-z]\w*\.[\w.*-]+", word):
            counts[2] += 1
            if not is_test(word, known):
                wrong.append(f"{word}: no such test")
    return wrong, counts


def links(text: str, folder: str) -> list:
    """Those that lead nowhere: a file that is not there, or a heading that the document has not."""
    wrong = []
    for words, target in re.findall(r"\[([^\]]+)\]\(([^)]+)\)", text):
        path, _, heading = target.partition("#")
        file = os.path.normpath(os.path.join(folder, path)) if path else os.path.join(folder, "README.md")
        if not os.path.exists(os.path.join(TOP, file)):
            wrong.append(f"{target}: no such file")
            continue
        headings = [re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in re.findall(r"^#+ (.*)$", read(file), re.M)] if heading else [""]
        name = words.strip("`").split()[-1]
        if heading not in headings:
            wrong.append(f"{target}: no such heading")
        elif re.fullmatch(r"`(struct |enum )?[a-z]+_\w+`|`EXO_\w+`", words) and not re.search(rf"\b{name}\b", read(file)):
            wrong.append(f"{target}: {name} is not there")
    return wrong


def test_questions():
    text = section("apps/README.md", "What happens when you run a program here")
    known = ids()
    asked = re.split(r"^\*\*(.*?\?)\*\*", text.split("### Words")[0], flags=re.M)[1:]
    assert len(asked) == 2 * QUESTIONS
    for question, answer in zip(asked[::2], asked[1::2]):
        said, shown = answer.split("*Tests*:")
        wrong, (files, functions, _) = wrong_in(said, known)
        assert not wrong and files and functions, (question, wrong)
        named, picture = shown.split("*Picture*:")
        wrong, counts = wrong_in(named, known)
        assert not wrong and counts[2] >= 2 and picture.strip(), (question, wrong)
        assert 2 <= len(re.findall(r"[.:](?=\s)", said)) <= 8, question
    assert not links(text, "apps")


def test_words():
    rows = [row.split("|") for row in section("apps/README.md", "Words", "###").splitlines() if row.startswith("| ")][1:]
    assert len(rows) > 12
    for _, word, what, where, _ in rows:
        assert what.strip() and ("](" in where or "rule" in where), word
        assert not links(where, "apps"), links(where, "apps")
        for number in re.findall(r"\brules? (\d+)(?: and (\d+))?", where):
            assert all(f"**R{n}. " in read("kernel/GATE.md") for n in number if n), word


def test_sentence():
    """Each of its words leads to a place in the code."""
    text = section("README.md", "The sentence, clause by clause")
    rows = [row.split("|")[1:5] for row in text.splitlines() if row.startswith("| ")][1:]
    known = ids()
    assert len(rows) > 12
    for word, where, _, named in rows:
        assert "](" in where, word
        wrong, _ = wrong_in(where, known)
        assert not wrong and not links(where, ""), (word, wrong, links(where, ""))
        wrong, counts = wrong_in(named, known)
        assert not wrong and counts[2], (word, wrong)


def test_calls_are_as_many():
    found = re.search(r"\| gate \| the (\d+) calls", read("apps/README.md"))
    assert int(found.group(1)) == len(re.findall(r"^### ", read("kernel/GATE.md").split("## The ops")[1].split("## Errors")[0], re.M))


def test_commands_are_as_many():
    blocks = re.findall(r"^```sh\n(.*?)^```$", section("apps/README.md", "The first hour"), re.M | re.S)
    assert int(re.search(r"\(apps/README.md#the-first-hour\): (\d+) commands", read("README.md")).group(1)) == sum(b.count("\n") for b in blocks)


def test_faults_are_seen():
    """The checks above would say so."""
    known = ids()
    assert wrong_in("`lib/vm/none.c`", known)[0] and wrong_in("`lib/vm/fork.c` `page_serve`", known)[0] and wrong_in("`gate.none`", known)[0]
    assert not wrong_in("`lib/vm/fork.c` `fork_sealed` `kernel/entry.S` `syscall_entry` `gate.slice.*` `programs.runs.spin-musl`", known)[0]
    assert links("[x](none.c)", "apps") and links("[x](README.md#none)", "apps") and links("[`struct exo_none`](../kernel/include/exo/env.h)", "apps")
