# SPDX-License-Identifier: MIT
"""Unmodified Debian programs at work, test/workloads/*.sh: what each prints here is, byte for byte, what it prints on Linux's kernel, made in the same run by the same
files. Nothing is masked: the workloads print no pid and no time of day."""

import glob
import os

import pytest

from aril import guest, image, programs

FOLDER = os.path.join(guest.TOP, "test", "workloads")
PACKAGES = ("bash", "bash-static", "bc", "bzip2", "coreutils", "dash", "dc", "diffutils", "ed", "findutils", "fzf", "gawk", "git", "grep", "gron", "gzip", "jq", "less", "libasan8", "libc6-dev", "lua5.4", "m4", "make", "mount",
            "patch", "perl-base", "python3", "sed", "sqlite3", "tar", "tcc", "vim-tiny", "xz-utils", "zsh")
NAMES = sorted(os.path.basename(path)[:-3] for path in glob.glob(os.path.join(FOLDER, "*.sh")))
CASES = {name: f". $T/{name}.sh\n" for name in NAMES}
FILES = {name: os.path.join(FOLDER, name) for name in sorted(os.listdir(FOLDER)) if name != "large"}


@pytest.fixture(scope="module")
def packages():
    try:
        image.packages(PACKAGES)
    except image.Error as e:
        pytest.skip(f"packages cannot be fetched: {e}")


def all_files():
    return {**FILES, **{f"pthreads-{kind}": programs.build("pthreads", kind) for kind in ("musl", "dynamic")},
            "undefined": programs.build("undefined", "ubsan"),
            "sanitized-library": programs.build("sanitized", "asan"), "sanitized-fixed": programs.build("sanitized", "asan-fixed")}


@pytest.fixture(scope="module")
def ours(packages):
    return guest.boot_script(CASES, all_files(), options=["--with", ",".join(PACKAGES)])


@pytest.fixture(scope="module")
def reference(packages):
    return guest.chroot_script(CASES, all_files(), PACKAGES)


@pytest.mark.parametrize("name", NAMES)
def test_same(name, ours, reference):
    want = reference[name]
    if b"LeakSanitizer has encountered a fatal error" in want.out:
        pytest.skip("this host lets no leak checker attach, so it is no judge")
    assert want.out.count(b"\n") >= 5, "the workload says too little on the host"
    assert name in ours, "no result: the workload hung, or took the machine along"
    got = ours[name]
    assert got.out == want.out
    assert got.err == want.err
    assert got.status == want.status


# Each has a machine of its own, with its packages; the host is no judge of what programs say of the machine.
LARGE = {
    "cmake_ninja": ("cmake", "ninja-build", "gcc", "libc6-dev"),
    "emacs": ("emacs-nox", "bsdutils", "libc-bin", "ncurses-base"),
    "fio": ("fio",),
    "gdb": ("gdb",),
    "imagemagick": ("imagemagick",),
    "java": ("openjdk-17-jdk-headless",),
    "nginx": ("nginx", "curl", "procps"),
    "node": ("nodejs",),
    "php": ("php-cli",),
    "redis": ("redis-server", "redis-tools"),
    "ruby": ("ruby", "libc-bin"),
    "ssh": ("openssh-client",),
    "strace": ("strace",),
    "tmux_screen": ("tmux", "screen"),
    "valgrind": ("valgrind", "libc6-dbg"),
}
# What lies beside a script, when it wants more than itself.
BESIDE = {
    "gdb": lambda: {"gdb.in": os.path.join(FOLDER, "large", "gdb.in"),
                    "debugged": programs.build("debugged", "debug")},
    "java": lambda: {"Main.java": os.path.join(FOLDER, "large", "Main.java")},
    "valgrind": lambda: {"memory_faults": programs.build("memory_faults", "dynamic")},
}
TABLES = ("ncurses-base", "procps", "util-linux")


def large(name):
    path = os.path.join(FOLDER, "large", name + ".sh")
    return {name: f". $T/{name}.sh\n"}, {name + ".sh": path}


def packages_need(names):
    try:
        image.packages(names)
    except image.Error as e:
        pytest.skip(f"packages cannot be fetched: {e}")


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_large(name):
    packages_need(LARGE[name])
    case, files = large(name)
    files.update(BESIDE.get(name, dict)())
    want = guest.chroot_script(case, files, LARGE[name])[name]
    got = guest.boot_script(case, files, options=["--with", ",".join(LARGE[name]), "--mem", "2G"], idle=600)
    assert want.out.count(b"\n") >= 5, "the workload says too little on the host"
    assert name in got, "no result: the workload hung, or took the machine along"
    assert (got[name].out, got[name].err, got[name].status) == (want.out, want.err, want.status)


@pytest.mark.slow
def test_tables():
    packages_need(TABLES)
    case, files = large("tables")
    got = guest.boot_script(case, files, options=["--with", ",".join(TABLES)])["tables"]
    lines = got.out.decode().splitlines()
    assert len(lines) == 11 and not got.err, got
    assert all(line.endswith(": 0, 0 errors") for line in lines), got


def test_enough():
    assert len(NAMES) >= 20
