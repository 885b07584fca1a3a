/* SPDX-License-Identifier: MIT */
/* SysV shared memory, semaphores and messages (sysvipc(7)): what they do between processes, over fork, exit and kill, and every errno that root can meet. */
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <time.h>
#include "check.h"

#define SIZE 10000
#define BAD ((void *)8)
#define FAILS(error, x) CHECK((long)(x) == -1 && errno == (error))

union semun { int val; struct semid_ds *buf; unsigned short *array; };
struct text { long type; char text[64]; };

static key_t key;

static struct shmid_ds shm_stat(int id)
{
	struct shmid_ds d;

	CHECK(shmctl(id, IPC_STAT, &d) == 0);
	return d;
}

static void on_signal(int sig) { (void)sig; }

static void handle(int sig, int flags)
{
	struct sigaction a = { .sa_handler = on_signal, .sa_flags = flags };

	CHECK(sigaction(sig, &a, 0) == 0);
}

/* ---- shared memory */

static void shm_keys(void)
{
	int id = shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0640);
	struct shmid_ds d;

	CHECK(id >= 0 && shmget(key, 0, 0) == id && shmget(key, SIZE, IPC_CREAT) == id);
	FAILS(EEXIST, shmget(key, SIZE, IPC_CREAT | IPC_EXCL));
	FAILS(EINVAL, shmget(key, SIZE + 1, 0));
	FAILS(ENOENT, shmget(key + 1, SIZE, 0));
	FAILS(EINVAL, shmget(IPC_PRIVATE, 0, 0600));
	FAILS(EINVAL, shmget(key + 1, 0, IPC_CREAT | 0600));
	d = shm_stat(id);
	CHECK(d.shm_segsz == SIZE && d.shm_perm.mode == 0640 && d.shm_nattch == 0 && d.shm_cpid == getpid() && d.shm_lpid == 0 && d.shm_perm.__key == key);
	CHECK(d.shm_atime == 0 && d.shm_ctime > 0);
	d.shm_perm.mode = 0606;
	d.shm_perm.uid = 7;
	CHECK(shmctl(id, IPC_SET, &d) == 0);
	d = shm_stat(id);
	CHECK(d.shm_perm.mode == 0606 && d.shm_perm.uid == 7 && d.shm_perm.cuid == getuid());
	FAILS(EFAULT, shmctl(id, IPC_STAT, BAD));
	FAILS(EFAULT, shmctl(id, IPC_SET, BAD));
	FAILS(EINVAL, shmctl(id, 77, &d));
	FAILS(EINVAL, shmctl(-1, IPC_STAT, &d));
	CHECK(shmctl(id, SHM_LOCK, 0) == 0 && shmctl(id, SHM_UNLOCK, 0) == 0);
	CHECK(shmctl(id, IPC_RMID, 0) == 0);
	FAILS(ENOENT, shmget(key, SIZE, 0));
	CHECK(shmctl(id, IPC_STAT, &d) == -1 && (errno == EINVAL || errno == EIDRM));
	puts("shm keys");
}

static void shm_attach(void)
{
	int id = shmget(IPC_PRIVATE, SIZE, 0600), *a, *b, in[2];
	char *odd, byte;
	pid_t child;

	FAILS(EINVAL, shmat(-1, 0, 0));
	a = shmat(id, 0, 0);
	CHECK(a != (void *)-1 && (uintptr_t)a % 4096 == 0 && a[0] == 0 && a[SIZE / 4 - 1] == 0);
	b = shmat(id, 0, SHM_RDONLY);
	CHECK(b != a);
	a[1] = 4711;
	CHECK(b[1] == 4711 && shm_stat(id).shm_nattch == 2 && shm_stat(id).shm_lpid == getpid() && shm_stat(id).shm_atime > 0);
	FAILS(EINVAL, shmat(id, a, 0));                          /* something is there */
	FAILS(EINVAL, shmat(id, (char *)a + 1, 0));
	FAILS(EINVAL, shmat(id, 0, SHM_REMAP));
	CHECK(shmat(id, (char *)b + 5, SHM_RND | SHM_REMAP) == b); /* writable now */
	b[2] = 1;
	CHECK(a[2] == 1);
	FAILS(EINVAL, shmdt((char *)a + 4096));
	FAILS(EINVAL, shmdt((char *)a + 1));
	CHECK(shmdt(b) == 0 && shm_stat(id).shm_nattch == 1);
	FAILS(EINVAL, shmdt(b));
	/* A child has it too, also after the id is gone; killed, it gives it back. */
	CHECK(pipe(in) == 0);
	child = fork();
	if (!child) {
		a[3] = 33;
		CHECK(write(in[1], "x", 1) == 1);
		for (;;)
			pause();
	}
	CHECK(read(in[0], &byte, 1) == 1 && a[3] == 33 && shm_stat(id).shm_nattch == 2);
	CHECK(shmctl(id, IPC_RMID, 0) == 0 && (shm_stat(id).shm_perm.mode & 01000) && shm_stat(id).shm_perm.__key == IPC_PRIVATE);
	b = shmat(id, 0, 0);
	CHECK(b[3] == 33 && shmdt(b) == 0);
	CHECK(kill(child, SIGKILL) == 0 && wait_status(child) == 128 + SIGKILL && shm_stat(id).shm_nattch == 1);
	/* Cut in two by munmap; the parts go together. */
	odd = (char *)a;
	CHECK(munmap(odd + 4096, 4096) == 0 && shm_stat(id).shm_nattch == 2 && odd[8192] == 0);
	CHECK(shmdt(odd) == 0);
	CHECK(mincore(odd + 8192, 1, (unsigned char *)&byte) == -1 && errno == ENOMEM);
	FAILS(EINVAL, shmat(id, 0, 0));
	puts("shm attach");
}

