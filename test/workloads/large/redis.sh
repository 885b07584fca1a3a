# SPDX-License-Identifier: MIT
# redis on a Unix socket: types, a script, a transaction, BGSAVE by fork while writes go on, the append-only file, a start from both.
cat >conf <<END
port 0
unixsocket $PWD/sock
dir $PWD
save ""
daemonize no
logfile $PWD/log
END
r() { redis-cli -s $PWD/sock "$@"; }
up() { redis-server conf "$@" & for i in $(seq 200); do [ "$(r ping 2>&1)" = PONG ] && break; sleep 0.1; done; r ping; }
up
r set a 1; r incr a; r rpush l x y z; r lrange l 0 -1; r hset h f v g w; r hgetall h; r zadd z 2 b 1 a; r zrange z 0 -1
r eval 'local s = 0; for i = 1, 1000 do s = s + i; redis.call("set", "k" .. i, i * i) end; return s' 0; r dbsize
printf 'multi\nincr a\nincr a\nexec\n' | r
for i in $(seq 1 2000); do echo "set n$i $(printf %0100d $i)"; done | r | sort | uniq -c | sed 's/^ *//'
r bgsave; for i in $(seq 100); do echo "set n$i changed"; done | r | uniq | wc -l
for i in $(seq 200); do r info persistence | grep -q 'bgsave_in_progress:0' && break; sleep 0.1; done
r info persistence | tr -d '\r' | grep 'rdb_last_bgsave_status'; redis-check-rdb dump.rdb | grep -c 'chemd5sum OK\|looks OK'
r bgrewriteaof >/dev/null; r subscribe c >sub & sleep 1; r publish c hello; sleep 0.5; kill $!; tail -1 sub
r shutdown save 2>/dev/null; wait %1; echo $?; up; r get n5; r get n2000 | md5sum; r get k1000; r dbsize; r shutdown nosave 2>/dev/null; wait
up --appendonly yes; r set b two; r append b three; r shutdown nosave 2>/dev/null; wait; up --appendonly yes; r get b; r shutdown nosave 2>/dev/null; wait
