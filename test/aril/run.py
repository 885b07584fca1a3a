# SPDX-License-Identifier: MIT
"""Owns one run from its options to its exit status: what boots, how it starts, what is said when it fails, and that nothing of it is left."""

import os
import shlex
import shutil
import signal
import sys
import tempfile
import termios
import time
import tty
from typing import Optional

from . import accel, archive, cache, channel, conf, each, elf, failure, guest_tree, image, log, place, qemu, session, share, snapshot, sweeper, terminal, trace
from .failure import Failure

# From QEMU's start to the guest's hello. Firmware polls timers in virtual time, so counting instructions makes it slower.
HELLO_SECONDS = 90
HELLO_SECONDS_ICOUNT = 300

def split_gets(pairs: list) -> dict:
    gets = {}
    for pair in pairs:
        guest, colon, host = pair.partition(":")
        if not colon or not host or not guest.startswith("/"):
            raise Failure(f"--get {pair}: not GUEST:HOST with an absolute GUEST path")
        if not os.path.isdir(os.path.dirname(host.rstrip("/")) or "."):
            raise Failure(f"--get {pair}: {os.path.dirname(host)} is no folder here")
        gets[guest.rstrip("/") or "/"] = host
    return gets


def variables(options) -> list:
    """-e NAME has the value that it has here; one that is not set here stays away."""
    whole = [text if "=" in text else f"{text}={os.environ[text]}" for text in options.env if "=" in text or text in os.environ]
    return whole


def placed(command: list, env: list, folder: Optional[str]) -> list:
    """COMMAND, or a shell, with variables and in a folder: the guest's own tools see to both."""
    words = list(command) or ["/bin/sh"]
    if not env and not folder:
        return list(command)
    if env:
        words = ["/usr/bin/env", *env, *words]
    if folder:
        words = ["/bin/sh", "-c", 'cd "$0" 2>/dev/null || { echo "$0: no such folder in the guest" >&2; exit 125; }; exec "$@"', folder, *words]
    return words


def boxed(command: list, box: Optional[str], adds: list, on_terminal: bool) -> list:
    """COMMAND in a box, if one is wanted, with what --add brings: that lies in the machine's tree, of which a box sees nothing."""
    if box is None:
        return command
    files = [f"--file={image.pair_split(pair)[1]}" for pair in adds]
    return ["/bin/box", *(["--terminal"] if on_terminal else []), *shlex.split(box), *files, "--", *command]


def gui_check() -> None:
    if not qemu.has_window():
        raise Failure("--gui: this QEMU has no window: apt-get install qemu-system-gui")
    if not qemu.has_display():
        raise Failure("--gui: neither DISPLAY nor WAYLAND_DISPLAY is set: call it from a desktop's terminal")


