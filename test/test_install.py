# SPDX-License-Identifier: MIT
"""The command as it is installed: it needs nothing of the checkout, runs from anywhere and for anybody; what is written about its options names them all."""

import glob
import os
import re
import shlex
import shutil
import subprocess
import tempfile

import pytest

from aril import guest, image, options, place

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def call(*command, **how):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **how)


def make(*words):
    done = call("make", "-s", "-C", guest.TOP, *words)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def room():
    """A folder where other users may go too."""
    with tempfile.TemporaryDirectory(prefix="aril-test-") as folder:
        os.chmod(folder, 0o755)
        yield folder


@pytest.fixture(scope="module")
def command(room):
    """`aril` below a prefix of its own."""
    make("install", f"PREFIX={room}/prefix")
    return f"{room}/prefix/bin/aril"


def hidden(script, user):
    """Words that run a shell script with the checkout out of sight, as nobody in particular where we may be that."""
    root = os.getuid() == 0
    inner = " ".join(NOBODY) if user and root else ""
    whole = f'mount -t tmpfs -o mode=755 none {guest.TOP} && [ ! -e {guest.TOP}/Makefile ] || exit 99; exec {inner} sh -c "$1"'
    return ["unshare", "-m", *([] if root else ["-r"]), "sh", "-c", whole, "sh", script]


def test_from_an_empty_folder(command, room):
    """Boots, and ends with COMMAND's status: without the checkout, by a user to whom nothing belongs, with a file of its own
    put in, and with a folder of that user's shared."""
    if call("unshare", "-m", *([] if os.getuid() == 0 else ["-r"]), "true").returncode:
        pytest.skip("this host lets nobody mount")
    place_ = os.path.join(room, "empty")
    os.mkdir(place_)
    os.chmod(place_, 0o777)
    script = f"cd {place_} && export HOME={place_} TMPDIR={place_} XDG_CACHE_HOME={place_}/cache; {command} run --timeout 2m -- sh -c 'exit 7'; echo $?; " \
             f"echo hello >hello; {command} run --timeout 2m --add hello:/etc/hello --trace t -- cat /etc/hello; echo $?; grep -c write t; {command} doctor | grep -c '^NO'; " \
             f"{command} image i && test -s i; echo $?; {command} run --timeout 2m --share .:/w -w /w -- sh -c 'cat hello; cp hello made; exit 3'; echo $?; ls"
    done = call(*hidden(script, True))
    out = done.stdout.decode().split("\n")
    assert out[:3] == ["7", "hello", "0"] and int(out[3]) > 0 and out[4:] == ["0", "0", "hello", "3", "cache", "hello", "i", "made", "t", ""], (out, done.stderr)


def test_cache_is_shared(command, room):
    """Two places of the command, one cache: what one has made the other goes on from, the image of packages too."""
    for name in ("cache/aril/packages", "tmp"):
        os.makedirs(f"{room}/one/{name}")
    os.makedirs(f"{room}/one/cache/aril/packages/tiny.{image.PACKAGE_RULES}/usr/share/tiny")
    for name, text in ((f"cache/aril/packages/tiny.{image.PACKAGE_RULES}.list", "tiny 1\n"), ("firmware", "firmware")):
        with open(f"{room}/one/{name}", "w", encoding="ascii") as f:
            f.write(text)
    env = dict(os.environ, PATH=f"{guest.TOP}/test/standins:{os.environ['PATH']}", TMPDIR=f"{room}/one/tmp", XDG_CACHE_HOME=f"{room}/one/cache",
               ARIL_FIRMWARE=f"{room}/one/firmware", STANDIN_STARTS=f"{room}/one/starts", STANDIN="work")
    env.pop("QEMUFLAGS", None)
    for n, which in enumerate((guest.MACHINE, command, guest.MACHINE)):
        done = call(which, "run", "--with", "tiny", "--", "exit", "7", env=env)
        assert (done.returncode, done.stderr) == (7, b""), done
        with open(f"{room}/one/starts", encoding="utf-8") as f:
            assert len(f.readlines()) == 2 + n, which
    assert len(os.listdir(f"{room}/one/cache/aril/root")) == 1 and len(os.listdir(f"{room}/one/cache/aril/snapshot")) == 1


def test_destdir(room):
    """DESTDIR stands before all, and in nothing that was written; what was there goes again, and nothing else does."""
    to = f"{room}/destdir"
    make("install", f"DESTDIR={to}", "PREFIX=/opt/it's a place")
    base = f"{to}/opt/it's a place"
    assert os.readlink(f"{base}/bin/aril") == "../share/aril/test/machine"
    assert call(f"{base}/bin/aril", "--version").stdout.decode() == f"aril {place.version()}\n"
    for name in glob.glob(f"{base}/share/aril/test/aril/__pycache__/*.pyc"):
        with open(name, "rb") as f:
            assert os.fsencode(to) not in f.read(), name
    with open(f"{base}/bin/other", "w", encoding="ascii"):
        pass
    make("uninstall", f"DESTDIR={to}", "PREFIX=/opt/it's a place")
    assert [name for _, _, files in os.walk(to) for name in files] == ["other"]


