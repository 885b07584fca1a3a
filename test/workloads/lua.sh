# SPDX-License-Identifier: MIT
# Debian's lua5.4 on 24 kB: tables, closures, coroutines, patterns, files, popen, the collector.
seq 1 5000 >n
cat >p.lua <<'E'
local t, sum = {}, 0
for line in io.lines("n") do t[#t + 1] = tonumber(line); sum = sum + t[#t] end
print(#t, sum, string.format("%.3f|%5d|%x|%q", math.pi, 42, 255, "a\nb"))
table.sort(t, function(a, b) return a % 10 > b % 10 or (a % 10 == b % 10 and a < b) end)
print(table.concat(t, ",", 1, 12))
local gen = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i * i) end end)
print(gen(), gen(), gen())
print(("key=value; other=thing"):gsub("(%w+)=(%w+)", "%2=%1"))
local f = assert(io.open("out", "w")); for i = 1, 2000 do f:write(i, "\t", i ^ 2, "\n") end f:close()
f = io.open("out"); f:seek("set", 100); print(f:read("l")); print(f:seek("end")); f:close()
local p = io.popen("sort -rn n | head -n 2"); print(p:read("a")); print(p:close())
print(pcall(error, 'seven', 0)); print(select("#", table.unpack({ 1, nil, 3 }, 1, 3)))
local s = setmetatable({}, { __index = function(_, k) return k .. "!" end, __call = function(_, x) return x * 2 end })
print(s.hello, s(21), 7 // 2, 7 % -3, 1 << 40, 0x7fffffffffffffff + 1)
for i = 1, 50 do local x = {}; for j = 1, 1000 do x[j] = { j } end end collectgarbage(); print(collectgarbage("count") < 2000)
print(os.getenv("TZ"), os.date("!%Y-%m-%d", 86400), os.rename("out", "moved"), os.remove("moved"), io.open("moved"))
os.exit(6)
E
lua5.4 p.lua; echo $?; luac5.4 -l p.lua | grep -c CALL; echo 'print(...)' | lua5.4 - a b
