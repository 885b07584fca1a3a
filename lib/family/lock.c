/* SPDX-License-Identifier: MIT */
/* The family lock: one word that names the env that holds it. Whoever finds it taken gives the holder the CPU;
 * whoever frees it gives the CPU to who waits for it. A holder that has died is found by its name; one that lives
 * and does not get on is ended by the monitor, which watches told.progress: it moves whenever the lock is taken, and
 * where a call may hold it for long, with every piece of memory that is copied, claimed or torn down. */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/log.h>
#include <rt/page.h>
#include <family/family.h>
#include <family/process.h>

void family_progress(void)
{
	if (!P->is_monitor) /* which holds no lock, and only reads F */
		F->told.progress++;
}

int family_locked(void)
{
	return F->told.lock == P->self;
}

static int holder_is_gone(exo_name holder)
{
	const volatile struct exo_env *e = &rt_envs[EXO_NAME_INDEX(holder)];

	return holder == SAID->monitor || e->name != holder || e->state == EXO_S_DYING || e->state == EXO_S_STUCK ||
		e->state == EXO_S_FREE;
}

void family_lock(void)
{
	struct family *f;
	exo_name self = P->self;
	exo_name holder = 0;

	while (!__atomic_compare_exchange_n(&F->told.lock, &holder, self, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		if (holder == self) {
			/* It is taken once at a time: somebody has written this name there. */
			rt_log("family lock: it names env %lx, which does not hold it; last had the CPU: env %lx", self,
				F->told.ran);
			break;
		}
		if (holder_is_gone(holder)) {
			if (__atomic_compare_exchange_n(&F->told.lock, &holder, 0, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
				rt_log("family lock recovered from env %lx, which died with it", holder);
		} else {
			F->lock_wanted = self;
			if (gate_yield(holder, 0) < 0)
				(void)gate_yield(0, 0);
		}
		holder = 0;
	}
	f = family_here();
	f->told.progress++;
	if (f->lock_wanted == self)
		f->lock_wanted = 0;
}

void family_unlock(void)
{
	exo_name wanted = F->lock_wanted;

	__atomic_store_n(&F->told.lock, 0, __ATOMIC_RELEASE);
	if (wanted) {
		F->lock_wanted = 0;
		(void)gate_yield(wanted, 0);
	}
}
