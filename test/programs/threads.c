/* SPDX-License-Identifier: MIT */
/* pthreads as programs use them: many at once, storms on every kind of lock with a result that is known, thread-local data, cancellation, names, the end of
 * the first thread before the others. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "check.h"

#define MANY 1000
#define FEW  8
#define ROUNDS 400

static pthread_attr_t small;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t sem;
static long counter, held;
static __thread long local = 7;
static __thread char block[3000];

static void *together(void *(*main_of)(void *), long n)
{
	pthread_t *t = calloc((size_t)n, sizeof *t);
	long sum = 0;

	for (long i = 0; i < n; i++)
		CHECK(pthread_create(&t[i], &small, main_of, (void *)i) == 0);
	for (long i = 0; i < n; i++) {
		void *r;

		CHECK(pthread_join(t[i], &r) == 0);
		sum += (long)r;
	}
	free(t);
	return (void *)sum;
}

static void *count(void *i)
{
	CHECK(local == 7 && block[0] == 0 && block[2999] == 0);
	local += (long)i;
	memset(block, (int)(long)i, sizeof block);
	pthread_mutex_lock(&mutex);
	counter++;
	pthread_mutex_unlock(&mutex);
	(void)sched_yield();
	CHECK(local == 7 + (long)i && block[1234] == (char)(long)i);
	return (void *)local;
}

/* All live until the last is there. */
static void *meet(void *i)
{
	pthread_mutex_lock(&mutex);
	if (++counter == MANY)
		pthread_cond_broadcast(&cond);
	while (counter < MANY)
		pthread_cond_wait(&cond, &mutex);
	pthread_mutex_unlock(&mutex);
	return i;
}

