/* SPDX-License-Identifier: MIT */
/* Hypervisors tell their name in leaf 40000000: Intel's and AMD's manuals leave those leaves to them. One that shows
 * another's face there (KVM that shows Hyper-V's to Windows) tells its own in one of the next hundreds. */
#include <base/string.h>
#include "runner.h"

#define FIRST 0x40000000u
#define LAST  0x40000400u
#define STEP  0x100u

static void name_read(uint32_t leaf, void (*cpuid)(uint32_t, uint32_t[4]), char name[RUNNER_NAME])
{
	uint32_t r[4];

	cpuid(leaf, r);
	memcpy(name, &r[1], 12);
	name[12] = 0;
}

/* Its twelve letters end in three zeros. */
static int is_kvm(const char name[RUNNER_NAME]) { return !memcmp(name, "KVMKVMKVM\0\0", 12); }

const char *runner_name(uint32_t one_c, void (*cpuid)(uint32_t leaf, uint32_t out[4]), char name[RUNNER_NAME])
{
	if (!(one_c >> 31))
		return "the CPU itself";
	for (uint32_t leaf = FIRST; leaf <= LAST; leaf += STEP) {
		name_read(leaf, cpuid, name);
		if (is_kvm(name))
			return "KVM";
	}
	name_read(FIRST, cpuid, name);
	if (!memcmp(name, "TCGTCGTCGTCG", 12))
		return "TCG, a translator of QEMU's";
	for (char *c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '.';
	return *name ? name : "a hypervisor without a name";
}
