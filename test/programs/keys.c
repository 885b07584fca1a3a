/* SPDX-License-Identifier: MIT */
/* add_key, request_key, keyctl: keys and rings, who may do what with them, what is handed on, and what is wrong. */
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include "try.h"

#define THREAD  KEY_SPEC_THREAD_KEYRING
#define PROCESS KEY_SPEC_PROCESS_KEYRING
#define SESSION KEY_SPEC_SESSION_KEYRING
#define USER    KEY_SPEC_USER_KEYRING

static long add(const char *type, const char *name, const char *data, long ring)
{
	return syscall(SYS_add_key, type, name, data, data ? strlen(data) : 0, ring);
}

static long control(int what, long a, long b, long c, long d)
{
	return syscall(SYS_keyctl, what, a, b, c, d);
}

static void describe(const char *when, long key)
{
	char text[200];
	long n = control(KEYCTL_DESCRIBE, key, (long)text, sizeof text, 0);

	if (n < 0)
		printf("%s: error %d\n", when, errno);
	else
		printf("%s: %ld %s\n", when, n, text);
}

static void show(const char *when, long key)
{
	char data[200] = "";
	long n = control(KEYCTL_READ, key, (long)data, sizeof data - 1, 0);

	if (n < 0)
		printf("%s: error %d\n", when, errno);
	else
		printf("%s: %ld %s\n", when, n, data);
}

static int holds(long ring, long key)
{
	int32_t in[100];
	long n = control(KEYCTL_READ, ring, (long)in, sizeof in, 0);

	for (long i = 0; i < n / 4; i++)
		if (in[i] == key)
			return 1;
	return 0;
}

static void kinds(void)
{
	static const struct { const char *type, *name; long size; } tries[] = {
		{ "keyring", "a", 0 }, { "keyring", "b", 1 }, { "user", "c", 0 }, { "user", "c", 1 }, { "user", "c", 32767 },
		{ "user", "d", 32768 }, { "logon", "e", 5 }, { "logon", "e:f", 5 }, { "logon", ":f", 5 },
		{ "logon", "e:g", 32768 }, { "big_key", "h", 1 << 20 }, { "no such", "i", 5 },
		{ "", "j", 5 }, { ".own", "k", 5 }, { "a type whose name is much longer than one may be", "l", 5 },
		{ "keyring", ".m", 0 }, { "user", ".m", 3 }, { "user", "", 3 },
	};
	char *data = calloc(1, 1 << 20);

	for (unsigned i = 0; i < sizeof tries / sizeof *tries; i++) {
		long r = syscall(SYS_add_key, tries[i].type, tries[i].name, data, tries[i].size, THREAD);

		printf("%s %s %ld: %d\n", tries[i].type, tries[i].name, tries[i].size, r < 0 ? errno : 0);
	}
	/* not every Linux has those */
	long big = syscall(SYS_add_key, "big_key", "h", data, (1 << 20) - 1, THREAD);
	CHECK(big > 0 ? control(KEYCTL_READ, big, 0, 0, 0) == (1 << 20) - 1 : errno == ENODEV);
	free(data);
	TRY(add_key, BAD, "x", "y", 1, THREAD);
	TRY(add_key, "user", BAD, "y", 1, THREAD);
	TRY(add_key, "user", "x", BAD, 1, THREAD);
	TRY(add_key, "user", 0, "y", 1, THREAD);
	TRY(add_key, "user", "x", "y", 1, 0);
	TRY(add_key, "user", "x", "y", 1, -6);
	TRY(add_key, "user", "x", "y", 1, -9);
	TRY(add_key, "user", "x", "y", 1, 1);
}

