# SPDX-License-Identifier: MIT
# strace: calls, signals, children, counts, filters by BPF, calls that it changes, attaching, tracing at arm's length.
export LC_ALL=C.UTF-8
said() {
	sed 's/si_pid=[0-9]*/si_pid=N/; s/kill([0-9]*/kill(N/; s/0x[0-9a-f]\{6,\}/A/g; s/) = [0-9]\{2,\}$/) = N/
		s/, si_[us]time=[0-9]*//g; s/[0-9]* vars\{0,1\} /V vars /; s/)  *= /) = /'
}
s() { strace -o o "$@"; echo "status $?"; said <o; }
all() { rm -f o.*; strace -ff -o o "$@"; echo "status $?"; cat o.* | said | sort; }
s -e trace=write,exit_group sh -c 'echo hello; exit 5'
all -e trace=execve,wait4,exit_group,exit env -i sh -c '/bin/true; (exit 3); exec /bin/false'
all --seccomp-bpf -e trace=write,kill sh -c 'echo a; (echo b); kill -USR1 $$'
s -e trace=none sh -c 'trap "echo trapped" USR1; kill -USR1 $$; kill -TERM $$'
s -e trace=close -e inject=close:error=EIO:when=1 sh -c 'exec 3</dev/null; exec 3<&-; echo closed' | tail -3
strace -qq -o o -e trace=none -e inject=write:retval=6 sh -c 'echo never; exit 2'; echo "status $?"
s -e trace=write -e fault=write:error=ENOSPC:when=2 sh -c 'echo one; echo two; echo three'
strace -c -o o -f -e trace=write,kill sh -c 'for i in 1 2 3; do echo $i; done; kill -0 $$; (echo 4)'
awk '$NF == "write" || $NF == "kill" { print $4, $NF }' o | sort
strace -D -o o -e trace=write sh -c 'echo arm'; until grep -q exited o; do :; done; said <o
sleep 100 & k=$!; until grep -q '^State:.S' /proc/$k/status; do :; done
strace -e trace=none -o o -p $k 2>err & until grep -q '^TracerPid:.[1-9]' /proc/$k/status; do :; done
kill $k; wait $!; sed 's/[0-9]\{1,\}/N/' err; said <o
strace -o o -f -e trace=execve env -i PATH=$PATH strace -o p -e trace=write echo nested; said <p
strace -o o /nowhere; echo "status $?"; strace -p 3000000; echo "status $?"
