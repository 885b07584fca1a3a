# SPDX-License-Identifier: MIT
# Debian's sqlite3 with write-ahead logging: 5,000 rows, an index, a second process that reads meanwhile, a rollback, a dump.
sqlite3 d.db "pragma journal_mode=wal; create table t(a integer primary key, b, c text); with recursive c(x) as (select 1 union all select x + 1 from c where x < 5000) insert into t select x, x * x % 1009, 'row ' || x from c; select count(*), sum(a), sum(b) from t;"
sqlite3 d.db "create index i on t(b); select a, c from t where b = 77 order by a; explain query plan select * from t where b = 5; pragma integrity_check; select b % 5, avg(a) from t group by 1;"
mkfifo go ready; (echo "begin immediate; update t set b = -1 where a < 100;"; echo ".shell echo >ready"; cat go; echo "rollback;") | sqlite3 d.db & exec 9>go; read -r x <ready
sqlite3 d.db "select count(*) from t where b = -1; insert into t values (9000, 1, 'late');"; echo $?
echo "select count(*) from t where b = -1;" >&9; exec 9>&-; wait
sqlite3 d.db "delete from t where a > 4; vacuum; pragma wal_checkpoint(truncate);" .dump; ls d.db*; sqlite3 -json d.db "select * from t limit 2"; sqlite3 d.db "select * from nope"; echo $?
seq 1 2000 | sed 's/.*/&,name&/' >c.csv; sqlite3 x.db ".mode csv" ".import c.csv v" "create table w as select * from v;" "select count(*), max(length(name1)) from w"; sqlite3 :memory: "select json_extract('{\"a\":[1,2]}', '\$.a[1]'), printf('%05d', 42), hex(zeroblob(3)), date('2024-02-29', '+1 year');"
