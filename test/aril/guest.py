# SPDX-License-Identifier: MIT
"""What tests use: run one command in a machine, run many shell cases in one boot, and the same cases on the host with the same busybox."""

import atexit
import functools
import os
import re
import select
import shutil
import subprocess
import tempfile
import time

from . import image

TOP = image.TOP
MACHINE = os.path.join(TOP, "test", "machine")
DEBUG = os.environ.get("ARIL_DEBUG") == "1"
# Lines that no log may hold, whatever the test is about.
FORBIDDEN = re.compile(r"^(?:panic: |invariant ).*$", re.M)
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

RUNNER = """\
# Runs each case of $T/list in a fresh folder, and tells status, sizes, standard output and error. $W and $T are neighbours, so that all names are
# the same wherever they lie.
for c in $(cat $T/list); do
	rm -rf $W; mkdir $W; cd $W
	env -i PATH=$PATH T=../t TZ=UTC LC_ALL=C HOME=/ sh ../t/c/$c >$W.o 2>$W.e </dev/null
	s=$?
	cd /
	echo "CASE $c $s $(wc -c <$W.o) $(wc -c <$W.e)"
	cat $W.o $W.e
done
rm -rf $W $W.o $W.e
echo END
"""


class Result:
    """stdout and stderr as bytes, status, and the machine's log as text."""

    def __init__(self, out, err, status, log):
        self.out, self.err, self.status, self.log = out, err, status, log

    def __repr__(self):
        tail = "\n".join(self.log.split("\n")[-15:])
        return f"status {self.status}\nstdout: {self.out[-2000:]!r}\nstderr: {self.err[-2000:]!r}\nlog ends:\n{tail}"


def command_line(arguments, command, log, debug=None):
    line = [MACHINE, "run", "--log", log]
    if DEBUG if debug is None else debug:
        line.append("--debug")
    return line + list(arguments) + (["--", *command] if command else [])


def log_check(text):
    found = FORBIDDEN.search(text.replace("\r", ""))
    assert not found, f"the log says: {found.group(0)}"


def log_text(path):
    with open(path, "rb") as f:
        return f.read().decode("utf-8", "replace").replace("\r", "")


def run(*command, options=(), stdin=b"", timeout=120, debug=None, clean=True):
    """One boot by way of test/machine. clean: fail when the log holds a line that must never appear."""
    with tempfile.TemporaryDirectory(prefix="aril-test-") as folder:
        log = os.path.join(folder, "log")
        line = command_line(["--timeout", str(timeout), *options], command, log, debug)
        done = subprocess.run(line, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout + 60, check=False)
        text = log_text(log) if os.path.exists(log) else ""
    result = Result(done.stdout, done.stderr, done.returncode, text)
    if clean:
        log_check(text)
    return result


class Case:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def __eq__(self, other):
        return (self.status, self.out, self.err) == (other.status, other.out, other.err)

    def __repr__(self):
        return f"status {self.status}\nstdout: {self.out!r}\nstderr: {self.err!r}"


def cases_parse(data):
    """What RUNNER printed: cases by name, and whether it came to its end."""
    cases = {}
    at = 0
    while True:
        if data.startswith(b"END\n", at):
            return cases, True
        m = re.compile(rb"CASE (\S+) (\d+) (\d+) (\d+)\n").match(data, at)
        if not m:
            return cases, False
        out, err = int(m.group(3)), int(m.group(4))
        at = m.end() + out + err
        if at > len(data):
            return cases, False
        cases[m.group(1).decode()] = Case(int(m.group(2)), data[m.end():m.end() + out], data[m.end() + out:at])


def cases_folder(folder, cases, files):
    """$T: the list, the cases, the runner, and files (name: bytes, or a path to copy)."""
    t = os.path.join(folder, "t")
    os.makedirs(os.path.join(t, "c"))
    for name, text in cases.items():
        with open(os.path.join(t, "c", name), "w", encoding="utf-8") as f:
            f.write(text)
    with open(os.path.join(t, "runner"), "w", encoding="ascii") as f:
        f.write(RUNNER)
    for name, content in files.items():
        path = os.path.join(t, name)
        if isinstance(content, bytes):
            with open(path, "wb") as f:
                f.write(content)
        else:
            shutil.copy2(content, path)
    return t


