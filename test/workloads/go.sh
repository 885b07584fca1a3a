# SPDX-License-Identifier: MIT
# Programs written in Go: gron flattens 30 kB of JSON and puts it together again, fzf filters 20 kB.
awk 'BEGIN { printf "["; for (i = 0; i < 600; i++) printf "%s{\"id\": %d, \"name\": \"n%d\", \"tags\": [\"t%d\", \"x\"]}", i ? "," : "", i, i % 10, i % 3; print "]" }' >j
gron j | wc; gron j | md5sum; gron j | grep -F '[17]' | gron --ungron; gron -s j | tail -n 2; gron --values j | sort | uniq -c; echo '{' | gron; echo $?
seq 1 4000 | fzf -f 39 | head -n 5; seq 1 4000 | fzf -f "'77 !1" | wc -l; printf '%s\n' src/main.go lib/main.c README | fzf -f mgo; echo none | fzf -f zzz; echo $?
