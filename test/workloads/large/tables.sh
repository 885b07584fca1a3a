# SPDX-License-Identifier: MIT
# What programs say of the system: none of them has a line of error, and each says something.
# By their full names: busybox has some of them, too.
b=/usr/bin TERM=linux; export TERM
for command in $b/lscpu "$b/lscpu -e" $b/lsmem '/usr/sbin/sysctl -a' "$b/vmstat 1 1" "$b/pmap -x 1" $b/lslocks \
	"$b/ps aux" "$b/top -bn1" $b/w $b/free; do
	$command >out 2>err; echo "$command: $?, $(wc -l <err) errors"; [ -s out ] || [ "$command" = $b/lslocks ] || echo nothing
	cat err
done
