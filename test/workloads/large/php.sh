# SPDX-License-Identifier: MIT
# php: its parts that ask most of a system: pcntl and posix, pipes to programs, streams on Unix sockets, locks, opcache's absence, its memory limit.
php -n -r 'echo array_sum(range(1, 1000)), "\n", md5(str_repeat("x", 1 << 20)), "\n", PHP_OS, "\n";'
php -r '$p = pcntl_fork(); if (!$p) exit(5); pcntl_waitpid($p, $s); echo pcntl_wexitstatus($s), "\n";'
php -r 'pcntl_async_signals(true); pcntl_signal(SIGALRM, function () { echo "alarm\n"; }); pcntl_alarm(1); for ($i = 0; $i < 30; $i++) usleep(100000); echo "end\n";'
php -r '$d = [["pipe", "r"], ["pipe", "w"]]; $p = proc_open("tr a-z A-Z", $d, $q); fwrite($q[0], "hello\n"); fclose($q[0]); echo stream_get_contents($q[1]); echo proc_close($p), "\n";'
php -r '[$a, $b] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0); fwrite($a, "x\ny\n"); stream_set_blocking($b, false); $r = [$b]; $n = null; echo stream_select($r, $n, $n, 1), fgets($b), fgets($b);'
php -r '$s = stream_socket_server("unix://s"); if (!pcntl_fork()) { $c = stream_socket_client("unix://s"); fwrite($c, "from the child\n"); exit; } echo fgets(stream_socket_accept($s, 5)); pcntl_wait($st);'
php -r '$f = fopen("l", "c"); var_dump(flock($f, LOCK_EX | LOCK_NB)); if (!pcntl_fork()) { $g = fopen("l", "c"); var_dump(flock($g, LOCK_EX | LOCK_NB)); exit; } pcntl_wait($s); var_dump(flock($f, LOCK_UN));'
php -r 'ini_set("memory_limit", "16M"); ini_set("display_errors", "stderr"); $a = []; while (1) $a[] = str_repeat("x", 100000);' 2>&1 | cut -c1-60; 
php -r 'function g() { for ($i = 0; $i < 5; $i++) yield $i => $i ** 2; } foreach (g() as $k => $v) echo "$k:$v "; echo json_encode(["ü" => [1.5, null]]), preg_replace("/(\w)(\w)/", "$2$1", " abcd"), "\n";'
php -r 'foreach (new DirectoryIterator("/etc") as $f) $n[] = (string) $f; sort($n); echo count($n) > 10 ? "many" : "few", "\n"; file_put_contents("f", "abc"); echo filesize("f"), sprintf(" %o\n", fileperms("f"));'
php -r 'exit(9);'; echo $?; php -r 'syntax error here' 2>&1 | grep -c Parse; echo '<b><?= 6 * 7 ?></b>' | php; echo