static void data(void)
{
	long key = add("user", "word", "secret", PROCESS), login = add("logon", "a:b", "secret", PROCESS), more;
	char few[3] = "..";

	CHECK(key > 0 && login > 0);
	describe("made", key);
	describe("login", login);
	show("data", key);
	show("of a login", login);
	printf("part: %ld %c%c\n", control(KEYCTL_READ, key, (long)few, 1, 0), few[0], few[1]);
	printf("size: %ld\n", control(KEYCTL_READ, key, 0, 0, 0));
	printf("again: %d\n", add("user", "word", "other", PROCESS) == key);
	show("other", key);
	TRY(keyctl, KEYCTL_UPDATE, key, "third", 5);
	show("third", key);
	TRY(keyctl, KEYCTL_UPDATE, key, "third", 4097);
	TRY(keyctl, KEYCTL_UPDATE, key, 0, 0);
	TRY(keyctl, KEYCTL_UPDATE, key, BAD, 5);
	TRY(keyctl, KEYCTL_READ, key, BAD, 5);
	TRY(keyctl, KEYCTL_READ, 1, buffer, 5);
	TRY(keyctl, KEYCTL_UPDATE, PROCESS, "x", 1);
	TRY(keyctl, KEYCTL_DESCRIBE, 0x7ffffff0, buffer, 99);
	TRY(keyctl, KEYCTL_GET_SECURITY, 0x7ffffff0, 0, 0);
	TRY(keyctl, 12345, 0, 0, 0);

	/* as its bits say */
	TRY(keyctl, KEYCTL_SETPERM, key, 0x80000000);
	TRY(keyctl, KEYCTL_SETPERM, key, 0x3d000000);
	describe("not to be seen by its user", key);
	show("not to be read by who has it", key);
	TRY(keyctl, KEYCTL_SETPERM, key, 0x28000000);
	describe("hidden", key);
	show("hidden", key);
	TRY(keyctl, KEYCTL_UPDATE, key, "x", 1);
	TRY(keyctl, KEYCTL_LINK, key, PROCESS);
	TRY(keyctl, KEYCTL_SETPERM, key, 0x3f010000);
	TRY(keyctl, KEYCTL_CHOWN, key, 5, 6);
	describe("another's", key);
	TRY(keyctl, KEYCTL_CHOWN, key, -1, -1);

	TRY(keyctl, KEYCTL_REVOKE, key);
	show("revoked", key);
	describe("revoked", key);
	TRY(keyctl, KEYCTL_REVOKE, key);
	more = add("user", "word", "new", PROCESS);
	CHECK(more > 0);
	printf("another in its place: %d %d %d\n", more > 0 && more != key, holds(PROCESS, key), holds(PROCESS, more));
	TRY(keyctl, KEYCTL_INVALIDATE, more);
	TRY(keyctl, KEYCTL_INVALIDATE, more);
}

static void rings(void)
{
	long outer = add("keyring", "outer", NULL, PROCESS), inner = add("keyring", "inner", NULL, outer);
	long key = add("user", "deep", "x", inner), ring = inner, to = add("keyring", "to", NULL, PROCESS);

	CHECK(outer > 0 && inner > 0 && key > 0 && to > 0);
	describe("ring", outer);
	printf("found: %d\n", control(KEYCTL_SEARCH, outer, (long)"user", (long)"deep", 0) == key);
	printf("found: %d\n", control(KEYCTL_SEARCH, PROCESS, (long)"user", (long)"deep", to) == key);
	printf("kept: %d\n", holds(to, key));
	TRY(keyctl, KEYCTL_SEARCH, outer, "user", "shallow", 0);
	TRY(keyctl, KEYCTL_SEARCH, outer, "no such", "deep", 0);
	TRY(keyctl, KEYCTL_SEARCH, key, "user", "deep", 0);
	TRY(keyctl, KEYCTL_LINK, outer, inner);
	TRY(keyctl, KEYCTL_LINK, outer, outer);
	TRY(keyctl, KEYCTL_LINK, key, key);
	TRY(keyctl, KEYCTL_LINK, key, outer);
	printf("linked: %d\n", holds(outer, key));
	TRY(keyctl, KEYCTL_UNLINK, key, inner);
	TRY(keyctl, KEYCTL_UNLINK, key, inner);
	printf("unlinked: %d %d\n", holds(inner, key), holds(outer, key));
	TRY(keyctl, KEYCTL_MOVE, key, outer, inner, 0);
	printf("moved: %d %d\n", holds(inner, key), holds(outer, key));
	add("user", "deep", "y", outer);
	TRY(keyctl, KEYCTL_MOVE, key, inner, outer, KEYCTL_MOVE_EXCL);
	TRY(keyctl, KEYCTL_MOVE, key, inner, outer, 9);
	TRY(keyctl, KEYCTL_MOVE, key, to, to, 0);
	TRY(keyctl, KEYCTL_CLEAR, outer);
	printf("cleared: %ld\n", control(KEYCTL_READ, outer, 0, 0, 0));
	TRY(keyctl, KEYCTL_CLEAR, key);
	ring = outer;
	for (int i = 0; i < 9; i++) {
		long below = add("keyring", "below", NULL, ring);

		if (below < 0) {
			printf("too deep to be had: %d, error %d\n", i, errno);
			break;
		}
		ring = below;
	}
	key = add("user", "very deep", "x", ring);
	TRY(keyctl, KEYCTL_SEARCH, outer, "user", "very deep", 0);
	TRY(keyctl, KEYCTL_SEARCH, ring, "user", "very deep", 0);
	TRY(keyctl, KEYCTL_LINK, outer, to);
	TRY(keyctl, KEYCTL_UNLINK, outer, PROCESS);
}

