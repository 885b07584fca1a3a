# SPDX-License-Identifier: MIT
# Debian's dash: a loop over 12 kB, functions, traps, here documents, pipes and background jobs.
seq 1 3000 >n
cat >d <<'E'
sum=0
while read -r i; do case $i in *7) sum=$((sum + i));; esac; done <n
echo $sum
f() { echo "f $# $*"; return 6; }
f a 'b c' d; echo $?
trap 'echo caught' TERM; kill $$; echo on
x=$(cat n | tail -n 2 | head -n 1); echo $x ${x#2} ${x%9}
(sleep 0.05; echo second) & echo first; wait; echo third
cat <<-T
	tab $((6 * 7)) `echo tick`
	T
set -- 1 2 3; shift; echo $@; echo ${y:-default}; printf '%s|%03d\n' s 7
exit 9
E
dash d
echo $?