/* Memory of a segment without a name or mapping is free again: a thousand times a quarter of what there is would else be too much. */
static void shm_gives_back(void)
{
	for (int i = 0; i < 100; i++) {
		int id = shmget(IPC_PRIVATE, 32 << 20, 0600);
		char *a = shmat(id, 0, 0);

		CHECK(id >= 0 && a != (void *)-1);
		for (int at = 0; at < 32 << 20; at += 1 << 20)
			a[at] = 1;
		CHECK(shmctl(id, IPC_RMID, 0) == 0 && shmdt(a) == 0);
	}
	puts("shm gives back");
}

/* ---- semaphores */

static int semop1(int id, unsigned short number, short change, short flags)
{
	struct sembuf op = { number, change, flags };

	return semop(id, &op, 1);
}

static int value(int id, int number) { return semctl(id, number, GETVAL); }
static void until(int id, int number, int what, int n)
{
	while (semctl(id, number, what) != n)
		sched_yield();
}

static void sem_keys(void)
{
	unsigned short all[3] = { 1, 2, 3 };
	struct semid_ds d;
	int id = semget(key, 3, IPC_CREAT | IPC_EXCL | 0600);

	CHECK(id >= 0 && semget(key, 0, 0) == id);
	FAILS(EEXIST, semget(key, 3, IPC_CREAT | IPC_EXCL));
	FAILS(EINVAL, semget(key, 4, 0));
	FAILS(ENOENT, semget(key + 1, 3, 0));
	FAILS(EINVAL, semget(IPC_PRIVATE, 0, 0600));
	FAILS(EINVAL, semget(IPC_PRIVATE, -1, 0600));
	FAILS(EINVAL, semget(IPC_PRIVATE, 32001, 0600));
	CHECK(semctl(id, 0, SETALL, (union semun){ .array = all }) == 0 && value(id, 0) == 1 && value(id, 2) == 3);
	CHECK(semctl(id, 1, SETVAL, (union semun){ .val = 9 }) == 0 && semctl(id, 0, GETALL, (union semun){ .array = all }) == 0 && all[1] == 9);
	CHECK(semctl(id, 1, GETPID) == getpid());
	CHECK(semctl(id, 0, IPC_STAT, (union semun){ .buf = &d }) == 0 && d.sem_nsems == 3 && d.sem_otime == 0 && d.sem_ctime > 0);
	d.sem_perm.mode = 0666;
	CHECK(semctl(id, 0, IPC_SET, (union semun){ .buf = &d }) == 0 && semctl(id, 0, IPC_STAT, (union semun){ .buf = &d }) == 0 && d.sem_perm.mode == 0666);
	FAILS(ERANGE, semctl(id, 1, SETVAL, (union semun){ .val = 32768 }));
	FAILS(ERANGE, semctl(id, 1, SETVAL, (union semun){ .val = -1 }));
	all[0] = 32768;
	FAILS(ERANGE, semctl(id, 0, SETALL, (union semun){ .array = all }));
	FAILS(EINVAL, semctl(id, 3, GETVAL));
	FAILS(EINVAL, semctl(id, 0, 77));
	FAILS(EINVAL, semctl(-1, 0, GETVAL));
	FAILS(EFAULT, semctl(id, 0, GETALL, (union semun){ .array = BAD }));
	FAILS(EFAULT, semctl(id, 0, IPC_STAT, (union semun){ .buf = BAD }));
	CHECK(semctl(id, 0, IPC_RMID) == 0);
	FAILS(EINVAL, semop1(id, 0, 1, 0));
	puts("sem keys");
}