def list_write(t, names):
    with open(os.path.join(t, "list"), "w", encoding="ascii") as f:
        f.write("\n".join(names) + "\n")


def boot_script(cases, files=None, options=(), idle=60, boots=3, debug=None):
    """Runs each case (name: shell text) in one boot. A case during which nothing is said for `idle` seconds is given up: the rest runs in a new boot.
    Returns Case by name; a case that hung or took the machine along has none. Result.log of the boots is checked for forbidden lines."""
    results = {}
    names = list(cases)
    with tempfile.TemporaryDirectory(prefix="aril-test-") as folder:
        t = cases_folder(folder, cases, files or {})
        log = os.path.join(folder, "log")
        for _ in range(boots):
            list_write(t, names)
            line = command_line(["--add", f"{t}:/t", *options], ["sh", "-c", "umask 022; W=/w T=/t; . /t/runner"], log, debug)
            with open(os.path.join(folder, "err"), "wb") as err:
                process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err)
                data = read_idle(process, idle)
            done, whole = cases_parse(data)
            results.update(done)
            log_check(log_text(log) if os.path.exists(log) else "")
            names = [n for n in names if n not in results]
            if whole or not names:
                break
            # The first without a result is the one that hung.
            names = names[1:]
            if not names:
                break
        if not results:
            with open(os.path.join(folder, "err"), "rb") as f:
                raise AssertionError(f"no case gave a result:\n{f.read().decode('utf-8', 'replace')}")
    return results


def read_idle(process, idle):
    """All output of a process; it is stopped when it says nothing for that long. Before its first word it makes an image and boots, which has limits of its own."""
    data = b""
    last = time.monotonic()
    while True:
        ready, _, _ = select.select([process.stdout], [], [], 1)
        if ready:
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                break
            data += piece
            last = time.monotonic()
        elif time.monotonic() - last > (idle if data else idle + 180):
            break
    if process.poll() is None:
        process.terminate()
    process.wait()
    process.stdout.close()
    return data


def busybox():
    """The very busybox of the image, as the package has it."""
    path = os.path.join(TOP, "build", "pkg", "bin", "busybox")
    assert os.path.exists(path), "no build/pkg/bin/busybox: make all"
    return path


@functools.lru_cache(None)
def host_tools():
    """A folder with all applets of that busybox, until this process ends."""
    folder = tempfile.TemporaryDirectory(prefix="aril-tools-")
    atexit.register(folder.cleanup)
    box = busybox()
    for applet in subprocess.run([box, "--list"], stdout=subprocess.PIPE, check=True).stdout.decode().split():
        os.symlink(box, os.path.join(folder.name, applet))
    return folder.name


def host_script(cases, files=None):
    """The same cases on this host, under the image's busybox alone: `env -i`, UTC, C, umask 022, as root or as if; whoever ran us may ignore SIGINT
    (a shell's `&` does)."""
    with tempfile.TemporaryDirectory(prefix="aril-host-") as folder:
        t = cases_folder(folder, cases, files or {})
        list_write(t, list(cases))
        tools = host_tools()
        command = ["env", "-i", "--default-signal", f"PATH={tools}", f"W={folder}/w", f"T={t}", os.path.join(tools, "sh"), "-c", "umask 022; . $T/runner"]
        if os.getuid():
            command = ["unshare", "-r", *command]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=300, check=True)
    results, whole = cases_parse(done.stdout)
    assert whole
    return results


def chroot_script(cases, files, names):
    """The same cases on this host in the guest's own tree with these packages: the same programs, interpreter and libraries on Linux's kernel."""
    with tempfile.TemporaryDirectory(prefix="aril-host-") as folder:
        t = cases_folder(folder, cases, files or {})
        list_write(t, list(cases))
        tree = os.path.join(folder, "tree")
        image.tree_make(tree, os.path.join(image.build_folder(False), "roottree"), [f"{t}:/t"], names)
        inside = f"umask 022; W=/w T=/t PATH={PATH}; . /t/runner"
        script = 'mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev" && exec env -i --default-signal /usr/sbin/chroot "$1" /bin/sh -c "$2"'
        command = ["unshare", "-m", *([] if os.getuid() == 0 else ["-r"]), "sh", "-c", script, "sh", tree, inside]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, check=False)
    results, whole = cases_parse(done.stdout)
    assert whole, done.stderr.decode("utf-8", "replace")
    return results
