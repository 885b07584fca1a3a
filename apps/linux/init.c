/* SPDX-License-Identifier: MIT */
/* Process 1, a member of the family in an env of its own: starts the first program, looks after its streams and after
 * orphans, and says how the machine is to end. Starting is init_command.c's, what comes at the program's end
 * init_end.c's, streams are init_io.c's, files for the host init_get.c's. Devices, slices and the exit record are the
 * monitor's. */
#include <base/string.h>
#include <rt/gate.h>
#include <family/family.h>
#include <fs/mount.h>
#include "init.h"
#include <posix/parts.h>
#include <posix/library.h>

#define STATUS_BROKEN  126

/* The monitor asks by a call, and the kernel tells it who answers: no other member can say how the machine ends. */
static void answer(enum init_answer what, int status) __attribute__((noreturn));
static void answer(enum init_answer what, int status)
{
	uint64_t m[2] = { 0 };
	int64_t caller;
	int how = EXO_PCT_ACCEPT;

	init_io_drain(INIT);
	F->told.ends = 1;
	if (family_locked())
		family_unlock();
	for (;;) {
		caller = gate_pct_answer(how, m);
		how = EXO_PCT_ACCEPT;
		if (caller <= 0)
			continue;
		how |= EXO_PCT_REPLY;
		m[0] = caller == (int64_t)SAID->monitor ? what : 0;
		m[1] = m[0] ? (uint64_t)status : 0;
	}
}

void init_finish(struct init *in, int status)
{
	init_io_drain(in);
	in->news->last_words[sizeof in->news->last_words - 1] = 0;
	if (in->news->last_words[0])
		init_io_frame('L', in->news->last_words, strlen(in->news->last_words));
	for (int i = 0; i < CONFIG->get_count; i++)
		init_get(in, CONFIG->get[i]);
	answer(ANSWER_STATUS, status);
}

/* Own pages for INIT: 0 or -ENOMEM. */
static int init_pages(void)
{
	uint64_t frame[INIT_PAGES];

	if (frames_claim(frame, INIT_PAGES))
		return -ENOMEM;
	if (pages_put(0, (uint64_t)INIT, frame, INIT_PAGES) < 0)
		return -ENOMEM;
	memset(INIT, 0, INIT_PAGES * EXO_PAGE_SIZE);
	INIT->news = fam_alloc(sizeof *INIT->news);
	F->init = INIT->news;
	return INIT->news ? 0 : -ENOMEM;
}

void init_main(void)
{
	struct init *in = INIT;
	int status;

	if (!family_locked())
		family_lock();
	if (init_pages()) {
		rt_log("init: no memory for its own record");
		(void)gate_env_kill(0);
	}
	tty_set_size((int)SAID->rows, (int)SAID->columns);
	in->resized = SAID->resized;
	status = init_begin(in);
	if (status)
		init_ended(in, status);
}

static void command_ended(struct init *in, int status)
{
	if (!in->unpacks) {
		init_ended(in, status);
		return;
	}
	init_unpack_tell(in, status);
	if (status)
		init_finish(in, status);
	in->unpacks = UNPACKS_REST;
}

void init_events(void)
{
	struct init *in = INIT;
	int pid, status;

	if (IS_BOX)
		init_agent_look(in);
	(void)init_io_pump(in);
	if (IS_BOX)
		memory_return();
	if (SAID->shares)
		p9_answers();
	box_answers();
	while ((pid = reap_child(&status)) > 0)
		if (pid == in->command_pid)
			command_ended(in, status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff);
		else
			init_agent_ended(in, pid);
	if (in->unpacks == UNPACKS_REST && !in->archive_left) {
		status = init_unpacked(in);
		if (status)
			init_ended(in, status);
	}
	init_key_look(in);
	if (!in->news->off_requested)
		return;
	/* Who sits at the terminal may end the machine; a COMMAND that does has not told how it ended, and the host says
	 * so. */
	if (CONFIG->mode <= INIT_TTY && !in->news->off_again)
		init_finish(in, 0);
	answer(in->news->off_again ? ANSWER_RESET : ANSWER_OFF, 0);
}
