# SPDX-License-Identifier: MIT
# Debian's bc, dc and m4: 300 digits of pi, arbitrary precision, macros over 15 kB.
echo 'scale=300; 4*a(1)' | BC_LINE_LENGTH=70 bc -l; echo '2^1000 % 1000000007; sqrt(2); obase=16; 255' | bc; echo '20k 2v p [la1+dsa5>x]sx 0sa lxx la p 16o 255 p' | dc
for i in $(seq 1 900); do echo "x($i) plain"; done >in; (echo 'define(`x'"'"', `<$1:eval($1 * $1)>'"'"')'; cat in) | m4 | md5sum; printf '%s\n' 'define(`f'"'"', `ifelse($1, 0, 1, `eval($1 * f(decr($1)))'"'"')'"'"')f(8) len(hello) substr(abcdef, 2, 3) translit(abc, a-c, A-C)' 'syscmd(echo sub)sysval' 'divert(1)later divert(0)sooner' | m4
m4 -P nothing; echo $?; echo 'define(f(n)) { if (n < 2) return n; return f(n - 1) + f(n - 2); }; f(10)' | sed 's/define(f(n))/define f(n)/' | bc
