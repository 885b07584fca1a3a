# SPDX-License-Identifier: MIT
"""Owns the command line: sub-commands, their options, sizes and times in the usual forms. Wrong ones are a failure.Usage."""

import argparse
import re
from typing import Optional, Sequence

from . import failure, place

NAME = "aril"
# Below that OVMF and the image leave too little: the machine comes up, and its shell does not.
MEM_MIN = 64 << 20
UNITS = {"": 20, "k": 10, "m": 20, "g": 30, "t": 40}
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
CALLS = {
    "run": "aril run [OPTION]... -- COMMAND [ARG]...    (options: aril run --help)",
    "shell": "aril shell [OPTION]...    (options: aril shell --help)",
    "trace": "aril trace [OPTION]... FILE -- COMMAND [ARG]...",
    "explore": "aril explore [OPTION]... FILE -- COMMAND [ARG]...",
    "image": "aril image [--with PACKAGE,...] [--debug] FILE",
    "usb": "aril usb [--with PACKAGE,...] [--dry-run] DEVICE",
    "doctor": "aril doctor",
    "map": "aril map [--pid N|--fork|--frames|--boot] [--svg FILE] [--html FILE] [OPTION]... [-- COMMAND [ARG]...]",
}
RUNS = ("run", "shell", "trace", "explore", "map") # what boots a machine, and has the options of a run
TRACED = ("trace", "explore") # whose first word is a file, and which want COMMAND
COMMANDED = ("run", "map", *TRACED) # what may have COMMAND
ABOUT = "Runs Linux programs on Aril, an exokernel, in a machine of their own (QEMU)."
STATUSES = "COMMAND's own; 128+N when signal N ended it; 124 when --timeout is over; 125, and a line that begins `aril:`, when the driver or the machine failed."
ENVIRONMENT = {
    "QEMUFLAGS": "more arguments for QEMU",
    "ARIL_FIRMWARE": "the firmware, in one file, instead of the package ovmf's",
    "ARIL_CACHE_MAX": "how many bytes are kept between runs (2 GiB)",
    "ARIL_GDB": "where --gdb waits, in QEMU's words (tcp::1234)",
    "ARIL_TRACEBACK": "1: where in the driver it failed",
}
FILES = {
    "$XDG_CACHE_HOME/aril": "what is kept between runs (~/.cache/aril); it may be removed at any time",
    "$XDG_CACHE_HOME/aril/machine.log": "the last run's boot and kernel log",
}


def size(text: str) -> int:
    """512M, 1G, 1.5GiB, 2gb; a bare number is MiB, as for QEMU. Bytes."""
    m = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text.strip().lower())
    if not m or float(m.group(1)) == 0:
        raise argparse.ArgumentTypeError(f"{text}: not a size; write 512M or 1.5G")
    return int(float(m.group(1)) * (1 << UNITS[m.group(2)]))


def memory(text: str) -> int:
    bytes_ = size(text)
    if bytes_ < MEM_MIN:
        raise argparse.ArgumentTypeError(f"{text}: too little for a machine; the least is {MEM_MIN >> 20}M")
    return bytes_ >> 20 << 20


def seconds(text: str) -> float:
    """90, 1.5, 90s, 2m, 1h30m, 500ms. Seconds."""
    whole = text.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?|\.\d+", whole):
        value = float(whole)
    elif re.fullmatch(r"(\d+(\.\d+)?(ms|s|m|h|d))+", whole):
        value = sum(float(n) * SECONDS[unit] for n, _, unit in re.findall(r"(\d+(\.\d+)?)(ms|s|m|h|d)", whole))
    else:
        raise argparse.ArgumentTypeError(f"{text}: not a time; write 90, 90s, 2m or 1h30m")
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text}: no time at all")
    return value


def variable(text: str) -> str:
    name = text.partition("=")[0]
    if not name:
        raise argparse.ArgumentTypeError(f"{text}: not NAME or NAME=VALUE")
    return text


def guest_folder(text: str) -> str:
    if not text.startswith("/"):
        raise argparse.ArgumentTypeError(f"{text}: not an absolute path in the guest")
    return text


