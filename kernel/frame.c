/* SPDX-License-Identifier: MIT */
/* Page frames: who owns each, what it is, and which are free. Owners' frames are chained through the frame table, so that an env's end costs the
 * number of its frames. Free frames are either chained (they were used before) or were never used since boot: those have a bit each, and a word of bits that is not
 * 0 has one in the level above, so that the search is as short in any memory. */
#include "walk.h"

struct exo_frame_rec *frames;
uint64_t frame_count;

static uint32_t free_chain[2]; /* whatever they hold; zeros */
static uint64_t *fresh[BOOT_FRESH_LEVELS]; /* never used since boot; the uppermost level is one word */

static bool skip_zero(const struct exo_frame_rec *f, const struct env *e)
{
	/* The generation tells a later account of the same index apart; it is compared only while it fits. */
	uint64_t generation = env_generation[envs[e->index].account];
	return f->flags & EXO_F_CHAINED && f->account == envs[e->index].account && generation < 0x10000 && f->spare == (uint16_t)generation;
}

static void fresh_start(void)
{
	fresh[0] = pa_ptr(boot->fresh.phys);
	for (uint64_t level = 1, n = frame_count; level < BOOT_FRESH_LEVELS; level++)
		fresh[level] = fresh[level - 1] + (n = (n + 63) / 64);
}

static void fresh_add(uint64_t first, uint64_t end)
{
	for (unsigned level = 0; level < BOOT_FRESH_LEVELS; level++, first /= 64, end = (end + 63) / 64)
		for (uint64_t i = first; i < end;) {
			bool whole = i % 64 == 0 && end - i >= 64;
			fresh[level][i / 64] |= whole ? ~0ul : 1ul << i % 64;
			i += whole ? 64 : 1;
		}
}

static __attribute__((noinline)) void fresh_remove(uint64_t pfn)
{
	for (unsigned level = 0; level < BOOT_FRESH_LEVELS; level++, pfn /= 64)
		if (fresh[level][pfn / 64] &= ~(1ul << pfn % 64))
			return;
}

/* The lowest of the highest 256 KiB that have one: devices that reach only low addresses find some left. 0 = none. */
static __attribute__((noinline)) uint32_t fresh_find(void)
{
	uint64_t i = 0;
	if (!fresh[BOOT_FRESH_LEVELS - 1][0])
		return 0;
	for (unsigned level = BOOT_FRESH_LEVELS - 1; level > 0; level--)
		i = i * 64 + 63 - (uint64_t)__builtin_clzl(fresh[level][i]);
	return (uint32_t)(i * 64 + (uint64_t)__builtin_ctzl(fresh[0][i]));
}

void frames_start(void)
{
	const struct boot_range *map = pa_ptr(boot->map);
	uint64_t expected = 0;

	fresh_start();
	for (uint64_t i = 0; i < boot->map_count; i++) {
		uint64_t first = map[i].pfn, end = map[i].pfn + map[i].count;
		if (end > frame_count)
			end = frame_count;
		for (; expected < first && expected < frame_count; expected++)
			frames[expected].type = EXO_NONE;
		if (first >= end)
			continue;
		expected = end;
		if (first == 0 && map[i].type == BOOT_FREE)
			frames[first++].type = EXO_KERNEL; /* pfn 0 ends chains */
		if (map[i].type != BOOT_RESERVED)
			info->frames_ram += end - first;
		if (map[i].type == BOOT_FREE) {
			fresh_add(first, end);
			info->frames_free += end - first;
			continue;
		}
		for (; first < end; first++)
			frames[first].type = map[i].type == BOOT_RESERVED ? EXO_NONE : EXO_KERNEL;
	}
	for (; expected < frame_count; expected++)
		frames[expected].type = EXO_NONE;
	info->frame_count = frame_count;
}

/* Some free one, rather one that holds zeros, or rather not; 0 = none. */
static uint32_t frame_find(bool clean)
{
	if (free_chain[clean])
		return free_chain[clean];
	return free_chain[!clean] ? free_chain[!clean] : fresh_find();
}

static inline __attribute__((always_inline)) void chain_link(uint32_t pfn, uint32_t *head)
{
	frames[pfn].prev = 0;
	frames[pfn].next = *head;
	if (*head)
		frames[*head].prev = pfn;
	*head = pfn;
}

/* Who let the frame go has it counted as long as it lives. */
static __attribute__((noinline)) void disowned_end(struct exo_frame_rec *f)
{
	struct env *e = f->left_by ? env_by_name(f->left_by) : NULL;
	if (e)
		e->public->disowned -= frame_weight(f);
	f->left_by = 0;
}