static void sem_operations(void)
{
	struct timespec soon = { 0, 20000000 }, bad = { 0, 1000000000 };
	struct sembuf two[2] = { { 0, -1, IPC_NOWAIT }, { 1, -1, IPC_NOWAIT } }, many[501] = { 0 };
	int id = semget(IPC_PRIVATE, 2, 0600);

	FAILS(EAGAIN, semop1(id, 0, -1, IPC_NOWAIT));
	CHECK(semop1(id, 0, 2, 0) == 0 && value(id, 0) == 2);
	FAILS(EAGAIN, semop1(id, 0, 0, IPC_NOWAIT));
	FAILS(EAGAIN, semop(id, two, 2));                        /* the second cannot: the first is not done */
	CHECK(value(id, 0) == 2 && semop1(id, 1, 1, 0) == 0 && semop(id, two, 2) == 0 && value(id, 0) == 1 && value(id, 1) == 0);
	FAILS(ERANGE, semop1(id, 0, 32767, 0));
	FAILS(EFBIG, semop1(id, 2, 1, 0));
	FAILS(EINVAL, semop(id, many, 0));
	FAILS(E2BIG, semop(id, many, 501));
	FAILS(EFAULT, semop(id, BAD, 1));
	FAILS(EINVAL, semop1(-1, 0, 1, 0));
	two[0].sem_flg = two[1].sem_flg = 0;
	FAILS(EAGAIN, semtimedop(id, two, 2, &soon));
	FAILS(EINVAL, semtimedop(id, two, 2, &bad));
	FAILS(EFAULT, semtimedop(id, two, 2, BAD));
	for (int i = 0; i < 501; i++)
		many[i].sem_num = 1;
	CHECK(semop(id, many, 500) == 0);                        /* is zero, five hundred times */
	puts("sem operations");
	CHECK(semctl(id, 0, IPC_RMID) == 0);
}

static pid_t waiter(int id, unsigned short number, short change, short flags)
{
	pid_t child = fork();

	if (!child)
		_exit(semop1(id, number, change, flags) == 0 ? 0 : errno == EIDRM ? 7 : errno == EINTR ? 8 : 9);
	return child;
}

static void sem_waits(void)
{
	int id = semget(IPC_PRIVATE, 2, 0600);
	pid_t a = waiter(id, 0, -2, 0), b;

	until(id, 0, GETNCNT, 1);
	CHECK(semop1(id, 0, 1, 0) == 0 && semctl(id, 0, GETNCNT) == 1 && semop1(id, 0, 1, 0) == 0);
	CHECK(wait_status(a) == 0 && value(id, 0) == 0 && semctl(id, 0, GETPID) == a && semctl(id, 0, GETNCNT) == 0);
	CHECK(semctl(id, 1, SETVAL, (union semun){ .val = 1 }) == 0);
	b = waiter(id, 1, 0, 0);
	until(id, 1, GETZCNT, 1);
	CHECK(semop1(id, 1, -1, 0) == 0 && wait_status(b) == 0);
	handle(SIGUSR1, SA_RESTART);
	a = waiter(id, 0, -1, 0);
	until(id, 0, GETNCNT, 1);
	CHECK(kill(a, SIGUSR1) == 0 && wait_status(a) == 8 && semctl(id, 0, GETNCNT) == 0); /* never made again */
	a = waiter(id, 0, -1, 0);
	until(id, 0, GETNCNT, 1);
	CHECK(kill(a, SIGKILL) == 0 && wait_status(a) == 128 + SIGKILL);
	until(id, 0, GETNCNT, 0);
	a = waiter(id, 0, -1, 0);
	until(id, 0, GETNCNT, 1);
	CHECK(semctl(id, 0, IPC_RMID) == 0 && wait_status(a) == 7);
	puts("sem waits");
}

static void sem_undo(void)
{
	int id = semget(IPC_PRIVATE, 1, 0600), in[2];
	pid_t child;
	char byte;

	CHECK(semop1(id, 0, 3, 0) == 0);
	child = fork();
	if (!child) {
		CHECK(semop1(id, 0, -2, SEM_UNDO) == 0);
		_exit(value(id, 0));
	}
	CHECK(wait_status(child) == 1 && value(id, 0) == 3);
	/* Killed; and what the child of a holder does is not its own. */
	CHECK(pipe(in) == 0 && semop1(id, 0, -1, SEM_UNDO) == 0);
	child = fork();
	if (!child) {
		CHECK(semop1(id, 0, -2, SEM_UNDO) == 0 && write(in[1], "x", 1) == 1);
		for (;;)
			pause();
	}
	CHECK(read(in[0], &byte, 1) == 1 && value(id, 0) == 0 && kill(child, SIGKILL) == 0 && wait_status(child) == 128 + SIGKILL && value(id, 0) == 2);
	child = fork();
	if (!child)
		_exit(0);
	CHECK(wait_status(child) == 0 && value(id, 0) == 2);
	/* SETVAL forgets it. */
	child = fork();
	if (!child) {
		CHECK(semop1(id, 0, -1, SEM_UNDO) == 0 && semctl(id, 0, SETVAL, (union semun){ .val = 20 }) == 0);
		_exit(0);
	}
	CHECK(wait_status(child) == 0 && value(id, 0) == 20 && semctl(id, 0, IPC_RMID) == 0);
	puts("sem undo");
}

