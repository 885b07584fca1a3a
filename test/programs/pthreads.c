/* SPDX-License-Identifier: MIT */
/* POSIX threads at work: mutexes, conditions, barriers, thread-local data, keys, once, cancellation, detached threads, semaphores, timed waits, signals to a thread. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

#define WORKERS 8
#define ROUNDS  2000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, emptied = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static __thread long own;
static long counter, onces, destroyed, ring[16];
static unsigned put, taken;
static sem_t semaphore;
static volatile sig_atomic_t caught;

static void once_run(void) { onces++; }
static void key_end(void *p) { __atomic_add_fetch(&destroyed, (long)p, __ATOMIC_RELAXED); }

static void *count(void *p)
{
	pthread_once(&once, once_run);
	pthread_setspecific(key, p);
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
		own++;
	}
	pthread_barrier_wait(&barrier);
	return (void *)(own + (long)p);
}

static void *produce(void *p)
{
	for (long i = 1; i <= ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		while (put - taken == 16)
			pthread_cond_wait(&emptied, &lock);
		ring[put++ % 16] = i;
		pthread_cond_signal(&filled);
		pthread_mutex_unlock(&lock);
	}
	return p;
}

static void *consume(void *p)
{
	long sum = 0;

	for (int i = 0; i < ROUNDS / 2; i++) {
		pthread_mutex_lock(&lock);
		while (put == taken)
			pthread_cond_wait(&filled, &lock);
		sum += ring[taken++ % 16];
		pthread_cond_signal(&emptied);
		pthread_mutex_unlock(&lock);
	}
	*(long *)p = sum;
	return NULL;
}

static void cleaned(void *p) { *(int *)p = 1; }

static void *wait_for_ever(void *p)
{
	pthread_cleanup_push(cleaned, p);
	for (;;)
		pause();
	pthread_cleanup_pop(0);
	return NULL;
}

static void *detached(void *p) { sem_post(p); return NULL; }
static void on_signal(int sig) { (void)sig; caught = pthread_self() != (pthread_t)0; }

static void *signalled(void *p)
{
	sem_post(p);
	while (!caught)
		usleep(1000);
	return (void *)(long)caught;
}

static struct timespec soon(long ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

int main(void)
{
	pthread_t t[WORKERS];
	long total = 0, sums[2] = { 0, 0 };
	void *result;
	int ended = 0;
	struct timespec when;
	pthread_attr_t attr;

	pthread_barrier_init(&barrier, NULL, WORKERS + 1);
	pthread_key_create(&key, key_end);
	sem_init(&semaphore, 0, 0);
	for (long i = 0; i < WORKERS; i++)
		CHECK(pthread_create(&t[i], NULL, count, (void *)(i + 1)) == 0);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < WORKERS; i++) {
		CHECK(pthread_join(t[i], &result) == 0);
		total += (long)result;
	}
	printf("counted %ld, results %ld, once %ld, keys ended %ld\n", counter, total, onces, destroyed);

	pthread_create(&t[0], NULL, produce, NULL);
	pthread_create(&t[1], NULL, consume, &sums[0]);
	pthread_create(&t[2], NULL, consume, &sums[1]);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	printf("through the ring %ld\n", sums[0] + sums[1]);

	pthread_create(&t[0], NULL, wait_for_ever, &ended);
	usleep(2000);
	CHECK(pthread_cancel(t[0]) == 0);
	pthread_join(t[0], &result);
	printf("cancelled %d, cleaned %d\n", result == PTHREAD_CANCELED, ended);

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	for (int i = 0; i < 100; i++) {
		CHECK(pthread_create(&t[0], &attr, detached, &semaphore) == 0);
		sem_wait(&semaphore);
	}
	when = soon(20);
	CHECK(sem_timedwait(&semaphore, &when) == -1 && errno == ETIMEDOUT);
	when = soon(20);
	pthread_mutex_lock(&lock);
	printf("timed out %d %d\n", pthread_cond_timedwait(&filled, &lock, &when) == ETIMEDOUT, pthread_mutex_trylock(&lock) == EBUSY);
	pthread_mutex_unlock(&lock);

	signal(SIGUSR1, on_signal);
	pthread_create(&t[0], NULL, signalled, &semaphore);
	sem_wait(&semaphore);
	CHECK(pthread_kill(t[0], SIGUSR1) == 0);
	pthread_join(t[0], &result);
	printf("signalled %ld\n", (long)result);
	return 0;
}
