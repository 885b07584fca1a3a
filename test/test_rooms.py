# SPDX-License-Identifier: MIT
"""lib and apps: every file stands once in the table of files of the README above it, and what a table names is there. Names and headers of the rooms run downward
(lib/README.md); what stood otherwise when the rule came stands in test/room_debts, which may fall only: `test/test_rooms.py` as a command writes it anew."""

import fnmatch
import os
import re
import subprocess

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


# ---- which room may ask which: names at link time, and headers

ORDER = ("base", "rt", "family", "run", "vm", "fs", "tty")
BELOW = {room: ORDER[:i] for i, room in enumerate(ORDER)}
BELOW["load"] = ORDER[:ORDER.index("tty")]
BELOW["dev"] = ("base", "rt")
BELOW["posix"] = ORDER + ("load", "dev")
BELOW["app"] = BELOW["posix"] + ("posix",)
DEBTS = os.path.join(TOP, "test", "room_debts")
NEEDS_MOST = 31 # a process's places may be others' than its descriptors are


def room_of(path: str) -> str:
    """Of a source or an object below build/: its room; the app's for what is in apps."""
    found = re.search(r"(?:^|/)lib/(\w+)/", path)
    if found:
        return found.group(1)
    return "base" if path.endswith("font.c.o") else "app"


def text_of(path: str) -> str:
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)


def needs_in(text: str) -> list:
    """The names that a needs.h declares."""
    text = re.sub(r"(?m)^\s*#.*$|__attribute__\s*\(\(.*?\)\)", "", text)
    text = re.sub(r"\b(?:struct|enum|union) \w+\s*;", "", re.sub(r"\{[^{}]*\}", "", text))
    return [re.search(r"(\w+)\s*(?:\(|\[|$)", part.strip()).group(1) for part in text.split(";") if part.strip()]


def headers(room: str, is_public: bool) -> list:
    """A room's headers. Private are those that say so in their opening comment, and needs.h, which tells others what to define and gives them nothing."""
    found = []
    for folder, _, files in os.walk(os.path.join(TOP, "lib", room)):
        for name in files:
            path = os.path.join(folder, name)
            if name.endswith(".h"):
                with open(path, encoding="utf-8") as f:
                    private = "/* Private to" in "".join(f.readlines()[:3])
                if private != is_public:
                    found.append(os.path.relpath(path, TOP))
    return found


def symbols() -> tuple:
    """(name, object) of what objects define, and of what they ask for; the Linux library OS's objects, and rt's and base's."""
    objects = []
    for top in ("build/posix", "build/user/lib/rt", "build/user/lib/base"):
        for folder, _, files in os.walk(os.path.join(TOP, top)):
            paths = [os.path.relpath(os.path.join(folder, name), TOP) for name in files if name.endswith(".o")]
            objects += [path for path in paths if "build/posix/build/" in path or os.path.exists(os.path.join(TOP, re.sub(r"^build/\w+/|\.o$", "", path)))]
    out = subprocess.run(["gcc-nm", "-A", "-g", *objects], cwd=TOP, check=True, stdout=subprocess.PIPE).stdout.decode()
    rows = [re.fullmatch(r"(.*):[0-9a-f ]* (\w) (\S+)", line).groups() for line in out.splitlines()]
    return [(name, path) for path, kind, name in rows if kind not in "Uw"], [(name, path) for path, kind, name in rows if kind == "U"]


def link_faults(defined: list, asked: list, needs: dict, public: dict) -> set:
    """(`up`, room, name): asked for where neither the room nor one below gives it or has it in its needs. (`hidden`, room, name): used from outside, but in no public header."""
    rooms, homes, faults = {}, {}, set()
    for name, path in defined:
        rooms.setdefault(room_of(path), set()).add(name)
        homes[name] = room_of(path)
    for name, path in asked:
        room = room_of(path)
        places = (room, *BELOW[room])
        wanted = [at for at in places if name in needs.get(at, ())]
        if not wanted and not any(name in rooms.get(at, ()) for at in places) and name in homes:
            faults.add(("up", room, name))
        elif not wanted and homes.get(name, room) != room and not re.search(rf"\b{name}\b", public.get(homes[name], "")):
            faults.add(("hidden", homes[name], name))
    return faults


def include_faults(sources: dict, private: list) -> set:
    """(`include`, file, header): of a room that is not below the file's, or private to another."""
    faults = set()
    for path, text in sources.items():
        room = room_of(path)
        for name in re.findall(r"(?m)^\s*#\s*include\s+<([^>]+)>", text):
            to = name.split("/")[0]
            if "/" in name and to in BELOW and to != room and (to not in BELOW[room] or f"lib/{name}" in private):
                faults.add(("include", path, name))
    return faults


