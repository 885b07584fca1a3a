# SPDX-License-Identifier: MIT
"""Owns the talk with the guest once the machine runs: streams in both directions, files out, the end. Decides nothing about images or QEMU."""

import itertools
import os
import select
import struct
import time

from . import channel, failure, gets, log, pace, trace
from .failure import Failure

TICK = 0.25
# So much over a port that is slow is worth a word.
SLOW_BYTES = 1 << 20
# What leaves a terminal whose guest has hung: all keys go to the guest.
ESCAPE = b"\x1d\x1d\x1d"
# After the exit record the guest powers off by itself; a machine that does not is stopped.
OFF_SECONDS = 5
# Given to the channel at once: well below IOV_MAX.
SEND_PIECES = 64
LOG_SECONDS = 0.05 # between two looks at the log
UNPACK_SAID = 4096 # of what the guest's tar says
# Of bytes alone, whose frames mean nothing.
STREAMS = (b"O", b"E", b"T")


class Timeout(Exception):
    """The run's time is over: status 124."""


class Output_gone(Exception):
    """Nobody reads our output any more."""


def calls_open(path):
    try:
        return open(path, "wb", buffering=0)
    except OSError as e:
        raise Failure(f"--strace {path}: {e.strerror}") from None


def streams_joined(frames):
    """The same, but pieces of one stream that follow one another are one."""
    for kind, run in itertools.groupby(frames, key=lambda frame: frame[0]):
        if kind in STREAMS:
            yield kind, b"".join(payload for _, payload in run)
        else:
            yield from run


