/* SPDX-License-Identifier: MIT */
/* What C libraries look for in the tree that every system has: time zones, services, shells, folders and their
 * rights. */
#include <fcntl.h>
#include <netdb.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include "check.h"

static void zone(const char *name, time_t at)
{
	char text[64];
	struct tm tm;

	CHECK(setenv("TZ", name, 1) == 0);
	tzset();
	CHECK(localtime_r(&at, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %Z %z", &tm));
	printf("%s: %s\n", name, text);
}

static void folder(const char *name)
{
	struct stat st;

	if (stat(name, &st))
		printf("%s: error %d\n", name, errno);
	else
		printf("%s: folder %d, for all %d, sticky %d\n", name, S_ISDIR(st.st_mode), (st.st_mode & 2) != 0,
			(st.st_mode & S_ISVTX) != 0);
}

int main(void)
{
	static const char *const files[] = { "/etc/os-release", "/etc/localtime", "/etc/resolv.conf", "/etc/services",
		"/etc/protocols", "/etc/shells",
		"/etc/hosts", "/etc/hostname", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/timezone" };
	struct servent *s;
	int fd;

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		printf("%s: %d\n", files[i], access(files[i], R_OK) ? errno : 0);
	zone("Europe/Berlin", 1700000000);
	zone("Europe/Berlin", 1720000000);
	zone("America/New_York", 1720000000);
	zone("Asia/Kolkata", 0);
	zone("Australia/Lord_Howe", 1700000000);
	zone("UTC", 1700000000);
	folder("/home");
	folder("/run");
	folder("/var/run/.");
	folder("/tmp");
	folder("/var/tmp");
	folder("/var/lib");
	folder("/opt");
	folder("/srv");
	folder("/mnt");
	s = getservbyname("https", "tcp");
	printf("https: %d\n", s ? ntohs((unsigned short)s->s_port) : -1);
	s = getservbyport(htons(22), "tcp");
	printf("22: %s\n", s ? s->s_name : "(none)");
	fd = shm_open("/tree", O_CREAT | O_RDWR, 0600);
	CHECK(fd >= 0 && ftruncate(fd, 4096) == 0 && shm_unlink("/tree") == 0);
	return 0;
}
