# SPDX-License-Identifier: MIT
# Debian's static busybox: 30 kB through twelve applets.
box() { /bin/busybox "$@"; }
box seq 1 6000 >n
box sort -r n | box uniq | box wc
box awk '{ s[$1 % 7] += $1 } END { for (k = 0; k < 7; k++) print k, s[k] }' n
box sed -n '/99$/s/^/x/p' n | box md5sum
box gzip -c n | box gunzip | box cmp - n && echo same
box tar cf n.tar n && box tar tvf n.tar | box awk '{ print $3, $NF }'
box find . -type f -size +20k | box sort
box sh -c 'i=0; while [ $i -lt 300 ]; do i=$((i + 3)); done; echo $i; trap "echo bye" EXIT; kill -0 $$ && exit 4'
echo $?
