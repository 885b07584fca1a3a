/* SPDX-License-Identifier: MIT */
/* The first program: where it is, its standard streams, its environment; and what is said when it cannot be started. */
#include <base/fmt.h>
#include <family/family.h>
#include <fs/files.h>
#include "init.h"
#include <posix/process/task.h>
#include <tty/tty.h>

#define PATH_LIST      "/usr/sbin:/usr/bin:/sbin:/bin"
#define STATUS_MISSING 127
#define STATUS_BROKEN  126

static void complain(const char *name, const char *what)
{
	char line[256];
	int n = fmt(line, sizeof line, "%s: %s\n", name, what);

	if (n >= (int)sizeof line)
		n = sizeof line - 1;
	if (CONFIG->mode >= INIT_PIPE)
		init_io_frame('E', line, (size_t)n);
	else
		console_message(line, (size_t)n);
}

static int is_program(const char *path)
{
	struct inode *ip;
	int error = inode_lookup_exec(path, &ip);

	if (!error)
		inode_put(ip);
	return error;
}

/* The path of a command as execvp(3) finds it: 0 or -errno. */
static int command_find(const char *name, char *to, size_t max)
{
	int worst = -ENOENT;

	if (strchr(name, '/')) {
		(void)fmt(to, max, "%s", name);
		return is_program(to);
	}
	for (const char *dir = PATH_LIST; dir; dir = strchr(dir, ':')) {
		dir += *dir == ':';
		const char *end = strchr(dir, ':');
		(void)fmt(to, max, "%.*s/%s", (int)(end ? (size_t)(end - dir) : strlen(dir)), dir, name);
		int error = is_program(to);
		if (!error)
			return 0;
		if (error != -ENOENT && error != -ENOTDIR)
			worst = error;
	}
	return worst;
}

/* Without a command: the first of these that is there. A link to the shell's own binary is passed over: what it
 * calls init must be pid 1, and that is here. */
static const char *shell_find(void)
{
	static const char list[][16] = { "/sbin/init", "/etc/init", "/bin/init" };
	struct inode *shell, *ip;
	uint64_t shell_number = 0;
	const char *found = "/bin/sh";

	if (!inode_lookup_exec(found, &shell)) {
		shell_number = inode_number(shell);
		inode_put(shell);
	}
	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
		if (inode_lookup_exec(list[i], &ip))
			continue;
		int other = inode_number(ip) != shell_number;
		inode_put(ip);
		if (other)
			return list[i];
	}
	return found;
}

static struct file_state *files_open(struct init *in)
{
	struct file_state *files = files_new();
	struct inode *home;
	int error;

	if (!files)
		return NULL;
	if (CONFIG->strace && CONFIG->has_channel && !in->unpacks && !F->strace)
		F->strace = pipe_new();
	if (CONFIG->trace && !in->unpacks && !F->env_names)
		F->env_names = fam_pages(ENV_NAMES_PAGES);
	if (CONFIG->mode >= INIT_PIPE || in->unpacks) {
		in->in = pipe_new();
		in->out = pipe_new();
		in->err = pipe_new();
		error = in->in && in->out && in->err ? files_open_pipes(files, in->in, in->out, in->err) : -ENOMEM;
	} else {
		error = files_open_tty(files);
		if (!error && !inode_lookup("/root", &home)) {
			inode_put(files->places.cwd.inode);
			files->places.cwd.inode = home; /* of the first mount, as "/" is */
		}
	}
	if (!error)
		return files;
	rt_log("init: no standard streams: error %d", -error);
	places_free(&files->places);
	files_free(files);
	return NULL;
}

struct task *init_spawn(const char *path, char *const argv[], struct file_state *files, int *error)
{
	char term[80], *envp[] = { "PATH=" PATH_LIST, "HOME=/root", "SHELL=/bin/sh", term, "USER=root", "LOGNAME=root", NULL };

	(void)fmt(term, sizeof term, "TERM=%s", CONFIG->term);
	return spawn_program(path, argv, envp, files, 1, error);
}

static struct task *command_start(struct init *in, const char *path, char *const argv[], int *error)
{
	struct file_state *files = files_open(in);

	*error = -ENOMEM;
	return files ? init_spawn(path, argv, files, error) : NULL;
}

/* What comes first; init_unpacked goes on. */
int init_begin(struct init *in)
{
	static char *const argv[] = { "tar", "-x", "-f", "-", "-C", "/", NULL };
	struct task *tar;
	int error;

	if (!CONFIG->unpack)
		return init_command(in);
	in->unpacks = UNPACKS;
	in->archive_left = (uint32_t)CONFIG->unpack;
	in->command = argv[0];
	/* Another tar than busybox's puts a folder in the place of a link to one. */
	tar = command_start(in, is_program("/bin/busybox") ? "/bin/tar" : "/bin/busybox", argv, &error);
	if (!tar) {
		complain(argv[0], "cannot be started");
		init_unpack_tell(in, STATUS_BROKEN);
		return STATUS_BROKEN;
	}
	in->command_pid = tar->pid;
	return 0;
}

void init_unpack_tell(struct init *in, int status)
{
	const int32_t word = status;

	init_io_drain(in);
	init_io_frame('U', &word, sizeof word);
}

int init_unpacked(struct init *in)
{
	in->unpacks = UNPACKS_NOT;
	in->command_pid = 0;
	in->in = in->out = in->err = NULL; /* three pipes stay, empty */
	return init_command(in);
}

int init_command(struct init *in)
{
	const struct init_config *c = CONFIG;
	char path[1024], *login_argv[2] = { NULL }, *shell_argv[INIT_ARGS + 2], *const *argv = c->arg;
	struct task *command = NULL;
	int error = 0;

	if (!c->arg_count) {
		const char *shell = shell_find();

		argv = login_argv;
		/* A login shell on a terminal reads /etc/profile. */
		in->command = c->mode >= INIT_PIPE ? "sh" : "-sh";
		login_argv[0] = (char *)(uintptr_t)in->command;
		(void)fmt(path, sizeof path, "%s", shell);
	} else {
		in->command = argv[0];
		error = command_find(argv[0], path, sizeof path);
	}
	if (!error)
		command = command_start(in, path, argv, &error);
	if (!command && error == -ENOEXEC) {
		/* As execvp: a text file without #! is for the shell. */
		shell_argv[0] = "sh";
		shell_argv[1] = path;
		for (int i = 0; i < INIT_ARGS && argv[i]; i++)
			shell_argv[i + 2] = argv[i + 1];
		command = command_start(in, "/bin/sh", shell_argv, &error);
	}
	if (command) {
		in->command_pid = in->news->command_pid = command->pid;
		in->started_at = clock_ns();
		rt_log("init: started %s as pid %d", in->command, command->pid);
		if (c->mode <= INIT_TTY) {
			the_tty()->session = command->session;
			the_tty()->pgrp = command->pgrp;
		}
		return 0;
	}
	complain(argv[0], error == -ENOENT ? "command not found" : error == -EACCES ? "Permission denied" : error == -ENOMEM ? "Out of memory"
		: "cannot be executed");
	return error == -ENOENT || error == -ENOTDIR ? STATUS_MISSING : STATUS_BROKEN;
}