class Run:
    """What one run is made of, and what has to be given back."""

    def __init__(self, options):
        self.options = options
        self.deadline = None if options.timeout is None else time.monotonic() + options.timeout
        self.signals = terminal.Signals()
        self.machine: Optional[qemu.Machine] = None
        self.session: Optional[session.Session] = None
        self.saved_terminal = None
        self.progress = terminal.Progress()
        self.nonce = conf.nonce()
        self.arguments = options.command
        self.gets = split_gets(options.get)
        self.shares = share.read(options.share)
        self.stdin = terminal.input_open()
        self.first = b""
        on_terminal = self.stdin is not None and os.isatty(0) and os.isatty(1)
        if options.tty and not on_terminal:
            raise Failure("-t: standard input and output are no terminal here")
        self.interactive = (options.tty or not (self.arguments or options.each)) and on_terminal
        self.mode = "tty" if self.interactive else "pipe" if self.arguments or options.each else "script"
        if options.app != "linux":
            self.interactive = False
        self.folder = tempfile.mkdtemp(prefix="aril-")
        if self.interactive:
            self.saved_terminal = termios.tcgetattr(0)
        self.sweeper = sweeper.Sweeper(self.folder, self.saved_terminal)
        self.log_path = options.log or os.path.join(self.folder, "log")
        self.batch: Optional[each.Batch] = None
        self.archive: Optional[archive.Archive] = None # what --add brings, where the image has it not
        self.is_first = True # no machine was started yet
        self.words = b"" # that a machine which waits for its run is told

    def close(self) -> None:
        self.signals.raises = False
        if self.session:
            self.session.gets.drop()
        if self.machine:
            self.machine.stop()
        if self.saved_terminal:
            termios.tcsetattr(0, termios.TCSADRAIN, self.saved_terminal)
        if not self.options.log:
            log_keep(self.log_path)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.sweeper.end()

    # ---- before the machine

    def script_begin(self) -> None:
        """Without COMMAND and terminal: standard input is a script; an empty one, the demonstration."""
        if self.mode != "script" or self.options.app != "linux":
            return
        self.signals.raises = True
        self.first = session.input_peek(self.stdin, self.deadline) if self.stdin is not None else b""
        if not self.first:
            self.stdin = None
            self.arguments = ["/bin/sh", "/etc/demo"]
            self.mode = "pipe"

    def adds(self) -> list:
        pairs = list(self.options.add)
        for text in self.options.programs:
            pairs += [f"{host}:{guest}" for host, guest in elf.program_pairs(text)]
        return pairs

    def wanted(self) -> list:
        return [*self.gets, *(self.batch.places() if self.batch else ())]

    def settings(self) -> list:
        o = self.options
        words = placed(self.arguments, variables(o), None if self.batch else o.workdir)
        words = share.mounted(self.shares, boxed(words, o.box, self.adds(), self.interactive))
        return conf.run_settings(self.mode, self.nonce, words, self.wanted(), os.environ.get("TERM") or "dumb", terminal.size(1), o.strace is not None, bool(o.trace),
                                 self.archive.size if self.archive else 0)

    def archive_begin(self) -> Optional[archive.Reader]:
        return self.archive.begin() if self.archive else None

    # ---- the machine's start

    def is_warm(self, source: image.Source, way: str) -> bool:
        """Whether this run may go on from a saved machine: nothing that it wants is of the boot, and its image is one that is kept."""
        o = self.options
        other = o.cold or len(self.shares) > share.SAVED or o.icount is not None or o.trace or o.gui or o.gdb or o.conf or o.qemu or o.app != "linux"
        return not other and way == "tcg" and not source.root.startswith(self.folder + "/")

    def boot(self, source: image.Source, way: str) -> qemu.Machine:
        o, self.words = self.options, b""
        if self.is_warm(source, way):
            text = conf.lines(self.settings())
            kept = snapshot.keep(source, o.mem, bool(self.shares), self.watch, self.start_machine) if len(text) <= snapshot.SETTINGS_MAX else None
            try:
                if kept:
                    machine = snapshot.begin(kept, o.mem, self.shares, self.log_path, self.start_machine)
                    self.words = snapshot.words(text)
                    return machine
            except snapshot.Unsaved:
                cache.remove(kept)
        text = conf.lines(conf.boot_settings(self.options.app) + self.settings(), self.options.conf)
        if len(self.shares) > share.SAVED and not o.cold and self.is_first:
            failure.say(f"--share: a saved machine has room for {share.SAVED} folders of this host: this one boots through its firmware")
        self.is_first = False
        return self.start_machine(source.disk(text), self.log_path, False, share.devices(self.shares), way)

    def watch(self, machine: qemu.Machine) -> snapshot.Watch:
        self.machine = machine
        self.signals.raises = False
        return self.session_make(snapshot.Watch, {}, None, b"", None)

    # ---- the machine

    def start(self) -> int:
        """Boots; the run's status."""
        o = self.options
        if o.gui:
            gui_check()
        qemu.binary()
        qemu.firmware_files()
        if o.each:
            self.batch = each.Batch(o.each, o.each_timeout, self.folder)
            self.arguments = ["sh", "-c", each.RUNNER, o.workdir or ""]
        self.script_begin()
        self.progress.say("making the image ...")
        way, why = accel.choose(o.accel, o.debug)
        source = self.source()
        self.memory_check(source)
        if self.batch:
            return self.each_run(source, way)
        self.machine = self.boot(source, way)
        return self.talk()

    def source(self) -> image.Source:
        """What boots, once it is known that what --add brings can start there."""
        o = self.options
        adds = self.adds()
        is_sent = archive.is_sent(o.app, bool(o.trace), o.icount is not None, adds)
        if adds and is_sent:
            self.archive = archive.Archive(adds)
        source = image.Source(self.folder, o.debug, o.app, [] if is_sent else adds, o.packages)
        guest_tree.check(guest_tree.Tree(source.tree, o.packages, adds), o.add, self.arguments, variables(o), o.workdir)
        return source

    def memory_check(self, source: image.Source) -> None:
        size = source.root_size() + (self.archive.size if self.archive else 0)
        least = memory_least(size)
        if self.options.mem < least:
            raise Failure(f"--mem {self.options.mem >> 20}M: too little for a root image{' and --add' if self.archive else ''} of {size >> 20} MiB; the least is {least >> 20}M")

    def each_run(self, source: image.Source, way: str) -> int:
        o = self.options
        try:
            return self.batch.run(lambda round_: self.each_boot(source, way, round_))
        finally:
            self.signals.raises = False
            self.batch.report(o.junit, o.results)

    def each_boot(self, source: image.Source, way: str, round_: each.Round) -> tuple[int, str]:
        """One machine for as many commands as it lives: the runner's status, or what took its place; and why it ended."""
        self.nonce = conf.nonce()
        self.machine = self.boot(source, way)
        try:
            s = self.session_make(each.Talk, round_, {**self.gets, **self.batch.places()}, None, round_.first, self.archive_begin())
            status = s.run()
        except each.Stuck:
            return failure.STATUS_TIMEOUT, f"its time of {self.batch.limit:g} s is over, and the machine hung"
        except Failure as e:
            if self.session is None or not self.session.hello:
                raise
            return failure.STATUS_FAILURE, str(e)
        finally:
            self.machine.stop()
        if status is None:
            return failure.STATUS_FAILURE, "the machine went off without a status"
        s.gets.errors = [e for e in s.gets.errors if not e.startswith(f"--get {each.HOME}/")]
        for place_ in self.batch.places():
            s.gets.wanted.pop(place_, None)
        if not round_.todo:
            self.finish(status)
        return status, f"it ended the runner of the commands (status {status})"

    def start_machine(self, disk: str, log_path: str, kept: bool, more: list, way: str = "tcg") -> qemu.Machine:
        o = self.options
        self.progress.say("starting the machine ...")
        if o.gdb:
            self.progress.end()
            if not os.environ.get("ARIL_GDB"):
                failure.say("waiting for a debugger: gdb -ex 'target remote localhost:1234'")
        return qemu.Machine(self.folder, disk, log_path, o.mem, o.icount, o.gui, o.gdb, [*o.qemu, *more], way, kept)

    def session_make(self, kind, *given) -> session.Session:
        """The talk with self.machine: given are what a Session takes behind machine and nonce, or what a kind of it wants before those."""
        o = self.options
        hello_deadline = None
        if o.app == "linux" and not o.gdb:
            hello_deadline = time.monotonic() + (HELLO_SECONDS if o.icount is None else HELLO_SECONDS_ICOUNT)

        def on_hello(s):
            if not s.unpacks:
                self.progress.end()
            if self.interactive:
                tty.setraw(0, termios.TCSANOW)
                s.send(channel.window(*terminal.size(1)))

        self.signals.raises = False
        before, given = given[:-4], given[-4:]
        self.session = kind(*before, self.machine, self.nonce, *given, deadline=self.deadline, hello_deadline=hello_deadline, wake=self.signals.read,
                            on_wake=self.signals.handle, on_hello=on_hello, on_brought=self.brought, escape=self.interactive, calls=o.strace)
        self.session.send(self.words)
        return self.session

    def brought(self, left: int) -> None:
        """left: bytes of what --add brings that are still to be sent; 0: the guest has it all."""
        if left:
            self.progress.say(f"bringing what --add names: {left >> 20} MiB to go ...")
        else:
            self.progress.end()

    def talk(self) -> int:
        status = self.session_make(session.Session, self.gets, self.stdin, self.first, self.archive_begin()).run()
        self.progress.end()
        return self.finish(status)

    def finish(self, status: Optional[int]) -> int:
        """Status of a machine that has ended by itself."""
        o, s = self.options, self.session
        text = qemu.log_read(self.log_path)
        if not s.hello and o.app != "linux":
            app_show(text)
            status = log.status(text)
        if status is None:
            said = self.machine.said()
            raise Failure(f"the machine went off without a status{': QEMU: ' + said if said else ''}")
        if o.trace:
            trace_write(o.trace, s, programs_known(self.adds()) if o.verb == "explore" else None)
        for error in s.gets.errors:
            failure.say(error)
        missing = list(s.gets.wanted) if s.hello else []
        for guest in missing:
            failure.say(f"--get {guest}: the guest did not send it")
        if status == 0 and (s.gets.errors or missing):
            return failure.STATUS_FAILURE
        return status


