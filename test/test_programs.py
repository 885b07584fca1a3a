# SPDX-License-Identifier: MIT
"""test/programs, built three ways, many in one boot. What a program prints in the guest is what it prints on this host."""

import concurrent.futures
import errno
import glob
import gzip
import os
import re
import subprocess

import pytest

from aril import guest, image, programs

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

KINDS = ("musl", "static", "pie")
NAMES = ("args", "heap", "stack", "vector", "itimer", "segv", "forkpage", "forktree", "spin", "signals", "files", "int80",
         "threads", "threadsig", "threadproc", "threadfp", "futex", "futexpi", "futexmany", "events", "sockets", "pty", "errors", "vdso", "keep", "sysv", "errnos", "addresses",
         "regions", "chance", "ptrace", "names", "waits", "manual", "hugepages", "children", "transfers", "manyfiles", "waitlists", "watches", "attributes", "queued")
ONE_KIND = ("clocks", "procfs", "others", "mounts", "roots", "memfile", "queues", "places", "cuts", "clockset", "seccomp", "aio", "aiopoll", "flags", "realtime", "leases", "kept", "keys", "handles", "traced", "tracedtree")  # long ones, and what no C library has a hand in
BARE = (("entry", "bare"), ("entry", "barepie"))
ALL = [(name, kind) for name in NAMES for kind in KINDS] + [(name, "static") for name in ONE_KIND] + [("tree", "musl"), ("walls", "static"), ("arena", "static")] + list(BARE)
ARGUMENTS = {"args": "one 'two words' '' last", "clockset": "read"}


def text(name, kind):
    return f"exec env -u PATH -u PWD $T/{name}-{kind} {ARGUMENTS.get(name, '')}\n"


CASES = {f"{name}-{kind}": text(name, kind) for name, kind in ALL}
FILES = {}


def build_all():
    for (name, kind), path in programs.build_all(ALL).items():
        FILES[f"{name}-{kind}"] = path
    return FILES


def on_host(case):
    return guest.host_script({case: CASES[case]}, {case: FILES[case]})[case]


@pytest.fixture(scope="module")
def both():
    """What each does in the guest, and, meanwhile, on the host: (cases by name, futures by name)."""
    files = build_all()
    guest.host_tools()
    pool = concurrent.futures.ThreadPoolExecutor(1)
    try:
        host = {case: pool.submit(on_host, case) for case in CASES}
        yield guest.boot_script(CASES, files), host
    finally:
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def ours(both):
    return both[0]


@pytest.mark.parametrize("name,kind", ALL)
def test_runs(name, kind, both):
    case = f"{name}-{kind}"
    ours = both[0]
    assert case in ours, "no result: the program hung, or took the machine along"
    got = ours[case]
    host = both[1][case].result()
    if "trace" in name and re.search(rb"failed: trace\(PTRACE_.*\(errno 1\)", host.err):
        pytest.skip("this host lets nobody attach, so it is no judge")
    if name == "mounts" and b"no namespace" in host.err:
        pytest.skip("this host lets nobody mount, so it is no judge")
    if name == "realtime" and b"no real-time class" in host.out:
        pytest.skip("this host lets nobody have a real-time class, so it is no judge")
    if name == "int80" and host.status == 139:
        assert got.status == 0 and not got.err, got
        pytest.skip("this host's kernel has no 32-bit entry, so it is no judge")
    assert host.status == 0 and not host.err, host
    assert got == host


# Calls of the tables that no TRY is about, and why.
UNTRIED = {
    "cannot fail": "exit exit_group getpgrp getpid getppid gettid set_tid_address sync pause",
    "fails when there is no more of something (test_stress.py)": "fork vfork",
    "test/programs/sysv.c": "shmget shmat shmdt shmctl semget semctl msgget msgctl",
    "called by the C library's and the kernel's own code alone; programs signals and threadsig": "rt_sigreturn restart_syscall",
    "for who may, which hosts do not give; test_swap.py": "swapon swapoff",
    "not there: ENOSYS, on which C libraries do without": "rseq",
}


def names_in(files, pattern):
    for path in glob.glob(os.path.join(TOP, files)):
        with open(path, encoding="utf-8") as f:
            yield from re.findall(pattern, f.read(), re.M)


def calls_of_tables():
    return set(names_in("lib/posix/call/*syscall.def", r"^SYSCALL\(\d+, +(\w+),"))


