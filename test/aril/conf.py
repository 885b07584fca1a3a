# SPDX-License-Identifier: MIT
"""Owns the text of aril.conf: its escapes and the keys that one run sets. Knows no files."""

import re
import secrets

UNSAFE = re.compile(rb"[^!-$&-~]|#")


def escape(value):
    """value (str or bytes) with everything outside printable ASCII, and blanks, % and #, as %XX."""
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    return UNSAFE.sub(lambda m: b"%%%02X" % m.group(0)[0], value).decode("ascii")


def nonce():
    return secrets.token_hex(8)


def boot_settings(app: str) -> list:
    """What the boot needs to know."""
    return [("app", app), ("channel", "com2")]


def run_settings(mode, nonce, arguments, gets, term="dumb", size=(24, 80), strace=False, trace=False, unpack=0) -> list:
    """What one run decides. unpack: so many first bytes of its input are an archive."""
    own = [("nonce", nonce), ("mode", mode)] + [("unpack", str(unpack))] * bool(unpack)
    own += [("arg", a) for a in arguments]
    own += [("get", g) for g in gets]
    own += [("term", term), ("rows", str(size[0])), ("columns", str(size[1]))]
    return own + [("strace", "1")] * bool(strace) + [("trace", "1")] * bool(trace)


def text(app, mode, nonce, arguments, gets, term="dumb", size=(24, 80), extra=()):
    """The whole file for one run that boots with it."""
    return lines(boot_settings(app) + run_settings(mode, nonce, arguments, gets, term, size), extra)


def lines(own, extra=()) -> str:
    """Settings as text. extra: KEY=VALUE strings that go in as they are, and win over what is set here."""
    more = []
    for pair in extra:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"--conf {pair}: not KEY=VALUE")
        more.append((key.strip(), value.strip()))
    replaced = {key for key, _ in more}
    out = [f"{key} = {escape(value)}" for key, value in own if key not in replaced]
    out += [f"{key} = {value}" for key, value in more]
    return "\n".join(out) + "\n"
