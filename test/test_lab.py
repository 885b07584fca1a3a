# SPDX-License-Identifier: MIT
"""The labs: stubs are not right, solutions are green, and each way to be wrong is seen by name. What the labs' README says of numbers is so."""

import os
import re
import subprocess

import pytest

from aril import image

TOP = image.TOP
LABS = os.path.join(TOP, "apps", "lab")
NUMBERS = sorted(name for name in os.listdir(LABS) if name.isdigit())

ONE = "#include <lab1.h>\nint stack_fault(uint64_t address, uint64_t error)\n{\n%s}\n"
TWO = "#include <lab2.h>\nunsigned victim_choose(const unsigned present[PLACES])\n{\n%s}\n"
MAP = "\tif (error & 1 || address < STACK_TOP - STACK_MOST * EXO_PAGE_SIZE || address >= STACK_TOP)\n\t\treturn 0;\n"
# Name: (lab, body of the function, what the grade says)
WRONG = {
    "says-it-did": ("1", ONE % "\t(void)error;\n\treturn address != 0;\n", "nothing is mapped there"),
    "serves-all": ("1", ONE % "\t(void)error;\n\t(void)rt_tables(0, address, 0, 0);\n\t(void)rt_map(0, address & -EXO_PAGE_SIZE, (uint64_t)rt_frame(), 1, EXO_PTE_RW | EXO_PTE_NX);\n\treturn 1;\n",
                   "forbidden: a fault on a page that is there"),
    "executable": ("1", ONE % (MAP + "\t(void)rt_map(0, address & -EXO_PAGE_SIZE, (uint64_t)rt_frame(), 1, EXO_PTE_RW);\n\treturn 1;\n"), "R/W and NX are wanted"),
    "keeps-frames": ("1", ONE % (MAP + "\t(void)rt_frame();\n\t(void)rt_map(0, address & -EXO_PAGE_SIZE, (uint64_t)rt_frame(), 1, EXO_PTE_RW | EXO_PTE_NX);\n\treturn 1;\n"), "frames are used for"),
    "all-at-once": ("1", ONE % (MAP + "\tfor (uint64_t va = STACK_TOP - STACK_MOST * EXO_PAGE_SIZE; va < STACK_TOP; va += EXO_PAGE_SIZE)\n\t\tif (EXO_IS_ERROR(rt_entry(va, 1)))\n"
                                      "\t\t\t(void)rt_map(0, va, (uint64_t)rt_frame(), 1, EXO_PTE_RW | EXO_PTE_NX);\n\treturn 1;\n"), "few: "),
    "no-place": ("2", TWO % "\treturn present[0] + PLACES;\n", "is none: there are 16"),
    "always-one": ("2", TWO % "\t(void)present;\n\treturn 3;\n", "policy: "),
    "asks-of-others": ("2", TWO % "\treturn page_touched(present[0] + 64);\n", "is not there"),
}


def lab(*words) -> tuple:
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run([os.path.join(TOP, "test", "lab"), *words], cwd=TOP, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=400, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("number", NUMBERS)
def test_stub_fails_and_solution_passes(number):
    status, out, _ = lab("grade", number)
    assert status == 1 and "not ok" in out and out.endswith(f"lab {number}: not yet\n"), out
    status, out, _ = lab("grade", number, os.path.join(LABS, "solutions", f"{number}.c"))
    assert status == 0 and "not ok" not in out and out.endswith(f"lab {number}: green\n"), out
    assert re.search(r"^elegance +ok +(\d+) lines, the solution has \1,", out, re.M), out
    # Where slices end inside of it depends on the host: that costs some hundred instructions.
    costs = [int(n.replace(",", "")) for n in re.search(r"^cost +ok +([\d,]+) instructions, the solution takes ([\d,]+),", out, re.M).groups()]
    assert max(costs) <= 1.01 * min(costs), out


def test_numbers_of_the_readme():
    """What first in, first out has, and that the next to best is in reach."""
    with open(os.path.join(LABS, "README.md"), encoding="utf-8") as f:
        fifo = re.search(r"first in, first out: ([\d,]+) faults", f.read()).group(1).replace(",", "")
    status, out, _ = lab("run", "2")
    assert status == 1 and f"{fifo} faults, first in, first out has {fifo}" in out, out


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name, tmp_path):
    number, text, why = WRONG[name]
    (tmp_path / "lab.c").write_text(text, encoding="ascii")
    status, out, err = lab("run", number, f"{tmp_path}/lab.c")
    assert status == 1 and any(line.startswith("not ok") and why in line for line in out.splitlines()), out + err


def test_long_and_dear(tmp_path):
    """Right, but of many lines and with much to do."""
    with open(os.path.join(LABS, "solutions", "2.c"), encoding="utf-8") as f:
        text = f.read()
    slow = "\tfor (volatile unsigned i = 0; i < 20000; i++)\n\t\t;\n" + "\t__asm__ volatile(\"\");\n" * 20
    (tmp_path / "lab.c").write_text(text.replace("\tstatic unsigned hand;\n", "\tstatic unsigned hand;\n" + slow), encoding="ascii")
    status, out, _ = lab("grade", "2", f"{tmp_path}/lab.c")
    assert status == 1 and re.search(r"^correctness +ok", out, re.M) and re.search(r"^elegance +not ok", out, re.M) and re.search(r"^cost +not ok", out, re.M), out


def test_what_cannot_be_graded(tmp_path):
    (tmp_path / "lab.c").write_text("int x = ;\n", encoding="ascii")
    for words, said in ((("run", "1", f"{tmp_path}/lab.c"), "does not compile"), (("run", "9"), "there are 1, 2"), (("grade", "1", "/no/such.c"), "no such file"), (("what",), "usage")):
        status, _, err = lab(*words)
        assert status == 2 and said in err, err
