# SPDX-License-Identifier: MIT
# Debian's grep on 60 kB: basic, extended and Perl patterns, context, recursion, counts, binary files.
awk 'BEGIN { for (i = 0; i < 2500; i++) print i, "word" i % 13, "the quick " (i % 7 ? "fox" : "dog") }' >t
grep -c dog t; grep -E '^(1|22)[0-9] ' t | head -n 4; grep -n 'word12.*dog' t | tail -n 2; grep -o '[0-9]*7 w' t | wc -l
grep -P '(?<=word)5 .*d(?=og)' t | wc -l; grep -w 1 t; grep -B1 -A1 '^777 ' t; grep -v fox t | wc -l; grep -m 2 -i QUICK t; grep -F -x nothing t; echo $?
mkdir -p r/s; cp t r/a; head -n 9 t >r/s/b; grep -rl '^8 ' r | sort; grep -rc dog r | sort; printf 'a\0dog\n' >bin; grep dog bin; grep -a -c dog bin; grep -z -c a bin
printf '%s\n' '^5 ' '^6 ' | grep -f - t; grep '[' t; echo $?
