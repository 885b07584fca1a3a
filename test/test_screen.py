# SPDX-License-Identifier: MIT
"""The machine in front of a person: what stands on the framebuffer, read back glyph by glyph; keys; machines where parts are missing."""

import os
import re
import shutil
import struct
import subprocess
import tempfile
import time

import pytest

from aril import conf, gdb, hardware, image, screen
from aril.screen import Console

PROMPT = r"^aril:~# *$"
MODES = [(640, 480), (1280, 800), (2560, 1440)]


def last_line(text):
    return [line for line in text.lines() if line][-1]


@pytest.mark.parametrize("mode", [MODES[0], pytest.param(MODES[1], marks=pytest.mark.slow), MODES[2]], ids=lambda m: f"{m[0]}x{m[1]}")
def test_log_prompt_and_editor(mode):
    with Console(mode=mode) as m:
        text = m.wait(PROMPT)
        rows, columns = mode[1] // (16 * m.scale), mode[0] // (8 * m.scale)
        assert (text.rows, text.columns) == (rows, columns)
        # The boot log stands above the prompt, or has scrolled away and comes back.
        if not re.search(r"^efi: Aril", str(text), re.M):
            m.keys(["shift", "pgup"])
            m.wait(r"^efi: Aril")
            m.keys(["shift", "pgdn"])
            text = m.wait(PROMPT)
        else:
            assert re.search(r"^efi: leaving firmware\n(.*\n)*kernel: .*entering ring 3\n(.*\n)*keyboard: i8042, layout us\n", str(text), re.M), text
        # What is on the screen goes to the serial line too.
        assert re.search(r"^aril:~# *$", m.log(), re.M), m.log()
        m.type("clear; echo $TERM; stty size; seq 1 300 >/tmp/n; vi /tmp/n\n")
        text = m.wait(r"^- /tmp/n .*1/300")
        assert text.lines() == [str(i) for i in range(1, rows)] + [text.lines()[-1]], text
        m.type("Oa new line\x1b")
        text = m.wait(r"^- /tmp/n .*1/301")
        assert text.lines()[:-1] == ["a new line"] + [str(i) for i in range(1, rows - 1)], text
        m.type("G")
        text = m.wait(r"^300$")
        first = int(text.lines()[0])
        assert first > 100 and text.lines()[:-1] == ([str(i) for i in range(first, 301)] + ["~"] * rows)[:rows - 1], text
        m.type("1Gdd:wq\n")
        m.wait(PROMPT)
        # No character was drawn that is not in the grid, and none was forgotten: `clear` leaves nothing but the prompt.
        m.type("clear\n")
        text = m.wait(lambda t: t.lines()[0] == "aril:~#" and not any(t.lines()[1:]))
        assert text.cells[0][8][1:] != text.cells[0][9][1:] or text.cells[0][8][2] != b"\0\0\0", "the cursor is seen"
        m.type("md5sum </tmp/n; seq 1 300 | md5sum\n")
        sums = m.wait(lambda t: len(re.findall(r"^\w{32}  -$", str(t), re.M)) == 2)
        assert len(set(re.findall(r"^(\w{32})", str(sums), re.M))) == 1, sums
        # The shell's end is not the machine's.
        m.type("clear; stty -echo; exit 3\n")
        m.wait(r"^sh has ended \(status 3\); it is started again.*\n(.*\n)+aril:~# *$")
        m.type("clear; poweroff\n")
        assert m.machine.wait(30), m.log()


def test_configuration_errors_and_the_end():
    """What is wrong in aril.conf is seen; the size of characters is as wanted; blue can be read; and the end of a program that is no shell waits for a key."""
    conf_lines = "keyboard = xx\nfont = 2\nrows = many\ncolour = green\narg = sh\narg = -c\narg = printf '\\033[34mb\\033[47mb\\033[m\\n'; kill -9 $$\n"
    with Console(conf=conf_lines) as m:
        m.scale = 2
        text = m.wait(r"press a key to switch")
        said = str(text).replace("\n", "")
        assert text.columns == 64 and "`keyboard` cannot be `xx`; taken for `us`" in said and "`rows` must be a number from 1 to 1000" in said, text
        assert "nobody reads the key `colour`" in said and "sh has ended (killed by signal 9); press a key to switch the machine off" in said, text
        blue = next(row for row in text.cells if "".join(c for c, _, _ in row).startswith("bb "))
        assert [(fg, bg) for _, fg, bg in blue[:2]] == [(b"\x3b\x6f\xe0", b"\0\0\0"), (b"\0\0\xaa", b"\xaa\xaa\xaa")], blue
        assert not m.machine.wait(2)
        m.keys("a")
        assert m.machine.wait(30), m.log()
        assert "power off, status 137" in m.log(), m.log()


