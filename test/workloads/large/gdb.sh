# SPDX-License-Identifier: MIT
# gdb: breakpoints in read-only text, steps, frames, watching by steps, calls into the program, signals, catches;
# attaching.
export LC_ALL=C.UTF-8 HOME=$PWD
said() { sed 's/process [0-9]*/process N/g; s/argv=0x[0-9a-f]*/argv=A/; s/LWP [0-9]*/LWP N/g'; }
gdb -nx -batch -x $T/gdb.in $T/debugged 2>&1 | said; cat out
$T/debugged wait & k=$!; until grep -q '^State:.S' /proc/$k/status; do :; done
gdb -nx -batch -p $k -ex 'bt -1' -ex 'frame function main' -ex 'print p' -ex 'set var total = 12' -ex detach \
	$T/debugged 2>&1 | said | grep -v '^0x'
grep '^State' /proc/$k/status; kill $k; wait $k 2>&-; echo $?
gdb -nx -batch -ex 'break *0' -ex run $T/debugged 2>&1 | said
