# SPDX-License-Identifier: MIT
"""Owns `test/machine run`: options, the order of a run, its exit status, the host's terminal and signals."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import termios
import time
import tty

from . import channel, conf, image, log, qemu, session, trace

STATUS_TIMEOUT = 124
STATUS_FAILURE = 125
# From QEMU's start to the guest's hello. Firmware polls timers in virtual time, so counting instructions makes it slower.
HELLO_SECONDS = 90
HELLO_SECONDS_ICOUNT = 300


class Signalled(Exception):
    """The driver itself was told to end."""


def parse(argv):
    p = argparse.ArgumentParser(prog="test/machine", allow_abbrev=False,
                                description="Boots Aril in QEMU, runs COMMAND in the guest, exits with its status. 124: time is over; 125: the machine failed.")
    verbs = p.add_subparsers(dest="verb", required=True, metavar="run|map")
    r = verbs.add_parser("run", allow_abbrev=False, help="run a command, a script from standard input, or an interactive shell")
    r.add_argument("--app", default="linux", help="the app that boots (default linux)")
    r.add_argument("--add", action="append", default=[], metavar="HOST:GUEST", help="put a file or a folder's content into the guest's tree")
    r.add_argument("--with", action="append", default=[], dest="packages", metavar="PACKAGE,...",
                   help="put Debian packages, with all that they depend on, into the guest's tree; fetched once, nothing is installed here")
    r.add_argument("--get", action="append", default=[], metavar="GUEST:HOST", help="bring a file out when COMMAND has ended")
    r.add_argument("--mem", default="1G", metavar="SIZE", help="memory of the machine (default 1G)")
    r.add_argument("--timeout", type=float, metavar="SECONDS", help="for the whole run, boot included")
    r.add_argument("--icount", type=int, metavar="SHIFT", help="deterministic time: one instruction is 2^SHIFT ticks")
    r.add_argument("--strace", nargs="?", const="", metavar="FILE", help="log every system call, to FILE or stderr: --strace=FILE")
    r.add_argument("--gui", action="store_true", help="show the machine's screen")
    r.add_argument("--log", metavar="FILE", help="boot and kernel log (default build/machine.log)")
    r.add_argument("--trace", metavar="FILE", help="every call of the gate, upcall, slice and switch, as text, or for a timeline viewer when FILE ends in .json")
    r.add_argument("--debug", action="store_true", help="boot build/debug, whose kernel recounts")
    r.add_argument("--gdb", action="store_true", help="wait for a debugger on localhost:1234")
    r.add_argument("--qemu", action="append", default=[], metavar="ARG", help="one more argument for QEMU (also QEMUFLAGS); --qemu=-x for those with a dash")
    r.add_argument("--conf", action="append", default=[], metavar="KEY=VALUE", help="one more line of aril.conf, as it is")
    r.add_argument("command", nargs="*", metavar="COMMAND", help="after --; none: a shell")
    verbs.add_parser("map", help="boot, and print what the address space holds: frames mapped, global names, private entries, disagreements")
    if argv[:1] == ["map"] and len(argv) == 1:
        argv = ["run", "--", "sed", "-n", "s/^address space: *//p", "/proc/aril"]
    before, dashes, after = argv, [], []
    if "--" in argv:
        at = argv.index("--")
        before, dashes, after = argv[:at], ["--"], argv[at + 1:]
    options = p.parse_args(before)
    if options.command and not dashes:
        p.error("COMMAND stands after --")
    if dashes and not after:
        p.error("no COMMAND after --")
    options.command = after
    return options


def split_gets(pairs):
    gets = {}
    for pair in pairs:
        guest, colon, host = pair.partition(":")
        if not colon or not host or not guest.startswith("/"):
            raise session.Failure(f"--get {pair}: not GUEST:HOST with an absolute GUEST path")
        gets[guest] = host
    return gets


def package_names(lists):
    return [name for text in lists for name in text.replace(",", " ").split()]


def input_open():
    """Descriptor 0, or None when it is closed."""
    try:
        os.fstat(0)
        return 0
    except OSError:
        return None


def terminal_size(fd):
    try:
        size = os.get_terminal_size(fd)
        return (size.lines or 24, size.columns or 80)
    except OSError:
        return (24, 80)


class Signals:
    """Turns signals into bytes of a pipe, so that they are handled between two steps of the session."""

    def __init__(self):
        self.read, self.write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.ended_by = None
        self.resized = False
        signal.set_wakeup_fd(self.write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.on_end)
        signal.signal(signal.SIGWINCH, self.on_resize)

    def on_end(self, number, _frame):
        self.ended_by = number

    def on_resize(self, _number, _frame):
        self.resized = True

    def handle(self, s):
        os.read(self.read, 512)
        if self.ended_by is not None:
            raise Signalled
        if self.resized:
            self.resized = False
            if s.hello:
                s.send(channel.window(*terminal_size(1)))


class Progress:
    """One line on the host's terminal while the machine boots; gone with the guest's first word."""

    def __init__(self):
        self.on = os.isatty(2)
        self.say("making the image ...")

    def say(self, text):
        if self.on:
            os.write(2, b"\r\x1b[K" + text.encode())

    def end(self):
        self.say("")
        self.on = False


def run(options):
    deadline = None if options.timeout is None else time.monotonic() + options.timeout
    signals = Signals()
    folder = tempfile.mkdtemp(prefix="aril-")
    machine = None
    saved_terminal = None
    log_path = options.log or os.path.join(folder, "log")
    try:
        gets = split_gets(options.get)
        stdin = input_open()
        first = b""
        arguments = options.command
        interactive = not arguments and stdin is not None and os.isatty(0) and os.isatty(1)
        mode = "pipe" if arguments else "tty" if interactive else "script"
        if mode == "script" and options.app == "linux":
            first = session.input_peek(stdin, deadline) if stdin is not None else b""
            if not first:
                stdin = None
                arguments = ["/bin/sh", "/etc/demo"]
                mode = "pipe"
        progress = Progress()
        if options.trace and options.app != "linux":
            raise session.Failure("--trace: only pid 1 of the app `linux` binds a trace")
        if options.trace:
            options.conf.append("trace=1")
        nonce = conf.nonce()
        text = conf.text(options.app, mode, nonce, arguments, gets, os.environ.get("TERM") or "dumb", terminal_size(1),
                         [*options.conf, *(["strace=1"] if options.strace is not None else [])])
        disk = image.make(folder, options.debug, options.app, options.add, text, package_names(options.packages))
        progress.say("starting the machine ...")
        machine = qemu.Machine(folder, disk, log_path, options.mem, options.icount, options.gui, options.gdb, options.qemu)
        if options.gdb:
            progress.end()
            sys.stderr.write("test/machine: waiting for a debugger: gdb -ex 'target remote localhost:1234'\n")
        hello_deadline = None
        if options.app == "linux" and not options.gdb:
            hello_deadline = time.monotonic() + (HELLO_SECONDS if options.icount is None else HELLO_SECONDS_ICOUNT)
        if interactive:
            saved_terminal = termios.tcgetattr(0)

        def on_hello(s):
            progress.end()
            if interactive:
                tty.setraw(0, termios.TCSANOW)
                s.send(channel.window(*terminal_size(1)))

        s = session.Session(machine, nonce, gets, stdin, first, deadline=deadline, hello_deadline=hello_deadline,
                            wake=signals.read, on_wake=signals.handle, on_hello=on_hello, escape=interactive, calls=options.strace)
        status = s.run()
        progress.end()
        return finish(options, machine, s, status, log_path)
    except Signalled:
        return 128 + signals.ended_by
    except session.Output_gone:
        return 128 + signal.SIGPIPE
    except session.Timeout:
        if options.app != "linux":
            sys.stdout.write(log.own(qemu.log_read(log_path)))
        complain("time is over", log_path, options)
        return STATUS_TIMEOUT
    except (session.Failure, image.Error, qemu.Error, ValueError) as e:
        complain(str(e), log_path, options)
        return STATUS_FAILURE
    finally:
        if machine:
            machine.stop()
        if saved_terminal:
            termios.tcsetattr(0, termios.TCSADRAIN, saved_terminal)
        if not options.log:
            log_keep(log_path)
        shutil.rmtree(folder, ignore_errors=True)


def finish(options, machine, s, status, log_path):
    """Status of a machine that has ended by itself."""
    text = qemu.log_read(log_path)
    if not s.hello and options.app != "linux":
        sys.stdout.write(log.own(text))
        sys.stdout.flush()
        status = log.status(text)
    if status is None:
        said = machine.said()
        raise session.Failure(f"the machine went off without a status{': QEMU: ' + said if said else ''}")
    if options.trace:
        trace_write(options.trace, s)
    for error in s.get_errors:
        sys.stderr.write(f"test/machine: {error}\n")
    missing = [guest for guest in s.gets if s.hello]
    for guest in missing:
        sys.stderr.write(f"test/machine: --get {guest}: the guest did not send it\n")
    if status == 0 and (s.get_errors or missing):
        return STATUS_FAILURE
    return status


def trace_write(path, s):
    if s.trace.total is None:
        raise session.Failure("--trace: the guest sent none (see the log)")
    try:
        trace.write(s.trace, path)
    except OSError as e:
        raise session.Failure(f"--trace {path}: {e.strerror}") from None
    if s.trace.lost:
        sys.stderr.write(f"test/machine: --trace: the first {s.trace.lost} of {s.trace.total} records are lost: the ring holds the last ones\n")


def complain(reason, log_path, options):
    """The reason on stderr, with the end of the log where that may tell more."""
    if os.isatty(2):
        os.write(2, b"\r\x1b[K")
    sys.stderr.write(f"test/machine: {reason}\n")
    lines = [line for line in log.own(qemu.log_read(log_path)).split("\n") if line.strip()]
    for line in lines[-12:]:
        sys.stderr.write(f"  log: {line}\n")
    if lines:
        sys.stderr.write(f"test/machine: the whole log is in {options.log or 'build/machine.log'}\n")


def log_keep(path):
    """The last run's log stays where `make` can find it."""
    build = os.path.join(image.TOP, "build")
    if os.path.exists(path) and os.path.isdir(build):
        copy = os.path.join(build, f"machine.log.{os.getpid()}")
        try:
            shutil.copyfile(path, copy)
            os.replace(copy, os.path.join(build, "machine.log"))
        except OSError:
            pass


def main(argv):
    return run(parse(argv))
