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
THREE = "#include <lab3.h>\nunsigned task_next(const struct task task[TASKS], unsigned last)\n{\n%s}\n"
NEXT = "\tdo\n\t\tlast = (last + 1) % TASKS;\n\twhile (!task[last].is_ready);\n"
POOREST = ("\tstatic uint64_t had[TASKS], left, least;\n\tstatic unsigned was[TASKS];\n\tunsigned next = TASKS, all = 0;\n\tif (last < TASKS)\n\t\thad[last] += (1 << 20) / task[last].weight, left--;\n"
           "\tfor (unsigned i = 0; i < TASKS; i++) {\n\t\tif (KEEPS_NOTHING && task[i].is_ready && !was[i] && had[i] < least)\n\t\t\thad[i] = least;\n\t\twas[i] = task[i].is_ready;\n"
           "\t\tall += was[i] * task[i].weight;\n\t\tif (was[i] && (next == TASKS || had[i] < had[next]))\n\t\t\tnext = i;\n\t}\n\tleast = had[next];\n"
           "\tif (last < TASKS && left && was[last])\n\t\treturn last;\n\tleft = SLICE * task[next].weight / all;\n\tleft += !left;\n\treturn next;\n")
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
    "asleep": ("3", THREE % "\t(void)task;\n\treturn (last + 1) % TASKS;\n", "ready: task 6 is chosen"),
    "heaviest": ("3", THREE % "\tunsigned best = TASKS;\n\t(void)last;\n\tfor (unsigned i = 0; i < TASKS; i++)\n\t\tif (task[i].is_ready && (best == TASKS || task[i].weight > task[best].weight))\n\t\t\tbest = i;\n"
                              "\treturn best;\n", "latency: "),
    "rounds-down": ("3", THREE % ("\tstatic unsigned left, all;\n\tif (last < TASKS && --left && task[last].is_ready)\n\t\treturn last;\n" + NEXT + "\tall = 0;\n\tfor (unsigned i = 0; i < TASKS; i++)\n"
                                  "\t\tall += task[i].is_ready * task[i].weight;\n\tleft = LATENCY / 2 * task[last].weight / all;\n\tleft += !left;\n\treturn last;\n"), "share: "),
    "saves-up": ("3", (THREE % POOREST).replace("KEEPS_NOTHING", "0").replace("SLICE", "LATENCY / 2"), "latency: "),
    "no-slices": ("3", (THREE % POOREST).replace("KEEPS_NOTHING", "1").replace("SLICE", "1"), "switches: "),
}
# Name: (lab, text of the solution, what stands in its place, what the grade says)
CHANGED = {
    "none-left": ("4", "r = gate_pt_link(spec.frames[EXO_EF_ROOT], EXO_AT_SEALED | 3, 1, 0);", "", "faults: "),
    "parents-answer": ("4", "copy->rax = 0;", "", "forks: it says 57"),
    "one-place": ("4", "struct rt_regs *copy = (struct rt_regs *)((regs->at.rsp - 128 - sizeof *copy) & -16ul);", "static struct rt_regs there, *copy = &there;", "own: "),
    "empty-page": ("4", "if (r > 0)\n\t\tmemcpy((void *)page, bytes, sizeof bytes);", "", "faults: "),
    "every-page": ("4", "own(address, 1) >= 0;", "own(address, 1) >= 0 && (address >= PROGRAM_END - EXO_PAGE_SIZE || fork_fault(address + EXO_PAGE_SIZE, error));", "pays: "),
    "keeps-old": ("4", "page | EXO_AT_GIVE | 1", "page | 1", "faults: "),
    "loses-one": ("4", "*copy = *regs;", "*copy = *regs;\n\t(void)rt_frame();", "frames: "),
    "always-copies": ("4", "frame->maps) > 1)", "frame->maps + (level == 1)) > 1)", "keeps: "),
    "serves-reads": ("4", " || ~error & 2)", " || error > 9)", "reads: "),
    "anybody-gives": ("5", "what == LOCK_GIVE && holder[n] != caller", "0", "owned: another process gave"),
    "dead-hold": ("5", "e->name != holder[n] || e->state == EXO_S_DYING", "!e", "ended: who held lock 3"),
    "any-lock": ("5", "n >= LOCKS || what > LOCK_HOLDER", "(n %= LOCKS, what > LOCK_HOLDER)", "locks: "),
    "any-wish": ("5", "n >= LOCKS || what > LOCK_HOLDER", "n >= LOCKS", "wishes: "),
    "one-lock": ("5", "holder[LOCKS];", "all;\n#define holder (&all - n)", "apart: "),
    "takes-twice": ("5", "what == LOCK_TAKE ? holder[n] :", "what == LOCK_TAKE ? holder[n] && holder[n] != caller :", "held: "),
    "takes-theirs": ("5", "what == LOCK_TAKE ? holder[n] :", "what == LOCK_TAKE ? holder[n] == caller :", "theirs: another process took"),
    "says-index": ("5", "*name = holder[n];", "*name = EXO_NAME_INDEX(holder[n]);", "takes: "),
    "never-answers": ("5", "how |= EXO_PCT_REPLY;", "", "answers: after 0 calls"),
    "leaves-off": ("5", "how |= EXO_PCT_REPLY;", "how |= EXO_PCT_REPLY;\n\t\tif (how && m[0] == EXO_EBUSY)\n\t\t\treturn;", "lives: "),
}


