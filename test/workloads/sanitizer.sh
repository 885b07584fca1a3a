# SPDX-License-Identifier: MIT
# A C program built with -fsanitize=undefined, dynamic: the sanitizer finds its mistakes while it runs. Addresses are masked; 10 kB of the program's own text through od beside it.
{ $T/undefined; echo "status $?"; } 2>&1 | grep -v '^ \|note:' | sed 's,^.*undefined\.c,undefined.c,; s/0x[0-9a-f]*/ADDRESS/'
od -An -tx1 -N 12000 $T/undefined | md5sum
