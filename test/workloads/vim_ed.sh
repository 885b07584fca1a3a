# SPDX-License-Identifier: MIT
# Debian's vim (tiny) in ex mode on 30 kB, and less through a pipe.
seq 1 6000 >n
vi -u NONE -es -c '%s/7/seven/g' -c 'g/9$/d' -c '100,200m$' -c '$-2,$p' -c 'w out' -c 'q!' n; wc out; md5sum <out; less n | tail -n 2; printf '1,5d\n1i\nnew\n.\n,s/99/xx/\nw o2\nq\n' | ed -s n; md5sum <o2; head -n 2 o2
printf "q\n" | ed -s o2; more o2 | wc -l