static inline __attribute__((always_inline)) void chain_unlink(uint32_t pfn, uint32_t *head)
{
	struct exo_frame_rec *f = &frames[pfn];
	if (f->prev)
		frames[f->prev].next = f->next;
	else
		*head = f->next;
	if (f->next)
		frames[f->next].prev = f->prev;
	f->next = f->prev = 0;
}

void frame_chain(uint32_t pfn, struct env *e)
{
	frames[pfn].owner = e->index;
	envs[e->index].frames += frame_weight(&frames[pfn]);
	chain_link(pfn, &e->chain);
}

void frame_park(uint32_t pfn, struct env *e)
{
	chain_unlink(pfn, &e->chain);
	chain_link(pfn, &e->dying_rest);
}

void frame_unchain(uint32_t pfn)
{
	struct env *e = env_by_index(frames[pfn].owner);
	envs[e->index].frames -= frame_weight(&frames[pfn]);
	/* A dying env's frames may stand at the head of its second chain. */
	chain_unlink(pfn, e->dying_rest == pfn ? &e->dying_rest : &e->chain);
	frames[pfn].owner = 0;
}

void frame_move(uint32_t pfn, struct env *from, struct env *to)
{
	uint32_t weight = frame_weight(&frames[pfn]);
	chain_unlink(pfn, &from->chain);
	envs[from->index].frames -= weight;
	chain_link(pfn, &to->chain);
	envs[to->index].frames += weight;
	frames[pfn].owner = to->index;
}

/* A free frame becomes e's, DATA, and charged to its account; it is not zeroed. */
static void frame_take(uint32_t pfn, struct env *e)
{
	struct exo_frame_rec *f = &frames[pfn];
	if (f->flags & EXO_F_CHAINED)
		chain_unlink(pfn, &free_chain[!!(f->flags & FRAME_CLEAN)]);
	else
		fresh_remove(pfn);
	f->flags &= FRAME_CLEAN;
	f->type = EXO_DATA;
	f->account = envs[e->index].account;
	info->frames_free--;
	frame_chain(pfn, e);
}

/* All but the head become frames of their own, of the head's new kind, in `chain`: 511 records at once, hence by whole words. */
static void run_split(uint32_t pfn, uint32_t *chain)
{
	struct exo_frame_rec *f = &frames[pfn], *last = f + f->used - 1;
	union { struct exo_frame_rec rec; uint64_t word[4]; } part = { .rec = { .next = pfn - 1, .prev = pfn + 1,
		.owner = f->owner, .account = f->account, .type = f->type, .flags = f->flags, .spare = f->spare } };
	f->used = 0;
	if (last == f)
		return;
#pragma GCC unroll 8
	for (struct exo_frame_rec *p = f + 1; p <= last; p++) {
		part.word[0] += 1ul << 32 | 1; /* prev and next */
		*p = part.rec;
	}
	last->prev = 0;
	f[1].next = *chain;
	if (*chain)
		frames[*chain].prev = pfn + 1;
	*chain = (uint32_t)(last - frames);
}

void frame_free(uint32_t pfn)
{
	struct exo_frame_rec *f = &frames[pfn];
	if (f->owner)
		frame_unchain(pfn);
	else
		disowned_end(f);
	uint16_t account = f->account;
	uint32_t weight = frame_weight(f);
	bool run = f->type == EXO_RUN, clean = f->flags & FRAME_CLEAN && f->type != EXO_PT4; /* a root has the kernel's half in it */
	f->type = EXO_FREE;
	f->flags = (uint8_t)(EXO_F_CHAINED | (clean ? FRAME_CLEAN : 0));
	f->spare = (uint16_t)env_generation[account];
	f->base = 0;
	if (run)
		run_split(pfn, &free_chain[0]);
	chain_link(pfn, &free_chain[clean]);
	info->frames_free += weight;
	account_refund(account, EXO_C_FRAMES, weight);
}

bool frame_charge(uint32_t pfn, uint16_t account)
{
	struct exo_frame_rec *f = &frames[pfn];
	if (f->account == account)
		return true;
	if (!account_charge(account, EXO_C_FRAMES, frame_weight(f)))
		return false;
	account_refund(f->account, EXO_C_FRAMES, frame_weight(f));
	f->account = account;
	return true;
}

static __attribute__((noinline)) void disown(uint32_t pfn)
{
	struct env *e = env_by_index(frames[pfn].owner);
	frame_unchain(pfn);
	frames[pfn].left_by = e->name;
	e->public->disowned += frame_weight(&frames[pfn]);
}

