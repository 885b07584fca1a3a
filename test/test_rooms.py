# SPDX-License-Identifier: MIT
"""lib and apps: every file stands once in the table of files of the README above it, and what a table names is there."""

import fnmatch
import os
import re

from aril import image

TOP = image.TOP
FOLDERS = ("lib", "apps")


def names_of(table: str) -> list:
    """The names in the first cells of a README's tables of files, in order."""
    names = []
    is_files = False
    for line in table.split("\n"):
        cell = line.split("|")[1] if line.startswith("|") and line.count("|") > 2 else ""
        if not cell:
            is_files = False
        elif cell.strip() == "file":
            is_files = True
        elif is_files:
            names += re.findall(r"`([^`]+)`", cell)
    return names


def faults(folder: str, files: list, names: list) -> list:
    """What is wrong between a folder's files (paths below it) and the names, which may be patterns."""
    wrong = [f"{folder}/README.md: `{name}` is not there" for name in names if not fnmatch.filter(files, name)]
    for path in files:
        count = sum(fnmatch.fnmatch(path, name) for name in names)
        if count != 1:
            wrong.append(f"{folder}/README.md: {path} stands {count} times in the table of files")
    return wrong


def files_by_readme(tops: tuple) -> dict:
    """Folder with a README: the files in it and in the folders below that have none of their own."""
    found = {}
    for top in tops:
        for folder, _, files in os.walk(os.path.join(TOP, top)):
            path = os.path.relpath(folder, TOP)
            owner = path
            while owner and not os.path.exists(os.path.join(TOP, owner, "README.md")):
                owner = os.path.dirname(owner)
            if "__pycache__" not in path:
                found.setdefault(owner, []).extend(os.path.relpath(os.path.join(path, f), owner or ".") for f in files if f != "README.md")
    return found


def test_each_file_is_in_a_table():
    wrong = []
    by_readme = files_by_readme(FOLDERS)
    for folder, files in sorted(by_readme.items()):
        with open(os.path.join(TOP, folder, "README.md"), encoding="utf-8") as f:
            wrong += faults(folder, files, names_of(f.read()))
    assert len(by_readme) > 10 and sum(map(len, by_readme.values())) > 150 and not wrong, "\n".join(wrong)


def test_faults_are_seen():
    table = "| file | owns |\n|---|---|\n| `a.[ch]` `b.c` | x `z.c` |\n| `sub/*.c` | y |\n\n| field | what |\n|---|---|\n| `c.c` | |\n"
    names = names_of(table)
    assert names == ["a.[ch]", "b.c", "sub/*.c"]
    files = ["a.c", "a.h", "b.c", "sub/d.c"]
    assert not faults("f", files, names)
    assert faults("f", files + ["c.c"], names) and faults("f", files[1:3], names) and faults("f", files, names + ["a.c"])
