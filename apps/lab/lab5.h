/* SPDX-License-Identifier: MIT */
/* Lab 5: a server that others call. apps/lab/README.md has the task. */
#ifndef LAB5_H
#define LAB5_H
#include <rt/gate.h>

#define LOCKS 16

/* What a caller says in the first word: what it wants, and from bit 8 on the number of a lock. The answer's first word
 * is 0 or a gate error's number (exo/error.h); EXO_EINVAL: there is no such wish, or no such lock. */
enum lock_what {
	LOCK_TAKE,   /* EXO_EBUSY: somebody holds it, be it the caller */
	LOCK_GIVE,   /* EXO_EPERM: the caller does not hold it */
	LOCK_HOLDER, /* second word: the name of the env that holds it, 0: nobody */
};

/* Serves whoever calls this env, for ever. Who has ended holds nothing. Runs on a ready stack; upcalls may come. */
void serve(void);
#endif