def sources() -> dict:
    found = {}
    for top in ("lib", "apps/linux"):
        for folder, _, files in os.walk(os.path.join(TOP, top)):
            for name in files:
                if name.endswith((".c", ".h", ".S", ".def")):
                    path = os.path.relpath(os.path.join(folder, name), TOP)
                    found[path] = text_of(path)
    return found


def needs() -> dict:
    paths = {room: os.path.join("lib", room, "needs.h") for room in BELOW}
    return {room: needs_in(text_of(path)) for room, path in paths.items() if os.path.exists(os.path.join(TOP, path))}


def found_link() -> set:
    defined, asked = symbols()
    assert len(defined) > 700 and len(asked) > 700, "nothing is built"
    public = {room: "".join(text_of(path) for path in headers(room, True)) for room in BELOW if room != "app"}
    return link_faults(defined, asked, needs(), public)


def found_includes() -> set:
    return include_faults(sources(), [path for room in BELOW if room != "app" for path in headers(room, False)])


def debts() -> set:
    with open(DEBTS, encoding="utf-8") as f:
        return {tuple(line.split()) for line in f if not line.startswith("#")}


def test_names_run_downward():
    found, allowed = found_link(), debts()
    print(f"rooms: {sum(f[0] == 'up' for f in found)} names run upward, {sum(f[0] == 'hidden' for f in found)} are used without a public declaration")
    assert not found - allowed, sorted(found - allowed)


def test_includes_run_downward():
    found, allowed = found_includes(), debts()
    print(f"rooms: {len(found)} includes run upward or into another room")
    assert not found - allowed, sorted(found - allowed)


def test_needs_are_few_and_asked_for():
    _, asked = symbols()
    for room, names in needs().items():
        users = {name for name, path in asked if room == room_of(path)}
        assert len(names) == len(set(names)) and not set(names) - users, (room, sorted(set(names) - users))
    assert sum(map(len, needs().values())) <= NEEDS_MOST, needs()


def test_link_faults_are_seen():
    defined = [("low", "build/posix/lib/run/a.c.o"), ("high", "build/posix/lib/fs/b.c.o"), ("main", "build/posix/apps/linux/m.c.o"), ("font", "build/posix/build/font.c.o")]
    public = {"run": "void low(void);"}
    assert not link_faults(defined, [("low", "build/posix/lib/fs/b.c.o"), ("high", "build/posix/lib/fs/c.c.o"), ("font", "build/posix/lib/dev/s.c.o")], {}, {**public, "base": "font"})
    assert link_faults(defined, [("high", "build/posix/lib/run/a.c.o")], {}, public) == {("up", "run", "high")}
    assert not link_faults(defined, [("high", "build/posix/lib/run/a.c.o"), ("high", "build/posix/lib/vm/a.c.o")], {"run": ["high"]}, public)
    assert link_faults(defined, [("main", "build/posix/lib/posix/a.c.o")], {"run": ["high"]}, public) == {("up", "posix", "main")}
    assert link_faults(defined, [("low", "build/posix/lib/fs/b.c.o")], {}, {}) == {("hidden", "run", "low")}
    assert link_faults(defined, [("low", "build/posix/lib/dev/b.c.o")], {}, public) == {("up", "dev", "low")}
    text = "#include <stdint.h>\nstruct task;\nenum e { A, B };\nextern const struct a one;\nint two(int a, struct b *c), *three(void);\nvoid four(void) __attribute__((noreturn));\n"
    assert needs_in(text.replace(", *three(void)", "")) == ["one", "two", "four"]
    texts = {"lib/vm/a.c": "#include <fs/files.h>\n#include <run/own.h>\n#include <rt/gate.h>\n", "lib/fs/b.c": "#include <run/own.h>\n#include <fs/files.h>\n#include <std.h>\n"}
    assert include_faults(texts, []) == {("include", "lib/vm/a.c", "fs/files.h")}
    assert len(include_faults(texts, ["lib/run/own.h", "lib/fs/files.h"])) == 3


# ---- drivers: what binds a device in lib/dev is a row of drivers.def, and nobody but drivers.c calls what its row names

ROWS = "lib/dev/drivers.def"
BINDS = re.compile(r"\b(?:gate_dev_bind|pci_open|virtio_open)\(")
# By which drivers bind: they know no kind of device.
BIND_FOR_OTHERS = ("lib/dev/pci.c", "lib/dev/virtio.c")


