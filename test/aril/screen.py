# SPDX-License-Identifier: MIT
"""Owns a machine with a person in front of it: what stands on its framebuffer, read back glyph by glyph, and keys typed on its keyboard. Talks QMP."""

import gzip
import json
import os
import re
import socket
import struct
import tempfile
import time
import zlib

from . import hardware, image, log, qemu

FONT = "/usr/share/consolefonts/spleen-8x16.psfu.gz"
WIDTH, HEIGHT = 8, 16


def font_read(path=FONT):
    """Glyph (16 bytes) to the first character that it stands for."""
    data = gzip.open(path).read()
    assert data[:2] == b"\x36\x04" and data[2] & 2 and data[3] == HEIGHT, path
    count = 512 if data[2] & 1 else 256
    table = struct.unpack(f"<{(len(data) - 4 - count * HEIGHT) // 2}H", data[4 + count * HEIGHT:])
    glyphs, glyph, first = {}, 0, True
    for code in table:
        if code == 0xFFFF:
            glyph, first = glyph + 1, True
        elif first and code != 0xFFFE:
            glyphs.setdefault(data[4 + glyph * HEIGHT:4 + (glyph + 1) * HEIGHT], chr(code))
            first = False
    # All blanks look alike.
    glyphs[bytes(HEIGHT)] = " "
    return glyphs


