# SPDX-License-Identifier: MIT
# Debian's gawk on 40 kB: associative arrays, sorting, formats, regular expressions, pipes both ways, system.
awk 'BEGIN { for (i = 0; i < 2000; i++) print i, i * i % 101, "w" i % 17 }' >t
gawk '{ n[$3]++; s[$3] += $2 } END { PROCINFO["sorted_in"] = "@ind_str_asc"; for (k in n) print k, n[k], s[k] }' t
gawk 'BEGIN { print strftime("%F %T", 86400 * 365, 1), toupper(substr("hello", 2, 3)), length("xyz"), 2 ^ 100, sprintf("%08.3f|%x|%e", 3.14159, 255, 12345.678) }'
gawk '{ if (match($0, /([0-9]+) w(1[0-6])/, m)) c[m[2]] += m[1] } END { n = asorti(c, k); for (i = 1; i <= n; i++) printf "%s:%d ", k[i], c[k[i]]; print "" }' t
gawk 'BEGIN { "echo piped" | getline x; print x; print "b\na" | "sort"; close("sort"); r = system("exit 3"); print r; cmd = "cat"; print "both" |& cmd; close(cmd, "to"); cmd |& getline y; print y }'
gawk -F'[ ,]' -v OFS=- 'NR % 500 == 0 { $1 = $1; print; gsub(/w/, "W"); print $0, NF }' t
gawk --bignum 'BEGIN { print 2 ^ 200 }'; gawk 'function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2) } BEGIN { print f(16); srand(5); a = rand(); srand(5); print a == rand(); exit 5 }'; echo $?