void frame_release(uint32_t pfn)
{
	if (frame_is_counted(&frames[pfn]))
		disown(pfn);
	else
		frame_free(pfn);
}

void frame_adopt(uint32_t pfn, struct env *e)
{
	disowned_end(&frames[pfn]);
	frame_chain(pfn, e);
}

void frame_clean(uint32_t pfn)
{
	if (!(frames[pfn].flags & FRAME_CLEAN))
		zero_words(pfn_ptr(pfn), EXO_PAGE_SIZE);
	frames[pfn].flags |= FRAME_CLEAN;
}

static int64_t adopt(uint64_t pfn, uint64_t proof)
{
	struct exo_frame_rec *f = &frames[pfn = index_of(pfn, frame_count)];
	struct env *me = current_env();
	if (f->type == EXO_FREE || f->type == EXO_ENV || f->type == EXO_PART)
		return -EXO_ETYPE;
	if (f->owner || f->pins)
		return -EXO_EBUSY;
	int64_t r = table_proof((uint32_t)pfn, proof);
	if (r < 0)
		return r;
	if (!frame_charge((uint32_t)pfn, envs[me->index].account))
		return -EXO_ENOMEM;
	frame_adopt((uint32_t)pfn, me);
	return 1;
}

int64_t op_frame_claim(uint64_t pfn, uint64_t n, uint64_t list, uint64_t proof)
{
	struct env *me = current_env();
	uint64_t done = 0;

	if (n == 0)
		return -EXO_EINVAL;
	if (proof)
		return n == 1 && pfn_is_ram(pfn) ? adopt(pfn, proof) : -EXO_EINVAL;
	if (revoke_bars(me))
		return -EXO_EREVOKED;
	bool any = pfn == EXO_ANY || pfn == EXO_ZEROED;
	struct user_cursor cursor = { 0 };
	if (!any && (pfn >= frame_count || n > frame_count - pfn))
		return -EXO_EINVAL;
	while (done < n) {
		volatile uint64_t *slot = NULL;
		uint32_t p;
		if (any) {
			slot = user_word(&cursor, list + done * 8, true);
			if (!slot)
				return done ? (int64_t)done : -EXO_EFAULT;
			p = frame_find(pfn == EXO_ZEROED);
			if (!p)
				return done ? (int64_t)done : -EXO_ENOMEM;
		} else {
			p = (uint32_t)index_of(pfn + done, frame_count);
			if (frames[p].type != EXO_FREE)
				return done ? (int64_t)done : -EXO_EBUSY;
		}
		if (!account_charge(envs[me->index].account, EXO_C_FRAMES, 1))
			return done ? (int64_t)done : -EXO_ENOMEM;
		bool keep = pfn != EXO_ZEROED && skip_zero(&frames[p], me);
		frame_take(p, me);
		if (!keep)
			frame_clean(p);
		if (slot)
			*slot = p;
		done++;
		if (done % 4 == 0 && interrupt_waits()) /* zeroing is dear: poll often */
			break;
	}
	return (int64_t)done;
}

/* How many of n frames went: a run goes whole. */
static int64_t give_one(uint32_t pfn, uint64_t n, struct env *to)
{
	struct exo_frame_rec *f = &frames[pfn];
	struct env *me = current_env();

	if (!pfn_is_ram(pfn) || f->type == EXO_FREE || f->owner != me->index)
		return -EXO_EPERM;
	if (f->pins || f->type == EXO_ENV || table_is_stranded(f))
		return -EXO_EBUSY;
	uint32_t weight = frame_weight(f);
	if (weight > n)
		return -EXO_EINVAL;
	if (!to) {
		frame_release(pfn);
		return weight;
	}
	if (frame_is_table(f) && table_links(f))
		return -EXO_EBUSY;
	if (!frame_charge(pfn, envs[to->index].account))
		return -EXO_ENOMEM;
	frame_move(pfn, me, to);
	return weight;
}

