# SPDX-License-Identifier: MIT
# Debian's diffutils, patch and ed on 20 kB.
seq 1 4000 >a; sed '100d; 200s/.*/changed/; 3000a added' a >b
diff a b; diff -u a b >p; tail -n +3 p | md5sum; diff -q a b; echo $?; cmp a b; echo $?; diff -y -W 30 --suppress-common-lines a b; sdiff -s -w 30 a b | wc -l
cp a c; patch c <p; cmp b c && echo patched; patch -R c p; cmp a c && echo reversed; diff3 -m a b c | wc; patch -p0 --dry-run c <p; sed '150,160d' a >g; patch g <p; echo $?; cmp g b; diff -e a b >script; echo w >>script; cp a e; ed -s e <script; cmp e b && echo edited
mkdir x y; cp a x/f; cp b y/f; cp a y/only; diff -rq x y