static void *storm(void *i)
{
	for (int k = 0; k < ROUNDS; k++) {
		pthread_mutex_lock(&mutex);
		CHECK(held++ == 0);
		if (k % 16 == (long)i)
			(void)sched_yield();
		held--;
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return 0;
}

/* A token goes round: each waits for its turn. */
static void *turns(void *i)
{
	for (int k = 0; k < 50; k++) {
		pthread_mutex_lock(&mutex);
		while (counter % FEW != (long)i)
			pthread_cond_wait(&cond, &mutex);
		counter++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return 0;
}

static void *barriers(void *i)
{
	static atomic_long arrived;
	long serial = 0;

	for (long k = 1; k <= 50; k++) {
		atomic_fetch_add(&arrived, 1);
		int r = pthread_barrier_wait(&barrier);
		CHECK(r == 0 || r == PTHREAD_BARRIER_SERIAL_THREAD);
		serial += r != 0;
		CHECK(atomic_load(&arrived) >= k * FEW);
		(void)pthread_barrier_wait(&barrier);
	}
	(void)i;
	return (void *)serial;
}

static void *readers(void *i)
{
	for (int k = 0; k < ROUNDS; k++) {
		if ((k + (long)i) % 4) {
			long was;

			pthread_rwlock_rdlock(&rwlock);
			was = held;
			(void)sched_yield();
			CHECK(held == was && was % 2 == 0);
			pthread_rwlock_unlock(&rwlock);
		} else {
			pthread_rwlock_wrlock(&rwlock);
			held++;
			(void)sched_yield();
			held++;
			pthread_rwlock_unlock(&rwlock);
		}
	}
	return 0;
}

static void *semaphores(void *i)
{
	for (int k = 0; k < ROUNDS; k++)
		CHECK(((long)i % 2 ? sem_wait(&sem) : sem_post(&sem)) == 0);
	return 0;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void once_main(void) { counter++; (void)sched_yield(); counter++; }
static void *onces(void *i) { pthread_once(&once, once_main); CHECK(counter == 2); return i; }

static int cleaned;
static void clean(void *what) { cleaned += (int)(long)what; }

static void *cancel_read(void *fd)
{
	char byte;

	pthread_cleanup_push(clean, (void *)1);
	(void)!read((int)(long)fd, &byte, 1);
	pthread_cleanup_pop(0);
	return 0;
}

static void unlock(void *what) { pthread_mutex_unlock(what); }
static void *cancel_cond(void *nothing)
{
	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(unlock, &mutex);
	counter = 1;
	for (;;)
		pthread_cond_wait(&cond, &mutex);
	pthread_cleanup_pop(1);
	return nothing;
}

static atomic_int spinning;
static void *cancel_spin(void *nothing)
{
	CHECK(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, 0) == 0);
	atomic_store(&spinning, 1);
	for (;;)
		;
	return nothing;
}

static void cancels(void)
{
	pthread_t t;
	void *r;
	int fd[2];

	CHECK(pipe(fd) == 0);
	CHECK(pthread_create(&t, 0, cancel_read, (void *)(long)fd[0]) == 0);
	(void)sched_yield();
	CHECK(pthread_cancel(t) == 0 && pthread_join(t, &r) == 0 && r == PTHREAD_CANCELED && cleaned == 1);
	counter = 0;
	CHECK(pthread_create(&t, 0, cancel_cond, 0) == 0);
	for (;;) {
		pthread_mutex_lock(&mutex);
		long there = counter;
		pthread_mutex_unlock(&mutex);
		if (there)
			break;
		(void)sched_yield();
	}
	CHECK(pthread_cancel(t) == 0 && pthread_join(t, &r) == 0 && r == PTHREAD_CANCELED);
	CHECK(pthread_mutex_trylock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
	CHECK(pthread_create(&t, 0, cancel_spin, 0) == 0);
	while (!atomic_load(&spinning))
		(void)sched_yield();
	CHECK(pthread_cancel(t) == 0 && pthread_join(t, &r) == 0 && r == PTHREAD_CANCELED);
}

static long gettid_(void) { return syscall(SYS_gettid); }

static void *named(void *nothing)
{
	char path[64], name[32] = "";
	long tid = gettid_();
	FILE *f;

	CHECK(tid != getpid());
	CHECK(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "first") == 0);
	CHECK(prctl(PR_SET_NAME, "second") == 0 && prctl(PR_GET_NAME, name) == 0 && strcmp(name, "second") == 0);
	snprintf(path, sizeof path, "/proc/self/task/%ld/comm", tid);
	CHECK((f = fopen(path, "r")) && fgets(name, sizeof name, f) && fclose(f) == 0);
	CHECK(strcmp(name, "second\n") == 0);
	CHECK((f = fopen(path, "w")) && fputs("third", f) >= 0 && fclose(f) == 0);
	CHECK(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "third") == 0);
	return nothing;
}

static void names(void)
{
	char name[32];
	FILE *f;

	CHECK(prctl(PR_SET_NAME, "first") == 0);
	together(named, 1);
	CHECK((f = fopen("/proc/self/comm", "r")) && fgets(name, sizeof name, f) && fclose(f) == 0 && strcmp(name, "first\n") == 0);
}

static pthread_t first;
static void *outlive(void *nothing)
{
	void *r;

	CHECK(pthread_join(first, &r) == 0 && r == (void *)5);
	CHECK(getpid() != gettid_());
	printf("the first thread has ended\n");
	exit(0);
	return nothing;
}

int main(void)
{
	pthread_t t;

	CHECK(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 32768) == 0);
	for (int k = 0; k < 3; k++)
		CHECK((long)together(count, MANY / 4) == 7l * (MANY / 4) + (MANY / 4 - 1l) * (MANY / 4) / 2);
	CHECK(counter == 3 * (MANY / 4));
	counter = 0;
	CHECK((long)together(meet, MANY) == MANY * (MANY - 1l) / 2);
	counter = 0;
	together(storm, FEW);
	CHECK(counter == FEW * ROUNDS && held == 0);
	counter = 0;
	together(turns, FEW);
	CHECK(counter == 50 * FEW);
	CHECK(pthread_barrier_init(&barrier, 0, FEW) == 0);
	CHECK((long)together(barriers, FEW) == 50);
	together(readers, FEW);
	CHECK(held == FEW * ROUNDS / 4 * 2);
	CHECK(sem_init(&sem, 0, 0) == 0);
	together(semaphores, FEW);
	CHECK(sem_trywait(&sem) < 0 && errno == EAGAIN);
	counter = 0;
	together(onces, FEW);
	cancels();
	names();
	printf("threads are well\n");
	fflush(stdout);
	first = pthread_self();
	CHECK(pthread_create(&t, 0, outlive, 0) == 0);
	pthread_exit((void *)5);
}
