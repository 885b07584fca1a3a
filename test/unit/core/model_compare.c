/* SPDX-License-Identifier: MIT */
/* The kernel's state beside the model's, and which differences an env's making or end explains. */
#include "model.h"

static struct model_place differs; /* the first entry that does */

static const char *frame_compare(uint32_t pfn)
{
	const struct exo_frame_rec *k = &frames[pfn];
	const struct model_frame *f = &model[pfn];
	const uint64_t *table = pfn_ptr(pfn);

	if (f->type != k->type)
		return "type";
	if (k->type <= EXO_KERNEL)
		return NULL;
	if (f->owner != k->owner || f->account != k->account)
		return "owner or account";
	if (k->type == EXO_RUN && f->members != k->used)
		return "frames in the run";
	if ((k->type == EXO_DATA || k->type == EXO_RUN) && f->shared != !!(k->flags & EXO_F_SHARED))
		return "shared flag";
	if (!frame_is_table(k))
		return NULL;
	if (f->sealed != !!(k->flags & EXO_F_SEALED))
		return "sealed flag";
	if (k->type != EXO_PT4 && (f->base != (uint64_t)k->base << 21 || f->global != !!(k->flags & FRAME_GLOBAL)))
		return "base or class";
	for (unsigned i = 0; i < model_slots(pfn); i++)
		if (table[i] != model_entry[pfn][i]) {
			differs = (struct model_place){ (uint16_t)pfn, (uint16_t)i };
			return "entries";
		}
	return NULL;
}

const char *model_compare(void)
{
	static char text[128];
	const char *what;

	for (uint32_t pfn = 0; pfn < WORLD_FRAMES; pfn++)
		if ((what = frame_compare(pfn))) {
			snprintf(text, sizeof text, "frame %u (type %d, owner %d, model: type %d, owner %d) differs from the model in %s",
				pfn, frames[pfn].type, frames[pfn].owner, model[pfn].type, model[pfn].owner, what);
			if (!strcmp(what, "entries"))
				snprintf(text, sizeof text, "entry %d of frame %u is %llx, not %llx", differs.index, pfn,
					(unsigned long long)((uint64_t *)pfn_ptr(pfn))[differs.index], (unsigned long long)model_entry[pfn][differs.index]);
			return text;
		}
	for (unsigned i = 1; i < WORLD_INDEX_MAX; i++)
		if (envs[i].used[EXO_C_FRAMES] != model_charged((uint16_t)i))
			return "frames charged differ from the model";
	for (uint32_t i = 0; i < MODEL_UNITS; i++)
		if (model_home[i].owner != homes[i].owner || model_home[i].pt2 != homes[i].pt2) {
			snprintf(text, sizeof text, "home %u: owner %d, table %u; model: %d, %u", i, homes[i].owner, homes[i].pt2, model_home[i].owner, model_home[i].pt2);
			return text;
		}
	return NULL;
}

/* May this frame's record change in a step of env `index`? Before: *f; now: *k. */
static const char *frame_may_change(const struct model_frame *f, const struct exo_frame_rec *k, uint16_t index, bool dying)
{
	if (!dying) {
		/* env_make and its preparation: the maker's own and free frames, and what it hands over. */
		return f->type == EXO_FREE || f->owner == index ? NULL : "a stranger's frame changed when an env was made";
	}
	if (k->type == EXO_FREE)
		return f->owner == index || f->owner == 0 ? NULL : "an env's end freed a stranger's frame";
	if (f->type != k->type || f->account != k->account)
		return "an env's end changed a type or account";
	if (f->owner == k->owner || (f->owner == index && k->owner == 0) || (f->owner == 0 && k->owner == index && model_is_table((uint32_t)(k - frames))))
		return NULL;
	return "an env's end moved a stranger's frame";
}

const char *model_follow(uint16_t index, bool dying)
{
	static char text[128];

	for (uint32_t pfn = 0; pfn < WORLD_FRAMES; pfn++) {
		const struct model_frame *f = &model[pfn];
		const uint64_t *now = pfn_ptr(pfn);
		bool mine = f->type == EXO_FREE || f->owner == index || (dying && f->owner == 0);
		const char *wrong = frame_compare(pfn);

		if (!wrong)
			continue;
		if (!strcmp(wrong, "entries") && !mine)
			for (unsigned i = 0; i < model_slots(pfn); i++)
				if (now[i] != model_entry[pfn][i] && !(!dying && (now[i] ^ model_entry[pfn][i]) == EXO_PTE_RW && !(now[i] & EXO_PTE_RW))) {
					snprintf(text, sizeof text, "entry %u of frame %u changed with env %u's step", i, pfn, index);
					return text;
				}
		wrong = mine ? frame_may_change(f, &frames[pfn], index, dying) : strcmp(wrong, "entries") && strcmp(wrong, "sealed flag")
			&& (strcmp(wrong, "base or class") || frames[pfn].used || table_links(&frames[pfn])) ? wrong : NULL;
		if (wrong) {
			snprintf(text, sizeof text, "frame %u: %s", pfn, wrong);
			return text;
		}
		/* What a dying env's tables lose may only be lost. */
		for (unsigned i = 0; dying && frame_is_table(&frames[pfn]) && i < model_slots(pfn); i++)
			if (now[i] != model_entry[pfn][i] && now[i] & EXO_PTE_P)
				return "an env's end made an entry";
	}
	for (uint32_t i = 0; i < MODEL_UNITS; i++)
		if (homes[i].owner != model_home[i].owner && !(dying && model_home[i].owner == index && !homes[i].owner))
			return "a stranger's home changed hands";
	model_load();
	return NULL;
}
