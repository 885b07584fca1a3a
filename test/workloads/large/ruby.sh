# SPDX-License-Identifier: MIT
# ruby: its threads and queues, fork and pipes, a garbage collection, big numbers, digests, regular expressions, files.
export LC_ALL=C.UTF-8
ruby -e 'puts (1..20).map { |i| i ** i }.sum; puts "straße".upcase, 2 ** 300'
ruby -e 'q = Queue.new; t = 4.times.map { |i| Thread.new { 100.times { |j| q << i * 100 + j } } }; t.each(&:join); s = 0; s += q.pop until q.empty?; puts s'
ruby -e 'r, w = IO.pipe; p = fork { r.close; w.puts((1..1000).sum); exit! 7 }; w.close; puts r.read; Process.wait(p); puts $?.exitstatus'
ruby -e 'a = 50.times.map { Array.new(10000) { |i| i.to_s } }; GC.start; puts a.flatten.size; GC.compact rescue 0; puts a.last.last'
ruby -rdigest -rjson -rset -e 'puts Digest::SHA256.hexdigest("x" * 100000); puts JSON.generate({a: [1, nil, "ü"]}); puts Set.new([1, 2, 2]).size'
ruby -e 'File.write("f", "a b\nc d\n"); puts File.readlines("f").map(&:split).transpose.inspect; puts File.stat("f").size'
ruby -e 'puts `echo sub $((1 + 1))`; puts system("exit 3"), $?.exitstatus; trap("USR1") { puts "signal" }; Process.kill("USR1", $$); sleep 0.1'
ruby -e 'f = Fiber.new { 3.times { |i| Fiber.yield i }; :end }; 4.times { puts f.resume }; e = Enumerator.produce(1) { |x| x * 2 }; puts e.take(10).last'
ruby -e 'Ractor.new { 21 * 2 }.take.then { |x| puts x }' 2>/dev/null
ruby -rsocket -e 's = UNIXServer.new("s"); Thread.new { c = s.accept; c.puts c.gets.reverse; c.close }; c = UNIXSocket.new("s"); c.puts "abc"; puts c.read'
ruby -e 'raise "oops"' 2>&1; echo $?; ruby -e 'def f(n) = f(n + 1); begin; f(0); rescue SystemStackError => e; puts e.class; end'