class Qmp:
    def __init__(self, path, seconds=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        end = time.monotonic() + seconds
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        self.file = self.socket.makefile("rw", encoding="utf-8")
        json.loads(self.file.readline())
        self.do("qmp_capabilities")

    def do(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            got = json.loads(self.file.readline())
            if "error" in got:
                raise qemu.Error(f"{command}: {got['error']['desc']}")
            if "return" in got:
                return got["return"]

    def close(self):
        self.file.close()
        self.socket.close()


class Picture:
    """A screendump: width, height, rgb (3 bytes a pixel)."""

    def __init__(self, ppm):
        head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", ppm)
        assert head, ppm[:20]
        self.width, self.height = int(head.group(1)), int(head.group(2))
        self.rgb = ppm[head.end():]
        assert len(self.rgb) == self.width * self.height * 3

    def png(self):
        """As PNG, with a palette where 256 colours are enough (PNG specification, 11.2)."""
        pixels = [self.rgb[i:i + 3] for i in range(0, len(self.rgb), 3)]
        palette = {colour: i for i, colour in enumerate(sorted(set(pixels)))}
        if len(palette) <= 256:
            kind, size, data = 3, 1, bytes(palette[p] for p in pixels)
        else:
            kind, size, data = 2, 3, self.rgb
        lines = b"".join(b"\0" + data[y * self.width * size:(y + 1) * self.width * size] for y in range(self.height))

        def chunk(name, body):
            return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", self.width, self.height, 8, kind, 0, 0, 0))
        if kind == 3:
            out += chunk(b"PLTE", b"".join(palette))
        return out + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")


class Text:
    """Characters and colours of a picture, as a terminal shows them. cells[row][column] = (character, foreground, background); a cell that the font
    does not explain is U+FFFD."""

    def __init__(self, picture, scale=1, glyphs={}):
        if not glyphs:
            glyphs.update(font_read())
        self.columns, self.rows = picture.width // (WIDTH * scale), picture.height // (HEIGHT * scale)
        known, pitch, span = {}, picture.width * 3, WIDTH * scale * 3
        self.cells = []
        for row in range(self.rows):
            base = row * HEIGHT * scale * pitch
            lines = [picture.rgb[base + y * pitch:base + (y + 1) * pitch] for y in range(HEIGHT * scale)]
            self.cells.append([])
            for column in range(self.columns):
                key = b"".join(line[column * span:(column + 1) * span] for line in lines)
                if key not in known:
                    known[key] = self.cell(key, scale, glyphs)
                self.cells[-1].append(known[key])

    @staticmethod
    def cell(key, scale, glyphs):
        pixels = [key[i:i + 3] for i in range(0, len(key), 3)]
        wide = WIDTH * scale
        font = [[pixels[y * scale * wide + x * scale] for x in range(WIDTH)] for y in range(HEIGHT)]
        # Scaled pixels are squares of one colour.
        if any(pixels[y * wide + x] != font[y // scale][x // scale] for y in range(HEIGHT * scale) for x in range(wide)):
            return ("\ufffd", None, None)
        colours = sorted({p for line in font for p in line})
        if len(colours) > 2:
            return ("\ufffd", None, None)
        for fg, bg in [(colours[0], colours[0])] if len(colours) == 1 else [tuple(colours), tuple(colours[::-1])]:
            bits = bytes(sum((p == fg and fg != bg) << (7 - x) for x, p in enumerate(line)) for line in font)
            plain = bits[:HEIGHT - 2] + b"\0" + bits[HEIGHT - 1:]
            for tried in [bits] + ([plain] if bits[HEIGHT - 2] == 0xFF else []):
                if tried in glyphs:
                    return (glyphs[tried], fg, bg)
        return ("\ufffd", None, None)

    def lines(self):
        return ["".join(c for c, _, _ in row).rstrip() for row in self.cells]

    def __str__(self):
        return "\n".join(self.lines())


# Names of QEMU's key codes (qapi/ui.json) for what a US keyboard has on them.
NAMES = {" ": "spc", "\n": "ret", "-": "minus", "=": "equal", "[": "bracket_left", "]": "bracket_right", ";": "semicolon", "'": "apostrophe",
         "`": "grave_accent", "\\": "backslash", ",": "comma", ".": "dot", "/": "slash", "\t": "tab", "\x1b": "esc"}
SHIFTED = dict(zip('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./"))


def us_keys(text):
    """Keys of a US keyboard that type the text, each a list of names pressed together."""
    for c in text:
        shift = c in SHIFTED or c.isupper()
        plain = SHIFTED.get(c, c.lower())
        yield (["shift"] if shift else []) + [NAMES.get(plain, plain)]


def vga(width, height):
    return ("-device", f"VGA,edid=on,xres={width},yres={height}")


class Console:
    """A machine that boots to its own screen and keyboard: conf is the text of its aril.conf. Use as a context manager."""

    def __init__(self, conf="", mode=(1024, 768), shape=None, build=None, more=(), debug=False):
        self.folder = tempfile.TemporaryDirectory(prefix="aril-screen-")
        own = os.path.join(self.folder.name, "aril.conf")
        with open(own, "w", encoding="ascii") as f:
            f.write("app = linux\n" + conf)
        disk = os.path.join(self.folder.name, "disk.img")
        build = build or image.build_folder(debug)
        shape = shape or hardware.Shape(com2=False)
        image.call([os.path.join(image.TOP, "esp", "mkimage"), "--efi", os.path.join(build, "BOOTX64.EFI"), "--root", os.path.join(build, "root.img"),
                    "--conf", own, "--sector", str(shape.sector), disk])
        if mode:
            shape.screen = False
            shape.more = (*shape.more, *vga(*mode))
        shape.more = (*shape.more, *more, "-qmp", f"unix:{self.folder.name}/qmp,server=on,wait=off")
        self.scale = 1 if not mode else 1 + (mode[1] - 1) // 1200
        self.log_path = os.path.join(self.folder.name, "log")
        self.machine = hardware.Machine(self.folder.name, disk, self.log_path, shape)
        self.qmp = None

    def __enter__(self):
        try:
            self.qmp = Qmp(os.path.join(self.folder.name, "qmp"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.qmp:
            self.qmp.close()
        self.machine.stop()
        self.folder.cleanup()

    def log(self):
        return log.own(qemu.log_read(self.log_path))

    def log_raw(self):
        with open(self.log_path, encoding="utf-8", errors="replace", newline="") as f:
            return f.read()

    def picture(self):
        path = os.path.join(self.folder.name, "screen.ppm")
        self.qmp.do("screendump", filename=path)
        with open(path, "rb") as f:
            return Picture(f.read())

    def text(self):
        return Text(self.picture(), self.scale)

    def wait(self, found, seconds=90):
        """The first text of the screen for which found(text), or a pattern of its lines, is true; fails with the screen and the log otherwise."""
        end = time.monotonic() + seconds
        check = found if callable(found) else lambda t: re.search(found, str(t), re.M)
        text = None
        while time.monotonic() < end and not self.machine.wait(0.3):
            text = self.text()
            if check(text):
                return text
        lines = "\n".join(line for line in text.lines() if line) if text else ""
        raise AssertionError(f"the screen never shows {found!r}:\n{lines}\n---- end of the log\n{self.log()[-1500:]}")

    def keys(self, *chords):
        """Each chord is a list of key names pressed together, or one name. No faster than the controller's queue of 16 bytes."""
        for chord in chords:
            names = [chord] if isinstance(chord, str) else chord
            self.qmp.do("send-key", keys=[{"type": "qcode", "data": name} for name in names], **{"hold-time": 20})
            time.sleep(0.06)

    def type(self, text):
        self.keys(*us_keys(text))
