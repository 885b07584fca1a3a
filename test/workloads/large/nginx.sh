# SPDX-License-Identifier: MIT
# nginx with a master and two workers on a Unix socket: pages, ranges, a reload that changes the workers, an end in order.
mkdir -p www logs; for i in 1 2 3; do seq $((i * 1000)) >www/$i.txt; done; head -c 3000000 /dev/zero >www/zero
cat >conf <<END
user root; worker_processes 2; pid $PWD/pid; error_log $PWD/logs/error;
events { worker_connections 64; }
http { access_log off; client_body_temp_path $PWD/b; proxy_temp_path $PWD/p; fastcgi_temp_path $PWD/f; uwsgi_temp_path $PWD/u;
	scgi_temp_path $PWD/s; sendfile on; gzip_types text/plain; gzip_min_length 10;
	server { listen unix:$PWD/sock; root $PWD/www; location /z/ { gzip on; alias $PWD/www/; } location /put { return 405; } } }
END
get() { curl -s --unix-socket sock "$@"; }
workers() { ps -o pid,ppid,args | awk -v m="$(cat pid)" '$2 == m && /worker/ { print $1 }'; }
nginx -c $PWD/conf -p $PWD -t 2>&1 | sed "s,$PWD,HERE,"; nginx -c $PWD/conf -p $PWD; echo $?; workers >first; wc -l <first
for i in 1 2 3; do get http://h/$i.txt | md5sum; done; get http://h/zero | md5sum
get -r 10-19 http://h/1.txt; echo; get --compressed http://h/z/3.txt | md5sum
get -o /dev/null -w '%{http_code} %{size_download}\n' http://h/none; get -o /dev/null -w '%{http_code}\n' http://h/put
for i in $(seq 20); do get -o out.$i http://h/$((i % 3 + 1)).txt & done; wait; cat out.* | md5sum
kill $(head -1 first); for i in $(seq 100); do [ $(workers | wc -l) = 2 ] && ! workers | grep -qx $(head -1 first) && break; sleep 0.1; done
workers | wc -l; get http://h/1.txt | md5sum
workers >first; sed -i 's/worker_processes 2/worker_processes 3/' conf; nginx -c $PWD/conf -p $PWD -s reload 2>/dev/null
for i in $(seq 100); do workers >now; [ $(wc -l <now) = 3 ] && ! grep -qxf first now && break; sleep 0.1; done; wc -l <now
get http://h/2.txt | md5sum; nginx -c $PWD/conf -p $PWD -s quit 2>/dev/null; for i in $(seq 100); do [ -e pid ] || break; sleep 0.1; done; ls
grep -c 'alert\|emerg\|crit' logs/error
