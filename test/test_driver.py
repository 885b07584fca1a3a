# SPDX-License-Identifier: MIT
"""The driver's manners: statuses, messages, what it leaves behind, where runs are kept. A stand-in takes QEMU's place (standins/), so that none of this boots;
the few real machines are at the end."""

import io
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tarfile
import tempfile
import time
import types
import xml.etree.ElementTree

import pexpect
import pytest

from aril import archive, cache, cli, each, elf, failure, guest, guest_tree, image, options, pace, qemu, run, snapshot

STANDINS = os.path.join(guest.TOP, "test", "standins")


@pytest.fixture
def place(tmp_path):
    """Folders of a user of its own: temporary files and cache; and the variables that lead there."""
    for name in ("tmp", "cache"):
        (tmp_path / name).mkdir()
    firmware = tmp_path / "firmware"
    firmware.write_bytes(b"firmware")
    env = dict(os.environ, PATH=f"{STANDINS}:{os.environ['PATH']}", TMPDIR=str(tmp_path / "tmp"), XDG_CACHE_HOME=str(tmp_path / "cache"), ARIL_FIRMWARE=str(firmware),
               STANDIN_STARTS=str(tmp_path / "starts"), STANDIN="work")
    env.pop("QEMUFLAGS", None)
    return tmp_path, env


