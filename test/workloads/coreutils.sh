# SPDX-License-Identifier: MIT
# Debian's coreutils on 48 kB: twenty of its programs.
seq 1 10000 >n
/usr/bin/sort -rn n | /usr/bin/head -n 3
/usr/bin/sort -k1.2 -n --parallel=1 n | /usr/bin/md5sum
wc n; sha256sum n; cksum n; b2sum n; sum n
split -l 2500 -d n part; ls part*; cat part0* | cmp - n && echo same
/usr/bin/paste -d: part00 part01 | /usr/bin/tail -n 2
join part00 n | wc; comm -12 part00 n | wc -l
/usr/bin/tac n | /usr/bin/nl | /usr/bin/sed -n 2p
numfmt --to=iec 123456789; factor 1234567890123; /usr/bin/seq -f %.3f 0 0.25 1 | paste -s -d+
/usr/bin/tr 0-9 a-j <n | /usr/bin/cut -c2- | /usr/bin/uniq | /usr/bin/wc -l
csplit -s n 4000 8000; wc -l xx*
mkdir -p a/b/c; cp -r a z; mv z y; ln -s b a/l; /usr/bin/ls -lR --time-style=+ a | sed 's/ \+/ /g'; chmod 640 n; /usr/bin/stat -c '%a %s %F' n
touch -d 2001-02-03T04:05:06 n; /usr/bin/stat -c %Y n; date -u -r n +%FT%T
truncate -s 100K hole; /usr/bin/stat -c %s hole; dd if=n of=o bs=1000 skip=2 count=3 status=none; wc -c o
install -m 750 n inst; /usr/bin/stat -c %a inst; realpath -m ../w/./x | sed 's,.*/,,'; rm -r a y; rmdir nope; echo $?
od -A d -t x1z -N 32 n; base32 part00 | tail -n 1; fmt -w 30 n | head -n 2; /usr/bin/expr 7 \* 6; env -i A=1 printenv
timeout 0.2 sleep 5; echo $?; nice true; mktemp -u XXXXXX | wc -c; shuf -i 1-100 --random-source=n | head -n 3; tee t1 t2 <part03 >/dev/null; cmp t1 t2; echo $?
