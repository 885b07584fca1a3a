# SPDX-License-Identifier: MIT
# Debian's zsh with loadable modules: globbing, arrays, arithmetic, functions; 15 kB by `read`.
seq 1 3000 >n; mkdir -p d/e; touch d/a d/b.c d/e/f.c
cat >p.zsh <<'E'
zmodload zsh/mathfunc zsh/datetime zsh/stat
local -a v; while read -r l; do v+=$l; done <n; print $#v $v[1] $v[-1] ${(j:,:)v[10,14]}
print -l **/*.c(.) **/*(/); print ${(U)${:-abc}} ${(s:-:)${:-a-b-c}} $((sqrt(2) * 10)) $((16#ff)); typeset -A h; h=(k1 v1 k2 v2); print ${(ok)h} $h[k2]
f() { print "f $# ${@[2]}"; return 3 }; f a b c; print $?; print ${${:-/usr/lib/x.so}:t:r}; for i in {1..3}{a,b}; do print -n "$i "; done; print; zstat -A s +size n; print $s; print -r -- ${(q)${:-a b}}; [[ abc = a* && -d d ]] && print yes; { print x; false } always { print cleaned }; print =(print tmp) | grep -c zsh; cat =(print from file); repeat 2 print again; print ${(o)${=:-c a b}}
E
zsh -f p.zsh; echo $?
