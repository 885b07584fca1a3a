/* SPDX-License-Identifier: MIT */
/* In a box: the agent that runs other commands there for `box exec` (esp/box-agent.c). It is started when the first
 * bytes for it come, as root, and lives as long as the box; what it says are bytes of frames K. An empty one says that
 * there is none any more, or that none could be started. */
#include <base/string.h>
#include <family/family.h>
#include <fs/files.h>
#include "init.h"

#define AGENT "/bin/box-agent"

static int has_bytes(void) { return SAID->agent_put != F->told.agent_taken; }

static void agent_start(struct init *in)
{
	static char *const argv[] = { "box-agent", NULL };
	struct file_state *files = files_new();
	int error = -ENOMEM;
	struct task *t = NULL;

	in->to_agent = pipe_new();
	in->from_agent = pipe_new();
	if (files && in->to_agent && in->from_agent)
		error = files_open_pipes(files, in->to_agent, in->from_agent, in->from_agent);
	if (!error)
		t = init_spawn(AGENT, argv, files, &error);
	else if (files)
		files_free(files);
	if (t)
		in->agent_pid = t->pid;
	else
		rt_log("init: %s cannot be started: error %d", AGENT, -error);
}

void init_agent_look(struct init *in)
{
	if (!has_bytes())
		return;
	if (!in->to_agent)
		agent_start(in);
	if (in->agent_pid)
		return;
	F->told.agent_taken = SAID->agent_put;
	init_io_frame('K', "", 0);
}

void init_agent_pump(struct init *in)
{
	struct told_head *told = &F->told;

	while (in->agent_pid && has_bytes()) {
		uint32_t at = told->agent_taken & (SAID_AGENT - 1);
		size_t n = MIN_OF(SAID->agent_put - told->agent_taken, SAID_AGENT - at);

		if (pipe_has_reader(in->to_agent))
			n = pipe_put(in->to_agent, AGENT_RING + at, MIN_OF(n, pipe_room(in->to_agent)));
		if (!n)
			break;
		told->agent_taken += (uint32_t)n;
	}
}

int init_agent_output(struct init *in)
{
	return in->from_agent ? init_io_stream('K', in->from_agent) : 0;
}

void init_agent_ended(struct init *in, int pid)
{
	if (pid != in->agent_pid)
		return;
	in->agent_pid = 0;
	init_io_frame('K', "", 0);
}
