# SPDX-License-Identifier: MIT
# Debian's find and xargs over a tree of 260 files.
for d in a b c d e; do mkdir -p $d/x/y; for i in $(seq 1 25); do echo $i >$d/f$i; echo $d$i >$d/x/y/g$i.txt; done; done
find . -type f | wc -l; find . -name '*1*.txt' | sort | md5sum; find . -type d -empty; find . -maxdepth 2 -mindepth 2 -type d | sort
find . -name f7 -exec cat {} +; find . -regex '.*/g2[0-4]\.txt' | wc -l; find a -newer b/f1 -name 'f2?' | wc -l; find . -size -2c | wc -l; find . -size 0 ; find c -perm 644 | wc -l
find . -type f -print0 | xargs -0 -n 50 cat | sort | md5sum; find e -name 'f*' -delete; ls e; find . -path ./a -prune -o -name 'f1' -print | sort; find d -printf '%y %m %s %P\n' | sort | head -n 5
seq 40 | xargs -n 10 echo row; seq 8 | xargs -P 2 -I{} sh -c 'exit 0'; echo $?; ln -s nowhere l; find . -xtype l; find / -maxdepth 1 -name etc; find nope; echo $?
