/* SPDX-License-Identifier: MIT */
/* The refusal oracle: what an op that gave an error must have left as it was (rule 35). Entries of tables are the model's to compare. */
#include "model_args.h"

/* What of an env's record ops may change: of each its homes and the heads of its chains. */
struct head { uint32_t chain, rest, home_count, slices; };
static struct { struct exo_frame_rec frames[WORLD_FRAMES]; struct exo_env envs[WORLD_INDEX_MAX]; struct exo_home homes[MODEL_UNITS]; struct head heads[WORLD_INDEX_MAX];
	uint64_t frames_free; } kept;

static struct head head_of(unsigned index)
{
	const struct env *e = world_env(index);

	return e ? (struct head){ e->chain, e->dying_rest, e->home_count, e->slice_count } : (struct head){ 0 };
}

void refusal_keep(void)
{
	memcpy(kept.frames, frames, sizeof kept.frames);
	memcpy(kept.envs, envs, sizeof kept.envs);
	memcpy(kept.homes, homes, sizeof kept.homes);
	kept.frames_free = info->frames_free;
	for (unsigned i = 0; i < WORLD_INDEX_MAX; i++)
		kept.heads[i] = head_of(i);
}

int64_t refusal_check(int64_t r)
{
	static char text[96];

	if (!EXO_IS_ERROR(r))
		return r;
	for (uint32_t pfn = 0; pfn < WORLD_FRAMES; pfn++)
		if (memcmp(&kept.frames[pfn], &frames[pfn], sizeof frames[pfn])) {
			snprintf(text, sizeof text, "a refusal (%lld) changed the record of frame %u", (long long)r, pfn);
			wrong_if(text);
		}
	for (unsigned i = 0; i < WORLD_INDEX_MAX; i++) {
		struct head h = head_of(i);
		if (memcmp(&kept.envs[i], &envs[i], sizeof envs[i]) || memcmp(&kept.heads[i], &h, sizeof h))
			wrong_if("a refusal changed the record of an env");
	}
	wrong_if(memcmp(kept.homes, homes, sizeof kept.homes) || kept.frames_free != info->frames_free ? "a refusal changed a home or the number of free frames" : NULL);
	return r;
}
