# SPDX-License-Identifier: MIT
"""Folders of the host in a guest (--share): what either side does to names, contents and attributes the other sees; what is said where that cannot be."""

import os
import re
import stat
import subprocess
import threading
import time

import pexpect
import pytest

from aril import guest, programs

MANY = 2500
NAMES = "0123456789" * 4


def shared(folder, script, *options, stdin=b"", timeout=150):
    return guest.run("sh", "-c", script, options=["--share", f"{folder}:/w", *options], stdin=stdin, timeout=timeout)


def said(r, status=0):
    assert r.status == status, r
    return r.out.decode().split("\n")[:-1]


def test_names_and_contents(tmp_path):
    """Each kind of name: what the guest makes is there on the host, with its bytes, mode and times; what the host made is there in the guest."""
    (tmp_path / "from-host").write_bytes(b"host\n")
    (tmp_path / "folder").mkdir()
    os.symlink("from-host", tmp_path / "link")
    big = bytes(range(256)) * 4096
    (tmp_path / "big").write_bytes(big)
    r = shared(tmp_path, """set -e; cd /w
cat from-host link; md5sum <big | cut -c1-32; ls
cat big big >twice; echo one >made; echo two >>made; echo three >sub; mv sub folder/moved; mkdir new; mv folder new/folder
cd new/folder; pwd; cd ../..
ln made hard; ln -s made soft; readlink soft; chmod 640 hard; touch -m -d '2001-02-03 04:05:06' hard; stat -c '%h %a %Y %s' made
echo x >gone; rm gone; mkdir none; rmdir none; mv made over; echo old >target; mv over target; cat target
printf 0123456789 >cut; truncate -s 4 cut; dd if=/dev/zero of=holes bs=1 count=1 seek=100000 2>/dev/null; chown 1234:5 cut; stat -c '%u %g' cut
test ! -e made; cat missing 2>&1 || true; rmdir new 2>&1 || true; sync""")
    lines = said(r)
    digest = subprocess.run(["md5sum"], input=big, stdout=subprocess.PIPE, check=True).stdout[:32].decode()
    assert lines[:7] == ["host", "host", digest, "big", "folder", "from-host", "link"], r
    owner = os.stat(tmp_path / "cut")
    assert lines[7:] == ["/w/new/folder", "made", "2 640 981173106 8", "one", "two", f"{owner.st_uid} {owner.st_gid}",
                         "cat: can't open 'missing': No such file or directory", "rmdir: 'new': Directory not empty"], r
    assert (tmp_path / "twice").read_bytes() == big + big and (tmp_path / "target").read_bytes() == b"one\ntwo\n"
    assert (tmp_path / "cut").read_bytes() == b"0123" and (tmp_path / "holes").read_bytes() == bytes(100001)
    assert (tmp_path / "new" / "folder" / "moved").read_bytes() == b"three\n" and os.readlink(tmp_path / "soft") == "made"
    hard = os.stat(tmp_path / "hard")
    assert (hard.st_nlink, stat.S_IMODE(hard.st_mode), hard.st_mtime, hard.st_ino) == (2, 0o640, 981173106, os.stat(tmp_path / "target").st_ino)
    assert sorted(os.listdir(tmp_path)) == ["big", "cut", "from-host", "hard", "holes", "link", "new", "soft", "target", "twice"]


def test_size(tmp_path):
    """statfs tells the size of the file system behind the folder, as the server counts it: in blocks that may be larger."""
    there = os.statvfs(tmp_path)
    kind, blocks, size = map(int, said(shared(tmp_path, "stat -f -c '%t %b %S' /w | sed 's/^/0x/' | { read t b s; echo $((t)) $b $s; }"))[0].split())
    assert size and 0 <= there.f_blocks * there.f_frsize - blocks * size < size and kind == int(subprocess.run(
        ["stat", "-f", "-c", "%t", tmp_path], stdout=subprocess.PIPE, check=True).stdout, 16)


