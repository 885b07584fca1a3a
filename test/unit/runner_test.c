/* SPDX-License-Identifier: MIT */
/* efi/runner.c: what says itself to run the machine, by CPUs that are none. */
#include <string.h>
#include "check.h"
#include "../../efi/runner.h"

static const char *at_first, *at_second; /* twelve letters of leaf 40000000 and of 40000100 */
static unsigned asked;

/* Leaves that nobody gives a meaning hold another's words, as on Intel's CPUs. */
static void stand_in(uint32_t leaf, uint32_t out[4])
{
	const char *name = NULL;

	asked++;
	if (leaf == 0x40000000)
		name = at_first;
	else if (leaf == 0x40000100)
		name = at_second;
	memset(out, 0x5a, 16);
	out[0] = leaf + 1;
	if (name)
		memcpy(&out[1], name, 12);
}

static int is(const char *first, const char *second, const char *wanted)
{
	char name[RUNNER_NAME];

	at_first = first;
	at_second = second;
	return !strcmp(runner_name(1u << 31, stand_in, name), wanted);
}

TEST(runner_kvm)
{
	CHECK(is("KVMKVMKVM\0\0", NULL, "KVM"));
	CHECK(is("Microsoft Hv", "KVMKVMKVM\0\0", "KVM"));
	CHECK(is("KVMKVMKVMKVM", NULL, "KVMKVMKVMKVM"));
}

TEST(runner_others)
{
	CHECK(is("TCGTCGTCGTCG", NULL, "TCG, a translator of QEMU's"));
	CHECK(is("TCGTCGTCGTCH", NULL, "TCGTCGTCGTCH"));
	CHECK(is("Microsoft Hv", NULL, "Microsoft Hv"));
	CHECK(is("VMwareVMware", NULL, "VMwareVMware"));
	CHECK(is("bhyve \1\377hy\n ", NULL, "bhyve ..hy. "));
	CHECK(is("\0\0\0\0\0\0\0\0\0\0\0", NULL, "a hypervisor without a name"));
}

/* The bit is clear: nobody is asked, since a CPU answers with whatever it has. */
TEST(runner_none)
{
	char name[RUNNER_NAME];

	at_first = "KVMKVMKVM\0\0";
	asked = 0;
	CHECK(!strcmp(runner_name(0x7fffffff, stand_in, name), "the CPU itself"));
	CHECK_EQ(asked, 0);
}