/* ---- messages */

static void messages(void)
{
	struct text m = { 3, "three" }, big = { 1, "" };
	struct msqid_ds d;
	int id = msgget(key, IPC_CREAT | IPC_EXCL | 0600);

	CHECK(id >= 0 && msgget(key, 0) == id);
	FAILS(EEXIST, msgget(key, IPC_CREAT | IPC_EXCL));
	FAILS(ENOENT, msgget(key + 1, 0));
	CHECK(msgsnd(id, &m, 6, 0) == 0);
	m = (struct text){ 1, "one" };
	CHECK(msgsnd(id, &m, 4, 0) == 0);
	m = (struct text){ 2, "two" };
	CHECK(msgsnd(id, &m, 4, 0) == 0 && msgctl(id, IPC_STAT, &d) == 0 && d.msg_qnum == 3 && d.msg_lspid == getpid() && d.msg_qbytes == 16384);
	CHECK(msgrcv(id, &m, sizeof m.text, 2, 0) == 4 && !strcmp(m.text, "two"));
	CHECK(msgrcv(id, &m, sizeof m.text, -3, 0) == 4 && m.type == 1);
	FAILS(E2BIG, msgrcv(id, &m, 2, 0, 0));
	CHECK(msgrcv(id, &m, 2, 0, MSG_NOERROR) == 2 && m.type == 3);
	FAILS(ENOMSG, msgrcv(id, &m, 2, 0, IPC_NOWAIT));
	m.type = 5;
	CHECK(msgsnd(id, &m, 0, 0) == 0);
	FAILS(ENOMSG, msgrcv(id, &m, 2, 5, IPC_NOWAIT | 020000)); /* MSG_EXCEPT */
	CHECK(msgrcv(id, &m, 2, 6, IPC_NOWAIT | 020000) == 0);
	m.type = 0;
	FAILS(EINVAL, msgsnd(id, &m, 1, 0));
	FAILS(EINVAL, msgsnd(id, &big, 8193, 0));
	FAILS(EINVAL, msgsnd(-1, &big, 1, 0));
	FAILS(EFAULT, msgsnd(id, BAD, 1, 0));
	FAILS(EINVAL, msgrcv(-1, &m, 1, 0, 0));
	FAILS(EINVAL, msgrcv(id, &m, (size_t)-1, 0, 0));
	FAILS(EFAULT, msgctl(id, IPC_STAT, BAD));
	FAILS(EINVAL, msgctl(id, 77, &d));
	CHECK(msgsnd(id, &big, 1, 0) == 0);
	FAILS(EFAULT, msgrcv(id, BAD, 1, 0, 0));
	CHECK(msgctl(id, IPC_RMID, 0) == 0);
	FAILS(EINVAL, msgctl(id, IPC_STAT, &d));
	puts("messages");
}

static void messages_wait(void)
{
	static struct { long type; char text[8192]; } m = { 1, "" };
	struct msqid_ds d;
	int id = msgget(IPC_PRIVATE, 0600), n = 0;
	pid_t child = fork();

	if (!child) {
		long sum = 0;

		for (int i = 0; i < 100; i++) {
			long got = msgrcv(id, &m, sizeof m.text, 0, 0);

			CHECK(got >= 0 && m.type == i + 1);
			sum += got;
		}
		CHECK(msgrcv(id, &m, sizeof m.text, 0, 0) == -1);
		_exit(errno == EIDRM && sum == 100 * 4000 ? 0 : 1);
	}
	for (long i = 0; i < 100; i++) { /* far more than the queue takes: the sender sleeps too */
		m.type = i + 1;
		CHECK(msgsnd(id, &m, 4000, 0) == 0);
	}
	do
		CHECK(msgctl(id, IPC_STAT, &d) == 0 && n++ < 1000000 && sched_yield() == 0);
	while (d.msg_qnum);
	for (int i = 0; i < 100; i++)
		(void)sched_yield();
	CHECK(msgctl(id, IPC_RMID, 0) == 0 && wait_status(child) == 0);
	id = msgget(IPC_PRIVATE, 0600);
	while (msgsnd(id, &m, 4000, IPC_NOWAIT) == 0)
		n = 4711;
	CHECK(errno == EAGAIN && n == 4711 && msgctl(id, IPC_RMID, 0) == 0);
	puts("messages wait");
}

int main(void)
{
	key = 0x41520000 + getpid();
	shm_keys();
	shm_attach();
	shm_gives_back();
	sem_keys();
	sem_operations();
	sem_waits();
	sem_undo();
	messages();
	messages_wait();
	return 0;
}
