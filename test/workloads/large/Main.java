// SPDX-License-Identifier: MIT
// What java.sh runs.
import java.io.*;
import java.net.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;

public class Main {
	record Pair(int a, String b) {}

	static void work() throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(4);
		List<Future<Long>> sums = new ArrayList<>();
		for (int i = 0; i < 8; i++) {
			final long from = i * 100_000L;
			sums.add(pool.submit(() -> LongStream.range(from, from + 100_000).sum()));
		}
		long sum = 0;
		for (Future<Long> f : sums)
			sum += f.get();
		pool.shutdown();
		Map<Integer, byte[]> kept = new HashMap<>();
		for (int i = 0; i < 20_000; i++)
			kept.put(i % 500, new byte[10_000]);
		AtomicInteger n = new AtomicInteger();
		IntStream.range(0, 1000).parallel().forEach(i -> n.incrementAndGet());
		String text = IntStream.range(0, 50).mapToObj(i -> new Pair(i, "x" + i).toString()).collect(Collectors.joining(","));
		System.out.println(sum + " " + kept.size() + " " + n + " " + text.hashCode());
	}

	static void full() {
		List<byte[]> all = new ArrayList<>();
		try {
			for (;;)
				all.add(new byte[1 << 20]);
		} catch (OutOfMemoryError e) {
			int size = all.size();
			all = null;
			System.out.println(size > 10 ? "full" : "full too early");
			System.exit(3);
		}
	}

	static void process() throws Exception {
		Process p = new ProcessBuilder("sh", "-c", "read x; echo got $x; exit 4").redirectErrorStream(true).start();
		p.getOutputStream().write("line\n".getBytes());
		p.getOutputStream().close();
		System.out.print(new String(p.getInputStream().readAllBytes()));
		System.out.println(p.waitFor());
		Process sleeper = new ProcessBuilder("sleep", "100").start();
		System.out.println(sleeper.isAlive() + " " + sleeper.waitFor(100, TimeUnit.MILLISECONDS));
		sleeper.destroyForcibly();
		System.out.println(sleeper.waitFor());
		Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
		System.exit(6);
	}

	static void files() throws Exception {
		Path folder = Files.createTempDirectory(Path.of("."), "f");
		for (int i = 0; i < 100; i++)
			Files.writeString(folder.resolve("n" + i), "text " + i);
		try (Stream<Path> all = Files.walk(folder)) {
			System.out.println(all.filter(Files::isRegularFile).count());
		}
		try (FileChannel c = FileChannel.open(folder.resolve("map"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
			MappedByteBuffer map = c.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20);
			for (int i = 0; i < map.capacity(); i += 8)
				map.putLong(i, i);
			map.force();
			System.out.println(c.size() + " " + map.getLong(8000) + " " + (c.tryLock() != null));
		}
		WatchService watch = folder.getFileSystem().newWatchService();
		folder.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
		Files.createSymbolicLink(folder.resolve("link"), Path.of("n1"));
		WatchKey key = watch.poll(20, TimeUnit.SECONDS);
		System.out.println(key == null ? "nothing seen" : key.pollEvents().get(0).context());
		System.out.println(Files.readString(folder.resolve("link")) + " " + java.nio.file.attribute.PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("n2"))));
	}

	static int depth;

	static void deep() {
		depth++;
		deep();
	}

	static void socket() throws Exception {
		UnixDomainSocketAddress at = UnixDomainSocketAddress.of("sock");
		try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
			server.bind(at);
			Thread t = new Thread(() -> {
				try (SocketChannel c = SocketChannel.open(at)) {
					c.write(ByteBuffer.wrap("over a socket".getBytes()));
				} catch (IOException e) {
					System.out.println(e);
				}
			});
			t.start();
			ByteBuffer to = ByteBuffer.allocate(100);
			try (SocketChannel c = server.accept()) {
				while (c.read(to) >= 0)
					;
			}
			t.join();
			System.out.println(new String(to.array(), 0, to.position()));
		}
	}

	public static void main(String[] args) throws Exception {
		switch (args[0]) {
		case "work" -> work();
		case "full" -> full();
		case "process" -> process();
		case "files" -> files();
		case "socket" -> socket();
		case "deep" -> {
			try {
				deep();
			} catch (StackOverflowError e) {
				System.out.println(depth > 1000 ? "deep" : "not deep");
			}
		}
		default -> throw new IllegalStateException(args[0]);
		}
	}
}
