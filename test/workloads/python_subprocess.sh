# SPDX-License-Identifier: MIT
# python3's subprocess, os.fork, signal, select, pipes and mmap.
seq 1 4000 >n
cat >p.py <<'E'
import mmap, os, select, signal, subprocess, sys, time
print(subprocess.run(["wc", "-l", "n"], capture_output=True, text=True))
print(subprocess.check_output("sort -rn n | head -n 3", shell=True))
p = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE); out, _ = p.communicate(b"z" * 200000); print(len(out), p.returncode)
print(subprocess.run(["sh", "-c", "echo err >&2; exit 5"], stderr=subprocess.STDOUT, stdout=subprocess.PIPE))
print(subprocess.run(["sh", "-c", "kill -9 $$"]).returncode)
try: subprocess.run(["sleep", "10"], timeout=0.3)
except subprocess.TimeoutExpired as e: print(e.cmd)
try: subprocess.run(["/no/such"])
except FileNotFoundError as e: print(e)
sys.stdout.flush()
r, w = os.pipe(); pid = os.fork()
if pid == 0: os.write(w, b"from the child"); os._exit(7)
print(os.read(r, 100), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
signal.signal(signal.SIGALRM, lambda *a: print("alarm")); signal.setitimer(signal.ITIMER_REAL, 0.1); signal.pause()
print(select.select([r], [w], [], 0)[1] == [w]); p = select.poll(); p.register(r, select.POLLIN); os.write(w, b"x"); print([e for _, e in p.poll(1000)])
with open("n", "r+b") as f:
    m = mmap.mmap(f.fileno(), 0); print(m[:6], m.find(b"\n999\n")); m[0:1] = b"Z"; m.flush(); m.close()
print(open("n").readline())
m = mmap.mmap(-1, 8192)
if os.fork() == 0: m[0:5] = b"child"; os._exit(0)
os.wait(); print(m[:5], os.get_inheritable(r), os.isatty(0), os.umask(0o22))
E
python3 p.py