def test_unlinked(tmp_path):
    """A file without a name goes on: its bytes by its descriptor, what it is by what the guest knows, with what it is cut to; and the host has it no more."""
    r = shared(tmp_path, """cd /w; exec 3<>f; echo 123456789 >&3; rm f; ls; stat -L -c '%h %s' /proc/self/fd/3; echo more >&3; stat -L -c '%h %s' /proc/self/fd/3
echo other >f; stat -L -c '%h %s' /proc/self/fd/3; chmod 600 /proc/self/fd/3; stat -c %a f; stat -L -c %a /proc/self/fd/3
exec 4<>g; echo kept >&4; echo new >g2; mv g2 g; stat -L -c '%h %s' /proc/self/fd/4; cat g""")
    assert said(r) == ["0 10", "0 15", "0 15", "644", "600", "0 5", "new"], r
    assert sorted(os.listdir(tmp_path)) == ["f", "g"] and stat.S_IMODE(os.stat(tmp_path / "f").st_mode) == 0o644


def test_read_only(tmp_path):
    (tmp_path / "f").write_bytes(b"kept\n")
    r = guest.run("sh", "-c", "cat /r/f; cd /r; { echo x >f; } 2>&1; { echo x >new; } 2>&1; rm f 2>&1; mkdir d 2>&1; mv f g 2>&1; chmod 600 f 2>&1; ls",
                  options=["--share", f"{tmp_path}:/r:ro"])
    lines = said(r)
    assert lines[0] == "kept" and lines[-1] == "f" and len(lines) == 8 and all("Read-only file system" in line for line in lines[1:-1]), r
    assert os.listdir(tmp_path) == ["f"] and (tmp_path / "f").read_bytes() == b"kept\n"


