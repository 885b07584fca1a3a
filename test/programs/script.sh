#!/bin/sh
# SPDX-License-Identifier: MIT
# One long shell session: all that a script of daily life does. Its output, errors and status are compared with the host's, byte for byte.
set -u
say() { printf '%s: %s\n' "$1" "$2"; }
count() { local n=0; while read -r _; do n=$((n + 1)); done; echo $n; }
fact() { if [ "$1" -le 1 ]; then echo 1; else echo $(($1 * $(fact $(($1 - 1))))); fi; }

say functions "$(fact 10)"
for i in 1 2 3 a b; do
	case $i in
	[0-9]) say number $i ;;
	*) say letter $i ;;
	esac
done
i=0
until [ $i -ge 5 ]; do i=$((i + 1)); [ $i = 3 ] && continue; say until $i; done

# pipes of three, and their status
seq 1 100 | grep 7 | count
printf '%s\n' pear apple fig apple | sort | uniq -c | sed 's/^ *//'
false | true; say pipe-status $?
true | false; say pipe-status $?
! true; say not $?

# subshells and substitution
x=outer
(x=inner; cd /; say subshell "$x $PWD")
say after "$x ${PWD##*/}"
say nested "$(echo "$(echo "$(echo deep)")" | tr a-z A-Z)"
say backquote "`echo one``echo two`"
say status "$(exit 3) $?"
y=$(exit 4); say assigned $?

# background jobs and wait
(sleep 0.2; exit 5) & first=$!
(exit 6) & second=$!
wait $first; say waited $?
wait $second; say waited $?
for n in 1 2 3 4 5 6 7 8; do (echo $n >job.$n) & done
wait
cat job.* | sort -n | tr '\n' ' '; echo

# here-documents
name=World
cat <<END
Hello $name $((6 * 7)) \$name `echo sub`
END
cat <<'END'
Hello $name $((6 * 7))
END
	cat <<-END
	tabs are gone
	END
tr a-z A-Z <<END | sed 's/^/> /'
piped
END

# redirections
echo one >f; echo two >>f; cat <f
{ echo out; echo err >&2; } >both 2>&1; cat both
echo gone >/dev/null; ls nothing-here 2>&1 | sed 's/^.*ls: /ls: /'
exec 3>three; echo to-three >&3; exec 3>&-; cat three
exec 4<f; read -r a <&4; read -r b <&4; exec 4<&-; say read "$a-$b"
cat <no-such-file; say missing $?
(echo a; echo b >&2) 2>/dev/null | cat
set -C; echo x >f; say noclobber $?; set +C

# traps
(trap 'echo leaving' EXIT; echo inside)
(trap 'echo got-usr1' USR1; kill -USR1 $(sh -c 'echo $PPID'); echo went-on)
(trap '' TERM; kill -TERM $(sh -c 'echo $PPID'); echo not-dead)
sh -c 'kill -TERM $$'; say terminated $?
sh -c 'kill -SEGV $$' 2>/dev/null; say segv $?
sh -c 'trap "echo int; exit 9" INT; kill -INT $$; echo never'; say int $?

# test and arithmetic
[ -f f ] && [ ! -d f ] && [ -s f ] && [ -r f ] && say test files
[ abc = abc ] && [ abc != abd ] && [ -z "" ] && [ -n a ] && say test strings
[ 5 -gt 3 ] && [ 3 -lt 5 ] && [ 4 -eq 4 ] && say test numbers
say arithmetic $((2 + 3 * 4 - 10 / 3 % 2)) ; say arithmetic $(((1 << 20) | 0xff & ~7)) ; say arithmetic $((5 > 3 ? 11 : 22))
i=5; say arithmetic "$((i++)) $((++i)) $((i -= 2)) $i"
say big $((9223372036854775807 + 1))

# expansions
p=/usr/lib/libfoo.so.1.2
say expand "${p##*/} ${p%/*} ${p%%.*} ${p#/} ${#p}"
say default "${nope:-fallback} ${nope-other} ${x:+set}"
set -- a 'b c' d
say params "$# $2 $*"; for w in "$@"; do printf '<%s>' "$w"; done; echo
shift 2; say shifted "$# $1"
IFS=:; set -- $(echo q:r:s); unset IFS; say ifs "$1 $2 $3"

# globbing
mkdir -p g/sub; touch g/a.c g/b.c g/c.h g/.hidden 'g/sp ace' g/sub/d.c
(cd g; echo *; echo *.c; echo ?.h; echo [ab].*; echo .h*; echo */*; echo nomatch*; echo 'sp'*)

# fifos and links
mkfifo pipe; (echo through-fifo >pipe) & cat pipe; wait
ln -s f soft; ln f hard; readlink soft; cat soft | head -1
echo three >>hard; tail -1 f; rm f; [ -L soft ] && [ ! -e soft ] && say dangling ok
[ hard -ef hard ] && mv hard moved && say moved "$(cat moved | count)"

# scripts: nested #!, no #!, not executable, missing
printf '#!/bin/sh\necho "script $0 $1" | sed "s,.*/,,"\n' >s1; chmod +x s1; ./s1 arg
printf '#! ./s1\nignored\n' >s2; chmod +x s2; ./s2; say nested-hash $?
printf 'echo no hash bang $1\n' >s3; chmod +x s3; ./s3 arg
echo 'echo never' >s4; ./s4 2>/dev/null; say not-executable $?
./s5 2>/dev/null; say not-found $?
nosuchcommand 2>/dev/null; say not-found $?
./g 2>/dev/null; say directory $?

# functions that return, loops that break, eval, command, type
f1() { return 7; }; f1; say return $?
for a in 1 2; do for b in 1 2 3; do [ $b = 2 ] && continue 2; [ $a = 2 ] && break 2; say loop $a$b; done; done
eval 'v=42; say eval $v'
command echo through-command
z=kept; z=changed true; say prefix $z
while read -r k v; do say "$k" "$v"; done <<END
key1 value one
key2 value two
END
umask; ulimit -c >/dev/null && echo ulimit ok
echo "$0" | sed 's,.*/,,'
set -e
false || say errexit survived
(set -e; false; echo never) || say errexit $?
exit 17