def memory_least(root: int) -> int:
    """The image lies in memory; a machine of 64 MiB has room for one of 16."""
    return (64 << 20) + max(0, root - (16 << 20)) + (1 << 20) - 1 >> 20 << 20


def app_show(text: str) -> None:
    sys.stdout.write(log.own(text))
    sys.stdout.flush()


def programs_known(adds: list) -> dict:
    """{name in the guest: file here} of what --add brings, whose line tables may be looked up."""
    pairs = (pair.rsplit(":", 1) for pair in adds)
    return {os.path.basename(guest): host for host, guest in pairs if os.path.isfile(host)}


def trace_write(path: str, s, programs: Optional[dict]) -> None:
    if s.trace.total is None:
        raise Failure("--trace: the guest sent none (see the log)")
    try:
        trace.write(s.trace, path, programs)
    except OSError as e:
        raise Failure(f"--trace {path}: {e.strerror}") from None
    if s.trace.lost:
        failure.say(f"--trace: the first {s.trace.lost} of {s.trace.total} records are lost: the ring holds the last ones")


def log_place() -> str:
    """Where the last run's log stays: in a checkout where `make` can find it."""
    if not place.INSTALLED and os.access(os.path.join(image.TOP, "build"), os.W_OK):
        return os.path.join(image.TOP, "build", "machine.log")
    return os.path.join(cache.home(), "machine.log")