def driver_rows(text: str) -> dict:
    """Name -> the functions that its row names, by which drivers.c reaches it."""
    rows = re.findall(r"^DRIVER\((\w+),.*?((?:,\s*\w+){4})\)$", text, re.M | re.S)
    return {name: {f"{name}_open", *re.findall(r"\w+", rest)} - {"NO"} for name, rest in rows}


def driver_faults(rows: dict, texts: dict) -> list:
    wrong = []
    for path, text in texts.items():
        opens = {name for name in rows if re.search(rf"^int {name}_open\(", text, re.M)}
        if path.startswith("lib/dev/") and path.endswith(".c") and path not in BIND_FOR_OTHERS and BINDS.search(text) and not opens:
            wrong.append(f"{path} binds a device, and no row of {ROWS} leads to it")
        if not path.startswith("lib/dev/"):
            wrong += [f"{path} calls {name}, which its row names" for row in rows.values() for name in sorted(row) if re.search(rf"\b{name}\(", text)]
    return wrong


def test_drivers_are_rows():
    rows = driver_rows(text_of(ROWS))
    assert len(rows) == len(re.findall(r"^DRIVER\(", text_of(ROWS), re.M)) >= 6, rows
    wrong = driver_faults(rows, sources())
    assert not wrong, "\n".join(wrong)


def test_driver_faults_are_seen():
    rows = driver_rows('DRIVER(a, struct a, 1, 0, FIXED("a (one)"), "bytes", NO, a_step, NO, NO)\nDRIVER(b, struct b *, 4, 2, PCI_ID(ID(3), 1), "x",\n\ta_irq, NO, NO, NO)\n')
    assert rows == {"a": {"a_open", "a_step"}, "b": {"b_open", "a_irq"}}
    good = {"lib/dev/a.c": "int a_open(struct a *a)\n{\n\tgate_dev_bind(1, 2, 3);\n}\n", "lib/dev/pci.c": "gate_dev_bind(1, 2, 3);", "apps/linux/m.c": "a_steps(1); gate_dev_bind(1, 2, 3);"}
    assert not driver_faults(rows, good)
    for path, text in (("lib/dev/c.c", "int c_open(void)\n{\n\tvirtio_open(v);\n}\n"), ("lib/dev/a.c", "\tint r = a_open(pci_open(p));\n"), ("apps/linux/m.c", "x = a_step(1);")):
        assert len(driver_faults(rows, {**good, path: text})) == 1, path


# ---- the largest circle of files that ask one another

# The ways in, the tables of calls and of file systems, how processes are made, and process 1 stand above it. A process's
# end is told to its parent, closes its files and gives back its memory; who waits at a file is woken by the scheduler,
# which looks for the dead, serves what processes ask of one another, and is asked for signals. A file that loses pages has
# every process look at its mappings. Who opens a file waits for who has a lease of it, whom a signal tells. Who is traced
# stops in signals and at its end.
CIRCLE_MOST = 50


def circle(defined: list, asked: list) -> list:
    """The largest set of objects of which each asks each, by way of others too. What a needs.h wants counts as any other name."""
    homes = dict(defined)
    edges = {path: set() for path in {path for _, path in defined + asked}}
    for name, path in asked:
        if name in homes and homes[name] != path:
            edges[path].add(homes[name])
    back = {path: set() for path in edges}
    for path, to in edges.items():
        for other in to:
            back[other].add(path)

    def reached(start: str, graph: dict) -> set:
        seen, todo = {start}, [start]
        while todo:
            new = graph[todo.pop()] - seen
            seen |= new
            todo += new
        return seen

    left, best = set(edges), set()
    while left:
        start = min(left)
        found = reached(start, edges) & reached(start, back)
        left -= found
        best = max(best, found, key=len)
    return sorted(best)


def test_circle_does_not_grow():
    found = circle(*symbols())
    rooms = {room: sum(room_of(path) == room for path in found) for room in BELOW}
    print(f"rooms: {len(found)} files in the largest circle: " + ", ".join(f"{n} of {room}" for room, n in rooms.items() if n))
    assert 10 < len(found) <= CIRCLE_MOST, found
    assert circle([("a", "x"), ("b", "y"), ("c", "z")], [("b", "x"), ("c", "y"), ("b", "z")]) == ["y", "z"]


if __name__ == "__main__":
    with open(DEBTS, "w", encoding="utf-8") as out:
        out.write("# SPDX-License-Identifier: MIT\n# What test/test_rooms.py puts up with: names that run upward, names that no public header declares, includes that run upward or into another room.\n")
        out.writelines(" ".join(fault) + "\n" for fault in sorted(found_link() | found_includes()))
