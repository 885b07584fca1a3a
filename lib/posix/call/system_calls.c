/* SPDX-License-Identifier: MIT */
/* System calls about the machine: its name, memory, log and power. */
#include <linux/personality.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>
#include <base/string.h>
#include <rt/gate.h>
#include "calls.h"
#include <family/family.h>
#include <posix/process/task.h>
#include <posix/needs.h>
#include <vm/swap.h>

struct host_names { char node[65], domain[65]; };

static void names_get(struct new_utsname *name)
{
	*name = (struct new_utsname){ "Linux", "aril", "6.1.0-aril", "#1", "x86_64", "(none)" };
	if (F->names) {
		memcpy(name->nodename, F->names->node, sizeof name->nodename);
		memcpy(name->domainname, F->names->domain, sizeof name->domainname);
	}
}

CALL1(uname, to)
{
	struct new_utsname name;

	names_get(&name);
	if (current_thread()->personality & UNAME26) /* for who takes the first number of a release to be 2 */
		memcpy(name.release, "2.6.61-aril", sizeof "2.6.61-aril");
	if ((current_thread()->personality & PER_MASK) == PER_LINUX32)
		memcpy(name.machine, "i686", sizeof "i686");
	return user_write(to, &name, sizeof name);
}

const char *system_name(const char *field, char name[65])
{
	struct new_utsname all;
	const struct { const char *field, *value; } row[] = {
		{ "ostype", all.sysname }, { "osrelease", all.release }, { "version", all.version }, { "hostname",
			all.nodename },
		{ "domainname", all.domainname },
	};

	names_get(&all);
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if (!strcmp(field, row[i].field))
			memcpy(name, row[i].value, 65);
	return name;
}

long system_rename(const char *text, size_t n, int domain)
{
	char name[65] = { 0 };

	if (n > 64)
		return -EINVAL;
	memcpy(name, text, n);
	if (!F->names) {
		struct host_names *names = fam_alloc(sizeof *names);
		if (!names)
			return -ENOMEM;
		memcpy(names->node, "aril", 5);
		memcpy(names->domain, "(none)", 7);
		F->names = names;
	}
	memcpy(domain ? F->names->domain : F->names->node, name, sizeof name);
	return 0;
}

static long name_set(uint64_t from, uint64_t size, int domain)
{
	char name[64];

	if (size > sizeof name)
		return -EINVAL;
	return user_read(name, from, size) ? -EFAULT : system_rename(name, size, domain);
}

CALL2(sethostname, from, size) { return name_set(from, size, 0); }
CALL2(setdomainname, from, size) { return name_set(from, size, 1); }

CALL1(sysinfo, to)
{
	struct sysinfo s = { .mem_unit = 1 };
	uint32_t load[3];

	s.uptime = (long)(clock_ns() / 1000000000u);
	s.totalram = SAID->frames * EXO_PAGE_SIZE;
	s.freeram = frames_left() * EXO_PAGE_SIZE;
	s.procs = (uint16_t)F->task_count;
	s.sharedram = data_pages_used() * EXO_PAGE_SIZE;
	if (F->swap) {
		s.totalswap = F->swap->size * EXO_PAGE_SIZE;
		s.freeswap = (F->swap->size - F->swap->used) * EXO_PAGE_SIZE;
	}
	runnable_average(load);
	for (int i = 0; i < 3; i++)
		s.loads[i] = (unsigned long)load[i] << (SI_LOAD_SHIFT - 11);
	return user_write(to, &s, sizeof s);
}

/* What loader and kernel said before ring 3 is in the info page; the rest went to the serial line. */
CALL3(syslog, action, buffer, size)
{
	uint32_t kept = rt_info->log_size;

	if ((int)action >= 2 && (int)action <= 4 && (!buffer || (int)size < 0))
		return -EINVAL;
	switch ((int)action) {
	case 3: /* SYSLOG_ACTION_READ_ALL: the last size bytes */
		if (size > kept)
			size = kept;
		return user_write(buffer, (const char *)rt_info->log + (kept - size), size) ? -EFAULT : (long)size;
	case 8: /* SYSLOG_ACTION_CONSOLE_LEVEL */
		return (int)size < 1 || (int)size > 8 ? -EINVAL : 0;
	case 10: /* SYSLOG_ACTION_SIZE_BUFFER */
		return EXO_INFO_LOG;
	}
	return (int)action < 0 || (int)action > 10 ? -EINVAL : 0;
}

CALL4(reboot, magic, magic2, command, argument)
{
	(void)argument;
	if ((uint32_t)magic != LINUX_REBOOT_MAGIC1 || ((uint32_t)magic2 != LINUX_REBOOT_MAGIC2 && (uint32_t)magic2 != LINUX_REBOOT_MAGIC2A
		&& (uint32_t)magic2 != LINUX_REBOOT_MAGIC2B && (uint32_t)magic2 != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	switch ((uint32_t)command) {
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0;
	case LINUX_REBOOT_CMD_POWER_OFF:
	case LINUX_REBOOT_CMD_HALT:
	case LINUX_REBOOT_CMD_RESTART:
		init_request_off((uint32_t)command == LINUX_REBOOT_CMD_RESTART);
		/* Power is the first env's; it takes it away while this process waits. */
		while (sleep_on(&F->init, 0) == 0)
			;
		return -EINTR;
	}
	return -EINVAL;
}