def test_each_call_is_tried():
    """Each system call is made wrongly, with Linux as the judge (programs errors and errnos), or stands in the list above."""
    calls = calls_of_tables()
    tried = set(names_in("test/programs/*.c", r"TRY\((\w+)"))
    listed = set(" ".join(UNTRIED.values()).split())
    assert len(calls) > 200 and calls - tried == listed, (calls - tried) ^ listed


PAGES = {"pread64": "pread", "pwrite64": "pwrite", "newfstatat": "fstatat", "rt_sigaction": "sigaction", "prlimit64": "prlimit"}
NO_PAGE = {"rseq", "futex_waitv", "io_pgetevents"}


def page_errnos(folder, call):
    """Numbers under ERRORS in the manual page of a call."""
    name = os.path.join(folder, PAGES.get(call, call) + ".2.gz")
    with gzip.open(name, "rt", encoding="utf-8", errors="replace") as f:
        text = f.read()
    other = re.search(r"^\.so man2/(\w+)\.2", text, re.M)
    if other:
        return page_errnos(folder, other.group(1))
    section = re.search(r"^\.SH ERRORS\n(.*?)(?=^\.SH |\Z)", text, re.M | re.S)
    found = re.findall(r"^\.BR? (E[A-Z0-9]+)\b(?:[^\n]*?\b(?:or|,) *(E[A-Z0-9]+))?", section.group(1), re.M) if section else []
    return {getattr(errno, e) for pair in found for e in pair if hasattr(errno, e)}


def unseen_errnos():
    """{(call or "*", number)} of test/programs/ERRNOS."""
    listed = set()
    with open(os.path.join(TOP, "test/programs/ERRNOS"), encoding="utf-8") as f:
        for line in f:
            words = line.split()
            if words and words[0] != "#":
                listed |= {(call, getattr(errno, words[0])) for call in words[1:]}
    return listed


def test_errnos_of_the_manual(ours):
    """What the manual page of each call says can go wrong is seen by a test here, where Linux is the judge, or listed with the reason why not."""
    tree = os.path.join(TOP, "build", "pkg-with", "pages")
    try:
        image.call([os.path.join(TOP, "esp", "getpackages"), "--alone", "--only", "*/man/man[23]/*", tree, "manpages-dev"])
    except image.Error as e:
        pytest.skip(f"the manual pages cannot be fetched: {e}")
    folder = os.path.join(tree, "usr/share/man/man2")
    seen = {(call, int(number)) for result in ours.values() for call, number in re.findall(r"^(\w+)\(.*\).*: error (\d+)$", result.out.decode("utf-8", "replace"), re.M)}
    seen |= {(call.rstrip("1"), getattr(errno, name)) for name, call in names_in("test/programs/sysv.c", r"FAILS\((E\w+), (?:syscall\(SYS_)?(\w+)")}
    said = {(call, number) for call in calls_of_tables() - NO_PAGE for number in page_errnos(folder, call)}
    listed = unseen_errnos()
    left = {(call, number) for call, number in said - seen if not {(call, number), ("*", number)} & listed}
    stale = {(call, number) for call, number in listed if call != "*" and ((call, number) in seen or (call, number) not in said)}
    assert len(said) > 1400 and len(said & seen) > 600
    names = lambda pairs: " ".join(f"{call}:{errno.errorcode[number]}" for call, number in sorted(pairs))  # noqa: E731
    assert not left, "neither seen nor listed: " + names(left)
    assert not stale, "listed though seen, or in no page: " + names(stale)
    print(f"errnos: {len(said & seen)} of {len(said)} that the manual names are seen")


def test_process_1_is_not_traced():
    """A tracer of process 1 would hold the family's time."""
    path = programs.build("tracedtree", "static")
    case = guest.boot_script({"init": "$T/tracedtree init && echo refused\n"}, {"tracedtree": path})["init"]
    assert (case.out, case.err, case.status) == (b"refused\n", b"", 0)


# Where a program lies decides how many tables it takes.
FIXED = "echo 0 >/proc/sys/kernel/randomize_va_space; "
FORK_CASES = {f"fork-{mib}": f"{FIXED}$T/forkframes {mib}" for mib in (1, 64)}
# The first round fills the family's caches, the second must give back all that it takes.
ROUND = "$T/forktree-musl 200 >/dev/null; $T/heap-musl >/dev/null; $T/forkpage-musl >/dev/null; $T/hostile >/dev/null; $T/sysv-musl >/dev/null; " \
        "$T/addresses-musl >/dev/null; $T/ptrace-musl >/dev/null; $T/hugepages-musl >/dev/null; seq 1000 | sort | md5sum >/dev/null; " \
        "(sleep 0.1 & wait); echo x >/tmp/x; rm /tmp/x;"
