/* SPDX-License-Identifier: MIT */
/* Lines of the log of calls: `PID NAME(ARGUMENTS) = RESULT`, like strace's. Letters of syscall.def: d number, u size, x hexadecimal, o octal, p address, s path,
 * a descriptor that a path starts at, O open flags, g signal, v list of strings, b and B bytes that are written and read. Costs nothing when it is off: only then
 * have envs the entry that leads here (env.c). */
#include <base/fmt.h>
#include <linux/fcntl.h>
#include <linux/signal.h>
#include <family/family.h>
#include <posix/library.h>
#include "strace.h"

#define LINE   1000
#define SHOWN  32   /* bytes of a buffer */
#define LISTED 8    /* strings of a list */

struct line { size_t n; char text[LINE]; };

__attribute__((format(printf, 2, 3)))
static void say(struct line *l, const char *format, ...)
{
	va_list list;
	int n;

	va_start(list, format);
	n = vfmt(l->text + l->n, LINE - l->n, format, list);
	va_end(list);
	l->n += n < 0 ? 0 : (size_t)n;
	if (l->n > LINE - 2)
		l->n = LINE - 2;
}

static void say_bytes(struct line *l, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == '"' || c == '\\')
			say(l, "\\%c", c);
		else if (c == '\n')
			say(l, "\\n");
		else if (c == '\t')
			say(l, "\\t");
		else if (c < 32 || c > 126)
			say(l, "\\%o", c);
		else
			say(l, "%c", c);
	}
}

static void say_buffer(struct line *l, uint64_t at, int64_t n)
{
	char some[SHOWN];
	size_t shown = n > SHOWN ? SHOWN : n > 0 ? (size_t)n : 0;

	if (n < 0 || user_read(some, at, shown)) {
		say(l, "0x%lx", (unsigned long)at);
		return;
	}
	say(l, "\"");
	say_bytes(l, some, shown);
	say(l, n > SHOWN ? "\"..." : "\"");
}

static void say_string(struct line *l, uint64_t at)
{
	char path[256];
	long n = at ? user_str(path, at, sizeof(path)) : -EFAULT;

	if (n == -ENAMETOOLONG)
		n = sizeof(path);
	if (n < 0) {
		say(l, at ? "0x%lx" : "NULL", (unsigned long)at);
		return;
	}
	say(l, "\"");
	say_bytes(l, path, (size_t)n);
	say(l, n == sizeof(path) ? "\"..." : "\"");
}

static void say_list(struct line *l, uint64_t at)
{
	uint64_t string;

	say(l, "[");
	for (int i = 0; !user_read(&string, at + (uint64_t)i * 8, 8) && string; i++) {
		say(l, i ? ", " : "");
		if (i == LISTED) {
			say(l, "...");
			break;
		}
		say_string(l, string);
	}
	say(l, "]");
}

struct bit { unsigned bit; const char *name; };
static const struct bit open_flags[] = {
	{ O_CREAT, "O_CREAT" }, { O_EXCL, "O_EXCL" }, { O_NOCTTY, "O_NOCTTY" }, { O_TRUNC, "O_TRUNC" }, { O_APPEND, "O_APPEND" }, { O_NONBLOCK, "O_NONBLOCK" },
	{ O_LARGEFILE, "O_LARGEFILE" }, { O_DIRECTORY, "O_DIRECTORY" }, { O_NOFOLLOW, "O_NOFOLLOW" }, { O_CLOEXEC, "O_CLOEXEC" }, { O_PATH, "O_PATH" },
};

static void say_open(struct line *l, unsigned flags)
{
	static const char *const mode[4] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE" };

	say(l, "%s", mode[flags & O_ACCMODE]);
	flags &= ~(unsigned)O_ACCMODE;
	for (size_t i = 0; i < sizeof(open_flags) / sizeof(open_flags[0]); i++)
		if (flags & open_flags[i].bit) {
			say(l, "|%s", open_flags[i].name);
			flags &= ~open_flags[i].bit;
		}
	if (flags)
		say(l, "|0x%x", flags);
}

