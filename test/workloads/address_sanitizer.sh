# SPDX-License-Identifier: MIT
# A C program built with -fsanitize=address: PIE with the library, and at a fixed address with the sanitizer in it. It sorts 10 kB without a complaint, in threads and a
# child, and then makes mistakes, each of which is found and told with its source line. Of the reports addresses and pids are masked, and the dump of shadow bytes left out.
for program in $T/sanitized-library $T/sanitized-fixed; do
	od -An -tx1 -v -N 5000 $T/sanitized-library | $program sort | md5sum
	od -An -tx1 -v -N 5000 $T/sanitized-library | $program sort 2>&1 | sed -n 3,6p
	for mistake in heap stack global freed twice thread child leak; do
		{ $program $mistake; echo "$mistake: status $?"; } 2>&1 | sed '/^Shadow bytes around/,/^  Shadow gap\|^  Right alloca/d; s/==[0-9]*==/==PID==/; s/0x[0-9a-f]*/ADDRESS/g'
	done
done