FRAME_CASES = {
    "frames-left": FIXED + "$T/left",
    "frames-return": FIXED + ROUND + ROUND + "a=$($T/frames); " + ROUND + "b=$($T/frames); echo $a $b",
    "frames-threads": FIXED + "$T/threads-musl >/dev/null; $T/threadproc-musl >/dev/null; a=$($T/frames); $T/threads-musl >/dev/null; $T/threadproc-musl >/dev/null; "
                      "b=$($T/frames); echo $a $b",
    "gate-wrong": "$T/gatewrong",
    "account": "$T/account",
    "huge-pages": "$T/hugepages-musl runs",
    "image-cut": "$T/cuts /etc/demo",
    "chance": "s=/proc/sys/kernel/randomize_va_space; for n in 0 1 2; do echo $n >$s; $T/chance-pie | head -6; done; echo 3 >$s",
    "clock-set": "$T/clockset",
    "limits": "grep -E 'locked|priority|msgqueue' /proc/self/limits",
    "settings": "s=$(cd $T; pwd)/settings; mkdir -p /tmp/settings; cd /tmp/settings; $s",
    "realtime-share": "s=/proc/sys/kernel/sched_r; cat ${s}*; for f in period_us=0 period_us=-1 period_us=900000 runtime_us=1000001 runtime_us=-2 runtime_us=x; do "
                      "(echo ${f#*=} >${s}t_${f%=*}) 2>/dev/null || echo $f refused; done; echo -1 >${s}t_runtime_us; echo 7 >${s}r_timeslice_ms; cat ${s}*; "
                      "echo 500000 >${s}t_runtime_us; echo 0 >${s}r_timeslice_ms; cat ${s}*; $T/rtshare; echo 950000 >${s}t_runtime_us",
}


@pytest.fixture(scope="module")
def counted():
    files = {name: programs.build(name, "musl") for name in ("account", "rtshare", "clockset", "settings", "cuts", "forkframes", "frames", "gatewrong", "hostile", "left")}
    files["chance-pie"] = programs.build("chance", "pie")
    files.update({f"{name}-musl": programs.build(name, "musl") for name in ("forktree", "heap", "forkpage", "threads", "threadproc", "sysv", "addresses", "ptrace", "hugepages")})
    return guest.boot_script({**FORK_CASES, **FRAME_CASES}, files)


def figures(case):
    assert case.status == 0 and not case.err, case
    return {line.split()[0]: [int(n) for n in line.split()[1:]] for line in case.out.decode().splitlines()}


def test_fork_copies_nothing(counted):
    """Nor a page, nor a last-level table of the region; what fork takes is a constant, equal for 1 and 64 MiB."""
    small, large = figures(counted["fork-1"]), figures(counted["fork-64"])
    print(f"fork takes {large['fork_frames'][0]} frames, whatever the size")
    assert large["region_pt1"][0] == 32 and large["region_pt1"][1] == 32
    assert large["fork_frames"] == small["fork_frames"]
    assert large["fork_frames"][0] <= 120
    assert large["region_shared"][1] >= 1


def test_fork_write_copies_one(counted):
    for case in ("fork-1", "fork-64"):
        f = figures(counted[case])
        assert f["write_data"] == [1] and 0 <= f["write_tables"][0] <= 2, f


@pytest.mark.parametrize("name", ("frames-return", "frames-threads"))
def test_frames_come_back(name, counted):
    case = counted[name]
    assert case.status == 0, case
    before, after = case.out.split()
    assert before == after


def test_frames_left_to_a_child(counted):
    """What a child still shares when its maker unmaps it is freed with the child, though its maker lives."""
    assert counted["frames-left"].status == 0 and counted["frames-left"].out == b"all is back\n", counted["frames-left"]


def test_gate_refuses(counted):
    case = counted["gate-wrong"]
    assert case.status == 0 and case.out.endswith(b" 0 wrong\n"), case
    assert case.out.count(b"ports of a program: none\nlines of a program: none\n") == 2, case