class Session:
    """streams: read and written descriptors of the host. wake: a descriptor that becomes readable when a signal has come; on_wake() handles it."""

    def __init__(self, machine, nonce, wanted, stdin=None, first=b"", archive=None, out=1, err=2, deadline=None, hello_deadline=None, wake=None, on_wake=None,
                 on_hello=None, on_brought=None, escape=False, calls=None):
        self.machine = machine
        self.nonce = nonce
        self.gets = gets.Gets(wanted)
        self.patience = None # asked while there is no hello: why there will be none, or None
        self.patience_at = 0.0
        self.outgoing = [] # pieces that the channel has not taken
        self.stdin = stdin
        # What --add brings goes before all input; until the guest has unpacked it, what comes on its standard error is of that.
        self.archive = archive
        self.unpacks = archive is not None
        self.unpack_said = b""
        self.pending = b"" if archive else first
        self.first = first
        self.out = out
        self.err = err
        self.deadline = deadline
        self.hello_deadline = hello_deadline
        self.wake = wake
        self.on_wake = on_wake
        self.on_hello = on_hello
        self.on_brought = on_brought
        self.escape = escape
        # Where the log of calls goes: a file's name, or stderr for "" and None.
        self.calls = calls_open(calls) if calls else None
        self.typed = b""
        self.decoder = channel.Decoder()
        self.hello = False
        self.credit = 0
        self.ended = False
        self.status = None
        self.trace = trace.Trace()
        self.log = None
        self.log_line = b""
        self.log_at = 0.0
        self.channel_open = True
        self.received = 0
        self.told_slow = False
        self.paces = {} # of what goes in, and of the file that comes out: "in", "out"

    def run(self):
        """Until the machine is off or the exit record is in. The status, or None when there was no record."""
        while self.status is None:
            if not self.step():
                break
        if self.status is not None and not self.machine.wait(OFF_SECONDS):
            self.say("the machine did not power off after its exit record; stopped")
        return self.status

    def say(self, text):
        failure.say(text)

    def check_time(self):
        now = time.monotonic()
        if self.deadline is not None and now >= self.deadline:
            raise Timeout
        if not self.hello and self.hello_deadline is not None and now >= self.hello_deadline:
            raise Failure("no boot: the guest never said hello (see the log)")
        if not self.hello and self.patience and now - self.patience_at > 1:
            self.patience_at = now
            why = self.patience()
            if why:
                raise Failure(f"no boot: {why}")

    def check_pace(self):
        for one in self.paces.values():
            text = one and one.late(self.deadline)
            if text:
                self.say(text)

    def step(self):
        self.check_time()
        self.check_pace()
        self.check_log()
        reads = [self.machine.pidfd]
        if self.channel_open:
            reads.append(self.machine.channel)
        if self.wake is not None:
            reads.append(self.wake)
        want_input = self.hello and self.stdin is not None and not self.archive and not self.ended and not self.pending and self.credit > 0
        if want_input:
            reads.append(self.stdin)
        wait = TICK if self.deadline is None else max(0.0, min(TICK, self.deadline - time.monotonic()))
        writes = [self.machine.channel.inward] if self.outgoing else []
        ready, room, _ = select.select(reads, writes, [], wait)
        if room:
            self.send_outgoing()
        if self.wake in ready:
            self.on_wake(self)
        if self.machine.channel in ready:
            self.receive()
            if self.status is not None:
                return False
        if want_input and self.stdin in ready:
            self.take_input()
        self.send_input()
        # Only when the channel has been read to its end is the machine's end the end of the run.
        if self.machine.pidfd in ready and not (self.channel_open and self.machine.channel in ready):
            self.check_log(final=True)
            return False
        return True

    # ---- from the guest

    def receive(self):
        try:
            data = self.machine.channel.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.channel_open = False
            return
        self.received += len(data)
        if self.received > SLOW_BYTES and not self.told_slow and getattr(self.machine.channel, "is_slow", False):
            self.told_slow = True
            self.say("the channel goes over COM2, some 0.3 MB/s: the guest has not found its virtio port (see the log)")
        try:
            frames = self.decoder.feed(data)
        except channel.Error as e:
            raise Failure(str(e)) from None
        for kind, payload in streams_joined(frames):
            try:
                self.take(kind, payload)
            except struct.error:
                raise Failure(f"the channel is dead: frame {kind!r} of {len(payload)} bytes") from None

    def take(self, kind, payload):
        if not self.hello:
            if kind != b"H" or payload.decode("ascii", "replace") != self.nonce:
                raise Failure("the channel is dead: the guest's hello does not carry this run's nonce")
            self.hello = True
            self.paces["in"] = pace.Pace("--add", self.archive.size) if self.archive else pace.of_input(self.stdin, len(self.pending))
            if self.on_hello:
                self.on_hello(self)
        elif kind in (b"O", b"T"):
            self.write(self.out, payload)
        elif kind == b"E" and self.unpacks:
            self.unpack_said = (self.unpack_said + payload)[:UNPACK_SAID]
        elif kind == b"E":
            self.write(self.err, payload)
        elif kind == b"U":
            self.unpacked(struct.unpack("<i", payload)[0])
        elif kind == b"C":
            if self.calls:
                try:
                    self.calls.write(payload)
                except OSError as e:
                    raise Failure(f"--strace {self.calls.name}: {e.strerror}") from None
            else:
                self.write(2, payload)
        elif kind == b"L":
            self.write(2, payload if payload.endswith(b"\n") else payload + b"\n")
        elif kind == b"W":
            self.credit += struct.unpack("<I", payload)[0]
        elif kind == b"B":
            self.gets.begin(payload)
            item = self.gets.open[-1]
            self.paces["out"] = pace.Pace(f"--get {item.guest}", item.size)
        elif kind == b"D":
            self.gets.data(payload)
            if self.paces.get("out"):
                self.paces["out"].done += len(payload)
        elif kind == b"N":
            self.gets.end(struct.unpack("<i", payload)[0])
            self.paces["out"] = None
        elif kind == b"R":
            self.trace.take(payload)
        elif kind == b"P":
            self.trace.take_names(payload)
        elif kind == b"X":
            if payload[:16].decode("ascii", "replace") != self.nonce:
                raise Failure("an exit record without this run's nonce")
            self.status = struct.unpack("<i", payload[16:20])[0] & 255
        else:
            raise Failure(f"frame of unknown type {kind!r} on the channel")

    def unpacked(self, status):
        """The guest's tar has ended. A guest that says so unasked, or again, means nothing by it."""
        if not self.unpacks:
            return
        self.unpacks = False
        if status:
            said = self.unpack_said.decode("utf-8", "backslashreplace").split("\n")[0] or f"its tar ended with status {status}"
            helps = "; --mem gives it more room" if status > 128 or "No space left" in said or "emory" in said else ""
            raise Failure(f"--add: the guest could not take all of it: {said}{helps}")
        if self.on_brought:
            self.on_brought(0)

    def write(self, fd, data):
        """All of data, without missing the deadline when the reader is slow."""
        while data:
            _, ready, _ = select.select([], [fd], [], TICK)
            if ready:
                try:
                    data = data[os.write(fd, data):]
                except BrokenPipeError:
                    if fd == self.out:
                        raise Output_gone from None
                    return
                except BlockingIOError:
                    time.sleep(0.01)
                except OSError as e:
                    raise Failure(f"{'standard output' if fd == self.out else 'standard error'}: {e.strerror}") from None
            self.check_time()

    # ---- to the guest

    def take_input(self):
        data = os.read(self.stdin, self.credit)
        if self.escape:
            self.typed = (self.typed + data)[-len(ESCAPE):]
            if self.typed == ESCAPE:
                raise Failure("left by ^] ^] ^]")
        if data:
            self.pending = data
        else:
            self.end_input()

    def end_input(self):
        if not self.ended:
            self.ended = True
            self.send(channel.frame(b"Z"))

    def archive_next(self):
        """The archive's next bytes; behind its last the input that was read already."""
        if self.on_brought:
            self.on_brought(self.archive.left)
        self.pending = self.archive.read(self.credit)
        if not self.pending:
            self.archive = None
            self.pending = self.first
            self.paces["in"] = pace.of_input(self.stdin, len(self.pending))

    def send_input(self):
        if self.hello and self.archive and not self.pending and self.credit:
            self.archive_next()
        if self.hello and self.pending and self.credit:
            now = memoryview(self.pending)[:self.credit]
            self.pending = self.pending[len(now):]
            self.credit -= len(now)
            if self.paces["in"]:
                self.paces["in"].done += len(now)
            for at in range(0, len(now), channel.PAYLOAD_MAX):
                piece = now[at:at + channel.PAYLOAD_MAX]
                self.send(channel.head(b"I", len(piece)))
                self.send(piece)
        if self.hello and self.stdin is None and not self.pending and not self.archive:
            self.end_input()

    def send(self, data):
        self.outgoing.append(data)

    def send_outgoing(self):
        """As much as there is room for."""
        taken = self.machine.channel.send(self.outgoing[:SEND_PIECES])
        done = 0
        while done < len(self.outgoing) and taken >= len(self.outgoing[done]):
            taken -= len(self.outgoing[done])
            done += 1
        del self.outgoing[:done]
        if taken:
            self.outgoing[0] = memoryview(self.outgoing[0])[taken:]

    # ---- the log

    def on_line(self, line: bytes) -> None:
        """A line of the log has come."""

    def check_log(self, final=False):
        """Raises Failure when the log says that the machine cannot go on."""
        now = time.monotonic()
        if now - self.log_at < LOG_SECONDS and not final:
            return
        self.log_at = now
        try:
            if not self.log:
                self.log = open(self.machine.log, "rb", buffering=0)
            data = self.log.read()
        except OSError:
            return
        lines = (self.log_line + data).split(b"\n")
        self.log_line = b"" if final else lines.pop()
        for line in lines:
            self.on_line(line)
            reason = log.failure(line.decode("utf-8", "replace"))
            if reason:
                # The backtrace follows the line.
                self.machine.wait(1)
                raise Failure(reason)


def input_peek(fd, deadline):
    """First bytes of a descriptor, b"" at its end. Raises Timeout. Tells on a terminal what it waits for."""
    told = False
    start = time.monotonic()
    while True:
        ready, _, _ = select.select([fd], [], [], TICK)
        if ready:
            return os.read(fd, channel.PAYLOAD_MAX)
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            raise Timeout
        if not told and now - start > 2:
            told = True
            failure.say("waiting for standard input (commands for the guest's shell)")
