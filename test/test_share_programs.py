# SPDX-License-Identifier: MIT
"""Real programs in a folder of this host (--share): what they leave there, and say, is byte for byte what the same programs leave and say on this host's
kernel, and on Debian's (linux-image-amd64, by `make deps-bench`) in the same QEMU with the same export; git and find take no more instructions there than on that one."""

import os
import re
import stat
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench"))

from aril import guest, image  # noqa: E402
from parts import shared, whole  # noqa: E402

PACKAGES = ("git", "make", "sqlite3", "tar", "tcc")
GIT = """export HOME=/tmp/h GIT_AUTHOR_DATE='2024-01-02 03:04:05 +0000' GIT_COMMITTER_DATE='2024-01-02 03:04:05 +0000' LC_ALL=C; mkdir -p $HOME
git config --global user.name n; git config --global user.email e@x; git config --global init.defaultBranch main; git config --global safe.directory '*'
git config --global gc.auto 0
git init -q r; cd r; mkdir -p a/b/c d; i=0; while [ $i -lt 60 ]; do echo $i >a/b/c/f$i; echo x$i >d/g$i; i=$((i+1)); done; ln -s a/b link; printf '#!/bin/sh\\necho run\\n' >run; chmod +x run
git status --short | head -n 5; git add -A; git status --short | wc -l; git commit -qm one; git status --short
echo more >>a/b/c/f3; rm d/g4; echo new >d/new; git mv a/b/c/f5 moved; git status --short; git add -A; git commit -qm two; git log --stat --format=%H%n%s | tail -n 8
git branch other HEAD~1; git checkout -q other; ls; git merge -q main 2>&1; git tag t; git diff HEAD~1 | head -n 20; git fsck --full 2>&1; git gc -q; git count-objects -v | head -n 4; cd ..
git clone -q r c 2>&1; cd c; git log --format=%H; git ls-files -s | tail -n 3; ./run; readlink link; git status --short; cd ..; rm -rf r/.git/index c/.git/index; find r/.git c/.git -name '*.pack' | wc -l
"""
MAKE = """mkdir p; cd p; printf 'objects = a.o b.o main.o\\nprog: $(objects)\\n\\t$(CC) -o $@ $(objects)\\n$(objects): h.h\\nclean:\\n\\trm -f prog *.o\\n' >Makefile
echo 'int a(void); int b(void);' >h.h; for n in a b; do printf '#include "h.h"\\nint %s(void) { return 20 + 1; }\\n' $n >$n.c; done
printf '#include <stdio.h>\\n#include "h.h"\\nint main(void) { printf("%%d\\\\n", a() + b()); return a() + b(); }\\n' >main.c
make; ./prog; echo $?; make; sleep 1.1; touch h.h; make | wc -l; make clean; ls; make prog >/dev/null; ./prog
"""
SQLITE = """sqlite3 db 'create table t(a integer primary key, b text); create index i on t(b);'
{ echo 'begin;'; i=0; while [ $i -lt 2000 ]; do echo "insert into t(b) values('row $((i * 7919 % 2000))');"; i=$((i+1)); done; echo 'commit;'; } | sqlite3 db
sqlite3 db "select count(*), max(b) from t; update t set b = b || '!' where a % 3 = 0; delete from t where a % 5 = 0; select sum(length(b)) from t; pragma integrity_check;"
sqlite3 db 'begin; delete from t; rollback; vacuum; select count(*) from t;'; sqlite3 db .dump | tail -n 2; ls
"""
TAR = """# the shell has one of its own
mkdir t; cd t; mkdir -p s/deep/er; i=0; while [ $i -lt 40 ]; do echo $i >s/f$i; i=$((i+1)); done; dd if=/dev/zero of=s/holes bs=1 count=1 seek=300000 2>/dev/null; ln s/f1 s/hard; ln -s f2 s/soft
chmod 751 s/deep; chmod 640 s/f7; touch -d '2001-02-03 04:05:06' s/f9; find s -exec touch -h -d '2020-01-01 00:00:00' {} +
/bin/tar --sort=name --owner=0 --group=0 --numeric-owner -cf one.tar s; mkdir x; /bin/tar -xf one.tar -C x; /bin/tar -df one.tar -C x; echo $?; /bin/tar -tvf one.tar | tail -n 3; stat -c '%a %Y %h' x/s/deep x/s/f7 x/s/hard x/s
/bin/tar -C x --sort=name --owner=0 --group=0 --numeric-owner -cf two.tar s; cmp one.tar two.tar; echo $?; /bin/tar -czf z.tgz s; /bin/tar -xzf z.tgz -O s/f9; rm z.tgz
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The guest's own tree, for this host's kernel."""
    try:
        image.packages(PACKAGES)
    except image.Error as e:
        pytest.skip(f"packages cannot be fetched: {e}")
    to = str(tmp_path_factory.mktemp("tree") / "tree")
    image.tree_make(to, os.path.join(image.build_folder(False), "roottree"), [], PACKAGES)
    return to


