# SPDX-License-Identifier: MIT
# Debian's python3: 24 kB through the standard library: json, hashlib, re, struct, decimal, zlib, generators, exceptions.
seq 1 5000 >n
cat >p.py <<'E'
import collections, decimal, hashlib, itertools, json, os, re, struct, sys, zlib, datetime, functools, io, tempfile, random
d = [int(x) for x in open("n")]
print(sum(d), max(d), hashlib.sha256(open("n", "rb").read()).hexdigest())
print(json.dumps({"a": d[:5], "b": {"c": None, "d": 1.5}}, sort_keys=True), json.loads('[1, "\\u00e9", true]')[2])
print(collections.Counter(x % 7 for x in d).most_common(3), re.sub(r"(\d)(\d)", r"\2\1", "12 34 56"))
print(struct.pack("<IHb", 1, 2, -3).hex(), zlib.crc32(b"hello"), len(zlib.compress(b"x" * 10000)))
decimal.getcontext().prec = 40; print(decimal.Decimal(2).sqrt(), 2 ** 200, 10 ** 50 // 7)
print(list(itertools.islice(itertools.accumulate(d), 3)), functools.reduce(lambda a, b: a * b, range(1, 15)))
print(datetime.datetime(2024, 2, 29) + datetime.timedelta(days=366), f"{3.14159:08.3f} {255:#x} {'x':>5}")
with tempfile.TemporaryDirectory() as t:
    for i in range(40): open(os.path.join(t, f"f{i}"), "w").write("y" * i)
    print(sorted(os.listdir(t))[:3], sum(e.stat().st_size for e in os.scandir(t)))
random.seed(1); print(random.random(), random.sample(range(100), 4))
class E(Exception): pass
try: raise E("x") from ValueError("y")
except E as e: print(repr(e), repr(e.__cause__))
print(sum(1 for a in range(2, 3000) if all(a % b for b in range(2, int(a ** .5) + 1))))
print(os.stat("n").st_size, os.path.abspath("n").rsplit("/", 1)[1], sys.version_info[:2]); sys.exit(4)
E
python3 p.py; echo $?; python3 -c 'raise SystemExit("end")'; echo $?; echo 'print(6 * 7)' | python3 -; python3 -m json.tool <<E
{"b": [1, {"c": 2}]}
E