def setting(text: str) -> str:
    if "=" not in text:
        raise argparse.ArgumentTypeError(f"{text}: not KEY=VALUE")
    return text


class Parser(argparse.ArgumentParser):
    """One whose errors are raised, not printed."""

    def __init__(self, verb: str = "", **how):
        super().__init__(prog=f"{NAME} {verb}".strip(), allow_abbrev=False, **how)
        self.verb = verb

    def error(self, message: str):
        text = re.sub(r"^argument (\S+?)(?:/\S+)?: ", lambda m: m.group(1) + " ", message)
        raise failure.Usage(text, "usage: " + CALLS.get(self.verb, f"{NAME} {'|'.join(CALLS)} ..."))


def what_is_in_it(p: argparse.ArgumentParser) -> None:
    p.add_argument("--with", action="append", default=[], dest="packages", metavar="PACKAGE,...",
                   help="Debian packages, with all that they depend on, in the guest's tree; fetched once, nothing is installed here")
    p.add_argument("--debug", action="store_true", help="the kernel that recounts, of a checkout with `make DEBUG=1`")


def of_a_run(p: argparse.ArgumentParser) -> None:
    what_is_in_it(p)
    a = p.add_argument
    a("--add", action="append", default=[], metavar="HOST:GUEST", help="put a file or a folder's content into the guest's tree")
    a("--add-program", action="append", default=[], dest="programs", metavar="PROGRAM[:GUEST]",
      help="put a program of this host, with the interpreter and the libraries that it needs, into the guest's tree (default /bin/NAME)")
    a("--get", action="append", default=[], metavar="GUEST:HOST", help="bring a file or a folder out when COMMAND has ended")
    a("--share", action="append", default=[], metavar="HOSTDIR:GUEST[:ro]",
      help="a folder of this host, live: what either side writes the other sees; ro: the guest only reads it. Several may be given")
    a("-e", "--env", action="append", default=[], type=variable, metavar="NAME[=VALUE]",
      help="a variable for COMMAND; NAME alone: with the value that it has here")
    a("-w", "--workdir", type=guest_folder, metavar="DIR", help="where COMMAND starts in the guest")
    a("--box", nargs="?", const="", metavar="OPTIONS",
      help="run COMMAND in a box, a library OS of its own beside the machine's: --box=\"--memory 64M --time 10%%\"; what it can: `box --help` in the guest")
    a("-t", "--tty", action="store_true", help="give COMMAND this terminal")
    a("--mem", default=1 << 30, type=memory, metavar="SIZE", help="memory of the machine: 512M, 1.5G (default 1G)")
    a("--timeout", type=seconds, metavar="TIME", help="for the whole run, boot included: 90, 90s, 2m, 1h30m; a transfer that will outlast it is told of")
    a("--accel", choices=("tcg", "kvm", "auto"), default="tcg", help="how QEMU runs the machine; auto: KVM if a trial boot works here (default tcg)")
    a("--cold", action="store_true", help="boot through the firmware; else a run goes on from a saved machine, where one can (not with more than two --share, --icount, --trace, --gui, --gdb, "
      "--conf, --qemu, other apps, KVM)")
    a("--strace", nargs="?", const="", metavar="FILE", help="log every system call, to FILE or stderr: --strace=FILE")
    a("--log", metavar="FILE", help="boot and kernel log (default, in a checkout, build/machine.log)")
    a("--gui", action="store_true", help="show the machine's screen")
    a("--app", default="linux", help="the app that boots (default linux)")
    a("--icount", type=int, choices=range(11), metavar="SHIFT", help="deterministic time: one instruction is 2^SHIFT ticks")
    a("--gdb", action="store_true", help="wait for a debugger on localhost:1234, or at ARIL_GDB")
    a("--qemu", action="append", default=[], metavar="ARG", help="one more argument for QEMU (also QEMUFLAGS); --qemu=-x for those with a dash")
    a("--conf", action="append", default=[], type=setting, metavar="KEY=VALUE", help="one more line of aril.conf, as it is")


