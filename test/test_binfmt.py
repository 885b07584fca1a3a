# SPDX-License-Identifier: MIT
"""Formats that a user registers below /proc/sys/fs/binfmt_misc, as Linux's admin-guide/binfmt-misc has them."""

from aril import guest, programs

HEAD = """cd /proc/sys/fs/binfmt_misc
echo '#!/bin/sh' >/bin/show; echo 'for a; do printf "[%s]" "$a"; done; echo' >>/bin/show; chmod +x /bin/show
echo 'xxHELLO world' >/tmp/x.dum; chmod +x /tmp/x.dum
"""


def script(text, options=()):
    r = guest.run("sh", "-c", HEAD + text, options=options)
    assert r.status == 0, r
    return r.out.decode()


def test_magic_and_extension():
    """Both kinds run by way of their interpreter, which may be a script; the one that was registered last goes first; off, on and away."""
    assert script(r"""ls; cat status
/tmp/x.dum a 2>/dev/null; echo $?
echo ':hello:M:2:HE\x4c\x4cO::/bin/show:' >register; ls; cat hello; /tmp/x.dum a 'b c'
echo '|masked|M|2|hello|\xdf\xdf\xdf\xdf\xdf|/bin/show|P' >register; echo 0 >hello
/tmp/x.dum; echo 1 >hello; cat masked; echo -1 >masked
echo ':ext:E::dum::/bin/show:P' >register; cat ext; exec /tmp/x.dum a
""") == """register
status
enabled
127
hello
register
status
enabled
interpreter /bin/show
flags: 
offset 2
magic 48454c4c4f
[/tmp/x.dum][a][b c]
enabled
interpreter /bin/show
flags: P
offset 2
magic 68656c6c6f
mask dfdfdfdfdf
enabled
interpreter /bin/show
flags: P
extension .dum
[/tmp/x.dum][/tmp/x.dum][a]
""".replace("[/tmp/x.dum][a][b c]\nenabled", "[/tmp/x.dum][a][b c]\n[/tmp/x.dum][/tmp/x.dum]\nenabled")


def test_status():
    """All of them off, on, away."""
    assert script(r"""echo ':a:E::dum::/bin/show:' >register; echo ':b:E::dam::/bin/show:' >register
echo 0 >status; cat status; /tmp/x.dum 2>/dev/null; echo $?
echo 1 >status; /tmp/x.dum; echo -1 >status; ls; /tmp/x.dum 2>/dev/null; echo $?
""") == "disabled\n127\n[/tmp/x.dum]\nregister\nstatus\n127\n"


def test_flags():
    """O: the interpreter finds the file open as AT_EXECFD says. F: it is the one that was there, whatever its name leads to now, and may not be written."""
    add = ["--add", f"{programs.build('execfd', 'musl')}:/bin/execfd"]
    assert script(r"""
echo ':open:E::dum::/bin/execfd:O' >register; cat open; /tmp/x.dum a; echo -1 >open
echo ':credits:E::dum::/bin/execfd:CP' >register; cat credits; exec 5</tmp/x.dum; /tmp/x.dum b; echo -1 >credits
cp /bin/execfd /tmp/kept
echo ':fixed:E::dum::/tmp/kept:F' >register; cat fixed
echo x 2>/dev/null >>/tmp/kept; echo $?
mv /tmp/kept /tmp/away; echo 'not it' >/tmp/kept; /tmp/x.dum c; rm /tmp/away; /tmp/x.dum d
echo -1 >fixed; ls; /tmp/x.dum 2>/dev/null; echo $?
""", add) == """enabled
interpreter /bin/execfd
flags: O
extension .dum
/tmp/x.dum a: xxHELLO world
enabled
interpreter /bin/execfd
flags: POC
extension .dum
/tmp/x.dum /tmp/x.dum b: xxHELLO world
enabled
interpreter /tmp/kept
flags: F
extension .dum
1
/tmp/x.dum c: nothing
/tmp/x.dum d: nothing
register
status
127
"""


def test_refused():
    """Lines that Linux refuses leave nothing behind."""
    lines = (r":n:M::xx::/bin/show", r"::M::xx::/bin/show:", r":.:M::xx::/bin/show:", r":a/b:M::xx::/bin/show:", r":n:X::xx::/bin/show:", r":n:M:-1:xx::/bin/show:",
             r":n:M:255:xx::/bin/show:", r":n:M::::/bin/show:", r":n:M::xx:\xff:/bin/show:", r":n:M::xx:::", r":n:E::::/bin/show:", r":n:E::a/b::/bin/show:",
             r":n:M::xx::/bin/show:Q", r":n:M::xx::/bin/none:F", r":n:M::xx::/tmp:F", r":n:M::xx::/bin/show:P:", "x")
    text = "".join(f"echo '{line}' >register && echo taken\n" for line in lines)
    text += "echo ':n:E::dum::/bin/show:' >register; echo ':n:E::dum::/bin/show:' >register || echo twice\necho 2 >n || echo two\necho x >status || echo x\ntouch y || echo y\nls\n"
    text += "echo ':loop:E::dum::/tmp/x.dum:' >register; /tmp/x.dum 2>&1; echo -1 >n; echo -1 >loop; ls\n"
    assert script("exec 2>/dev/null\n" + text) == "twice\ntwo\nx\ny\nn\nregister\nstatus\nsh: /tmp/x.dum: Too many levels of symbolic links\nregister\nstatus\n"