def test_several(tmp_path):
    """Each at its place, one in the other's; the folder that COMMAND starts in, and variables."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_bytes(name.encode())
    (tmp_path / "one" / "in").mkdir()
    r = guest.run("sh", "-c", "pwd; cat ../one two; echo; echo $HOW; exit 7", options=["--share", f"{tmp_path}/two:/a/in", "--share", f"{tmp_path}/one:/a", "-w", "/a/in", "-e", "HOW=so"])
    assert said(r, 7) == ["/a/in", "onetwo", "so"], r


@pytest.mark.parametrize("way", ["cold", "saved"])
def test_both_ways(tmp_path, way):
    """A machine that boots, and one that goes on from a saved one, which never saw these folders, nor sees those of the run before."""
    more = ["--cold"] if way == "cold" else []
    for n in range(3):
        for name in ("a", "b"):
            (tmp_path / f"{name}{n}").mkdir()
            (tmp_path / f"{name}{n}" / f"file-{name}{n}").write_bytes(b"x" * 50000)
        r = guest.run("sh", "-c", "cat /a/* /b/* | wc -c; ls /a /b/; echo made >/a/made; echo made 2>/dev/null >/b/made || echo refused; exit 9",
                      options=[*more, "--share", f"{tmp_path}/a{n}:/a", "--share", f"{tmp_path}/b{n}:/b:ro"])
        assert said(r, 9) == ["100000", "/a:", f"file-a{n}", "", "/b/:", f"file-b{n}", "refused"] and r.err == b"", r
        assert sorted(os.listdir(tmp_path / f"a{n}")) == [f"file-a{n}", "made"] and os.listdir(tmp_path / f"b{n}") == [f"file-b{n}"]
    if way == "saved":
        assert r.log.count("efi: leaving firmware") == 1 and "waits for its run" in r.log
        r = shared(tmp_path / "a0", "mkdir /x; mount -t 9p share1 /x; ls -A /x | wc -l; touch /x/y 2>&1 | grep -c Read-only")
        assert said(r) == ["0", "1"], r # a device that nobody wanted leads to a folder with nothing in it


def test_more_than_saved(tmp_path):
    """Three folders: no saved machine has room for them, and the run says so, but for who wants it so."""
    shares = [word for n in range(3) for word in ("--share", f"{tmp_path}:/w{n}")]
    (tmp_path / "f").touch()
    for more, says in (([], b"aril: --share: a saved machine has room for 2 folders of this host: this one boots through its firmware\n"), (["--cold"], b"")):
        r = guest.run("ls", "/w0", "/w1", "/w2", options=[*shares, *more])
        assert said(r) == ["/w0:", "f", "", "/w1:", "f", "", "/w2:", "f"] and r.err == says and "waits for its run" not in r.log, r


def test_each(tmp_path):
    """Many commands in one boot see one folder, and each what the one before left; a machine that had to be started again too."""
    (tmp_path / "list").write_text("pwd; echo 1 >>f\ncat f; echo 2 >>f; exit 3\npoweroff -f; sleep 100\necho 3 >>f; cat f\n", encoding="ascii")
    (tmp_path / "w").mkdir()
    r = guest.run(options=["--share", f"{tmp_path}/w:/w", "-w", "/w", "--each", f"{tmp_path}/list", "--results", f"{tmp_path}/r"], timeout=240)
    got = [((tmp_path / f"r/{n}.status").read_bytes().strip(), (tmp_path / f"r/{n}.out").read_bytes()) for n in range(1, 5)]
    assert got == [(b"0", b"/w\n"), (b"3", b"1\n"), (b"125", b""), (b"0", b"1\n2\n3\n")] and (tmp_path / "w/f").read_bytes() == b"1\n2\n3\n", (got, r)


def test_terminal(tmp_path):
    """-t: COMMAND has the terminal, in a folder of this host."""
    child = pexpect.spawn(guest.MACHINE, ["run", "-t", "--timeout", "100", "--share", f"{tmp_path}:/w", "-w", "/w", "--", "sh", "-c",
                                          "test -t 0 && test -t 1 && pwd; read x; echo $x >typed; exit 5"], timeout=90, env=dict(os.environ, TERM="xterm"))
    child.expect("/w\r\n")
    child.send("some words\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 5 and (tmp_path / "typed").read_bytes() == b"some words\n", child.before


def test_special_files(tmp_path):
    """Fifos, devices and sockets: made as far as QEMU makes them for the folder's owner, or refused, and then nothing is there. Those of the host are seen,
    and opened by nobody: none waits, none reaches the host's."""
    os.mkfifo(tmp_path / "host")
    r = shared(tmp_path, """cd /w; for make in 'mkfifo p' 'mknod c c 1 3' 'mknod b b 7 0'; do $make 2>/dev/null; echo $?; done
stat -c %F host; { : <host; } 2>&1 | grep -c 'No such device'; { : >host; } 2>&1 | grep -c 'No such device'; touch f; mknod f p 2>&1 | grep -c exists; rm host; ls""")
    lines = said(r)
    for line, name, kind in zip(lines, "pcb", (stat.S_ISFIFO, stat.S_ISCHR, stat.S_ISBLK)):
        there = os.path.lexists(tmp_path / name)
        assert there == (line == "0") and (not there or kind(os.lstat(tmp_path / name).st_mode)), r
    assert lines[3:7] == ["fifo", "1", "1", "1"] and [name for name in lines[7:] if name not in "pcb"] == ["f"] and not (tmp_path / "host").exists(), r


def wait_for(path, seconds=100):
    end = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    return path.exists()


def test_host_changes(tmp_path):
    """What the host changes while the guest has it open is read at once: contents, size, names; a file that it replaces is the old one to who has it open."""
    (tmp_path / "f").write_bytes(b"first\n")
    (tmp_path / "r").write_bytes(b"old\n")

    def host():
        assert wait_for(tmp_path / "ready")
        with open(tmp_path / "f", "r+b") as f:
            f.write(b"FIRST\nsecond\n")
        (tmp_path / "r2").write_bytes(b"replaced\n")
        os.rename(tmp_path / "r2", tmp_path / "r")
        (tmp_path / "came").write_bytes(b"")
        os.unlink(tmp_path / "ready")
        (tmp_path / "done").write_bytes(b"")

    thread = threading.Thread(target=host)
    thread.start()
    r = shared(tmp_path, """cd /w; exec 3<f 4<r; read a <&3; stat -c %s f; echo >ready
while test ! -e done; do sleep 0.1; done
cat <&3; stat -L -c %s /proc/self/fd/3; cat <&4; stat -L -c %s /proc/self/fd/4; cat r; ls; echo $a""")
    thread.join()
    assert said(r) == ["6", "second", "13", "old", "4", "replaced", "came", "done", "f", "r", "first"], r