int64_t op_frame_give(uint64_t pfn, uint64_t n, uint64_t env)
{
	struct env *to = NULL;
	if (n == 0 || pfn >= frame_count || n > frame_count - pfn)
		return -EXO_EINVAL;
	pfn = index_of(pfn, frame_count);
	if (env) {
		to = env_by_name(env);
		if (!to || envs[to->index].state == EXO_S_DYING)
			return -EXO_ESTALE;
		if (envs[to->index].account != envs[current_env()->index].account && !env_is_child(to))
			return -EXO_EPERM;
		/* What is asked back goes back, to nobody else. */
		if (to != current_env()->creator && revoke_bars(current_env()))
			return -EXO_EREVOKED;
	}
	uint64_t done = 0;
	while (done < n) {
		int64_t r = give_one((uint32_t)(pfn + done), n - done, to);
		if (r < 0) {
			struct exo_frame_rec *f = &frames[pfn];
			if (r != -EXO_EBUSY || done || to || f->pins || f->type == EXO_PT4 || !table_is_stranded(f))
				return done ? (int64_t)done : r;
			/* Half of a copy: emptied first, a stretch of its own. */
			link_remove(0, (uint64_t)f->base << 21, f->type - EXO_PT1 + 1, 512, false, (uint32_t)pfn);
			table_unplace(f); /* it may go on being mapped */
			n = !f->used; /* some is left after an interrupt, and where the last link of a table with content stands */
			continue;
		}
		done += (uint64_t)r;
		if ((r > 1 || done % 16 == 0) && interrupt_waits())
			break;
	}
	return (int64_t)done;
}

/* A run grows frame by frame from a 2 MiB boundary on, so that a pending interrupt can end the op anywhere. */
static int64_t run_join(uint32_t pfn, uint64_t flags)
{
	struct exo_frame_rec *f = &frames[pfn], *head = &frames[pfn / EXO_RUN_FRAMES * EXO_RUN_FRAMES];
	struct env *me = current_env();
	if (f == head) {
		f->used = 1;
		f->type = EXO_RUN;
		f->flags = (uint8_t)flags;
		return 0;
	}
	if (head->type != EXO_RUN || head->owner != me->index || f != head + head->used)
		return -EXO_EINVAL;
	chain_unlink(pfn, &me->chain);
	f->type = EXO_PART;
	f->owner = f->account = f->flags = 0;
	head->used++;
	return 0;
}

static int64_t type_one(uint32_t pfn, uint64_t type, uint64_t flags)
{
	struct exo_frame_rec *f = &frames[pfn];

	if (type == EXO_RUN && pfn_is_ram(pfn) && f->type == EXO_PART && frames[pfn / EXO_RUN_FRAMES * EXO_RUN_FRAMES].owner == current_env()->index)
		return 0; /* is in it */
	if (!pfn_is_ram(pfn) || f->type == EXO_FREE || f->owner != current_env()->index)
		return -EXO_EPERM;
	if (f->type == EXO_ENV)
		return -EXO_EBUSY;
	if (type == f->type && (type == EXO_DATA || type == EXO_RUN)) {
		/* With one entry at most nobody else's view of the frame changes. */
		if (f->maps > 1)
			return -EXO_EBUSY;
		if (f->maps == 1 && flags == 0 && f->flags & EXO_F_SHARED)
			return -EXO_EBUSY; /* its entry's R/W is not recorded while it is shared */
		f->flags = (uint8_t)((f->flags & ~(EXO_F_SHARED | (flags ? FRAME_WRITABLE : 0))) | flags);
		return 0;
	}
	if (frame_is_counted(f) || (f->used && !(f->type == EXO_RUN && type == EXO_DATA)))
		return -EXO_EBUSY;
	if (type == EXO_RUN)
		return f->type == EXO_DATA ? run_join(pfn, flags) : -EXO_ETYPE;
	if (f->type == EXO_RUN) {
		f->type = EXO_DATA;
		f->flags = (uint8_t)flags;
		run_split(pfn, &current_env()->chain);
		return 0;
	}
	if (type != EXO_DATA)
		frame_clean(pfn);
	f->flags = (uint8_t)((f->flags & FRAME_CLEAN) | flags);
	f->type = (uint8_t)type;
	f->base = 0;
	if (type == EXO_PT4) {
		root_prepare(pfn);
		f->flags &= (uint8_t)~FRAME_CLEAN; /* also for what it is retyped to */
	}
	return 0;
}

int64_t op_frame_type(uint64_t pfn, uint64_t n, uint64_t type, uint64_t flags)
{
	bool table = type >= EXO_PT1 && type <= EXO_PT4;
	if (n == 0 || pfn >= frame_count || n > frame_count - pfn)
		return -EXO_EINVAL;
	pfn = index_of(pfn, frame_count);
	if (!(table && flags == 0) && !((type == EXO_DATA || type == EXO_RUN) && (flags & ~(uint64_t)EXO_F_SHARED) == 0))
		return -EXO_EINVAL;
	for (uint64_t done = 0; done < n; done++) {
		int64_t r = type_one((uint32_t)(pfn + done), type, flags);
		if (r < 0)
			return done ? (int64_t)done : r;
		if (done % (table ? 4 : 64) == 3 && interrupt_waits())
			return (int64_t)done + 1;
	}
	return (int64_t)n;
}
