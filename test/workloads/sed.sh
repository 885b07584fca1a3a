# SPDX-License-Identifier: MIT
# Debian's sed on 60 kB: substitution, hold space, branches, in-place editing, scripts.
awk 'BEGIN { for (i = 0; i < 2500; i++) print "line", i, "the quick brown fox" }' >t
sed 's/quick/slow/g; s/\([0-9]*\)7 /<\1>/' t | md5sum; sed -n '100,102p; $p' t; sed -E 's/(\w+) ([0-9]+)/\2 \1/; 3q' t
sed -n 'H; ${x; s/\n/,/g; p}' t | wc -c; sed '1!G; h; $!d' t | head -n 2; sed -n '/9 the/{n; p}' t | wc -l
sed -i.bak -e '2,$d' t; cat t; wc -l <t.bak; sed ':a; N; $!ba; s/\n/ /g' t.bak | wc; sed = t.bak | sed 'N; s/\n/\t/' | sed -n 5p; sed y/abc/xyz/ t; sed --posix 's/x*/-/g' t; sed 'bad' t; echo $?
sed -n '/line 3 /,/line 5 /{s/fox/&&/; w out
p}' t.bak; cat out