def test_refuses_what_is_not_its_own(room):
    os.makedirs(f"{room}/foreign/share/aril/important")
    for verb in ("build", "--remove"):
        done = call(os.path.join(guest.TOP, "test", "install"), verb, "", f"{room}/foreign")
        assert done.returncode == 1 and b"is there, and not from here" in done.stderr
        assert os.path.isdir(f"{room}/foreign/share/aril/important")
    done = call(os.path.join(guest.TOP, "test", "install"), "build", "", "relative")
    assert done.returncode == 1 and b"not an absolute path" in done.stderr


def test_modules(command):
    """What was installed has all that it imports, and nothing that only tests use."""
    folder = os.path.join(os.path.dirname(os.path.realpath(command)), "aril")
    names = [os.path.basename(path)[:-3] for path in glob.glob(f"{folder}/*.py")]
    assert {"cli", "run", "options"} <= set(names) and "guest" not in names
    done = call("/usr/bin/python3", "-c", f"import importlib, sys; sys.path.insert(0, {os.path.dirname(folder)!r})\nfor n in {names!r}: importlib.import_module('aril.' + n)")
    assert done.returncode == 0, done.stderr


def test_package(room):
    """A .deb that dpkg takes apart, whose files are those of the installation, and that names what it needs."""
    path = os.path.join(guest.TOP, make("deb"))
    tree = f"{room}/deb"
    assert call("dpkg-deb", "-x", path, tree).returncode == 0
    assert os.path.realpath(f"{tree}/usr/bin/aril") == f"{tree}/usr/share/aril/test/machine"
    for name in ("aril/build/root.img", "aril/esp/mkimage", "man/man1/aril.1.gz", "bash-completion/completions/aril", "doc/aril/copyright"):
        assert os.path.getsize(f"{tree}/usr/share/{name}") > 0, name
    assert not glob.glob(f"{tree}/usr/share/aril/test/aril/__pycache__")
    assert call(f"{tree}/usr/bin/aril", "--version").stdout.decode() == f"aril {place.version()}\n"
    fields = call("dpkg-deb", "-f", path).stdout.decode()
    assert f"\nVersion: {place.version()}\n" in fields and "Package: aril\n" in fields
    depends = re.search(r"^Depends: (.*)$", fields, re.M).group(1)
    assert {name.split()[0] for name in depends.split(", ")} == {"python3", "python3-pyelftools", "qemu-system-x86", "ovmf", "mtools", "erofs-utils"}
    for name in depends.split(", "):
        # They are what this very machine has, so that the tests here hold for them.
        assert call("dpkg-query", "-W", name.split()[0]).returncode == 0, name
    owners = {line.split()[1] for line in call("dpkg-deb", "-c", path).stdout.decode().split("\n") if line}
    assert owners == {"root/root"}
    with open(path, "rb") as f:
        before = f.read()
    make("deb")
    with open(path, "rb") as f:
        assert f.read() == before, "the same tree gives another package"
    with open(f"{tree}/usr/share/doc/aril/copyright", encoding="utf-8") as f:
        text = f.read()
    assert all(word in text for word in ("busybox", "GPL", "fonts-spleen", "libqrcodegen", "MIT License", "lz4.c", "LZ4 Library"))


def every_option():
    for verb, parser in options.parsers().items():
        for action in parser._actions:
            for name in action.option_strings:
                yield verb, name


