# SPDX-License-Identifier: MIT
"""test/foreign: what a status of each suite means, which tests there are, and a run of small programs on both systems."""

import argparse
import importlib.machinery
import importlib.util
import os
import subprocess

import pytest

from aril import image

TOP = image.TOP
FOREIGN = os.path.join(TOP, "test", "foreign")
KERNEL = os.path.join(TOP, "build", "pkg-bench", "done")
C = {
    "good": "int main(void) { return 0; }",
    "deep/bad": "int main(void) { return 3; }",
    "skips": "int main(void) { return 77; }",
    "leaves": "#include <pthread.h>\nstatic void *f(void *x) { pthread_exit(x); }\nint main(void) { pthread_t t; return pthread_create(&t, 0, f, 0) || pthread_join(t, 0); }",
    "dies": "#include <stdlib.h>\nint main(void) { abort(); }",
}
# A name that only one of the systems has, without end, and two that end the machine or all that runs there.
SCRIPTS = {"knows": 'echo "this is $(uname -n)"; [ "$(uname -n)" != aril ]', "last": "[ -z \"$(ls -A)\" ] && : >left"}
HARD = {"hangs": "while :; do :; done", "ends": "poweroff -f; sleep 30", "kills": "kill -9 -1; sleep 30"}


def load():
    loader = importlib.machinery.SourceFileLoader("foreign", FOREIGN)
    spec = importlib.util.spec_from_loader("foreign", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def make(folder, scripts):
    for name, text in C.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        subprocess.run(["gcc", "-xc", "-", "-o", path], input=text.encode(), check=True)
    for name, text in scripts.items():
        path = os.path.join(folder, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(f"#!/bin/sh\n{text}\n")
        os.chmod(path, 0o755)
    with open(os.path.join(folder, "data"), "w", encoding="ascii") as f:
        f.write("no program\n")


def foreign(*words):
    done = subprocess.run([FOREIGN, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def rows(path):
    with open(path, encoding="utf-8") as f:
        return {line.split("\t")[0]: line.rstrip("\n").split("\t")[1:] for line in f}


def test_words():
    """Statuses as the suites' own headers define them."""
    suites = load().SUITES
    said = {name: [suites[name].words(status) for status in statuses] for name, statuses in (
        ("posix", (0, 1, 2, 4, 5, 134)), ("ltp", (0, 1, 2, 4, 32, 33, 34, 16, 137)), ("programs", (0, 1, 77)), ("libc-test", (0, 1)), ("stress-ng", (0, 2, 3, 4)))}
    assert said == {"posix": ["pass", "fail", "unresolved", "unsupported", "untested", "fail"],
                    "ltp": ["pass", "fail", "broken", "broken", "unsupported", "fail", "broken", "fail", "fail"],
                    "programs": ["pass", "fail", "unsupported"], "libc-test": ["pass", "fail"], "stress-ng": ["pass", "fail", "unsupported", "unsupported"]}


def test_lists(tmp_path):
    suites = load().SUITES
    given = argparse.Namespace(list=None, seconds=1)
    (tmp_path / "runtest").mkdir()
    (tmp_path / "runtest" / "syscalls").write_text("# about\n\nopen01 open01 -x 'a b'\nalone\n")
    assert [(name, line.endswith("; open01 -x 'a b'")) for name, line in suites["ltp"].tests(str(tmp_path), given)] == [("open01", True)]
    (tmp_path / "t").mkdir()
    make(str(tmp_path), {"t/1-1.run-test": "exit 0"})
    assert list(suites["posix"].tests(str(tmp_path), given)) == [("t/1-1", "/foreign/t/1-1.run-test")]
    (tmp_path / "src" / "math").mkdir(parents=True)
    make(str(tmp_path), {"src/math/one-static.exe": "exit 0"})
    assert list(suites["libc-test"].tests(str(tmp_path), given)) == [("src/math/one-static", "cd /foreign; ./src/math/one-static.exe")]
    (tmp_path / "src" / "math" / "one-static.exe").unlink()
    assert [name for name, _ in suites["programs"].tests(str(tmp_path), given)] == ["deep/bad", "dies", "good", "leaves", "skips", "t/1-1.run-test"]
    assert foreign("programs", str(tmp_path / "runtest"))[::2] == (2, f"foreign: {tmp_path / 'runtest'}: no test of programs in it\n")


def test_build_posix(tmp_path):
    """What has no main gets the suite's own; what does not compile is told."""
    source, out = tmp_path / "source", tmp_path / "out"
    case = source / "conformance" / "interfaces" / "call"
    for folder in (source / "include", source / "lib", case):
        folder.mkdir(parents=True)
    (source / "include" / "posixtest.h").write_text("int test_main(int, char **);\n")
    (source / "lib" / "common.c").write_text("#include <posixtest.h>\nint main(int n, char **a) { return test_main(n, a); }\n")
    (case / "1-1.c").write_text("#include <posixtest.h>\nint test_main(int n, char **a) { (void)a; return n + 3; }\n")
    (case / "1-2.c").write_text("int main(void) { return 5; }\n")
    (case / "1-3.c").write_text("int main(void) { return nothing; }\n")
    assert foreign("build", "posix", str(source), str(out)) == (0, f"2 built in {out}\ndoes not compile: call/1-3.c\n", "")
    assert [subprocess.run([out / "call" / f"{name}.run-test"], check=False).returncode for name in ("1-1", "1-2")] == [4, 5]


@pytest.mark.skipif(not os.path.exists(KERNEL), reason="make deps-bench")
def test_both_systems(tmp_path):
    """Each in a fresh folder; what only Linux passes is named, with what it said last."""
    (tmp_path / "tests").mkdir()
    make(str(tmp_path / "tests"), SCRIPTS)
    results = str(tmp_path / "results")
    status, out, err = foreign("programs", str(tmp_path / "tests"), "--results", results)
    assert (status, err) == (1, ""), (out, err)
    assert rows(results) == {"deep/bad": ["fail"] * 2, "dies": ["fail"] * 2, "good": ["pass"] * 2, "leaves": ["pass"] * 2, "skips": ["unsupported"] * 2, "last": ["pass"] * 2,
                             "knows": ["fail", "pass"]}
    assert out == "| | Aril | Linux |\n|---|--:|--:|\n| pass | 3 | 4 |\n| fail | 3 | 2 |\n| unsupported | 1 | 1 |\n\nOnly Linux passes 1:\nknows: fail: this is aril\n"
    assert foreign("programs", str(tmp_path / "tests"), "--only", "g*", "--only", "skips") == (0, "| | Aril | Linux |\n|---|--:|--:|\n| pass | 1 | 1 |\n| unsupported | 1 | 1 |\n", "")


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists(KERNEL), reason="make deps-bench")
def test_hard_ones(tmp_path):
    """A test that hangs, ends the machine or all processes has a word all the same, and the rest goes on."""
    (tmp_path / "tests").mkdir()
    make(str(tmp_path / "tests"), {**SCRIPTS, **HARD})
    results = str(tmp_path / "results")
    status, out, err = foreign("programs", str(tmp_path / "tests"), "--results", results, "--limit", "5")
    assert (status, err) == (1, ""), (out, err)
    found = rows(results)
    assert found["hangs"] == ["late"] * 2 and found["ends"] == ["lost"] * 2, found
    assert found["good"] == ["pass"] * 2 and found["skips"] == ["unsupported"] * 2 and found["knows"] == ["fail", "pass"], found


# A class of each kind, which take some five minutes on both systems.
STRESS = "access af-alg clock context epoll eventfd fault fifo flock fork futex get hrtimers inotify itimer kill lockf madvise malloc memfd mmap mq msg mutex nanosleep null " \
    "open pipe poll procfs pthread rename resched sched-runtime schedpolicy seek sem sem-sysv shm sigfd signal sigpending sigq sleep sock splice switch timer timerfd tmpfs tsc " \
    "udp-flood unlink vfork vm wait yield zero"


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists(KERNEL), reason="make deps-bench")
def test_sample_of_stress_ng(tmp_path):
    """Of a suite by package: no class takes the machine along, nor is over its time."""
    tree = os.path.join(TOP, "build", "pkg-with", "stress-ng-root")
    try:
        image.call([os.path.join(TOP, "esp", "getpackages"), tree, "stress-ng"])
    except image.Error as e:
        pytest.skip(f"the package cannot be fetched: {e}")
    results = str(tmp_path / "results")
    status, out, err = foreign("stress-ng", tree, "--results", results, *[word for name in STRESS.split() for word in ("--only", name)])
    assert status in (0, 1) and not err, (out, err)
    print(out)
    assert not [name for name, (ours, theirs) in rows(results).items() if ours in ("late", "lost") and theirs not in ("late", "lost")], out