def test_chance(counted):
    """kernel.randomize_va_space: 0 nothing, 1 all but the heap's distance from its image, 2 all; another value is refused."""
    case = counted["chance"]
    said = [line.split(": ")[1] for line in case.out.decode().splitlines()]
    assert case.status and said == ["always there"] * 6 + ["by chance"] * 12, case


def test_settings(counted):
    """What of /proc/sys can be set, and what it does; the program was seen to say the same on Linux, by test/foreign."""
    case = counted["settings"]
    assert (case.out, case.err, case.status) == (b"all as told\n", b"", 0), case


def test_account(counted):
    """A family has no devices; its monitor keeps something; free memory is what the family can still claim."""
    assert counted["account"].status == 0 and counted["account"].out == b"ok\n", counted["account"]


def test_huge_pages(counted):
    """How many pages of 2 MiB there are after each step: all where asked for, less where a part was wanted, none after a fork."""
    case = counted["huge-pages"]
    assert case.status == 0, case
    assert re.findall(r": (\d+)$", case.out.decode(), re.M) == "0 6 5 4 3 4 3 0 6 4 3 4 10 0".split(), case


def test_image_file_is_cut(counted):
    """What maps a file of the root image sees its first write, and then its end."""
    assert counted["image-cut"].status == 0 and counted["image-cut"].out == b"cut -7 -7\n", counted["image-cut"]


def test_clock_is_set(counted):
    """The family's wall clock moves, with all that waits for it; a host's is not to be set by a test."""
    assert counted["clock-set"].status == 0 and counted["clock-set"].out.endswith(b"relative\ngood\n"), counted["clock-set"]


def test_first_limits(counted):
    """What root has on Debian's kernel; a host's may be a container's."""
    rows = [line.split() for line in counted["limits"].out.decode().splitlines()]
    assert [row[1:2] + row[-3:] for row in rows] == [["locked", "8388608", "8388608", "bytes"], ["msgqueue", "819200", "819200", "bytes"], ["nice", "priority", "0", "0"],
                                                     ["realtime", "priority", "0", "0"]], rows


def test_debug_recounts():
    """The same programs on the kernel that recounts all counts: the log must stay clean."""
    some = [f"{name}-musl" for name in ("forkpage", "forktree", "segv", "signals", "files", "threadproc", "threadsig", "hugepages", "addresses")]
    files = build_all()
    cases = {n: CASES[n] for n in some} | {"arena": "exec $T/arena-static 2 40\n"}
    got = guest.boot_script(cases, {n: files[n] for n in [*some, "arena-static"]}, idle=120, debug=True)
    assert all(n in got and got[n].status == 0 for n in cases), {n: got.get(n) for n in cases if n not in got or got[n].status}


def test_exec_refuses():
    """ENOEXEC and its kin reach the shell; execve's other errors are Linux's."""
    cases = {"exec-errors": "printf '\\177ELFgarbage' >e; chmod +x e; ./e 2>/dev/null; echo $?; : >empty; chmod +x empty; ./empty; echo $?; "
                            "printf '#!/no/such\\n' >n; chmod +x n; ./n 2>/dev/null; echo $?; printf '#!' >h; chmod +x h; ./h 2>/dev/null; echo $?; "
                            "head -c 100 $T/entry >part; chmod +x part; ./part 2>/dev/null; echo $?; ln -s loop loop; ./loop 2>/dev/null; echo $?"}
    files = {"entry": programs.build("entry", "bare")}
    assert guest.boot_script(cases, files) == guest.host_script(cases, files)


def test_programs_are_static():
    for name, kind in ALL:
        out = subprocess.run(["readelf", "-lW", programs.build(name, kind)], stdout=subprocess.PIPE, check=True).stdout
        assert b"INTERP" not in out


def test_realtime_share(counted):
    """What is set of the share of real-time threads holds: a runaway has half of the time then."""
    case = counted["realtime-share"]
    assert case.status == 0 and not case.err, case
    words = case.out.decode().split()
    refused = [name for name in words if "=" in name]
    assert refused == ["period_us=0", "period_us=-1", "period_us=900000", "runtime_us=1000001", "runtime_us=-2", "runtime_us=x"]
    numbers = [int(word) for word in words if word not in refused and word != "refused"]
    assert numbers[:9] == [100, 1000000, 950000, 7, 1000000, -1, 100, 1000000, 500000]
    assert 45 <= numbers[9] <= 55, numbers