def of_a_map(p: argparse.ArgumentParser) -> None:
    a = p.add_argument
    a("--pid", type=int, metavar="N", help="the tables of the guest's process N, from its root down; with COMMAND: when that waits")
    a("--fork", action="store_true", help="the tables of a process before it forks, of it and its child after that, and after one write")
    a("--frames", action="store_true", help="which frames of the machine are what, and whose")
    a("--boot", action="store_true", help="how long the boot took, by parts; what the firmware said of memory, and what became of it")
    a("--svg", metavar="FILE", help="a picture of it")
    a("--html", metavar="FILE", help="a page with that picture: what is clicked tells what it is")


EPILOG = f"Exit status: {STATUSES} What this host lacks: aril doctor."


def parsers() -> dict[str, Parser]:
    p = {verb: Parser(verb, usage=call.removeprefix("usage: "), epilog=EPILOG if verb in RUNS else None) for verb, call in CALLS.items()}
    p["run"].description = "Boots a machine, runs COMMAND in it, and ends with its status. Without COMMAND: an interactive shell, or standard input as its script."
    of_a_run(p["run"])
    p["run"].add_argument("--trace", metavar="FILE", help="every call of the gate, upcall, slice and switch, as text; as a page when FILE ends in .html, a picture of the first fork when in .svg, for a timeline viewer when in .json")
    a = p["run"].add_argument
    a("--each", metavar="FILE", help="instead of COMMAND: every line of FILE (-: standard input) in one boot, by a shell of its own, with streams and a status of its own; "
      "blank lines and those that begin with # are none. The status is that of the first command that failed")
    a("--each-timeout", type=seconds, metavar="TIME", help="for each of these commands: 90, 90s, 2m (default 60s); one that is over it has the status 124")
    a("--junit", metavar="FILE", help="of --each: results in the form that continuous integration reads")
    a("--results", metavar="FOLDER", help="of --each: NUMBER.out, NUMBER.err and NUMBER.status of every command, byte for byte")
    p["shell"].description = "Boots a machine with a shell on this terminal."
    of_a_run(p["shell"])
    p["trace"].description = "Runs COMMAND and writes what it made the kernel do to FILE: text; a page with a timeline when FILE ends in .html, a picture of the first fork when in .svg, one for chrome://tracing or Perfetto when in .json."
    of_a_run(p["trace"])
    p["trace"].add_argument("trace", metavar="FILE")
    p["explore"].description = ("Runs COMMAND and writes a page to FILE: the time line of `aril trace`, and for each page fault the walk through the tables, the entries before and after, and the "
                                "source lines that served it (in a checkout; of COMMAND's own, where --add brought it with line tables).")
    of_a_run(p["explore"])
    p["explore"].add_argument("trace", metavar="FILE")
    p["image"].description = "Makes a disk image that boots on a real machine or in any other."
    what_is_in_it(p["image"])
    p["image"].add_argument("file", metavar="FILE")
    p["usb"].description = "Writes such an image to a whole removable disk, after every check that it is one that nobody needs."
    what_is_in_it(p["usb"])
    p["usb"].add_argument("--dry-run", action="store_true", help="only look")
    p["usb"].add_argument("device", metavar="DEVICE")
    p["doctor"].description = "Says what this host has and lacks."
    p["map"].description = ("Boots, and shows page tables and frames: as text, or as a picture that --svg or --html writes to FILE. With COMMAND: the tables of COMMAND where it first waits "
                            "for something or stops. Without anything: what the address space holds, in figures.")
    of_a_run(p["map"])
    of_a_map(p["map"])
    return p


def overall() -> str:
    lines = [f"usage: {NAME} COMMAND ...", "", ABOUT, ""]
    lines += [f"  {call.split('    ')[0]}" for call in CALLS.values()]
    lines += ["", "  aril COMMAND --help says more, aril help --all everything.", "", EPILOG]
    return "\n".join(lines)


