# SPDX-License-Identifier: MIT
# python3's threads: a lock, a queue, events, a pool, subprocesses from threads, a timer; 1,000 items through five workers.
cat >p.py <<'E'
import concurrent.futures, hashlib, queue, subprocess, threading, time
q, out, lock = queue.Queue(), [], threading.Lock()
def work():
    while (item := q.get()) is not None:
        with lock: out.append(item * item)
        q.task_done()
ts = [threading.Thread(target=work) for _ in range(5)]
for t in ts: t.start()
for i in range(1000): q.put(i)
q.join()
for _ in ts: q.put(None)
for t in ts: t.join()
print(len(out), sum(out), threading.active_count())
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print(hashlib.sha256(b"".join(pool.map(lambda i: hashlib.sha256(bytes([i]) * 1000).digest(), range(64)))).hexdigest())
    print(list(pool.map(lambda n: subprocess.check_output(["expr", str(n), "+", "1"]), range(3))))
e = threading.Event(); threading.Timer(0.05, e.set).start(); print(e.wait(10), e.is_set())
l = threading.local(); l.x = 1; r = []; t = threading.Thread(target=lambda: r.append(hasattr(l, "x"))); t.start(); t.join(); print(r)
b = threading.Barrier(3); s = threading.Semaphore(0)
ts = [threading.Thread(target=lambda: (b.wait(), s.release())) for _ in range(3)]
for t in ts: t.start()
for _ in range(3): s.acquire()
print("all through"); c = threading.Condition(); print(c.acquire(), c.wait(0.02)); c.release()
E
python3 p.py; echo $?