def test_deep_paths(tmp_path):
    """More names than one request takes, with links and dots between; and from below up again."""
    deep = tmp_path.joinpath(*["d"] * 40)
    deep.mkdir(parents=True)
    (deep / "f").write_bytes(b"deep\n")
    (deep.parents[1] / "up").write_bytes(b"up\n")
    os.symlink("d/d", tmp_path / "link")
    path = "d/" * 40
    r = shared(tmp_path, f"""cd /w; cat {path}f; cat link/{'d/' * 38}f; cat {'d/./' * 40}f; cat {path}../../d/d/f; cd {path}; cat ../../up; pwd | wc -c
cd ../..; echo made >new; mkdir d/d/e; touch ../here; stat -c %a d/..; cd {'../' * 38}; ls; cat {path}none 2>&1 | grep -c 'No such'; cat {path}f/x 2>&1 | grep -c 'Not a dir'""")
    assert said(r) == ["deep"] * 4 + ["up", "83", f"{stat.S_IMODE(os.stat(deep.parents[1]).st_mode):o}", "d", "link", "1", "1"], r
    assert (deep.parents[1] / "new").read_bytes() == b"made\n" and (deep / "e").is_dir() and (deep.parents[2] / "here").exists()


def test_host_moves(tmp_path):
    """The host moves a folder that the guest is in, and puts another in its place: a path leads where it leads on the host, whatever it led to before."""
    (tmp_path / "old" / "sub" / "deeper").mkdir(parents=True)

    def host():
        assert wait_for(tmp_path / "ready")
        os.rename(tmp_path / "old", tmp_path / "new")
        (tmp_path / "old" / "sub").mkdir(parents=True)
        (tmp_path / "old" / "sub" / "other").write_bytes(b"")
        (tmp_path / "done").write_bytes(b"")

    thread = threading.Thread(target=host)
    thread.start()
    r = shared(tmp_path, """cd /w/old/sub/deeper; (cd ..; while test ! -e /w/done; do sleep 0.1; done; sleep 100) & cd ..; echo >/w/ready; while test ! -e /w/done; do sleep 0.1; done
echo 1 >/w/new/sub/made; ls /w/old/sub /w/new/sub; mkdir /w/new/sub/dir; echo 2 >/w/new/sub/deeper/made; echo 3 >/w/old/sub/made; cat /w/new/sub/../../old/sub/made; cat made
mv /w/new/sub/made /w/new/sub/deeper/moved; ls /w/new/sub; kill %1""")
    thread.join()
    assert said(r) == ["/w/new/sub:", "deeper", "made", "", "/w/old/sub:", "other", "3", "1", "deeper", "dir"], r
    tree = sorted(os.path.relpath(os.path.join(at, name), tmp_path) for at, folders, files in os.walk(tmp_path) for name in files)
    assert tree == ["done", "new/sub/deeper/made", "new/sub/deeper/moved", "old/sub/made", "old/sub/other", "ready"], tree
    assert (tmp_path / "new" / "sub" / "dir").is_dir() and not (tmp_path / "old" / "sub" / "dir").exists()


def test_append(tmp_path):
    """Writers that append, two at a time, lose nothing of one another's, nor of what the host appended before."""
    (tmp_path / "log").write_bytes(b"host\n")
    r = shared(tmp_path, "cd /w; for w in a b; do (i=0; while [ $i -lt 50 ]; do echo $w$i >>log; i=$((i+1)); done) & done; wait; wc -l <log")
    assert said(r) == ["101"], r
    lines = (tmp_path / "log").read_text().split()
    assert sorted(lines) == sorted(["host"] + [f"{w}{i}" for w in "ab" for i in range(50)])


def many(tmp_path, count):
    for n in range(count):
        (tmp_path / f"{n:06}-{NAMES}").touch()
    r = shared(tmp_path, "cd /w; ls | wc -l; find . | sort -u | wc -l; ls | tail -n 1; rm 00000[0-4]*; ls | wc -l; ls | head -n 1", timeout=600)
    assert said(r) == [str(count), str(count + 1), f"{count - 1:06}-{NAMES}", str(count - 5), f"000005-{NAMES}"], r


def test_many_names(tmp_path):
    many(tmp_path, MANY)


@pytest.mark.slow
def test_more_names(tmp_path):
    many(tmp_path, 40 * MANY)


