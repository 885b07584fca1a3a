/* SPDX-License-Identifier: MIT */
/* Clients of the key-value store in the box BOX (apps/kv): store BOX forks|wrong|many|unanswered|bench, each an order
 * of deeds that ends with "done"; store - socket: what `bench` does, with a process of Linux's behind a Unix socket
 * for a server. */
#include <kv/client.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define CHECK(x) ((x) ? (void)0 : (printf("line %d: %s\n", __LINE__, #x), exit(1)))
#define ROUNDS 2000
#define KEYS   64
#define VALUE  100

static struct kv kv;

static int ended(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

/* Each process a client of its own, which reads what the one before has put. */
static void forks(exo_name name)
{
	for (int i = 0; i < 1000; i++) {
		pid_t pid = fork();
		char key[20], back[20];
		const uint8_t *value;
		size_t size;

		if (!pid) {
			int n = sprintf(key, "key%d", i), e = kv_open(&kv, name);

			CHECK(!e);
			CHECK(!kv_put(&kv, key, (size_t)n, key, (size_t)n));
			CHECK(kv_read(&kv, key, (size_t)n, back, sizeof back) == n && !memcmp(key, back, (size_t)n));
			n = sprintf(key, "key%d", i / 2);
			CHECK(!kv_get(&kv, key, (size_t)n, &value, &size) && size == (size_t)n && !memcmp(key, value, size));
			CHECK(kv_read(&kv, "none", 4, back, sizeof back) == -ENOENT);
			_exit(0);
		}
		CHECK(!ended(pid));
	}
}

/* Words that mean nothing, sizes that are none, an area that is written while it is read; pages that are not for
 * writing. */
static void wrong(exo_name name)
{
	static uint8_t big[KV_VALUE_MOST + 1];
	uint64_t n = 1, m[2];
	const uint8_t *value;
	size_t size;
	pid_t pid;

	CHECK(!kv_open(&kv, name) && !kv_open(&kv, name));
	for (int i = 0; i < 20000; i++) {
		n = n * 6364136223846793005ul + 1442695040888963407ul;
		m[0] = n >> (n >> 60 & 31);
		m[1] = n * 3;
		memset(kv.area->key, (int)n, 8);
		CHECK(gate_pct_say(name, 0, m) == 0 || i);
		if (i % 1000 == 0) {
			CHECK(!kv_put(&kv, "sound", 5, &n, sizeof n));
			CHECK(!kv_get(&kv, "sound", 5, &value, &size) && size == 8 && !memcmp(value, &n, 8));
		}
	}
	CHECK(kv_put(&kv, "", 0, "", 0) == -EINVAL && kv_put(&kv, "x", 1, big, sizeof big) == -EINVAL);
	CHECK(!kv_put(&kv, "big", 3, big, sizeof big - 1));
	CHECK(!kv_remove(&kv, "big", 3) && kv_remove(&kv, "big", 3) == -ENOENT);
	/* Out of the server's pages into a file and back; into them nothing comes. */
	CHECK(!kv_get(&kv, "sound", 5, &value, &size));
	int pipes[2];
	CHECK(!pipe(pipes) && write(pipes[1], value, 8) == 8);
	CHECK(read(pipes[0], (void *)value, 8) == -1 && errno == EFAULT);
	CHECK(write(pipes[1], (const char *)kv.store + (1ul << 30) - 4096, 8) == -1 && errno == EFAULT);
	CHECK(write(pipes[1], (const char *)kv.store + (1ul << 30) - 4, 8) == -1 && errno == EFAULT);
	pid = fork();
	if (!pid) {
		CHECK(!kv_open(&kv, name));
		*(volatile uint8_t *)value = 1;
		_exit(0);
	}
	CHECK(WTERMSIG(ended(pid)) == SIGSEGV);
	/* A child has no area before it asks for one, and its parent's is not there. */
	pid = fork();
	if (!pid) {
		kv.area->key[0] = 'x';
		_exit(0);
	}
	CHECK(WTERMSIG(ended(pid)) == SIGSEGV);
}

/* More clients than there is room for: the last ones are refused; when these have ended, others are not. */
static void many(exo_name name)
{
	pid_t pid[80];
	int go[2], said[2], refused = 0;
	char c;

	CHECK(!pipe(go) && !pipe(said));
	for (int i = 0; i < 80; i++) {
		pid[i] = fork();
		if (pid[i])
			continue;
		c = kv_open(&kv, name) == -EAGAIN;
		CHECK(write(said[1], &c, 1) == 1 && close(go[1]) == 0 && read(go[0], &c, 1) == 0);
		_exit(0);
	}
	for (int i = 0; i < 80; i++, refused += c)
		CHECK(read(said[0], &c, 1) == 1);
	CHECK(refused >= 16 && refused < 80);
	CHECK(!close(go[1]));
	for (int i = 0; i < 80; i++)
		CHECK(!ended(pid[i]));
	CHECK(!kv_open(&kv, name) && !kv_put(&kv, "after", 5, "x", 1));
}

/* The server takes the call and does not answer: who waits for it is ended by SIGKILL, and disturbs nobody. */
static void unanswered(exo_name name, int policy)
{
	const struct sched_param urgent = { .sched_priority = policy == SCHED_FIFO };
	exo_name *self = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t client;

	CHECK(self != MAP_FAILED);
	client = fork();
	if (!client) {
		CHECK(!syscall(SYS_sched_setscheduler, 0, policy, &urgent)); /* musl has none */
		*self = rt_self();
		_exit(kv_open(&kv, name));
	}
	while (!*self || rt_envs[EXO_NAME_INDEX(*self)].state != EXO_S_CALLING)
		usleep(1000);
	sleep(2);
	CHECK(waitpid(client, NULL, WNOHANG) == 0);
	CHECK(!kill(client, SIGKILL) && WTERMSIG(ended(client)) == SIGKILL);
}

/* ---- what a request costs, in ticks of the TSC */

static char keys[KEYS][8], values[VALUE];
static int link_fd;

static long local_get(const char *key, void *to, size_t most)
{
	const uint8_t *value;
	size_t size;

	CHECK(!kv_get(&kv, key, 7, &value, &size) && size <= most);
	memcpy(to, value, size);
	return (long)size;
}

static long local_read(const char *key, void *to, size_t most) { return kv_read(&kv, key, 7, to, most); }

static long local_put(const char *key, void *to, size_t most)
{
	(void)to;
	(void)most;
	CHECK(!kv_put(&kv, key, 7, values, VALUE));
	return VALUE;
}

static long socket_get(const char *key, void *to, size_t most)
{
	CHECK(send(link_fd, key, 7, 0) == 7);
	return recv(link_fd, to, most, 0);
}

static long socket_put(const char *key, void *to, size_t most)
{
	char request[7 + VALUE];

	memcpy(request, key, 7);
	memcpy(request + 7, values, VALUE);
	CHECK(send(link_fd, request, sizeof request, 0) == sizeof request && recv(link_fd, to, most, 0) == 1);
	return VALUE;
}

static void timed(const char *what, long (*request)(const char *, void *, size_t))
{
	char back[VALUE];
	uint64_t begin = 0;

	for (int i = -100; i < ROUNDS; i++) {
		if (!i)
			begin = rt_tsc();
		CHECK(request(keys[(i + 100) % KEYS], back, sizeof back) == VALUE);
	}
	printf("%s %lu\n", what, (unsigned long)((rt_tsc() - begin) / ROUNDS));
}

/* The same table, in a process of its own. */
static void socket_serve(int fd)
{
	static struct kv_store s;
	char request[7 + VALUE];
	ssize_t n;

	while ((n = recv(fd, request, sizeof request, 0)) >= 7) {
		struct kv_entry **at = kv_seek(&s, request, 7);

		if (n > 7) {
			if (!*at) {
				*at = calloc(1, sizeof **at + 7 + VALUE);
				(*at)->hash = kv_hash(request, 7);
				(*at)->key_size = 7;
				memcpy((*at)->bytes, request, 7);
			}
			(*at)->value_size = (uint32_t)n - 7;
			memcpy((*at)->bytes + 7, request + 7, (size_t)n - 7);
		}
		if (n > 7 ? send(fd, "", 1, 0) < 0 : *at && send(fd, kv_value(*at), (*at)->value_size, 0) < 0)
			break;
	}
	_exit(0);
}

static void bench(int is_socket)
{
	int fd[2];

	for (int i = 0; i < KEYS; i++)
		sprintf(keys[i], "key%04d", i);
	memset(values, 'v', VALUE);
	if (is_socket) {
		CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd));
		if (!fork())
			close(fd[0]), socket_serve(fd[1]);
		close(fd[1]);
		link_fd = fd[0];
	}
	timed("put", is_socket ? socket_put : local_put);
	timed("get", is_socket ? socket_get : local_get);
	if (!is_socket)
		timed("read", local_read);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	int is_socket = !strcmp(what, "socket");
	exo_name name = is_socket ? 0 : kv_server(argv[1]);

	CHECK(name || is_socket);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(what, "forks"))
		forks(name);
	else if (!strcmp(what, "wrong"))
		wrong(name);
	else if (!strcmp(what, "many"))
		many(name);
	else if (!strcmp(what, "unanswered"))
		unanswered(name, argc > 3 ? SCHED_FIFO : SCHED_OTHER);
	else if (!is_socket)
		CHECK(!strcmp(what, "bench") && !kv_open(&kv, name));
	if (is_socket || !strcmp(what, "bench"))
		bench(is_socket);
	printf("done\n");
	return 0;
}