static void say_signal(struct line *l, int sig)
{
	static const char *const names[32] = {
		"0", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE",
		"SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM",
		"SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
	};

	if (sig >= 0 && sig < 32)
		say(l, "%s", names[sig]);
	else
		say(l, "SIGRT_%d", sig - 32);
}

static void say_argument(struct line *l, char letter, uint64_t value, uint64_t next, int64_t result)
{
	switch (letter) {
	case 'd':
		say(l, "%d", (int)value);
		break;
	case 'a':
		if ((int)value == AT_FDCWD)
			say(l, "AT_FDCWD");
		else
			say(l, "%d", (int)value);
		break;
	case 'u':
		say(l, "%lu", (unsigned long)value);
		break;
	case 'o':
		say(l, "0%o", (unsigned)value);
		break;
	case 's':
		say_string(l, value);
		break;
	case 'v':
		say_list(l, value);
		break;
	case 'b':
		say_buffer(l, value, (int64_t)next);
		break;
	case 'B':
		say_buffer(l, value, result);
		break;
	case 'O':
		say_open(l, (unsigned)value);
		break;
	case 'g':
		say_signal(l, (int)value);
		break;
	case 'p':
		say(l, value ? "0x%lx" : "NULL", (unsigned long)value);
		break;
	default:
		say(l, "0x%lx", (unsigned long)value);
	}
}

static void say_call(struct line *l, const struct user_regs *r, const char *name, const char *arguments, int64_t result)
{
	const uint64_t value[7] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9, 0 };

	say(l, "%d ", P->thread->tid);
	if (!name) {
		say(l, "syscall_%lu(0x%lx, 0x%lx, 0x%lx)", (unsigned long)r->orig_rax, (unsigned long)value[0], (unsigned long)value[1], (unsigned long)value[2]);
		return;
	}
	say(l, "%s(", name);
	for (int i = 0; arguments[i]; i++) {
		say(l, i ? ", " : "");
		say_argument(l, arguments[i], value[i], value[i + 1], result);
	}
	say(l, ")");
}

static const char *errno_name(int error)
{
	switch (error) {
#define NAME(name) case name: return #name;
#include "errno_names.def"
#undef NAME
	}
	return "E?";
}

static void say_result(struct line *l, int64_t result)
{
	if (result <= -ERESTARTSYS && result >= -ERESTART_LAST)
		say(l, " = ? ERESTARTSYS");
	else if (result < 0 && result > -4096)
		say(l, " = -1 %s", errno_name((int)-result));
	else if (result < 0 || result > 0x7fffffff)
		say(l, " = 0x%lx", (unsigned long)result);
	else
		say(l, " = %ld", (long)result);
}

/* All of it, in its place among the others': who finds the pipe full waits. */
static void line_put(struct line *l)
{
	size_t done = 0;

	l->text[l->n++] = '\n';
	while (done < l->n) {
		done += pipe_put(F->strace, l->text + done, l->n - done);
		init_poke();
		if (done < l->n && sleep_on(F->strace, clock_ns() + 1000000) == -EINTR)
			sched_give_way();
	}
}

static int may_not_return(const char *name)
{
	return name && (!strcmp(name, "exit") || !strcmp(name, "exit_group") || !strcmp(name, "rt_sigreturn") || !strncmp(name, "execve", 6));
}

void strace_begin(const struct user_regs *r, const char *name, const char *arguments)
{
	struct line l = { .n = 0 };

	if (!may_not_return(name))
		return;
	if (!family_locked())
		family_lock();
	say_call(&l, r, name, arguments, -1);
	line_put(&l);
}

void strace_end(const struct user_regs *r, const char *name, const char *arguments)
{
	struct line l = { .n = 0 };

	if (!family_locked())
		family_lock();
	if (may_not_return(name)) {
		if (!strncmp(name, "rt_", 3))
			return;
		say(&l, "%d %s", P->thread->tid, name);
	} else {
		say_call(&l, r, name, arguments, (int64_t)r->rax);
	}
	say_result(&l, (int64_t)r->rax);
	line_put(&l);
}
