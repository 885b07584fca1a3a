# SPDX-License-Identifier: MIT
"""The long script and busybox applets on fixed input: the guest's bytes are those of the same busybox on this host, made in the same run."""

import os

import pytest

from aril import guest

PROGRAMS = os.path.join(guest.TOP, "test", "programs")
FILES = {"script.sh": os.path.join(PROGRAMS, "script.sh"), "fixture.sh": os.path.join(PROGRAMS, "fixture.sh")}

APPLETS = {
    "sort": "sort fruit; sort -u fruit; sort -r fruit; sort -k2n table; sort -k1,1 -k2,2nr table; sort -c fruit",
    "sort_big": "sort -n big | md5sum; sort -k3n big | head -3",
    "uniq": "sort fruit | uniq; sort fruit | uniq -c; sort fruit | uniq -d; sort fruit | uniq -u",
    "sed": "sed 's/a/A/g; 2d' fruit; sed -n '/quick/,/dog/p' text; sed -e '1i first' -e '$a last' old; sed -E 's/(\\w+) (\\w+)/\\2 \\1/' text; "
           "sed -i 's/fox/cat/' text; cat text",
    "awk": "awk '{ s += $2; n[$1]++ } END { print s; for (k in n) print k, n[k] | \"sort\"; }' table; awk -F: -v x=3 'BEGIN { printf \"%05.2f %s %x\\n\", x/7, toupper(\"abc\"), 255 }'; "
           "awk '{ print length($0), substr($0, 3, 4), index($0, \"o\") }' text; awk 'NR % 50 == 0 { print NR, $0 * $0 }' numbers",
    "awk_float": "awk 'BEGIN { for (i = 0; i < 5; i++) print int(i / 3), 1e300 * i, i / 7, i % 3, -i * 1.5e-10, i "" + 1 }'",
    "grep": "grep -r apple . | sort; grep -c a fruit; grep -n end -i text; grep -v a fruit; grep -E '^(b|c)' fruit; grep -o 'o.' text; grep -l fox text old; grep -q zzz fruit; echo $?",
    "find": "find . | sort; find . -type f -name '*u*' | sort; find d -type l; find . -type f -size +1k | sort; find . -newer text | sort; find d -exec echo {} \\; | sort; find . -perm 600",
    "tar": "tar cf t.tar d text; tar tvf t.tar | sort; tar tvf t.tar d/copy; mkdir x; tar xf t.tar -C x; (cd x; find . | sort; cat d/e/fruit); ls -l x/text",
    "tar_gzip": "tar czf t.tgz d; tar tzf t.tgz | sort; mkdir y; tar xzf t.tgz -C y; cmp y/d/copy text && echo same",
    "gzip": "gzip -c big >big.gz; gzip -dc big.gz | cmp - big && echo same; gzip fruit; ls fruit*; gunzip fruit.gz; md5sum fruit; gzip -n <text | md5sum; zcat big.gz | tail -1; "
            "echo garbage | gzip -d; echo $?",
    "bzip2": "bzip2 -c big | bunzip2 | cmp - big && echo same",
    "xz": "printf '\\3757zXZ\\0' | unxz; echo $?",
    "md5sum": "md5sum bytes text big; md5sum fruit >sums; md5sum -c sums",
    "sha": "sha1sum bytes big; sha256sum bytes big; sha512sum text; sha3sum text; echo abc | sha256sum",
    "cksum": "crc32 big; crc32 bytes text",
    "dd": "dd if=big bs=100 count=3 skip=2 2>/dev/null; dd if=numbers of=part bs=16 seek=1 count=2 conv=notrunc 2>/dev/null; od -c part; dd if=/dev/zero bs=1k count=64 2>/dev/null | wc -c; "
          "dd if=text conv=ucase 2>/dev/null",
    "od": "od -c bytes; od -An -tx1 bytes; od -x text | head -3; hexdump -C bytes; xxd bytes",
    "cp": "cp -a d copy; find copy | sort; cp -p fruit f2; ls -l f2; cp -r d/e e2; cat e2/fruit; cp nothing here; echo $?; cp fruit text d; ls d",
    "mv": "mv fruit f; mv f d; ls d; mv d dd; ls dd; mv text old new dd; ls dd; mv nope x; echo $?",
    "ln": "ln fruit h; ln -s fruit s; touch -h -d '2020-01-01 00:00:00' s; ls -l h s; ls -i h fruit | awk '{ print $1 == last; last = $1 }'; ln fruit h; echo $?; ln -sf text s; readlink s; readlink -f d/link | sed 's,.*/,,'",
    "rm": "rm fruit; ls; rm -r d; ls; rm nope; echo $?; rm -f nope; echo $?; rmdir x; mkdir -p a/b/c; rmdir -p a/b/c; ls; rm table/x; echo $?",
    "ls": "ls; ls -a d; ls -1F; ls -l fruit table big; ls -l plain; ls -R d; ls -S; ls -t; ls -r; ls -ln text; ls nope; echo $?",
    "head_tail": "head -3 fruit; head -c 7 text; tail -2 fruit; tail -n +5 fruit; tail -c 9 text; head -n -4 fruit; seq 100000 | tail -1",
    "cut": "cut -d' ' -f1,3 table; cut -c2-4 fruit; cut -d' ' -f2- text; cut -s -d: -f1 /dev/null",
    "tr": "tr a-z A-Z <fruit; tr -d aeiou <text; tr -s l <text; tr -c 'a-z\\n' _ <text; tr '\\000-\\377' x <bytes",
    "xargs": "xargs <fruit; xargs -n2 echo + <fruit; ls | xargs -I{} echo [{}]; printf 'a b\\0c' | xargs -0 -n1 echo; echo x | xargs false; echo $?; seq 3000 | xargs echo | md5sum",
    "seq": "seq 5; seq 2 3 11; seq -w 8 11; seq 5 -2 0; seq 0.5 0.25 1.5; seq -s, 4",
    "date": "date -u -d '2024-02-29 12:34:56'; date -u -d @86400 +%Y-%m-%dT%H:%M:%S; date -u -d @1700000000 '+%a %b %e %j %U %s'; date -u -r text +%F; date -d nonsense; echo $?",
    "diff": "diff old new; diff -u old new | tail -n +3; diff -q old new; echo $?; diff old old; echo $?; diff -r d d/e | sort",
    "patch": "diff -u old new >p; patch old <p; cmp old new && echo same; patch -R old <p; head -2 old",
    "vi": "(printf '\\033[24;80R'; sleep 0.1; printf 'ddp:%%s/over/under/\\r$aend'; sleep 0.1; printf '\\033'; sleep 0.2; printf 'GoLast line'; sleep 0.1; "
          "printf '\\033'; sleep 0.2; printf 'kyyGp:wq\\r') | vi text >/dev/null; echo $?; cat text",
    "ed": "printf '2,3d\\n1s/one/ONE/\\na\\nadded\\n.\\nw\\nq\\n' | ed old; cat old",
    "wc": "wc fruit text; wc -l <numbers; wc -c bytes; wc -w text; wc -L text; cat big | wc",
    "cat": "cat fruit text; cat -n old; cat -A bytes; cat - <old; cat nope; echo $?; tac old; rev text; nl old",
    "paste": "paste old new; paste -d: old fruit; paste -s fruit; fold -w 10 text; expand -t 4 text; unexpand -a table; ls | paste -d, - - -; od -An -c <new | head -1",
    "base64": "base64 bytes; base64 big | base64 -d | cmp - big && echo same; uuencode bytes x | uudecode -o - | cmp - bytes && echo same",
    "bc": "echo '2^100; 17 % 5; scale=5; 1/7' | bc; echo '16i FF p' | dc; expr 7 \\* 6 + 1; expr abc : 'a\\(.*\\)'; factor 360 97",
    "chmod": "chmod 640 text; ls -l text; chmod u+x,g-r,o=w text; ls -l text; chmod -R go-rwx d; ls -l plain; ls -l d | cut -c1-10; stat -c '%a %s %F %h' text d/link; stat -c '%a %F' d; chmod 9 text; echo $?",
    "touch": "touch -d '2001-02-03 04:05:06' n; ls -l n; stat -c %Y n; touch -r fruit n; stat -c %Y n; touch -c no; ls no; echo $?; touch m; [ m -nt n ] && echo newer",
    "stat": "stat -c '%n %s %f %F' fruit plain/link /dev/null; stat -c '%n %f %F' d; test -c /dev/null && test -c /dev/zero && echo devices; stat -f -c %T . >/dev/null && echo fs",
    "mkfifo": "mkfifo p; ls -l p | cut -c1-10; (seq 3 >p) & cat p; wait; mktemp -u x.XXXXXX | wc -c; mktemp -d dir.XXXXXX | wc -c",
    "env": "env | sort | sed '/^PATH\\|^T=\\|^PWD\\|^OLDPWD/d'; env -u TZ sh -c 'echo ${TZ-unset}'; env A=b sh -c 'echo $A'; env -i sh -c 'echo ${HOME-none}'; env nope; echo $?",
    "printf": "printf '%5d|%-5s|%05.1f|%x|%o|%c|%%|%b\\n' 42 ab 3.14159 255 8 xyz 'a\\tb'; printf '%s-' a b c; echo; printf '%d' abc; echo $?; echo -e 'a\\tb\\c'; echo -n x",
    "timeout": "timeout 1 sleep 20; echo $?; timeout 5 sh -c 'exit 3'; echo $?; sleep 0.1; usleep 1000; time -f %e true 2>/dev/null; echo $?",
    "tee": "seq 3 | tee a b | tail -1; cat a b; echo more | tee -a a >/dev/null; cat a; yes | head -3; yes no | head -c 10; true; false; echo $?",
    "du": "du -s /dev/null; du -a fruit; basename /a/b.c .c; dirname /a/b.c; realpath . | grep -c /; pwd | grep -c w; id -u; whoami; tty; echo $?",
    "cpio": "find d | sort | cpio -o -H newc 2>/dev/null | cpio -t 2>/dev/null; ar 2>/dev/null; echo $?; which nope; echo $?; strings bytes",
    "sh_misc": "(echo $((1 / 0)); echo never); echo after $?; sh -c 'echo $0 $1' a b; sh -c 'cd /nope'; echo $?; sh -c '('; echo $?; set -- ; shift; echo $?; unset x; echo ${x?unset}; echo never",
    "sh_pipe_big": "seq 50000 | while read -r n; do case $n in *9999) echo $n; esac; done; cat big big big | sort | uniq | wc -l; yes | head -100000 | md5sum",
}

CASES = {"script": "sh $T/script.sh"}
CASES.update({name: ". $T/fixture.sh\n" + text for name, text in APPLETS.items()})


@pytest.fixture(scope="module")
def ours():
    return guest.boot_script(CASES, FILES)


@pytest.fixture(scope="module")
def reference():
    return guest.host_script(CASES, FILES)


@pytest.mark.parametrize("name", CASES)
def test_same(name, ours, reference):
    assert name in ours, "no result: the case hung, or took the machine along"
    want, got = reference[name], ours[name]
    assert want.out, "the case says nothing on the host"
    assert got.out == want.out
    assert got.err == want.err
    assert got.status == want.status


def test_script_is_long():
    with open(FILES["script.sh"], encoding="ascii") as f:
        lines = [line for line in f if line.strip() and not line.startswith("#")]
    assert len(lines) >= 60
    assert len(APPLETS) >= 30
