/* SPDX-License-Identifier: MIT */
/* What comes when the first program has ended: the machine's end, the program anew, or a key that is waited for (`end` in aril.conf). A machine with a
 * person before it does not go dark unasked. */
#include <base/fmt.h>
#include <base/string.h>
#include "init.h"

#define LIFE_NS    2000000000ul /* what ends sooner was no life */
#define SHORT_MAX  3            /* so many short ones in a row: another would be no better */

static void say(const struct init *in, int status, const char *then)
{
	const char *name = in->command + (in->command[0] == '-'); /* of a login shell */
	char line[256];
	int n = fmt(line, sizeof line, "\n%s has ended (%s %d); %s.\n", name, status > 128 ? "killed by signal" : "status",
		status > 128 ? status - 128 : status, then);

	console_message(line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
	rt_log("init: %s has ended with status %d; %s", name, status, then);
}

void init_ended(struct init *in, int status)
{
	if (CONFIG->end <= INIT_END_OFF)
		init_finish(in, status);
	in->short_lives = clock_ns() - in->started_at < LIFE_NS ? in->short_lives + 1 : 0;
	if (CONFIG->end == INIT_END_AGAIN && in->command_pid && in->short_lives < SHORT_MAX) {
		say(in, status, "it is started again. `poweroff` or Ctrl-Alt-Del ends the machine");
		tty_reset(1);
		if (!init_command(in))
			return;
	}
	say(in, status, "press a key to switch the machine off");
	tty_reset(0);
	in->waits = 1;
	in->status = status;
	in->room = tty_input_room();
}

void init_key_look(struct init *in)
{
	if (in->waits && tty_input_room() != in->room)
		init_finish(in, in->status);
}
