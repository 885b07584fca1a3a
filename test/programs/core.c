/* SPDX-License-Identifier: MIT */
/* Dies where a debugger is to find it: `core segv` by a fault three calls deep, while another thread waits; `core abort` by abort(); `core large` with a reservation of
 * 64 GiB of which one page is used; `core term` by a signal that leaves no image. */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include "check.h"

int marker_data = 0x41524c;      /* written: in the file only through the image */
static volatile int *nowhere;

__attribute__((noinline)) static int inner_most(int depth)
{
	volatile char local[32] = "local words";

	marker_data += depth;
	*nowhere = local[0];
	return depth;
}

__attribute__((noinline)) static int in_between(int depth) { return inner_most(depth + 1) + 1; }

static void *other_thread(void *go)
{
	(void)pthread_barrier_wait(go);
	(void)pause();
	return 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "segv";

	if (!strcmp(how, "segv")) {
		pthread_barrier_t go;
		pthread_t other;

		CHECK(pthread_barrier_init(&go, 0, 2) == 0 && pthread_create(&other, 0, other_thread, &go) == 0);
		(void)pthread_barrier_wait(&go);
		return in_between(41);
	}
	if (!strcmp(how, "large")) {
		char *p = mmap(0, 64ul << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		CHECK(p != MAP_FAILED);
		strcpy(p + (33ul << 30), "far away");
		return in_between((int)(intptr_t)p & 1);
	}
	if (!strcmp(how, "abort"))
		abort();
	(void)raise(SIGTERM);
	return 1;
}