def log_keep(path: str) -> None:
    if not os.path.exists(path):
        return
    to = log_place()
    copy = f"{to}.{os.getpid()}"
    try:
        shutil.copyfile(path, copy)
        os.replace(copy, to)
    except OSError:
        try:
            os.unlink(copy)
        except OSError:
            pass


def log_tail(run: Run) -> None:
    """The end of the log, where that may tell more."""
    lines = [line for line in log.own(qemu.log_read(run.log_path)).split("\n") if line.strip()]
    if not lines:
        return
    tail = "".join(f"  log: {line}\n" for line in lines[-12:])
    try:
        os.write(2, f"{tail}  log: (the whole is in {run.options.log or log_place()})\n".encode("utf-8", "replace"))
    except OSError:
        pass


def run(options) -> int:
    this = Run(options)
    try:
        return this.start()
    except terminal.Signalled:
        return 128 + this.signals.ended_by
    except session.Output_gone:
        return 128 + signal.SIGPIPE
    except session.Timeout:
        if options.app != "linux":
            app_show(qemu.log_read(this.log_path))
        failure.say("time is over")
        log_tail(this)
        return failure.STATUS_TIMEOUT
    except Exception as e:
        status = failure.tell(e)
        log_tail(this)
        return status
    finally:
        this.close()