def test_colours_and_characters():
    with Console() as m:
        m.wait(PROMPT)
        m.type("clear; printf '\\033[31mr\\033[1;44mb\\033[0;7mi\\033[27;4mu\\033[m gr\\303\\274\\303\\237 \\342\\202\\254\\342\\224\\202\\n\\016lqk\\017\\n'\n")
        text = m.wait("grüß")
        line = next(row for row in text.cells if "".join(c for c, _, _ in row).startswith("rbiu"))
        assert "".join(c for c, _, _ in line).rstrip().startswith("rbiu grüß")
        assert [(fg, bg) for _, fg, bg in line[:3]] == [(b"\xaa\0\0", b"\0\0\0"), (b"\xff\x55\x55", b"\0\0\xaa"), (b"\0\0\0", b"\xaa\xaa\xaa")]
        # A program that asks where the cursor is gets an answer.
        m.type("clear; stty raw -echo; printf '\\033[10;7H\\033[6n'; head -c 7 >/tmp/a; stty sane; clear; cat -v /tmp/a; echo\n")
        assert m.wait(r"^\^\[\[10;7R$")


def test_long_output():
    """Scrolls through thousands of lines in a bounded time: no whole screen is drawn for each."""
    with Console() as m:
        m.wait(PROMPT)
        m.type("clear; seq 1 20000; echo end\n")
        text = m.wait(r"^end$", 120)
        lines = text.lines()
        at = lines.index("end")
        assert lines[:at] == [str(i) for i in range(20001 - at, 20001)]
        m.keys(["shift", "pgup"])
        text = m.wait(lambda t: "end" not in t.lines())
        assert int(text.lines()[0]) == int(lines[0]) - text.rows // 2


DE = {"ä": "apostrophe", "ö": "semicolon", "ü": "bracket_left", "ß": "minus", "z": "y", "y": "z", "-": "slash", "#": "backslash", "<": "less",
      "+": "bracket_right", "^": "grave_accent"}
DE_SHIFT = {"_": "slash", ";": "comma", ":": "dot", ">": "less", "*": "bracket_right", "Ä": "apostrophe", "'": "backslash", "=": "0", "?": "minus",
            **dict(zip('!"§$%&/()', "123456789"))}
DE_ALTGR = {"@": "q", "€": "e", "|": "less", "~": "bracket_right", "{": "7", "[": "8", "]": "9", "}": "0", "\\": "minus", "²": "2", "µ": "m"}


def de_keys(text):
    for c in text:
        if c in DE_ALTGR:
            yield ["alt_r", DE_ALTGR[c]]
        elif c in DE_SHIFT:
            yield ["shift", DE_SHIFT[c]]
        elif c in DE:
            yield [DE[c]]
        else:
            yield from screen.us_keys(c)


def test_keyboard_us():
    with Console() as m:
        m.wait(PROMPT)
        m.type("clear; echo 'A~!@#$%^&*()_+{}|:<>?`1=[];,./\"\\'\n")
        m.wait(r"^A~!@#\$%\^&\*\(\)_\+\{\}\|:<>\?`1=\[\];,\./\"\\$")
        m.type("sleep 100\n")
        m.keys(["ctrl", "c"])
        m.type("echo status $?\n")
        m.wait(r"^status 130$")
        m.type("clear; sleep 100\n")
        m.keys(["ctrl", "z"])
        m.wait(r"Stopped +sleep 100")
        m.type("kill %1\n")
        m.keys("up", "up", "up", "home")
        m.wait(r"^aril:~# echo status \$\?$")
        m.keys("ret")
        m.type("clear; cat -v\n")
        m.wait(lambda t: t.lines()[0] == "")
        m.keys("f1", "f5", "f6", "f12", "home", "insert", "pgup", "delete", "left", "kp_5", ["alt", "x"], "caps_lock", "q", "caps_lock", "q", "ret")
        m.wait(re.escape("^[[[A^[[[E^[[17~^[[24~^[[1~^[[2~^[[5~^[[3~^[[D^[[G^[xQq"))
        m.keys(["ctrl", "c"], ["ctrl", "alt", "delete"])
        assert m.machine.wait(30), "Ctrl-Alt-Del does not end the machine"


def test_keyboard_de():
    with Console(conf="keyboard = de\n") as m:
        m.wait(r"layout de")
        m.wait(PROMPT)
        typed = "zyß äöü Ä _;:<>*#+ !\"§$%&/()=? @€|~{[]}\\²µ ^-'"
        m.keys(*de_keys("clear; cat >/tmp/t\n"))
        m.wait(lambda t: t.lines()[0] == "")
        m.keys(*de_keys(typed + "\n"), ["ctrl", "d"])
        m.keys(*de_keys("clear; cat /tmp/t; wc -c </tmp/t\n"))
        text = m.wait(r"^\d+$")
        assert text.lines()[0] == typed and text.lines()[1] == str(len(typed.encode()) + 1), text


PARTS = ["keyboard", "serial", "screen", "all"]


