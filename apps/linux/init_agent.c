/* SPDX-License-Identifier: MIT */
/* In a box: the agent that runs other commands there for `box exec` (esp/box-agent.c). It is started when the first
 * bytes for it come, as root, and lives as long as the box; what it says are bytes of frames K. An empty one says that
 * there is none any more, or that none could be started. */
#include <base/string.h>
#include <family/family.h>
#include <fs/files.h>
#include "init.h"

#define AGENT "/bin/box-agent"

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
		places_free(&files->places), files_free(files);
	if (t)
		in->agent_pid = t->pid;
	else
		rt_log("init: %s cannot be started: error %d", AGENT, -error);
}

void init_agent_look(struct init *in)
{
	if (SAID->agent_put == F->told.agent_taken)
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
	uint32_t *taken = &F->told.agent_taken;
	const uint8_t *from;
	size_t n;

	while (in->agent_pid && (n = init_ring_piece(AGENT_RING, SAID_AGENT, *taken, SAID->agent_put, &from))) {
		if (pipe_has_reader(in->to_agent))
			n = pipe_put(in->to_agent, from, MIN_OF(n, pipe_room(in->to_agent)));
		if (!n)
			break;
		*taken += (uint32_t)n;
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