def words(argv: Sequence[str]) -> Optional[argparse.Namespace]:
    """What asks for words alone: help and version. None: it is something else."""
    if argv[0] in ("--version", "version"):
        print(f"{NAME} {place.version()}")
        raise SystemExit(0)
    if argv[0] not in ("-h", "--help", "help"):
        return None
    if len(argv) == 2 and argv[1] in ("--all", "--bash"):
        return argparse.Namespace(verb="help", which=argv[1])
    if len(argv) == 2 and argv[1] in CALLS:
        parsers()[argv[1]].print_help()
    elif len(argv) == 1:
        print(overall())
    else:
        raise failure.Usage(f"{' '.join(argv[1:])}: no such sub-command", overall())
    raise SystemExit(0)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The sub-command's options, .verb and .command (what stands behind `--`)."""
    if not argv:
        raise failure.Usage("no sub-command", overall())
    verb = argv[0]
    asked = words(argv)
    if asked:
        return asked
    known = parsers()
    if verb not in known:
        raise failure.Usage(f"{verb}: no such sub-command", overall())
    before, after, dashes = list(argv[1:]), [], False
    if "--" in before:
        at = before.index("--")
        before, after, dashes = before[:at], before[at + 1:], True
    p = known[verb]
    given, more = p.parse_known_args(before)
    plain = [word for word in more if not word.startswith("-")]
    if len(plain) < len(more):
        p.error("no such option: " + next(word for word in more if word.startswith("-")))
    if plain:
        p.error(f"{plain[0]}: COMMAND stands after --" if verb in COMMANDED else f"{plain[0]}: one word too many")
    if dashes and not after:
        p.error("no COMMAND after --")
    if dashes and verb not in COMMANDED:
        p.error("no COMMAND is wanted here")
    if verb in TRACED and not after:
        p.error("no COMMAND: it stands after --")
    given.verb, given.command = verb, after
    if verb in RUNS:
        for name in ("trace", "each", "each_timeout", "junit", "results"):
            setattr(given, name, getattr(given, name, None))
    if verb in RUNS:
        run_check(p, given)
    if verb == "map":
        map_check(p, given)
    return given


def run_check(p: Parser, given: argparse.Namespace) -> None:
    """What does not go together."""
    if given.each:
        each_check(p, given)
    for name in ("each_timeout", "junit", "results"):
        if getattr(given, name) and not given.each:
            p.error(f"--{name.replace('_', '-')}: only --each has commands of its own")
    if given.tty and not given.command:
        p.error("-t gives COMMAND a terminal: none stands after --")
    if given.trace and given.app != "linux":
        p.error("--trace: only pid 1 of the app `linux` binds a trace")
    if given.icount is not None and given.accel != "tcg":
        p.error("--icount counts instructions, which only --accel tcg can")
    if given.app != "linux":
        for name in ("env", "get", "share"):
            if getattr(given, name):
                p.error(f"--{name}: only the app `linux` has that")
        if given.workdir or given.tty or given.box is not None:
            p.error("-w, -t and --box: only the app `linux` has them")
    if given.box is not None and not given.command:
        p.error("--box: no COMMAND, which stands after --")
    if given.box is not None and given.share:
        p.error("--box: shared folders are the machine's, and a box sees none of them; --add copies")


def map_check(p: Parser, given: argparse.Namespace) -> None:
    asked = [name for name in ("fork", "frames", "boot") if getattr(given, name)]
    if given.app != "linux":
        p.error("--app: only the app `linux` has page tables that tell of themselves")
    if len(asked) + bool(given.pid or given.command) > 1:
        p.error(f"--{asked[0]} shows something else: neither --pid, COMMAND nor another of its kind goes with it")
    if given.pid is not None and given.pid < 1:
        p.error("--pid wants the number of a process")
    if (given.svg or given.html) and not asked and not given.pid and not given.command:
        p.error("a picture of what? --fork, --frames, --boot, --pid N or COMMAND says it")


def each_check(p: Parser, given: argparse.Namespace) -> None:
    if given.command:
        p.error("--each: its commands stand in a file, and none after --")
    for name in ("tty", "trace", "gdb"):
        if getattr(given, name):
            p.error(f"--each does not go with {'-t' if name == 'tty' else '--' + name}")
    if given.app != "linux":
        p.error("--each: only the app `linux` has that")
