# SPDX-License-Identifier: MIT
# valgrind: what memcheck says of a program with faults and of one without, threads under helgrind, callgrind's and massif's files.
v() { valgrind -q --log-file=log "$@"; s=$?; sed 's/^==[0-9]*== //; s/0x[0-9A-Fa-f]*/ADDRESS/g; s/(in .*)/(FILE)/' log | grep -v '^ *$' | head -${LINES:-40}; echo "status $s"; }
LINES=12; v --error-exitcode=9 $T/memory_faults; v $T/memory_faults right
valgrind --leak-check=full $T/memory_faults leak 2>&1 | grep -o 'definitely lost: .*'
v --tool=helgrind --error-exitcode=8 $T/memory_faults threads | grep -c 'Possible data race\|status 8'
valgrind -q --tool=callgrind --callgrind-out-file=cg $T/memory_faults right; grep -c '^fn=.*main' cg
valgrind -q --tool=massif --massif-out-file=ms $T/memory_faults right; grep -c '^snapshot=' ms | awk '{ print ($1 > 2) }'
valgrind -q --tool=none --trace-children=yes sh -c 'echo in a shell; (exit 4); echo $?'; valgrind -q --tool=none /bin/true; echo $?
