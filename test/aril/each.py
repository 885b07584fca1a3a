# SPDX-License-Identifier: MIT
"""Owns `--each FILE`: many commands in one boot, each a shell line with its own streams and status. In the guest a runner reads them from its standard input, and
keeps what each prints until that has ended, so that nothing of one stands in another's. A command that hangs, that takes the runner along or the machine, costs
a boot: the rest goes on in a new machine."""

import dataclasses
import os
import re
import secrets
import time
from typing import Optional

from . import failure, session
from .failure import Failure

LIMIT = 60.0
# The guest ends a command that is over its limit; a machine that has not said so by then is ended itself.
GRACE = 20.0
HOME = "/run/each"
PLACES = (f"{HOME}/out", f"{HOME}/err")

# Lines of its input: the mark that its own words bear, then for each command its number, its limit in seconds and the command. The mark comes by the input and
# is no variable of the environment, so that no command has it in sight. $0: the folder that commands begin in, or "".
RUNNER = """\
read -r mark
mkdir -p /run/each
[ -z "$0" ] || cd "$0" || exit 125
here=$PWD
# What this shell says of a child that was killed is of no command.
exec 2>/dev/null
# Whatever else runs is of a command that has ended, or watches its time.
others_end() {
	for p in /proc/[0-9]*; do
		p=${p#/proc/}
		[ "$p" = 1 ] || [ "$p" = $$ ] || kill -9 "$p" 2>/dev/null
	done
	wait
}
while IFS=' ' read -r number limit line; do
	cd "$here" || cd /
	rm -f /run/each/late
	: >/run/each/out
	: >/run/each/err
	echo "$mark begin $number"
	read -r begin _ </proc/uptime
	# Its shell has a parent that is not the runner.
	setsid sh -c 'sh -c "$1"; exit $?' sh "$line" </dev/null >/run/each/out 2>/run/each/err &
	command=$!
	(sleep "$limit"; : >/run/each/late; kill -9 -$command) >/dev/null 2>&1 &
	wait $command
	status=$?
	others_end
	others_end
	[ ! -e /run/each/late ] || status=late
	read -r end _ </proc/uptime
	mkdir -p /run/each
	[ -e /run/each/out ] || : >/run/each/out
	[ -e /run/each/err ] || : >/run/each/err
	echo "$mark end $number $status $begin $end $(wc -c </run/each/out) $(wc -c </run/each/err)"
	cat /run/each/out /run/each/err
done
rm -rf /run/each
"""


@dataclasses.dataclass
class Command:
    number: int
    line: str
    status: Optional[int] = None
    out: bytes = b""
    err: bytes = b""
    seconds: float = 0.0
    why: str = "" # nothing, or what ended it other than itself


def read(path: str) -> list[Command]:
    """A command a line; blank lines and those that begin with # are none."""
    try:
        with open(0 if path == "-" else path, "rb") as f:
            lines = f.read().split(b"\n")
    except OSError as e:
        raise Failure(f"--each {path}: {e.strerror}") from None
    found = []
    for line in lines:
        text = line.strip(b" \t\r")
        if b"\0" in text:
            raise Failure(f"--each {path}: command {len(found) + 1} has a byte 0 in it")
        if text and not text.startswith(b"#"):
            found.append(Command(len(found) + 1, text.decode("utf-8", "surrogateescape")))
    if not found:
        raise Failure(f"--each {path}: no command in it; each line is one")
    return found


class Round:
    """One boot: what is sent, and the reading of what comes. show(command): it has its result."""

    def __init__(self, commands: list[Command], limit: float, show):
        self.limit = limit
        self.show = show
        self.todo = {c.number: c for c in commands}
        self.mark = secrets.token_hex(16)
        self.data = b""
        self.now: Optional[Command] = None
        self.begun_at = 0.0
        self.first = "".join([self.mark + "\n", *(f"{c.number} {limit:.3f} {c.line}\n" for c in commands)]).encode("utf-8", "surrogateescape")

    def take(self, data: bytes) -> None:
        """Bytes of the runner's standard output. Raises Failure when they are none of its words."""
        self.data += data
        while True:
            head, newline, rest = self.data.partition(b"\n")
            if not newline:
                if len(head) > 4096:
                    raise Failure("--each: the runner in the guest talks nonsense")
                return
            m = re.fullmatch(rb"%s (?:begin (\d+)|end (\d+) (\d+|late) ([\d.]+) ([\d.]+) (\d+) (\d+))" % self.mark.encode(), head)
            if not m:
                # A command found the runner's own output: it is not to disturb the rest.
                self.data = rest
                continue
            if m.group(1):
                self.now = self.todo.get(int(m.group(1)))
                self.begun_at = time.monotonic()
                self.data = rest
                continue
            out, err = int(m.group(6)), int(m.group(7))
            if len(rest) < out + err:
                return
            self.data = rest[out + err:]
            self.end(int(m.group(2)), m.group(3), float(m.group(5)) - float(m.group(4)), rest[:out], rest[out:out + err])

    def end(self, number: int, status: bytes, seconds: float, out: bytes, err: bytes) -> None:
        c = self.todo.pop(number, None)
        if c is None or c is not self.now:
            raise Failure("--each: the runner in the guest talks nonsense")
        self.now = None
        c.out, c.err, c.seconds = out, err, seconds
        if status == b"late":
            c.status, c.why = failure.STATUS_TIMEOUT, f"its time of {self.limit:g} s is over"
        else:
            c.status = int(status)
        self.show(c)

    def lost(self, status: int, why: str, gets: str) -> None:
        """The machine is gone: so is the command that it was at, or the next one if there is none. What that had printed came by --get, if it came."""
        c = self.now or next(iter(self.todo.values()), None)
        if c is None:
            return
        del self.todo[c.number]
        c.status, c.why = status, why
        c.seconds = time.monotonic() - self.begun_at if self.now else 0.0
        c.out, c.err = (file_read(os.path.join(gets, os.path.basename(place))) for place in PLACES)
        self.now = None
        self.show(c)

    def check(self) -> None:
        if self.now and time.monotonic() - self.begun_at > self.limit + GRACE:
            raise Stuck