def drive(place, *words, how="work", **env):
    return subprocess.run([guest.MACHINE, *words], env=dict(place[1], STANDIN=how, **env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=300, check=False)


def starts(place):
    path = place[0] / "starts"
    return path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []


def left(place):
    return os.listdir(place[0] / "tmp")


def processes(place):
    """Those that carry the test's folder in their environment or words."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read()
        except OSError:
            continue
        if os.fsencode(str(place[0])) in line:
            found.append(line)
    return found


def gone(condition, seconds=10):
    end = time.monotonic() + seconds
    while condition() and time.monotonic() < end:
        time.sleep(0.02)
    return not condition()


def refused(done, says):
    """125, one line that begins `aril:` and says so, and nothing of Python's."""
    err = done.stderr.decode()
    assert done.returncode == 125, (done.returncode, err)
    assert len(re.findall(r"^aril: ", err, re.M)) == 1 and re.search(says, err.split("\n")[0]), err
    assert "Traceback" not in err and done.stdout == b"", (done.stdout, err)
    return err


WRONG = {
    "none": ([], "no sub-command"),
    "verb": (["frobnicate"], "frobnicate: no such sub-command"),
    "option": (["run", "--frob", "--", "true"], "no such option: --frob"),
    "dashes": (["run", "true"], "true: COMMAND stands after --"),
    "nothing": (["run", "--"], "no COMMAND after --"),
    "size": (["run", "--mem", "lots", "--", "true"], "--mem lots: not a size; write"),
    "little": (["run", "--mem", "63M", "--", "true"], "--mem 63M: too little.*64M"),
    "time": (["run", "--timeout", "soon", "--", "true"], "--timeout soon: not a time; write"),
    "env": (["run", "-e", "=x", "--", "true"], "-e =x: not NAME"),
    "folder": (["run", "-w", "tmp", "--", "true"], "-w tmp: not an absolute path"),
    "tty": (["run", "-t", "--", "true"], "-t: standard input and output are no terminal"),
    "tty_alone": (["run", "-t"], "-t gives COMMAND a terminal"),
    "choice": (["run", "--accel", "fast", "--", "true"], "--accel invalid choice"),
    "icount": (["run", "--icount", "4", "--accel", "kvm", "--", "true"], "--icount counts instructions"),
    "trace_app": (["run", "--app", "mini", "--trace", "x"], "only pid 1 of the app `linux`"),
    "trace": (["trace", "x"], "no COMMAND"),
    "doctor": (["doctor", "x"], "x: one word too many"),
    "add": (["run", "--add", "x", "--", "true"], "--add x: not HOST:GUEST"),
    "add_absent": (["run", "--add", "/no/such:/x", "--", "true"], "/no/such does not exist"),
    "get": (["run", "--get", "x:y", "--", "true"], "--get x:y: not GUEST:HOST"),
    "get_nowhere": (["run", "--get", "/x:/no/such/place", "--", "true"], "/no/such is no folder here"),
    "conf": (["run", "--conf", "x", "--", "true"], "--conf x: not KEY=VALUE"),
    "program": (["run", "--add-program", "no-such-program", "--", "true"], "no-such-program: no such program here"),
    "script": (["run", "--add-program", "/etc/passwd", "--", "true"], "is no ELF program: --add"),
    "strace": (["run", "--strace=/no/such/file", "--", "true"], "--strace /no/such/file: No such file"),
    "log": (["run", "--log", "/no/such/file", "--", "true"], "--log /no/such/file: No such file"),
    "gui": (["run", "--gui", "--", "true"], "apt-get install qemu-system-gui"),
}
WRONG |= {
    "each_command": (["run", "--each", "x", "--", "true"], "--each: its commands stand in a file"),
    "each_tty": (["run", "--each", "x", "--trace", "y"], "--each does not go with --trace"),
    "junit": (["run", "--junit", "x", "--", "true"], "--junit: only --each has commands of its own"),
    "each_absent": (["run", "--each", "/no/such"], "--each /no/such: No such file"),
    "each_empty": (["run", "--each", "/dev/null"], "--each /dev/null: no command in it"),
}
WRONG |= {
    "usb_plain": (["usb", "--dry-run", os.path.join(guest.TOP, "README.md")], "usb: .*README.md: not below /dev"),
    "image_nowhere": (["image", "/no/such/image"], "mkimage: .*/no/such/image.*No such file"),
}
USAGE = {"each_command", "each_tty", "junit", "none", "verb", "option", "dashes", "nothing", "size", "little", "time", "env", "folder", "tty_alone", "choice", "icount", "trace_app", "trace", "doctor", "conf"}


@pytest.mark.parametrize("name", sorted(USAGE))
def test_usage(capfd, name):
    """Wrong options: nothing is begun, and the usage of the sub-command is shown."""
    words, says = WRONG[name]
    status = cli.main(words)
    out, err = capfd.readouterr()
    refused(subprocess.CompletedProcess(words, status, out.encode(), err.encode()), says)
    assert (f"usage: aril {words[0]}" if name not in ("none", "verb") else "usage: aril COMMAND") in err, err


@pytest.mark.parametrize("name", sorted(set(WRONG) - USAGE))
def test_wrong(place, name):
    """What only the run finds out."""
    words, says = WRONG[name]
    err = refused(drive(place, *words), says)
    assert "usage" not in err and left(place) == [], err


def test_statuses(place):
    assert drive(place, "run", "--", "exit", "7").returncode == 7
    assert drive(place, "run", "--", "exit", "139").returncode == 139
    done = drive(place, "run", "--timeout", "1500ms", "--", "sleep")
    assert done.returncode == 124 and done.stderr.startswith(b"aril: time is over\n"), done
    assert left(place) == []


@pytest.mark.parametrize("how, says", [("die", "stand-in: cannot do that"), ("dead", "frame b'H' of 65535 bytes"), ("mute", "the machine went off"),
                                       ("stop", "efi: stopped: .*root.img is damaged")])
def test_machine_fails(place, how, says):
    refused(drive(place, "run", "--", "true", how=how), says)
    assert left(place) == [] and gone(lambda: processes(place))


def test_tools_missing(place, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    for tool in ("python3", "sh", "cp", "stat", "dd", "gzip", "tail", "od", "tr", "head", "truncate", "mv", "rm", "mkdir", "cut", "sha256sum", "dirname", "env"):
        os.symlink(f"/usr/bin/{tool}", bare / tool)
    refused(drive(place, "run", "--", "true", PATH=str(bare)), "qemu-system-x86_64 is not installed: make deps")
    os.symlink(os.path.join(STANDINS, "qemu-system-x86_64"), bare / "qemu-system-x86_64")
    refused(drive(place, "run", "--", "true", PATH=str(bare)), "mformat")
    refused(drive(place, "run", "--", "true", ARIL_FIRMWARE="/no/such"), "no OVMF firmware found at /no/such: make deps, or apt-get install ovmf")
    refused(drive(place, "run", "--icount", "4", "--add", f"{guest.TOP}/README.md:/x", "--", "true", PATH=str(bare)), "erofs|mkroot")
    for tool in ("mformat", "mmd", "mcopy"):
        os.symlink(f"/usr/bin/{tool}", bare / tool)
    (bare / "qemu-system-x86_64").unlink()
    (bare / "qemu-system-x86_64").write_text("no program", encoding="ascii")
    (bare / "qemu-system-x86_64").chmod(0o755)
    refused(drive(place, "run", "--", "true", PATH=str(bare)), "is it a QEMU|Exec format error")
    assert left(place) == []


def test_doctor(place, tmp_path):
    """What is there and what is missing, with what to type; 125 when a run would not work."""
    good = drive(place, "doctor")
    assert good.returncode == 0 and re.search(rb"^ok  QEMU ", good.stdout, re.M) and not re.search(rb"^NO", good.stdout, re.M), good
    (tmp_path / "bare").mkdir()
    os.symlink("/usr/bin/python3", tmp_path / "bare" / "python3")
    os.symlink("/usr/bin/env", tmp_path / "bare" / "env")
    bad = drive(place, "doctor", PATH=f"{tmp_path}/bare", ARIL_FIRMWARE="/no/such")
    lines = bad.stdout.decode().split("\n")
    assert bad.returncode == 125 and b"Traceback" not in bad.stderr, bad
    assert any(re.match("NO  QEMU +qemu-system-x86_64 is not installed: make deps", line) for line in lines), lines
    assert any(re.match("NO  firmware +no OVMF firmware found at /no/such: make deps", line) for line in lines), lines


def full(place, tmp, cache_, *words):
    """With temporary files, cache, or both on a file system that is full."""
    script = f"mkdir -p {place[0]}/full && mount -t tmpfs -o size=64k,mode=1777 none {place[0]}/full && dd if=/dev/zero of={place[0]}/full/x bs=1k count=52 2>/dev/null; " \
             f"{'TMPDIR=%s/full' % place[0] if tmp else ''} {'XDG_CACHE_HOME=%s/full' % place[0] if cache_ else ''} exec \"$@\""
    return subprocess.run(["unshare", "-m", *([] if os.getuid() == 0 else ["-r"]), "sh", "-c", script, "sh", guest.MACHINE, *words], env=place[1], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, check=False)


def test_disk_full(place):
    if subprocess.run(["unshare", "-m", *([] if os.getuid() == 0 else ["-r"]), "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("this host lets nobody mount")
    refused(full(place, True, True, "run", "--", "true"), "No space left|full")
    done = full(place, False, True, "run", "--", "exit", "7")
    assert done.returncode == 7 and done.stderr == b"", done
    with open("/dev/full", "wb") as out:
        done = subprocess.run([guest.MACHINE, "run", "--", "echo", "x"], env=place[1], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, check=False)
    done.stdout = b""
    refused(done, "standard output: No space left")
    assert left(place) == []


def test_closed_streams(place):
    """Nobody reads: 141. No descriptors at all: the status alone."""
    script = f"{guest.MACHINE} run -- echo x | :; {guest.MACHINE} run -- exit 7 <&- >&- 2>&-; echo $?"
    done = subprocess.run(["bash", "-c", script], env=place[1], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert (done.stdout, done.stderr) == (b"7\n", b""), done


def test_settings(monkeypatch):
    """Variables and the folder are the guest's own tools' business: COMMAND as it is without them."""
    assert run.placed(["a", "b c"], [], None) == ["a", "b c"] and run.placed([], [], None) == []
    assert run.placed(["a"], ["X=y z"], None) == ["/usr/bin/env", "X=y z", "a"]
    assert run.placed([], ["X=y"], "/tmp")[3:] == ["/tmp", "/usr/bin/env", "X=y", "/bin/sh"]
    monkeypatch.setenv("ARIL_X", "here")
    monkeypatch.delenv("ARIL_Y", raising=False)
    assert run.variables(types.SimpleNamespace(env=["ARIL_X", "ARIL_Y", "A=b", "ARIL_X="])) == ["ARIL_X=here", "A=b", "ARIL_X="]


def test_outlasts(place):
    """A transfer that the time is too short for, in or out, is told of before it is over, once; one that is short enough is not, nor is one without a limit."""
    with open(place[0] / "huge", "wb") as f:
        f.truncate(1 << 40)
    huge = open(place[0] / "huge", "rb")
    done = subprocess.run([guest.MACHINE, "run", "--timeout", "4", "--", "read"], env=place[1], stdin=huge, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 124 and re.search(r"^aril: standard input: at \S+ MB/s the other \d+ MiB outlast --timeout\naril: time is over\n", done.stderr.decode()), done
    done = drive(place, "run", "--timeout", "4", "--get", f"/endless:{place[0]}/endless", "--", "true")
    assert done.returncode == 124 and re.search(r"^aril: --get /endless: at \S+ MB/s the other \d+ MiB outlast --timeout\n(.*\n)?aril: time is over\n", done.stderr.decode()), done
    assert done.stderr.count(b"outlast") == 1
    assert left(place) == [] and not [name for name in os.listdir(place[0]) if name.startswith("endless")]
    one = pace.Pace("x", 100 << 20)
    one.begin, one.done = time.monotonic() - 10, 50 << 20
    assert one.late(None) is None and one.late(time.monotonic() + 20) is None
    assert "the other 50 MiB outlast" in one.late(time.monotonic() + 5) and one.late(time.monotonic() + 5) is None


def test_get_folder(place):
    got = place[0] / "got"
    done = drive(place, "run", "--get", f"/folder:{got}", "--", "true")
    assert done.returncode == 0 and (got / "file").read_bytes() == b"hello" and os.readlink(got / "link") == "file", done
    assert got.stat().st_mode & 0o7777 == 0o750 and (got / "file").stat().st_mode & 0o7777 == 0o640
    (got / "other").write_text("stays", encoding="ascii")
    assert drive(place, "run", "--get", f"/folder:{got}", "--", "true").returncode == 0 and sorted(os.listdir(got)) == ["file", "link", "other"]
    done = drive(place, "run", "--get", f"/evil:{place[0]}/evil", "--", "true")
    refused(done, "the channel is dead: /evil/../../file came inside of /evil")
    assert not [name for name in os.listdir(place[0]) if name.startswith("evil")]
    done = drive(place, "run", "--get", f"/none:{place[0]}/none", "--", "true")
    assert done.returncode == 125 and done.stderr == b"aril: --get /none: No such file or directory\n", done


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_ended(place, number):
    """Nothing is left of a run that is ended: no process, no file."""
    # Whoever runs the tests may ignore some (nohup).
    process = subprocess.Popen(["env", "--default-signal=INT,TERM,HUP", guest.MACHINE, "run", "--", "sleep"], env=place[1], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"asleep\n" and processes(place) and left(place)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (-9 if number == signal.SIGKILL else 128 + number, b"", b"")
    assert gone(lambda: processes(place) or left(place)), (processes(place), left(place))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_terminal_is_sane(place, number):
    shell = pexpect.spawn("sh", env=dict(place[1], PS1="$ "), timeout=30, echo=True)
    shell.sendline(f"exec 9>&1; stty -a | md5sum; {guest.MACHINE} run -t -- sleep; echo ended; stty -a | md5sum")
    shell.expect(r"([0-9a-f]{32})  -")
    before = shell.match.group(1)
    shell.expect("asleep")
    driver = [pid for pid in filter(str.isdigit, os.listdir("/proc")) if f"{guest.MACHINE}\0run\0-t" in words(pid) and ppid(pid) == shell.pid]
    assert len(driver) == 1, driver
    os.kill(int(driver[0]), number)
    shell.expect("ended")
    shell.expect(r"([0-9a-f]{32})  -")
    if number == signal.SIGKILL:
        # The sweeper comes a moment later.
        assert gone(lambda: left(place))
        shell.sendline("stty -a | md5sum")
        shell.expect(r"([0-9a-f]{32})  -")
    assert shell.match.group(1) == before
    shell.close(force=True)
    assert gone(lambda: left(place))


def words(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def ppid(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return int(f.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


# ---- KVM

@pytest.mark.parametrize("how, says", [("hang", "did not end within"), ("die", "cannot do that"), ("pause", "paused")])
def test_accel_auto(place, how, says):
    """A KVM that hangs, dies or pauses is found out by one boot, and no second one."""
    env = {"ARIL_KVM": "/dev/null", "ARIL_PROBE_SECONDS": "0.7" if how == "hang" else "20"}
    from aril import accel
    script = f"import sys; sys.path.insert(0, {os.path.join(guest.TOP, 'test')!r}); sys.dont_write_bytecode = True\nfrom aril import accel\nprint(accel.choose('auto', False))"
    for _ in range(2):
        done = subprocess.run(["python3", "-c", script], env=dict(place[1], STANDIN=how, **env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=300)
        assert done.returncode == 0 and done.stdout.startswith(b"('tcg', ") and says.encode() in done.stdout, done
    assert len(starts(place)) == 1 and "-accel kvm" in starts(place)[0]
    assert gone(lambda: processes(place)) and accel.SECONDS < 60


def test_accel_kvm(place):
    refused(drive(place, "run", "--accel", "kvm", "--", "true", ARIL_KVM="/no/such"), "--accel kvm: there is no /no/such")
    assert drive(place, "run", "--accel", "auto", "--", "exit", "7", ARIL_KVM="/no/such").returncode == 7
    assert starts(place) and all("-accel tcg" in words_ for words_ in starts(place))  # no probe: there is nothing to try


# ---- what is kept

def test_same_image_once(place):
    """Where the image has the added files, it is kept when it is asked for a second time; other content is another image."""
    (place[0] / "file").write_bytes(b"x" * 2000)
    add = ["run", "--icount", "4", "--add", f"{place[0]}/file:/file", "--", "exit", "7"]
    for kept in (0, 1, 1):
        assert drive(place, *add).returncode == 7
        assert len(os.listdir(place[0] / "cache/aril/root") if (place[0] / "cache/aril/root").exists() else []) == kept
    (place[0] / "file").write_bytes(b"y" * 2000)
    assert drive(place, *add).returncode == 7 and drive(place, *add).returncode == 7
    assert len(os.listdir(place[0] / "cache/aril/root")) == 2


# ---- what --add brings

def kept_files(place):
    """What there is in the user's folders, and what a write makes another: that a file was used is its time."""
    found = {}
    for folder in ("tmp", "cache"):
        for path in (place[0] / folder).rglob("*"):
            if path.is_file():
                found[str(path)] = (path.stat().st_ino, path.stat().st_size, path.stat().st_blocks)
    return found


def packages_kept(place, name):
    """A package's tree as if it had been fetched before."""
    folder = place[0] / "cache/aril/packages"
    (folder / f"{name}.{image.PACKAGE_RULES}/usr/share/{name}").mkdir(parents=True)
    (folder / f"{name}.{image.PACKAGE_RULES}.list").write_text(f"{name} 1\n", encoding="ascii")


@pytest.mark.parametrize("packages", [[], ["--with", "tiny"]])
def test_added_is_sent(place, packages):
    """What --add names goes over the channel: a changed program makes no image, no other saved machine, and writes nothing but the log. The image of the packages
    is that of the run without it."""
    packages_kept(place, "tiny")
    program = place[0] / "program"
    drive(place, "run", *packages, "--", "exit", "7")
    kept = None
    for n in range(3):
        program.write_bytes(b"%d" % n * 3000000)
        done = drive(place, "run", *packages, "--add", f"{program}:/bin/p", "--", "brought")
        assert done.returncode == 0 and f"b'{str(n) * 20}'" in done.stdout.decode(), done
        assert starts(place)[-1].endswith("-incoming defer") and len(starts(place)) == 3 + n
        now = kept_files(place)
        changed = [path for path in now if kept is not None and now[path] != kept.get(path)]
        assert all(path.endswith("machine.log") for path in changed) and left(place) == [], changed
        kept = now
    images = place[0] / "cache/aril/root"
    assert len(os.listdir(images) if images.exists() else []) == (1 if packages else 0) and len(os.listdir(place[0] / "cache/aril/snapshot")) == 1


def test_added_whole(place):
    """Modes, owners, times, links of all kinds, names of any bytes, files without a size; a folder behind its content; what is no file is left out, with a word.
    Who runs the driver is root there. Cold and from a saved machine."""
    folder = place[0] / "f"
    (folder / "sub").mkdir(parents=True)
    odd = os.fsdecode(b"a\nb\377 'x")
    for name in ("plain", f"sub/{odd}", "n" * 200):
        (folder / name).write_bytes(b"content of " + os.fsencode(name)[:4])
    if os.getuid() == 0:
        os.chown(folder / "plain", 1234, 56)
    (folder / "plain").chmod(0o4751)
    os.symlink("sub/x", folder / "near")
    os.symlink("/etc/" + "l" * 150, folder / "far")
    os.link(folder / "plain", folder / "sub/second")
    os.mkfifo(folder / "fifo", 0o600)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(folder / "socket"))
    for name in ("plain", "sub", ""):
        os.utime(folder / name, (981173106, 981173106))
    (folder / "sub").chmod(0o2750)
    for more in (["--cold"], []):
        done = drive(place, "run", *more, "--add", f"{folder}:/x/y", "--add", "/proc/version:/etc/../etc/v", "--", "brought")
        lines = done.stdout.decode().split("\n")[:-1]
        owner = "1234:56" if os.getuid() == 0 else "0:0"
        assert any(line.startswith(f"'x/y/plain' 4751 {owner} 981173106 0 '' b'content of plai'") for line in lines), done
        assert any(line.startswith("'x/y/sub/second' ") and " 1 'x/y/plain' " in line for line in lines), done
        assert any(line.startswith(f"{'x/y/sub/' + odd!r} 644 0:0 ") and line.endswith("b'content of sub/'") for line in lines), done
        assert any(line.startswith(f"'x/y/{'n' * 200}' ") and line.endswith("b'content of nnnn'") for line in lines), done
        assert any(line.startswith("'x/y/near' ") and " 2 'sub/x' " in line for line in lines) and any(f" 2 '/etc/{'l' * 150}' " in line for line in lines), done
        assert any(line.startswith("'x/y/fifo' 600 ") and " 6 '' " in line for line in lines) and len(lines) == 10, done
        assert lines[-3].startswith("'x/y/sub' 2750 0:0 981173106 5") and lines[-2].startswith("'x/y' 755 0:0 981173106 5") and "'etc/v'" in lines[-1], done
        assert "b'Linux" in lines[-1] and re.fullmatch(rb"aril: --add \S+: \S+/socket is left out: it is a device or a socket\n", done.stderr), done


def test_added_has_no_room(place):
    """What does not fit is one line and 125, before a machine starts where that can be known, and from the guest; of many commands none is tried."""
    (place[0] / "list").write_text("exit 1\n", encoding="ascii")
    (place[0] / "file").write_bytes(b"x" * 5000000)
    add = ["--add", f"{place[0]}/file:/file"]
    for words_ in (["--", "exit", "7"], ["--each", str(place[0] / "list")]):
        refused(drive(place, "run", *add, *words_, how="noroom"), "--add: the guest could not take all of it: tar: write error: No space left on device; --mem gives it more")
        assert left(place) == [] and gone(lambda: processes(place))
    with open(place[0] / "huge", "wb") as f:
        f.truncate(200 << 20)
    before = len(starts(place))
    refused(drive(place, "run", "--mem", "128M", "--add", f"{place[0]}/huge:/huge", "--", "exit", "7"), "--mem 128M: too little for a root image and --add of 2..* MiB; the least is 2..M")
    with open(place[0] / "huge", "wb") as f:
        f.truncate(3 << 30)
    refused(drive(place, "run", "--mem", "8G", "--add", f"{place[0]}/huge:/huge", "--", "exit", "7"), "--add: 3072 MiB is too much: 2 GiB at most; --share shows")
    assert len(starts(place)) == before


def test_added_outlasts(place):
    """A program that is too big for the time that is left is told of once, as input is."""
    with open(place[0] / "huge", "wb") as f:
        f.truncate(1 << 30)
    done = drive(place, "run", "--mem", "3G", "--timeout", "4", "--add", f"{place[0]}/huge:/huge", "--", "exit", "7", how="slow")
    assert done.returncode == 124 and re.search(r"^aril: --add: at \S+ MB/s the other \d+ MiB outlast --timeout\naril: time is over\n", done.stderr.decode()), done
    assert done.stderr.count(b"outlast") == 1 and left(place) == []


def test_added_to_the_image(tmp_path):
    """Where nobody would unpack it, where that would be in what is looked at, and of what the boot itself reads."""
    (tmp_path / "aril").mkdir()
    pairs = [f"{tmp_path}/aril:/x"]
    assert archive.is_sent("linux", False, False, pairs) and archive.is_sent("linux", False, False, [f"{tmp_path}/aril:/"])
    assert not any(archive.is_sent(*how, pairs) for how in (("mini", False, False), ("linux", True, False), ("linux", False, True)))
    for guest_ in ("/aril", "/aril/linux", "//aril/../aril/x"):
        assert not archive.is_sent("linux", False, False, [*pairs, f"{tmp_path}/aril:{guest_}"]), guest_
    assert not archive.is_sent("linux", False, False, [f"{tmp_path}:/"])


def test_archive_reads(tmp_path):
    """However it is read, and as often: the same bytes, as many as were promised. A file that grows is cut, one that shrinks is a failure."""
    for n, size in enumerate((0, 1, 511, 512, 513, 200000)):
        (tmp_path / f"f{n}").write_bytes(os.urandom(size))
    it = archive.Archive([f"{tmp_path}:/x", f"{tmp_path}/f1:/y"])

    def whole(step):
        reader, data = it.begin(), []
        while piece := reader.read(step):
            data.append(piece)
        assert reader.left == 0 and reader.read(5) == b""
        return b"".join(data)
    first = whole(1 << 20)
    assert len(first) == it.size and whole(1000) == whole(7777) == first
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        assert {one.name: tar.extractfile(one).read() for one in tar if one.isreg()} == {
            **{f"x/f{n}": (tmp_path / f"f{n}").read_bytes() for n in range(6)}, "y": (tmp_path / "f1").read_bytes()}
    with open(tmp_path / "f5", "ab") as f:
        f.write(b"more")
    assert whole(1000) == first
    (tmp_path / "f5").write_bytes(b"less")
    with pytest.raises(failure.Failure, match="f5: it became shorter"):
        whole(1000)
    (tmp_path / "f5").unlink()
    with pytest.raises(failure.Failure, match="f5: No such file"):
        whole(1000)


def test_cache_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("ARIL_CACHE_MAX", raising=False)
    assert cache.limit() == 2 << 30
    monkeypatch.setenv("ARIL_CACHE_MAX", str(1 << 20))
    now = time.time()

    def write(path):
        with open(path, "wb") as f:
            f.write(b"x" * (400 << 10))
    for i, name in enumerate(("a", "b")):
        os.utime(cache.put("root", name, write), (now - 400 + i, now - 400 + i))
    assert cache.get("root", "a")  # used: b is the oldest now
    cache.put("root", "c", write)
    cache.put("root", "c2", write)
    assert sorted(os.listdir(tmp_path / "aril/root")) == ["a", "c", "c2"]  # who was given them may not have opened them yet
    os.utime(cache.put("archives", "fetched", write), (now - 200, now - 200))
    cache.put("root", "d", write)
    assert os.listdir(tmp_path / "aril/archives") == ["fetched"]  # a run of this hour may open it
    os.utime(cache.path("archives", "fetched"), (now - 7200, now - 7200))
    cache.put("root", "e", write)
    assert os.listdir(tmp_path / "aril/archives") == []
    # What is being made stays, whatever its time says; what a dead process made goes.
    with subprocess.Popen(["true"]) as process:
        process.wait()
    os.mkdir(tmp_path / "aril/packages")
    for pid in (os.getpid(), process.pid):
        os.mkdir(cache.path("packages", f"tree.{pid}.new"))
        os.utime(cache.path("packages", f"tree.{pid}.new"), (0, 0))
    cache.put("root", "f", write)
    cache.put("root", "g", write)
    assert os.listdir(tmp_path / "aril/packages") == [f"tree.{os.getpid()}.new"]
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/no/such")
    assert cache.put("root", "d", write) is None and cache.get("root", "d") is None


@pytest.mark.slow
def test_in_parallel(place):
    """Twenty at once, from an empty cache: all statuses right, nothing left."""
    running = [subprocess.Popen([guest.MACHINE, "run", "--", "exit", str(n)], env=place[1], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) for n in range(20)]
    assert [(p.wait(600), p.stderr.read()) for p in running] == [(n, b"") for n in range(20)]
    assert left(place) == [] and gone(lambda: processes(place))
    assert [name for kind in os.listdir(place[0] / "cache/aril") for name in os.listdir(place[0] / "cache/aril" / kind) if name.endswith(".new")] == []


def test_built_by_another(place):
    """A checkout that somebody else built, and that is not ours to write to."""
    if os.getuid():
        pytest.skip("only root can be somebody else")
    before = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*before, "test", "-r", guest.MACHINE], check=False).returncode:
        pytest.skip("the checkout lies where nobody else may go")
    with tempfile.TemporaryDirectory(prefix="aril-other-") as folder:
        shutil.copy(place[0] / "firmware", folder)
        os.chown(folder, 65534, 65534)
        env = dict(place[1], HOME=folder, TMPDIR=folder, XDG_CACHE_HOME=folder, ARIL_FIRMWARE=f"{folder}/firmware", STANDIN_STARTS="")
        done = subprocess.run([*before, guest.MACHINE, "run", "--add", f"{guest.TOP}/README.md:/x", "--", "exit", "7"], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        assert (done.returncode, done.stderr) == (7, b""), done
        assert os.path.exists(f"{folder}/aril/machine.log")


# ---- from a saved machine

def test_saved_once(place):
    """The first run boots and saves; from then on runs go on from there, with the same settings, unless the machine is another or the boot matters."""
    cold = drive(place, "run", "--cold", "--get", "/none:x", "--", "settings")
    assert len(starts(place)) == 1 and "-incoming" not in starts(place)[0]
    first = drive(place, "run", "--get", "/none:x", "--", "settings")
    assert len(starts(place)) == 3 and "share=on" in starts(place)[1] and "share=off" in starts(place)[2] and starts(place)[2].endswith("-incoming defer")
    kept = {name: (place[0] / "cache/aril/snapshot" / name).stat().st_mtime_ns for name in os.listdir(place[0] / "cache/aril/snapshot")}
    again = drive(place, "run", "--get", "/none:x", "--", "settings")
    assert len(starts(place)) == 4 and starts(place)[3].endswith("-incoming defer") and len(kept) == 1
    # The disk's settings are those of the boot, the saved machine's those of the run.
    own = [set(done.stdout.decode().split("\n")) - {"app=linux", "channel=com2"} for done in (cold, first, again)]
    assert own[0] == own[1] == own[2] and "mode=pipe" in own[0] and "get=/none" in own[0], own
    assert drive(place, "run", "--mem", "512M", "--", "exit", "7").returncode == 7
    assert len(starts(place)) == 6 and len(os.listdir(place[0] / "cache/aril/snapshot")) == 2
    window = {"STANDIN_WINDOW": "gtk", "DISPLAY": ":0"}
    for more in (["--icount", "4"], ["--conf", "x=y"], ["--qemu=-no-hpet"], ["--cold"], ["--gui"], ["--trace", str(place[0] / "trace")]):
        before = len(starts(place))
        # The stand-in sends no trace.
        assert drive(place, "run", *more, "--", "exit", "7", **window).returncode == (125 if more[0] == "--trace" else 7), more
        assert [("-incoming" in line) for line in starts(place)[before:]] == [False], more
    assert left(place) == [] and gone(lambda: processes(place))


def test_saved_key(tmp_path, monkeypatch):
    """A saved machine is that of one loader, root image, QEMU, firmware, processor, memory and set of devices."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    files = {name: tmp_path / name for name in ("efi", "root", "qemu", "firmware")}
    for name, path in files.items():
        path.write_text(name, encoding="ascii")
    monkeypatch.setattr(qemu, "binary", lambda: str(files["qemu"]))
    monkeypatch.setattr(qemu, "firmware_files", lambda: [str(files["firmware"])])
    source = types.SimpleNamespace(efi=str(files["efi"]), root_sum=lambda: cache.digest(str(files["root"])))
    keys = [snapshot.key(source, 1 << 30, False)]
    assert snapshot.key(source, 1 << 30, False) == keys[0]
    for path in files.values():
        path.write_text("another", encoding="ascii")
        keys.append(snapshot.key(source, 1 << 30, False))
    keys += [snapshot.key(source, 1 << 29, False), snapshot.key(source, 1 << 30, True)]
    monkeypatch.setattr(snapshot, "cpu", lambda: "another")
    keys.append(snapshot.key(source, 1 << 30, False))
    monkeypatch.setenv("QEMUFLAGS", "-cpu qemu64")
    keys.append(snapshot.key(source, 1 << 30, False))
    assert len(set(keys)) == len(keys) == 9, keys


def test_saved_shared(place):
    """Machines with folders of the host are saved by themselves, with two devices and nobody's folder; each run brings its own. More than two start cold."""
    folders = [place[0] / name for name in ("one", "two", "three")]
    for folder in folders:
        folder.mkdir()
    words = [["--share", f"{folder}:/{folder.name}"] for folder in folders]
    assert drive(place, "run", "--", "exit", "7").returncode == 7
    for n, more in enumerate((words[0], words[1] + words[2], words[2])):
        assert drive(place, "run", *more, "--", "exit", "7").returncode == 7 and len(starts(place)) == 4 + n
        assert starts(place)[-1].endswith("-incoming defer") and starts(place)[-1].count("virtio-9p-pci") == 2
        assert [f"path={folder}," in starts(place)[-1] for folder in folders] == [str(folder) in " ".join(more) for folder in folders], more
    assert starts(place)[2].count("virtio-9p-pci") == 2 and starts(place)[2].count("/empty,") == 2 and "share=on" in starts(place)[2]
    assert len(os.listdir(place[0] / "cache/aril/snapshot")) == 2
    done = drive(place, "run", *words[0], *words[1], *words[2], "--", "exit", "7")
    assert done.returncode == 7 and b"boots through its firmware" in done.stderr and "-incoming" not in starts(place)[-1], done
    assert left(place) == [] and gone(lambda: processes(place))


@pytest.mark.parametrize("how", ["unsaved", "unread"])
def test_saved_in_vain(place, how):
    """A QEMU that cannot save a machine, or cannot go on with it: the run starts cold, and nothing useless is kept."""
    done = drive(place, "run", "--", "exit", "7", how=how)
    assert (done.returncode, done.stderr) == (7, b"") and "-incoming" not in starts(place)[-1], done
    assert os.listdir(place[0] / "cache/aril/snapshot") == [] and left(place) == [] and gone(lambda: processes(place))


def test_saved_half(place):
    """What a driver that was killed had begun goes with the next that is kept; a foreign hand's does not."""
    folder = place[0] / "cache/aril/snapshot"
    folder.mkdir(parents=True)
    ended = subprocess.Popen(["true"])
    ended.wait()
    for name in (f"a.{ended.pid}.new", f"b.{os.getpid()}.new"):
        (folder / name).mkdir()
    assert drive(place, "run", "--", "exit", "7").returncode == 7
    assert sorted(name for name in os.listdir(folder) if name.endswith(".new")) == [f"b.{os.getpid()}.new"]


# ---- many commands in one boot

def each_round(count=3):
    shown = []
    commands = [each.Command(n + 1, f"line {n + 1}") for n in range(count)]
    return commands, each.Round(commands, 5, shown.append), shown


def test_each_bytes():
    """However the bytes are cut: what a command printed is its own, whatever it looks like; a word of the runner's is known by the mark."""
    for step in (1, 2, 7, 1000):
        commands, r, shown = each_round()
        mark = r.mark.encode()
        out = mark + b" end 1 7 1.0 1.0 0 0\n\0no newline"
        said = b"%s begin 1\n%s end 1 0 1.00 3.50 %d 2\n%s\n\n" % (mark, mark, len(out), out) + b"foreign\n%s begin 2\n%s end 2 late 4.00 9.00 0 0\n%s begin 3\n" % (mark, mark, mark)
        for at in range(0, len(said), step):
            r.take(said[at:at + step])
        assert shown == commands[:2]
        assert (commands[0].status, commands[0].out, commands[0].err, commands[0].seconds, commands[0].why) == (0, out, b"\n\n", 2.5, "")
        assert commands[1].status == 124 and commands[1].why and r.now is commands[2]
        r.lost(137, "it is gone", "/no/such")
        assert (commands[2].status, r.todo) == (137, {})
        with pytest.raises(failure.Failure):
            r.take(mark + b" end 3 0 1.0 2.0 0 0\n")


def test_each_reports(tmp_path):
    """Bytes that XML has no place for are written out; in the folder they are as they were."""
    commands = [each.Command(1, "a <b> \"&\" ]]>", 0, b"\0\xff<&>]]>\r\n", b"", 0.5), each.Command(2, "b\udcff", 9, b"", b"e\n", 1.0), each.Command(3, "c", 124, why="late"),
                each.Command(4, "d", 125, why="gone")]
    each.junit(str(tmp_path / "j.xml"), "n", commands)
    suite = xml.etree.ElementTree.parse(tmp_path / "j.xml").getroot()
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "time")} == {"tests": "4", "failures": "2", "errors": "1", "time": "1.500"}
    assert [c.get("name") for c in suite] == ['1: a <b> "&" ]]>', "2: b\\xff", "3: c", "4: d"]
    assert suite[0].find("system-out").text == "\\x00\\xff<&>]]>\r\n" and suite[1].find("failure").get("message") == "status 9"
    assert suite[2].find("failure").get("type") == "124" and suite[3].find("error").get("message") == "gone"
    each.results(str(tmp_path / "r"), commands)
    assert (tmp_path / "r/1.out").read_bytes() == commands[0].out and (tmp_path / "r/2.status").read_bytes() == b"9\n" and len(os.listdir(tmp_path / "r")) == 12


# ---- options, programs

def test_sizes_and_times():
    assert [options.size(text) >> 20 for text in ("64", "64M", "64m", "64MiB", "64mb", "1G", "1.5g", "65536k")] == [64, 64, 64, 64, 64, 1024, 1536, 64]
    assert [options.seconds(text) for text in ("90", "1.5", "90s", "2m", "1h30m", "500ms")] == [90, 1.5, 90, 120, 5400, 0.5]


def build(folder, name, *flags, source="int main(void) { return 7; }\n"):
    path = os.path.join(folder, name)
    subprocess.run(["gcc", "-x", "c", "-", "-o", path, *flags], input=source.encode(), check=True)
    return path


def test_why_it_does_not_start(place, tmp_path):
    dynamic = build(tmp_path, "hello")
    static = build(tmp_path, "static", "-static")
    says = r"--add \S+hello:/bin/hello would not start: it needs the interpreter /lib64/ld-linux-x86-64.so.2 and the library libc.so.6, which the guest lacks: " \
           r"--add-program \S+hello:/bin/hello, or --with libc6, or link it with -static"
    refused(drive(place, "run", "--add", f"{dynamic}:/bin/hello", "--", "hello"), says)
    done = drive(place, "run", "--add", f"{dynamic}:/bin/hello", "--", "exit", "3")
    assert done.returncode == 3 and re.search(says, done.stderr.decode()), done
    done = drive(place, "run", "--add", f"{static}:/bin/hello", "--", "exit", "3")
    assert (done.returncode, done.stderr) == (3, b""), done
    done = drive(place, "run", "--add-program", f"{dynamic}:/bin/hello", "--add", f"{dynamic}:/bin/other", "--", "exit", "3")
    assert (done.returncode, done.stderr) == (3, b""), done
    with open(static, "r+b") as f:
        f.seek(18)
        f.write(struct.pack("<H", 183))
    refused(drive(place, "run", "--add", f"{static}:/bin/hello", "--", "/bin/hello"), r"for another machine, AArch64 \(64 bit\): build it for x86-64")
    refused(drive(place, "run", "--add-program", static, "--", "hello"), "for another machine")
    for size in range(4, 200, 7):
        with open(dynamic, "rb") as f, open(tmp_path / "cut", "wb") as cut:
            cut.write(f.read(size))
        elf.missing(str(tmp_path / "cut"), "/bin/cut", lambda _: False)


def test_libraries_of_libraries(tmp_path):
    """By RUNPATH, $ORIGIN, and what libraries themselves need."""
    (tmp_path / "lib").mkdir()
    build(tmp_path / "lib", "libtwo.so", "-shared", "-fPIC", source="int two(void) { return 2; }\n")
    build(tmp_path / "lib", "libone.so", "-shared", "-fPIC", f"-L{tmp_path}/lib", "-ltwo", "-Wl,-rpath,$ORIGIN", source="int two(void); int one(void) { return two() - 1; }\n")
    build(tmp_path, "main", f"-L{tmp_path}/lib", "-lone", "-Wl,-rpath,$ORIGIN/lib", f"-Wl,-rpath-link,{tmp_path}/lib", source="int one(void); int main(void) { return one(); }\n")
    pairs = dict(reversed(pair) for pair in elf.program_pairs(f"{tmp_path}/main:/opt/main"))
    assert {"/opt/main", "/opt/lib/libone.so", "/opt/lib/libtwo.so", "/lib64/ld-linux-x86-64.so.2"} <= set(pairs), pairs
    assert any(name.endswith("/libc.so.6") for name in pairs)
    # A path is opened as it is: a relative one from where the program runs, so that nobody can look for it.
    for name, soname, found in (("near", "lib/libnear.so", []), ("far", f"{tmp_path}/lib/libfar.so", [f"{tmp_path}/lib/libfar.so"])):
        library = build(tmp_path / "lib", f"lib{name}.so", "-shared", "-fPIC", f"-Wl,-soname,{soname}", source=f"int {name}(void) {{ return 2; }}\n")
        build(tmp_path, name, f"-Wl,{library}", source=f"int {name}(void); int main(void) {{ return {name}(); }}\n")
        assert [inside for _, inside in elf.program_pairs(f"{tmp_path}/{name}:/opt/{name}") if f"lib{name}" in inside] == found
        why = elf.missing(f"{tmp_path}/{name}", f"/opt/{name}", lambda path: path.endswith(("/libc.so.6", "/ld-linux-x86-64.so.2")))
        assert (why is None) == (not found), why
    os.unlink(tmp_path / "lib/libtwo.so")
    with pytest.raises(failure.Failure, match="libtwo.so, which .*libone.so needs, is not on this host either"):
        elf.program_pairs(f"{tmp_path}/main:/opt/main")
    tree = guest_tree.Tree(os.path.join(image.build_folder(False), "roottree"), [], [f"{tmp_path}/lib:/opt/lib"])
    assert tree.has("/opt/lib/libone.so") and not tree.has("/opt/lib/libtwo.so") and tree.has("/usr/bin/sh") and tree.has("/bin/sh")


def test_image_of_a_typo():
    begin = time.monotonic()
    done = subprocess.run(["make", "-s", "image", "WITH=lua5.4x", "B=build/no-such"], cwd=guest.TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if b"apt-get update fails" in done.stderr:
        pytest.skip("no list of packages here")
    for verb in (["run", "--with", "lua5.4x", "--", "true"], ["image", "--with", "lua5.4x", "/no/such/image"]):
        told = subprocess.run([guest.MACHINE, *verb], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        refused(told, r"getpackages: Unable to locate package lua5.4x \(is it lua5.4\?\)")
    assert done.returncode and b"Unable to locate package lua5.4x (is it lua5.4?)" in done.stderr and b"  cc " not in done.stderr, done
    assert not os.path.exists(os.path.join(guest.TOP, "build/no-such/kernel")) and time.monotonic() - begin < 30


# ---- real machines

def test_real_shell(tmp_path):
    """`aril shell`: a shell on this terminal, in a folder and with a file of one's own; its status is the command's, and the terminal is as it was."""
    (tmp_path / "f").write_bytes(b"brought\n")
    child = pexpect.spawn(guest.MACHINE, ["shell", "--timeout", "100", "-w", "/etc", "--add", f"{tmp_path}/f:/x/f"], timeout=90, env=dict(os.environ, TERM="xterm"), dimensions=(31, 97))
    child.expect("# ")
    child.send("cat /x/f; pwd; stty size; exit 5\r")
    child.expect("brought\r\n/etc\r\n31 97\r\n")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 5, child.before


def test_real_run(tmp_path):
    """A program of this host with its libraries, in a folder and with variables of the run's own; a folder comes out."""
    dynamic = build(tmp_path, "hello", source="#include <stdio.h>\nint main(void) { puts(\"hello\"); return 7; }\n")
    script = "hello; echo $? $FOO $PATH; pwd; mkdir -p /tmp/d/e; echo deep >/tmp/d/e/f; ln -s e/f /tmp/d/l; exit 9"
    r = guest.run("sh", "-c", script, options=["-e", "FOO=bar", "-w", "/tmp", "--get", f"/tmp/d:{tmp_path}/d", "--add-program", dynamic])
    assert (r.status, r.out, r.err) == (9, f"hello\n7 bar {guest.PATH}\n/tmp\n".encode(), b""), r
    assert (tmp_path / "d/e/f").read_text() == "deep\n" and os.readlink(tmp_path / "d/l") == "e/f"


def added(tmp_path):
    """A program of this host with its libraries, a big file, and a folder with what folders may hold; and the words that bring them."""
    (tmp_path / "f/sub").mkdir(parents=True)
    (tmp_path / "f/plain").write_bytes(b"plain\n")
    os.symlink("plain", tmp_path / "f/near")
    os.symlink("/etc/passwd", tmp_path / "f/far")
    os.link(tmp_path / "f/plain", tmp_path / "f/second")
    os.mkfifo(tmp_path / "f/fifo", 0o600)
    (tmp_path / "f/sub" / os.fsdecode(b"a\nb\377 'x")).write_bytes(b"odd\n")
    (tmp_path / "big").write_bytes(b"0123456789abcdef" * 1310720)
    if os.getuid() == 0:
        os.chown(tmp_path / "f/plain", 1234, 56)
    for name, mode in (("f/plain", 0o4751), ("f/sub", 0o2750), ("f", 0o700)):
        (tmp_path / name).chmod(mode)
        os.utime(tmp_path / name, (981173106, 981173106))
    program = build(tmp_path, "seven", source="#include <stdio.h>\nint main(void) { puts(\"seven\"); return 7; }\n")
    return ["--add", f"{tmp_path}/big:/big", "--add", f"{tmp_path}/f:/bin/../usr/x/", "--add-program", program, "--add", f"{tmp_path}/f/plain:/bin/rev"]


ADDED = r"""seven; echo $?; md5sum </big; cd /usr/x; stat -c '%n %a %u %g %h %F' * | sort; stat -c '%Y %Z' plain sub | cut -d' ' -f1; cat near second /bin/rev; readlink far
cd sub; cat *; for n in *; do printf %s "$n" | od -An -tx1; done; stat -c '%a' / /usr /usr/x; grep -c ^rev /etc/profile; cat; exit 9"""


@pytest.mark.parametrize("way", [["--cold"], [], ["--with-share"], ["--icount", "4"]])
def test_real_added(tmp_path, way):
    """What --add brings is there whole before COMMAND begins, however the machine starts, and whichever way it comes; COMMAND's input is its own."""
    words_ = added(tmp_path)
    (tmp_path / "s").mkdir()
    more = ["--share", f"{tmp_path}/s:/usr/share/s"] if way == ["--with-share"] else way
    r = guest.run("sh", "-c", ADDED, stdin=b"in\0put\n" * 3000, options=[*words_, *more])
    # An image has no owners but root, and no suid of root's.
    is_sent = "--icount" not in way
    own = "1234 56" if os.getuid() == 0 and is_sent else "0 0"
    digest = subprocess.run(["md5sum"], stdin=open(tmp_path / "big", "rb"), stdout=subprocess.PIPE, check=True).stdout
    out = r.out.split(b"in\0put\n", 1)[0].decode()
    assert out == f"seven\n7\n{digest.decode()}far 777 0 0 1 symbolic link\nfifo 600 0 0 1 fifo\nnear 777 0 0 1 symbolic link\nplain 4751 {own} 2 regular file\n" \
        f"second 4751 {own} 2 regular file\nsub 2750 0 0 2 directory\n981173106\n981173106\nplain\nplain\nplain\n/etc/passwd\nodd\n 61 0a 62 ff 20 27 78\n755\n755\n700\n0\n", r
    assert (r.status, r.err) == (9, b"") and r.out.endswith(b"in\0put\n" * 3000), r


def test_real_added_again(tmp_path):
    """Each boot of many commands has it; the log of calls does not show how it came; a script has its input, and what was brought; a program that is brought
    takes the place of the shell's own tar."""
    (tmp_path / "f").write_bytes(b"brought\n")
    (tmp_path / "list").write_text("cat /x/f; rm /x/f\npoweroff -f; sleep 100\ncat /x/f; exit 3\n", encoding="ascii")
    add = ["--add", f"{tmp_path}/f:/x/f"]
    r = guest.run(options=[*add, "--each", f"{tmp_path}/list"])
    assert (r.status, r.out) == (125, b"brought\nbrought\n") and len(re.findall(rb"(?m)^.*aril: \d of 3: ", r.err)) == 2, r
    r = guest.run("cat", "/x/f", options=[*add, "--strace"])
    calls = {line.split(b" ")[0] for line in r.err.split(b"\n") if line}
    assert (r.status, r.out) == (0, b"brought\n") and len(calls) == 1 and b"mkdir" not in r.err and b"/x/f" in r.err, r
    r = guest.run(stdin=b"cat /x/f\nexit 4\n", options=add)
    assert (r.status, r.out) == (4, b"brought\n"), r
    r = guest.run("cat", "/bin/busybox", "/bin/tar", options=["--add", f"{tmp_path}/f:/bin/tar", "--add", f"{guest.busybox()}:/bin/busybox"])
    assert r.status == 0 and r.out.endswith(b"brought\n") and len(r.out) > 1000000, r


def test_real_added_terminal(tmp_path):
    """It comes before the terminal's first key is looked at; then all keys are COMMAND's."""
    (tmp_path / "f").write_bytes(b"brought\n" * 300000)
    child = pexpect.spawn(guest.MACHINE, ["run", "-t", "--timeout", "100", "--add", f"{tmp_path}/f:/x/f", "--", "sh"], timeout=90, env=dict(os.environ, TERM="xterm"), dimensions=(31, 97))
    child.send("wc -l /x/f; stty size; echo e''nd; sleep 1000\r")
    child.expect("300000 /x/f\r\n31 97\r\nend")
    child.send("\x03")
    child.expect("# ")
    child.send("exit 3\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 3, child.before


def test_real_added_has_no_room(tmp_path):
    """Ten thousand small files in a tree that has no room for them, a folder where a file is, a file where a folder is: a line, and 125."""
    (tmp_path / "f").mkdir()
    for n in range(10000):
        (tmp_path / f"f/{n}").write_bytes(b"x")
    for pair, more, says in ((f"{tmp_path}/f:/f", ["--mem", "64M"], "No space left on device; --mem gives it more room"),
                             (f"{tmp_path}/f:/etc/passwd", [], "can't create directory 'etc/passwd': File exists"), (f"{tmp_path}/f/1:/etc", [], "etc: Is a directory")):
        r = guest.run("echo", "never", options=["--add", pair, *more])
        lines = r.err.decode().split("\n")
        assert r.status == 125 and r.out == b"" and re.search("aril: --add: the guest could not take all of it: tar: .*" + says, lines[0]), r
        assert len(re.findall("(?m)aril: ", r.err.decode())) == 1, r


EACH = r"""
# one that fails, and says so on both streams
echo one; echo err >&2; exit 3

printf 'no newline'
kill -9 $$
kill -9 $PPID; sleep 100
printf '\000\377@'; pwd; echo kept >x; (sleep 77 &); setsid sleep 78 &
cat x; ps | grep -c 's[l]eep 7'; cat; cd /proc; umask 0
pwd; umask; sleep 600
printf half; printf 'half too' >&2; kill -9 -1; sleep 100
echo last $FOO
poweroff -f; sleep 100
echo after
"""


def test_real_each(tmp_path):
    """Each has its own bytes and status: those that kill their shell, say no newline, leave processes behind, hang, or take the runner or the machine along too."""
    (tmp_path / "list").write_text(EACH, encoding="ascii")
    r = guest.run(options=["-e", "FOO=bar", "-w", "/tmp", "--each", f"{tmp_path}/list", "--each-timeout", "3", "--junit", f"{tmp_path}/j.xml", "--results", f"{tmp_path}/r"], timeout=240)
    expected = [(3, b"one\n", b"err\n"), (0, b"no newline", b""), (137, b"", b""), (137, b"", b""), (0, b"\0\xff@/tmp\n", b""), (0, b"kept\n0\n", b""), (124, b"/tmp\n0022\n", b""),
                (137, b"half", b"half too"), (0, b"last bar\n", b""), (125, b"", b""), (0, b"after\n", b"")]

    def got(n, kind):
        return (tmp_path / f"r/{n:02}.{kind}").read_bytes()
    seen = [(int(got(n, "status")), got(n, "out"), got(n, "err").replace(b"Killed\n", b"")) for n in range(1, len(expected) + 1)]
    assert seen == expected, (seen, r)
    assert r.status == 3 and r.out == b"".join(out for _, out, _ in expected), r
    assert len(re.findall(rb"(?m)^.*aril: \d+ of 11: ", r.err)) == 6, r
    suite = xml.etree.ElementTree.parse(tmp_path / "j.xml").getroot()
    assert [suite.get(k) for k in ("tests", "failures", "errors")] == ["11", "4", "2"]


WHAT_DIFFERS = r"""
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int main(void)
{
	unsigned char bytes[16];
	struct timespec by_vdso, by_call;

	for (int i = 0; i < 16; i++)
		printf("%02x", ((unsigned char *)getauxval(AT_RANDOM))[i]);
	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
		return 1;
	printf(" ");
	for (int i = 0; i < 16; i++)
		printf("%02x", bytes[i]);
	clock_gettime(CLOCK_REALTIME, &by_vdso);
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &by_call);
	printf(" %ld.%09ld %ld.%09ld\n", by_vdso.tv_sec, by_vdso.tv_nsec, by_call.tv_sec, by_call.tv_nsec);
	return 0;
}
"""


def test_real_saved(tmp_path, monkeypatch):
    """Runs that go on from one saved machine: no firmware runs again and nothing is written; what is random differs, and the clock is right, as after a cold boot."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "b").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # Without it only the host's entropy keeps the runs apart.
    monkeypatch.setenv("QEMUFLAGS", "-cpu max,-rdrand")
    build(tmp_path / "b", "differs", "-static", source=WHAT_DIFFERS)
    folder = tmp_path / "cache/aril/snapshot"
    seen, logs, kept = [], [], []
    for _ in range(4):
        begin = time.time()
        r = guest.run("sh", "-c", "differs; cat /proc/sys/kernel/random/boot_id; head -c 16 /dev/urandom | od -An -tx1; exit 7", options=["--add", f"{tmp_path}/b:/bin"])
        assert r.status == 7 and r.err == b"", r
        words_ = r.out.decode().split()
        at_random, random, by_vdso, by_call, boot_id = words_[:5]
        assert begin - 1 < float(by_vdso) < time.time() + 1 and 0 <= float(by_call) - float(by_vdso) < 1, (begin, words_)
        seen += [at_random, random, boot_id, " ".join(words_[5:])]
        logs.append(r.log)
        found = sorted(folder.glob("*/*")) if folder.exists() else []
        kept.append([(path.name, path.stat().st_mtime_ns, path.stat().st_blocks) for path in found])
        time.sleep(2.5)
    assert len(set(seen)) == len(seen), seen
    # The first saves it; from then on nothing changes.
    assert [name for name, _, _ in kept[0]] == ["disk", "log", "ram", "state"] and kept[0] == kept[1] == kept[2] == kept[3], kept
    boot = (next(folder.glob("*/log"))).read_text(encoding="utf-8", errors="replace").replace("\r", "")
    assert "efi: leaving firmware" in boot and all(log.startswith(boot) and log.count("efi: leaving firmware") == 1 for log in logs[1:])
    assert sum(path.stat().st_blocks * 512 for path in folder.glob("*/*")) < 120 << 20
    if subprocess.run(["unshare", "-m", *([] if os.getuid() == 0 else ["-r"]), "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("this host lets nobody mount")
    def all_kept():
        return {path: (path.stat().st_ino, path.stat().st_size, path.stat().st_blocks) for path in folder.parent.rglob("*") if path.is_file()}
    # With 1 MB for what a run writes for itself; and of the cache's files nothing but hashes is new.
    script = 'mkdir -p "$1" && mount -t tmpfs -o size=1m none "$1" || exit 99; export TMPDIR="$1"; shift; exec "$@"'
    before = all_kept()
    # A program that has changed is no other machine.
    with open(tmp_path / "b/differs", "ab") as f:
        f.write(bytes(3000000))
    done = subprocess.run(["unshare", "-m", *([] if os.getuid() == 0 else ["-r"]), "sh", "-c", script, "sh", str(tmp_path / "tmp"), guest.MACHINE, "run",
                           "--add", f"{tmp_path}/b:/bin", "--", "sh", "-c", "differs; exit 7"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=100, check=False)
    assert done.returncode == 7 and done.stderr == b"" and len(done.stdout.split()) == 4, done
    assert sum(size for path, (ino, size, blocks) in all_kept().items() if before.get(path) != (ino, size, blocks)) < 10000


def test_real_saved_streams(tmp_path):
    """What a run decides comes whole over the channel: long words, a folder, variables, input, files out; cold and warm are the same."""
    long = "x" * 9000
    results = []
    for more in (["--cold"], []):
        r = guest.run("sh", "-c", 'pwd; echo ${#1} "$FOO"; wc -c; echo err >&2; echo file >/tmp/f; exit 9', "sh", long, stdin=b"\0in\n" * 5000,
                      options=["-w", "/etc", "-e", "FOO=a b%#", "--get", f"/tmp/f:{tmp_path}/f", *more])
        results.append((r.status, r.out, r.err, (tmp_path / "f").read_bytes()))
        (tmp_path / "f").unlink()
    assert results == [(9, b"/etc\n9000 a b%#\n20000\n", b"err\n", b"file\n")] * 2, results


def real(place):
    """Variables of a user of its own, for machines that are no stand-ins."""
    return {k: v for k, v in dict(place[1], PATH=os.environ["PATH"]).items() if k != "ARIL_FIRMWARE"}


def counting(n, folder):
    """Words of a run that ends with n, and leaves it in the folder, if there is one."""
    words_ = ["--share", f"{folder}:/w", "-w", "/w"] if folder else []
    return [guest.MACHINE, "run", "--timeout", "5m", *words_, "--", "sh", "-c", f"{f'cat first; echo {n} >{n}; ' if folder else 'echo first; '}exit {n}"]


def folder_of(place, how):
    if how == "alone":
        return None
    folder = place[0] / "shared"
    folder.mkdir()
    (folder / "first").write_text("first\n", encoding="ascii")
    return folder


def counted(folder, count):
    """What so many of these runs leave."""
    return not folder or {path.name: path.read_text() for path in folder.iterdir()} == {"first": "first\n", **{str(n): f"{n}\n" for n in range(count)}}


@pytest.mark.slow
@pytest.mark.parametrize("how", ["alone", "shared"])
def test_real_in_parallel(place, how):
    """Twenty real machines at once, from an empty cache, and twenty from the saved one: every status and all that they say is right, nothing is left."""
    folder = folder_of(place, how)
    for _ in range(2):
        running = [subprocess.Popen(counting(n, folder), env=real(place), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for n in range(20)]
        ended = [(*p.communicate(timeout=900), p.returncode) for p in running]
        assert ended == [(b"first\n", b"", n) for n in range(20)]
        assert counted(folder, 20) and left(place) == [] and gone(lambda: processes(place))
    assert len(os.listdir(place[0] / "cache/aril/snapshot")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("how", ["alone", "shared"])
def test_many_in_a_row(place, how):
    """Two hundred runs of a real machine, one after the other: every status is right, and nothing is left."""
    folder = folder_of(place, how)
    for n in range(200):
        done = subprocess.run(counting(n, folder), env=real(place), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (n, b"first\n", b""), (n, done)
        assert left(place) == [] and gone(lambda: processes(place)), n
    assert counted(folder, 200) and len(os.listdir(place[0] / "cache/aril/snapshot")) == 1