def refused(*words):
    done = subprocess.run([guest.MACHINE, "run", *words, "--", "true"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    lines = done.stderr.decode().split("\n")
    assert done.returncode == 125 and lines[0].startswith("aril: --share"), done
    return lines[0]


def test_refused(tmp_path):
    """Wrong words, before anything is started."""
    file = tmp_path / "file"
    file.touch()
    for words in (f"{tmp_path}", f"{tmp_path}:", f"{tmp_path}:relative", ":/w", f"{tmp_path}:/w:rw"):
        assert "HOSTDIR:GUEST" in refused("--share", words), words
    assert "no folder here" in refused("--share", f"{tmp_path}/none:/w") and "no folder here" in refused("--share", f"{file}:/w")
    assert "own tree" in refused("--share", f"{tmp_path}:/") and "own tree" in refused("--share", f"{tmp_path}:/x/..")
    assert "two folders at /w" in refused("--share", f"{tmp_path}:/w", "--share", f"{tmp_path}:/w/")
    assert "room for 8" in refused(*(word for n in range(9) for word in ("--share", f"{tmp_path}:/w{n}")))


def test_odd_host_name(tmp_path):
    """A folder's name with what QEMU takes for its own; and a place where nothing can be mounted."""
    folder = tmp_path / "a,b=c:d e"
    folder.mkdir()
    (folder / "f").write_bytes(b"odd\n")
    r = shared(folder, "cat /w/f", "--share", f"{tmp_path}:/proc/none")
    assert r.status == 125 and b"/proc/none: the share cannot be mounted there" in r.err, r
    r = shared(folder, "cat /w/f; mount | grep -c 'share0 on /w type 9p (rw,'")
    assert said(r) == ["odd", "1"] and r.err == b"", r


def test_run_and_mapped(tmp_path):
    """Files are mapped and locked in a share, as far as the README says; programs and scripts in it run, by their names there; one that has changed is run as it is now; who runs one keeps the share from being unmounted."""
    subprocess.run(["cp", guest.busybox(), tmp_path / "busybox"], check=True)
    (tmp_path / "script").write_bytes(b"#!/w/busybox sh\necho $0 $1; readlink /proc/self/exe\n")
    (tmp_path / "plain").write_bytes(b"echo plain\n")
    (tmp_path / "script").chmod(0o755)
    program = programs.build("folder", "musl")
    (tmp_path / "sub").mkdir()
    assert subprocess.run([program, tmp_path / "sub"], stdout=subprocess.PIPE, check=False).stdout == b"done\n"
    r = shared(tmp_path, """cd /w; folder sub copied; folder /tmp; ./busybox echo hi; ./script x; cp busybox b; ./b true 2>&1 | head -n 1; printf '#!/bin/sh\\necho changed\\n' >b; ./b; ./plain 2>&1 | grep -c denied
./busybox sleep 2 & sleep 1; cd /; umount /w 2>/dev/null; echo $?; wait; umount /w; echo $?""", "--add", f"{program}:/bin/folder")
    assert said(r) == ["done", "done", "hi", "./script x", "/w/busybox", "b: applet not found", "changed", "1", "1", "0"], r


def hostile_member(tmp_path, count):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "f").write_bytes(b"inside\n")
    (tmp_path / "out").write_bytes(b"outside\n")
    r = shared(tmp_path / "in", f"cat /w/f; /bin/shares {count}; cat /w/f >/dev/null 2>&1; umount -l /w 2>/dev/null; mount -t 9p share0 /w 2>/dev/null; ls / | grep -c bin; echo on",
               "--add", f"{programs.build('shares', 'musl')}:/bin/shares", timeout=200)
    assert said(r) == ["inside", "done", "2", "on"], r
    assert (tmp_path / "out").read_bytes() == b"outside\n" and os.listdir(tmp_path) in (["in", "out"], ["out", "in"])


def test_hostile_member(tmp_path):
    """A member that writes what it likes where messages lie reaches nothing but the folder, and hangs nobody: all others go on. QEMU ends the share for it."""
    hostile_member(tmp_path, 100)


@pytest.mark.slow
def test_hostile_member_longer(tmp_path):
    hostile_member(tmp_path, 1000)