static void requests(void)
{
	long key = add("user", "there", "x", THREAD), late = add("user", "soon", "x", THREAD);

	printf("found: %d\n", syscall(SYS_request_key, "user", "there", 0, 0) == key);
	printf("kept: %d %d\n", syscall(SYS_request_key, "user", "there", 0, PROCESS) == key, holds(PROCESS, key));
	TRY(request_key, "user", "nowhere", 0, 0);
	TRY(request_key, "keyring", "nowhere", "info", 0);
	TRY(request_key, "no such", "nowhere", 0, 0);
	TRY(request_key, ".own", "nowhere", 0, 0);
	TRY(request_key, "", "nowhere", 0, 0);
	TRY(request_key, BAD, "nowhere", 0, 0);
	TRY(request_key, "user", BAD, 0, 0);
	TRY(request_key, "user", "nowhere", BAD, 0);
	TRY(request_key, "user", "there", 0, 99);
	TRY(keyctl, KEYCTL_SET_TIMEOUT, late, 1);
	show("in time", late);
	usleep(2100000);
	show("late", late);
	TRY(request_key, "user", "there", 0, late);
	TRY(request_key, "user", "soon", 0, 0);
	TRY(add_key, "user", "x", "y", 1, late);
	TRY(keyctl, KEYCTL_UPDATE, late, "x", 1);
	TRY(keyctl, KEYCTL_REVOKE, key);
	TRY(request_key, "user", "x", 0, key);
	TRY(request_key, "user", "x", 0, 0);
	TRY(add_key, "user", "x", "y", 1, key);
	for (int where = -2; where < 8; where++) {
		long r = control(KEYCTL_SET_REQKEY_KEYRING, where, 0, 0, 0);

		printf("default %d: %ld\n", where, r < 0 ? -(long)errno : r);
	}
	TRY(keyctl, KEYCTL_SET_REQKEY_KEYRING, 0);
	TRY(keyctl, KEYCTL_INSTANTIATE, key, "x", 1, 0);
	TRY(keyctl, KEYCTL_ASSUME_AUTHORITY, 0);
	TRY(keyctl, KEYCTL_ASSUME_AUTHORITY, -1);
	TRY(keyctl, KEYCTL_ASSUME_AUTHORITY, key);
}

/* What a child has of these, and an image. */
static void handed(void)
{
	long session, thread = control(KEYCTL_GET_KEYRING_ID, THREAD, 1, 0, 0);
	long process = control(KEYCTL_GET_KEYRING_ID, PROCESS, 1, 0, 0);
	pid_t pid;

	TRY(keyctl, KEYCTL_JOIN_SESSION_KEYRING, ".own");
	TRY(keyctl, KEYCTL_JOIN_SESSION_KEYRING, BAD);
	session = control(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
	CHECK(session > 0 && add("user", "of all", "x", SESSION) > 0);
	describe("session", session);
	printf("as it is known: %d\n", control(KEYCTL_GET_KEYRING_ID, SESSION, 0, 0, 0) == session);
	pid = fork();
	if (!pid) {
		printf("child: session %d\n", control(KEYCTL_GET_KEYRING_ID, SESSION, 0, 0, 0) == session);
		printf("finds %d\n", syscall(SYS_request_key, "user", "of all", 0, 0) > 0);
		TRY(keyctl, KEYCTL_GET_KEYRING_ID, THREAD, 0);
		TRY(keyctl, KEYCTL_GET_KEYRING_ID, PROCESS, 0);
		printf("others: %d %d\n", control(KEYCTL_GET_KEYRING_ID, THREAD, 1, 0, 0) != thread,
			control(KEYCTL_GET_KEYRING_ID, PROCESS, 1, 0, 0) != process);
		CHECK(control(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) > 0);
		fflush(stdout);
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
	printf("parent: session %d\n", control(KEYCTL_GET_KEYRING_ID, SESSION, 0, 0, 0) == session);
	describe("user", USER);
	describe("user's session", KEY_SPEC_USER_SESSION_KEYRING);
	printf("in it: %d\n", holds(KEY_SPEC_USER_SESSION_KEYRING, control(KEYCTL_GET_KEYRING_ID, USER, 0, 0, 0)));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) { /* the next image has no ring but its session's */
		TRY(keyctl, KEYCTL_GET_KEYRING_ID, THREAD, 0);
		TRY(keyctl, KEYCTL_GET_KEYRING_ID, PROCESS, 0);
		printf("finds %d\n", syscall(SYS_request_key, "user", "of all", 0, 0) > 0);
		return 0;
	}
	kinds();
	data();
	rings();
	requests();
	handed();
	execl("/proc/self/exe", "keys", "again", NULL);
	return 1;
}