# In every run of the suite; the others in the slow one.
QUICK = ("executable", "always-one")


def maybe_slow(names: dict) -> list:
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in names]


# File, constant, what the README says of it
BOUNDS = [("lab1.h", "STACK_MOST", "room for {} pages"), ("lab3.h", "LATENCY", "has a tick within {}."), ("lab3.h", "UNFAIR", "give or take {}."), ("3/check.c", "SWITCHES", "at most {} changes"),
          ("3/check.c", "LIFE", "changes in {} ticks"), ("lab4.h", "PAGES", "lies in {} pages"), ("lab5.h", "LOCKS", "It keeps {} locks."), ("5/client.c", "BATCH", "env runs in {} calls")]


def read(name: str) -> str:
    with open(os.path.join(LABS, name), encoding="utf-8") as f:
        return f.read()


def lab(*words) -> tuple:
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run([os.path.join(TOP, "test", "lab"), *words], cwd=TOP, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=400, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("number", [pytest.param(n, marks=pytest.mark.slow if n != "2" else ()) for n in NUMBERS])
def test_stub_fails_and_solution_passes(number):
    status, out, _ = lab("grade", number)
    assert status == 1 and "not ok" in out and out.endswith(f"lab {number}: not yet\n"), out
    status, out, _ = lab("grade", number, os.path.join(LABS, "solutions", f"{number}.c"))
    assert status == 0 and "not ok" not in out and out.endswith(f"lab {number}: green\n"), out
    assert re.search(r"^elegance +ok +(\d+) lines, the solution has \1,", out, re.M), out
    # Where slices end inside of it depends on the host: that costs some hundred instructions. Of a call between envs, so does who else waits meanwhile.
    costs = [int(n.replace(",", "")) for n in re.search(r"^cost +ok +([\d,]+) instructions, the solution takes ([\d,]+),", out, re.M).groups()]
    assert max(costs) <= (1.2 if number == "5" else 1.01) * min(costs), out


@pytest.mark.parametrize("number", [n for n in NUMBERS if n != "2"])
def test_stub_and_solution(number):
    """The same as the quick suite sees it, neither counted nor graded."""
    status, out, _ = lab("run", number)
    assert status == 1 and len(re.findall("^not ok ", out, re.M)) == 1, out
    assert number != "5" or re.search(r"^the server: env \w+ serves", out, re.M), out
    status, out, _ = lab("run", number, os.path.join(LABS, "solutions", f"{number}.c"))
    assert status == 0 and "not ok" not in out and len(re.findall("^ok ", out, re.M)) >= 3, out


def test_numbers_of_the_readme():
    """What first in, first out has, and that the next to best is in reach; and the bounds, as the checks have them."""
    text = read("README.md")
    for lab_file, name, words in BOUNDS:
        bound = re.search(rf"#define {name} +(\d+)", read(lab_file)).group(1)
        assert words.format(f"{int(bound):,}") in " ".join(text.split()), (name, bound)
    assert f"at most {re.search(r'LINES = .*4.: ([0-9]+)', read('../../test/lab')).group(1)} lines" in text
    fifo = re.search(r"first in, first out: ([\d,]+) faults", text).group(1).replace(",", "")
    status, out, _ = lab("run", "2")
    assert status == 1 and f"{fifo} faults, first in, first out has {fifo}" in out, out


@pytest.mark.parametrize("name", maybe_slow(WRONG))
def test_wrong(name, tmp_path):
    number, text, why = WRONG[name]
    (tmp_path / "lab.c").write_text(text, encoding="ascii")
    status, out, err = lab("run", number, f"{tmp_path}/lab.c")
    assert status == 1 and any(line.startswith("not ok") and why in line for line in out.splitlines()), out + err


@pytest.mark.parametrize("name", maybe_slow(CHANGED))
def test_changed(name, tmp_path):
    """The solution with one thing less in it."""
    number, text, instead, why = CHANGED[name]
    right = read(f"solutions/{number}.c")
    assert right.count(text) == 1
    (tmp_path / "lab.c").write_text(right.replace(text, instead), encoding="ascii")
    status, out, err = lab("run", number, f"{tmp_path}/lab.c")
    assert status == 1 and any(line.startswith("not ok") and why in line for line in out.splitlines()), out + err


def test_long_and_dear(tmp_path):
    """Right, but of many lines and with much to do."""
    text = read("solutions/2.c")
    slow = "\tfor (volatile unsigned i = 0; i < 20000; i++)\n\t\t;\n" + "\t__asm__ volatile(\"\");\n" * 20
    (tmp_path / "lab.c").write_text(text.replace("\tstatic unsigned hand;\n", "\tstatic unsigned hand;\n" + slow), encoding="ascii")
    status, out, _ = lab("grade", "2", f"{tmp_path}/lab.c")
    assert status == 1 and re.search(r"^correctness +ok", out, re.M) and re.search(r"^elegance +not ok", out, re.M) and re.search(r"^cost +not ok", out, re.M), out


def test_what_cannot_be_graded(tmp_path):
    (tmp_path / "lab.c").write_text("int x = ;\n", encoding="ascii")
    for words, said in ((("run", "1", f"{tmp_path}/lab.c"), "does not compile"), (("run", "9"), f"there are {', '.join(NUMBERS)}"), (("grade", "1", "/no/such.c"), "no such file"), (("what",), "usage")):
        status, _, err = lab(*words)
        assert status == 2 and said in err, err