@pytest.mark.parametrize("missing", PARTS)
def test_machine_without(missing):
    """A machine without that part runs its program, and ends with its status, which QEMU's debug exit device shows."""
    def has(part):
        return missing not in (part, "all")
    shape = hardware.Shape(com1=has("serial"), com2=False, screen=has("screen"), keyboard=has("keyboard"))
    lines = "".join(f"arg = {conf.escape(a)}\n" for a in ("sh", "-c", "ls /bin/busybox | wc -c && sleep 4; exit 42"))
    with Console(conf=lines + "exit-port = 244\n", mode=(1024, 768) if has("screen") else None, shape=shape,
                 more=("-device", "isa-debug-exit,iobase=0xf4,iosize=4")) as m:
        if has("screen"):
            m.wait(r"^keyboard: i8042" if has("keyboard") else r"^keyboard: no i8042 answers; and there is no xHCI controller, so no USB keyboard$")
            m.wait(r"^13$")
        end = time.monotonic() + 90
        assert m.machine.wait(end - time.monotonic()), m.log()
        assert m.machine.process.returncode == 42 << 1 | 1, m.log()


def test_command_shows_the_log():
    """In a run of the test driver with a COMMAND the screen shows the boot log."""
    with Console(conf="channel = com2\nmode = pipe\nnonce = 0123456789abcdef\narg = sleep\narg = 10\n", shape=hardware.Shape()) as m:
        m.wait(r"^kernel: .*entering ring 3$")


def kernel_symbol(name, debug=False):
    with open(os.path.join(image.build_folder(debug), "kernel.elf"), "rb") as f:
        table = subprocess.run(["nm", f.name], stdout=subprocess.PIPE, check=True).stdout.decode()
    return int(re.search(rf"^(\w+) \w {name}$", table, re.M).group(1), 16)


def break_by_nmi(m):
    m.qmp.do("inject-nmi")


def break_code(m):
    """An instruction that no CPU knows where a key's interrupt comes along."""
    stub = gdb.Stub(m.gdb)
    stub.write(kernel_symbol("dev_interrupt"), b"\x0f\x0b")
    stub.leave()
    m.keys("a")


def break_count(m):
    """A reference count that is wrong: the kernel that recounts finds it."""
    stub = gdb.Stub(m.gdb)
    frames = struct.unpack("<Q", stub.read(kernel_symbol("frames", True), 8))[0]
    at = frames + 32 * 0x2000 # struct exo_frame_rec: 32 bytes, pins at 14
    pins = struct.unpack("<H", stub.read(at + 14, 2))[0]
    stub.write(at + 14, struct.pack("<H", pins ^ 0x40))
    stub.leave()
    m.type("ls /; ls /; ls /\n")


BREAKS = {
    "nmi": (break_by_nmi, False, r"panic: NMI, vector 2, error code 0, .*\nchipset \(port 61h \w\w\): no reason named", "halt"),
    "code": (break_code, False, r"panic: #UD, vector 6, (.*\n)+ +0x\w+ dev_interrupt\+0\n +0x\w+ \w+\+0x", "poweroff"),
    "count": (break_count, True, r"panic: recount: frame 0x2000: ", "reset"),
}


@pytest.mark.parametrize("how", BREAKS)
def test_panic(how):
    """Screen, serial line and QR code tell the same; then the machine does what aril.conf says."""
    make, debug, pattern, action = BREAKS[how]
    if not shutil.which("zbarimg"):
        pytest.skip("zbarimg is not installed: make deps-boot")
    with tempfile.TemporaryDirectory() as folder, Console(conf=f"panic = {action}\n", mode=(640, 480) if how == "nmi" else (1024, 768), debug=debug,
                                                          more=("-gdb", "unix:path={},server=on,wait=off".format(os.path.join(folder, "gdb")))) as m:
        m.gdb = os.path.join(folder, "gdb")
        m.wait(PROMPT)
        make(m)
        text = m.wait(r"^ panic: ")
        picture = os.path.join(folder, "panic.png")
        # The code is drawn before the text: the last line stands when the picture holds still.
        before = None
        while before != str(text):
            time.sleep(0.5)
            before, text = str(text), m.text()
        with open(picture, "wb") as f:
            f.write(m.picture().png())
        code = subprocess.run(["zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", picture], stdout=subprocess.PIPE, check=True).stdout.decode()
        report = code[:-1]
        assert re.match(pattern, report), report
        assert "\r" not in report and report.replace("\n", "\r\n") in m.log_raw(), m.log()
        assert re.search(r"^build Aril", report, re.M) and re.search(r"^log:\n(.+\n)*\[2\] init: started", report, re.M), report
        assert how == "count" or re.search(r"^r14 \w{16} r15 \w{16}\ncs 0x\w+ ss 0x\w+ rflags 0x\w+$", report, re.M), report
        # The screen has every line, wrapped beside the code.
        shown = "".join(re.split("[^ -~]", line)[0] for line in text.lines())
        for line in report.split("\n"):
            assert line.replace(" ", "") in shown.replace(" ", ""), f"{line}\n{text}"
        ended = m.machine.wait(20 if action != "halt" else 2)
        assert ended == (action != "halt")
