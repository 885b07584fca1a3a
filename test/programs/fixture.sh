# SPDX-License-Identifier: MIT
# Sourced by applet cases: files with fixed content and times in the current folder.
mkdir -p d/e plain
printf '%s\n' banana apple cherry apple date banana apple >fruit
printf 'b 2 x\na 10 y\nc 1 z\na 9 w\n' >table
seq 1 200 >numbers
printf 'The quick brown fox\njumps over the lazy dog.\nThe end\n' >text
printf 'one\ntwo\nthree\nfour\nfive\n' >old
printf 'one\n2\nthree\nfour\nfive\nsix\n' >new
printf '\000\001\002\377binary\nbytes\r\n' >bytes
awk 'BEGIN { for (i = 0; i < 3000; i++) print i * i % 977, "line", i }' >big
cp text d/copy
cp fruit d/e/fruit
ln -s ../text d/link
ln -s copy plain/link
cp text plain/copy
chmod 600 table
chmod 755 d d/e
chmod 750 big
touch -d '2020-02-03 04:05:06' fruit table numbers text old new bytes big d/copy plain/copy d/e/fruit
touch -h -d '2020-02-03 04:05:07' d/link plain/link
touch -d '2020-02-03 04:05:06' d/e d plain