@pytest.fixture(scope="module")
def kernel():
    """Debian's whole kernel, as `make deps-bench` fetches it."""
    if not whole.is_there():
        done = subprocess.run([os.path.join(guest.TOP, "test", "bench", "getpackages"), whole.build.PACKAGES], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            pytest.skip(f"linux-image-amd64 cannot be fetched: {done.stdout.decode('utf-8', 'replace')[-300:]}")


def on_host(tree, folder, script):
    inside = 'mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev" && mount -t tmpfs none "$1/tmp" && mkdir -p "$1/w" && mount --bind "$2" "$1/w" && ' \
             'exec env -i /usr/sbin/chroot "$1" /bin/sh -c "$3"'
    done = subprocess.run(["unshare", "-m", *([] if os.getuid() == 0 else ["-r"]), "sh", "-c", inside, "sh", tree, str(folder), script], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, check=False)
    return done.returncode, done.stdout, done.stderr


def listing(folder):
    """Path, mode, links and contents of all that lies in a folder."""
    all_ = {}
    for at, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(at, name)
            st = os.lstat(path)
            what = os.readlink(path) if stat.S_ISLNK(st.st_mode) else None
            if stat.S_ISREG(st.st_mode):
                with open(path, "rb") as f:
                    what = f.read()
            all_[os.path.relpath(path, folder)] = (oct(st.st_mode), st.st_nlink if stat.S_ISREG(st.st_mode) else 0, what)
    return all_


SCRIPTS = {"git": GIT, "make": MAKE, "sqlite3": SQLITE, "tar": TAR}


def script_of(name):
    return f"umask 022; export PATH={guest.PATH}; cd /w; {SCRIPTS[name]}"


@pytest.fixture(scope="module")
def here(tree, tmp_path_factory):
    """What each script says and leaves here: one run of each, for whoever compares."""
    done = {}

    def run(name):
        if name not in done:
            folder = tmp_path_factory.mktemp(name)
            r = guest.run("sh", "-c", script_of(name), options=["--with", ",".join(PACKAGES), "--share", f"{folder}:/w", "--timeout", "8m"], timeout=500)
            done[name] = (r.status, r.out, r.err, listing(folder))
        return done[name]
    return run


def alike(ours, theirs, name):
    assert ours[:3] == theirs[:3], (name, ours[:3], theirs[:3])
    assert sorted(ours[3]) == sorted(theirs[3])
    assert [path for path in ours[3] if ours[3][path] != theirs[3][path]] == []
    assert len(theirs[1]) > 40 and len(theirs[3]) > (0 if name == "sqlite3" else 5)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_like_host(tmp_path, tree, here, name):
    status, out, err = on_host(tree, tmp_path, script_of(name))
    alike(here(name), (status, out, err, listing(tmp_path)), name)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_like_whole_kernel(tmp_path, here, kernel, name):
    alike(here(name), (*whole.run(str(tmp_path), script_of(name), PACKAGES, 500), listing(tmp_path)), name)


@pytest.mark.slow
def test_instructions(kernel):
    """Instructions of the guest, all programs and the kernel, from a program's start to its end."""
    ours, theirs = shared.counted(shared.aril_counted), shared.counted(shared.linux_counted)
    assert {command: (ours[command], count) for command, count in theirs.items() if ours[command] > count} == {}, (ours, theirs)


@pytest.mark.slow
def test_bench_run(kernel):
    """`make bench-run`, with less of everything: each row has its figure on both systems, in one go; but Linux has no saved machine."""
    done = subprocess.run([os.path.join(guest.TOP, "test", "bench", "run"), "--mib", "1", "--tries", "1", "--flow", "1"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=900, check=False)
    assert done.returncode == 0, done
    rows = dict(re.findall(r"^\| (.*?) \| (.*) \|$", done.stdout.decode(), re.M))
    for name, figures in (("true, from a saved machine", 1), ("a changed program, from a saved machine", 1), ("true, through the firmware", 2), ("100 commands in one boot", 2),
                          ("1 MiB out", 2), ("1 MiB in", 2), ("git status of 500 files in a shared folder", 2), ("git status", 2)):
        assert len(re.findall(r"\d+(?:\.\d+)?", rows[name])) == figures, (name, rows)


@pytest.mark.slow
def test_build_here(tmp_path):
    """A small project is built in the folder it lies in, by a compiler that this host need not have; the program runs here."""
    (tmp_path / "Makefile").write_text("hello: hello.c\n\t$(CC) -o $@ $<\n", encoding="ascii")
    (tmp_path / "hello.c").write_text("#include <stdio.h>\nint main(void) { printf(\"built\\n\"); return 7; }\n", encoding="ascii")
    done = subprocess.run([guest.MACHINE, "run", "--with", "make,tcc", "--share", ".:/w", "-w", "/w", "--", "make"], cwd=tmp_path, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=500, check=False)
    if b"getpackages" in done.stderr:
        pytest.skip(f"packages cannot be fetched: {done.stderr}")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"cc -o hello hello.c\n", b""), done
    done = subprocess.run([tmp_path / "hello"], stdout=subprocess.PIPE, check=False)
    assert (done.returncode, done.stdout) == (7, b"built\n"), done