class Stuck(Exception):
    """A command is far over its time, and the guest does nothing about it."""


class Talk(session.Session):
    """A session whose standard output is the runner's."""

    def __init__(self, round_: Round, *given, **named):
        self.round = round_
        super().__init__(*given, **named)

    def write(self, fd, data):
        if fd == self.out:
            self.round.take(data)
        else:
            super().write(fd, data)

    def check_time(self):
        super().check_time()
        self.round.check()


def put(fd: int, data: bytes) -> None:
    """All of it on one of the host's streams."""
    while data:
        try:
            data = data[os.write(fd, data):]
        except BlockingIOError:
            time.sleep(0.01)
        except BrokenPipeError:
            if fd == 1:
                raise session.Output_gone from None
            return
        except OSError as e:
            raise Failure(f"{'standard output' if fd == 1 else 'standard error'}: {e.strerror}") from None


class Batch:
    """All the commands of one run."""

    def __init__(self, path: str, limit: Optional[float], folder: str):
        self.path = path
        self.commands = read(path)
        self.limit = limit or LIMIT
        self.gets = os.path.join(folder, "each")
        os.mkdir(self.gets)

    def places(self) -> dict:
        """What the guest sends when a command has taken the runner along."""
        return {place: os.path.join(self.gets, os.path.basename(place)) for place in PLACES}

    def show(self, c: Command) -> None:
        put(1, c.out)
        put(2, c.err)
        if c.status:
            failure.say(f"{c.number} of {len(self.commands)}: {c.why or f'status {c.status}'}: {c.line}")

    def run(self, boot) -> int:
        """boot(round): runs a machine to its end; (status, why it ended). Status of the whole: 0, or that of the first command that has another."""
        todo = self.commands
        while todo:
            round_ = Round(todo, self.limit, self.show)
            for path in self.places().values():
                if os.path.exists(path):
                    os.unlink(path)
            status, why = boot(round_)
            if round_.todo:
                if len(round_.todo) == len(todo) and not round_.now:
                    raise Failure(f"--each: {why}, before its first command")
                round_.lost(status, why, self.gets)
            todo = list(round_.todo.values())
        return next((c.status for c in self.commands if c.status), 0)

    def report(self, junit_path: Optional[str], results_path: Optional[str]) -> None:
        """Of all that have a result; the others were not run."""
        for c in self.commands:
            if c.status is None:
                c.status, c.why = failure.STATUS_FAILURE, "not run"
        if junit_path:
            junit(junit_path, os.path.basename(self.path) if self.path != "-" else "each", self.commands)
        if results_path:
            results(results_path, self.commands)


def file_read(path: str) -> bytes:
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return b""


# ---- results

XML_ILL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml(data) -> str:
    """Text for XML: what has no place in it, as \\xNN."""
    text = data.decode("utf-8", "backslashreplace") if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    text = XML_ILL.sub(lambda m: "\\x%02x" % ord(m.group()), text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def attribute(text: str) -> str:
    return xml(text).replace('"', "&quot;").replace("\t", "&#9;").replace("\n", "&#10;")


def junit(path: str, name: str, commands: list[Command]) -> None:
    """As continuous integration reads it: one test case a command."""
    failed = sum(c.status != 0 and not lost(c) for c in commands)
    errors = sum(lost(c) for c in commands)
    seconds = sum(c.seconds for c in commands)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>',
             f'<testsuite name="{attribute(name)}" tests="{len(commands)}" failures="{failed}" errors="{errors}" skipped="0" time="{seconds:.3f}">']
    for c in commands:
        lines.append(f'  <testcase classname="{attribute(name)}" name="{attribute(f"{c.number}: {c.line}")}" time="{c.seconds:.3f}">')
        if c.status:
            kind = "error" if lost(c) else "failure"
            lines.append(f'    <{kind} message="{attribute(c.why or f"status {c.status}")}" type="{c.status}"/>')
        lines += [f"    <system-{stream}>{xml(data)}</system-{stream}>" for stream, data in (("out", c.out), ("err", c.err)) if data]
        lines.append("  </testcase>")
    try:
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n</testsuite>\n")
    except OSError as e:
        raise Failure(f"--junit {path}: {e.strerror}") from None


def lost(c: Command) -> bool:
    """Whether it never had its own end."""
    return bool(c.why) and c.status != failure.STATUS_TIMEOUT


def results(folder: str, commands: list[Command]) -> None:
    """NUMBER.out, NUMBER.err and NUMBER.status, byte for byte."""
    width = len(str(len(commands)))
    try:
        os.makedirs(folder, exist_ok=True)
        for c in commands:
            for kind, data in (("out", c.out), ("err", c.err), ("status", b"%d\n" % c.status)):
                with open(os.path.join(folder, f"{c.number:0{width}}.{kind}"), "wb") as f:
                    f.write(data)
    except OSError as e:
        raise Failure(f"--results {folder}: {e.strerror}") from None