def test_page_and_completion(command, room):
    """Each option stands in the manual page and is completed; so are sub-commands and values."""
    prefix = os.path.dirname(os.path.dirname(command))
    with open(f"{prefix}/share/man/man1/aril.1", encoding="utf-8") as f:
        page = f.read().replace("\\-", "-").replace("\\fB", "").replace("\\fR", "").replace("\\fI", "")
    assert page.count("\n.TP\n") > 25 and all(f"Sub-command {verb}:" in page for verb in options.CALLS)
    absent = [f"{verb} {name}" for verb, name in every_option() if not re.search(rf"(?m)^(?:-\w, )?{re.escape(name)}(?:[ ,=\[\n]|$)", page)]
    assert not absent, absent
    script = f'. {prefix}/share/bash-completion/completions/aril; while read -r line; do COMP_WORDS=(aril $line); COMP_CWORD=${{#COMP_WORDS[@]}}; COMP_WORDS+=(""); ' \
             '[ "$line" = "${line% -}" ] || { unset "COMP_WORDS[-1]"; COMP_CWORD=$((COMP_CWORD-1)); }; _aril; echo "${COMPREPLY[*]}"; done'
    asked = ["", *(f"{verb} -" for verb in options.CALLS), "run --accel", "run --app x -- -", "run --timeout"]
    os.makedirs(f"{room}/files/sub")
    done = subprocess.run(["bash", "-c", script], cwd=f"{room}/files", input="\n".join(asked).encode() + b"\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    answers = dict(zip(asked, done.stdout.decode().split("\n")))
    assert done.stderr == b"" and set(answers[""].split()) == {*options.CALLS, "help"}, done
    for verb, name in every_option():
        assert name in answers[f"{verb} -"].split(), (verb, name)
    assert answers["run --accel"] == "tcg kvm auto" and answers["run --app x -- -"] == "" and answers["run --timeout"] == ""


def test_help_is_shown():
    for verb in options.CALLS:
        done = call(guest.MACHINE, "help", verb)
        assert done.returncode == 0 and done.stdout.decode().startswith(f"usage: aril {verb}"), done
    assert shutil.which("help2man"), "make deps"


def test_lines_of_the_readme():
    """Every call of the command that the README shows is one. It begins with them, has the few lines for GitHub Actions, and says what differs in a shared folder."""
    with open(os.path.join(guest.TOP, "README.md"), encoding="utf-8") as f:
        text = f.read()
    blocks = re.findall(r"^```\n(.*?)^```", text, re.M | re.S)
    begin = text.split("\n## ")[1]
    assert begin.startswith("The command\n") and "aril run -- sh -c 'exit 7'" in begin and "`--share HOSTDIR:GUEST[:ro]`" in begin
    assert all(word in begin for word in ("keeps no copy", "locks", "chown", "`stat`", "name is gone"))
    assert any("runs-on:" in block and "make -C /opt/aril deps install" in block and "aril run" in block for block in blocks)
    calls = re.findall(r"(?:^|run: )(?:aril|test/machine) ((?:run|shell|trace|image|usb|doctor)\b.*)$", "\n".join(blocks), re.M)
    assert len(calls) >= 5, calls
    for line in calls:
        options.parse(shlex.split(line, comments=True))


# In a fresh Debian: /src is a checkout, which is gone before the command is used.
FRESH = """set -e
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >/dev/null; apt-get -q install -y --no-install-recommends make >/dev/null
make -s -C /src deps install PREFIX=/opt/aril >&2
mv /src /src.gone
mkdir -p /empty/p /home/u; cd /empty; export HOME=/home/u PATH=/opt/aril/bin:$PATH
set +e
aril run -- sh -c 'exit 7'; echo "status $?"
cd p; printf 'hello: hello.c\\n\\t$(CC) -o $@ $<\\n' >Makefile; printf '#include <stdio.h>\\nint main(void) { printf("built\\\\n"); return 9; }\\n' >hello.c
aril run --with make,tcc --share .:/w -w /w -- make; echo "status $?"
./hello; echo "status $?"
"""


@pytest.mark.slow
def test_fresh_debian(tmp_path):
    """Debian 12 with nothing but apt: what `make deps` installs is enough to build, and what `make install` put there to run, and to build a program in a shared folder."""
    if os.getuid() or not shutil.which("mmdebstrap"):
        pytest.skip("it takes root and mmdebstrap (apt-get install mmdebstrap)")
    root = tmp_path / "debian"
    done = call("mmdebstrap", "--variant=apt", "bookworm", root)
    if done.returncode:
        pytest.skip(f"mmdebstrap cannot make a Debian here: {done.stderr.decode('utf-8', 'replace').strip()[-300:]}")
    (root / "src").mkdir()
    names = call("git", "-C", guest.TOP, "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    assert names, "no checkout"
    subprocess.run(["tar", "-C", guest.TOP, "--null", "-T", "-", "-c", "-f", tmp_path / "src.tar"], input=names, check=True)
    assert call("tar", "-x", "-C", root / "src", "-f", tmp_path / "src.tar").returncode == 0
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    (root / "inner").write_text(FRESH, encoding="ascii")
    script = 'mount --rbind /proc "$1/proc"; mount --rbind /dev "$1/dev"; mount -t tmpfs none "$1/tmp"; ' \
             'exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C chroot "$1" sh /inner'
    done = call("unshare", "-m", "sh", "-c", script, "sh", root, timeout=3000)
    lines = done.stdout.decode().split("\n")
    assert lines == ["status 7", "cc -o hello hello.c", "status 0", "built", "status 9", ""], (lines, done.stderr.decode("utf-8", "replace")[-3000:])
