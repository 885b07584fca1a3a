/* SPDX-License-Identifier: MIT */
/* What the CPU says of itself by CPUID, as Linux names it (arch/x86's cpufeatures): /proc/cpuinfo, and the caches in
 * /sys.
 */
#include "proc.h"

struct regs { uint32_t a, b, c, d; };

static struct regs cpuid(uint32_t leaf, uint32_t part)
{
	struct regs r;

	__asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(part));
	return r;
}

/* The leaf, when the CPU has it; else zeros. */
static struct regs leaf(uint32_t number, uint32_t part)
{
	return cpuid(number & 0x80000000u, 0).a >= number ? cpuid(number, part) : (struct regs){ 0, 0, 0, 0 };
}

/* A word of flags: where it stands, and the names of its bits from the lowest on; "-" has none. */
struct flags { uint32_t leaf, part; char reg; const char *names; };
static const struct flags flags[] = {
	{ 1, 0, 'd',
		"fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi mmx fxsr sse"
		" sse2 ss ht tm ia64 pbe" },
	{ 0x80000001, 0, 'd',
		"- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm 3dnowext"
		" 3dnow" },
	{ 0x80000007, 0, 'd', "- - - - - - - - constant_tsc - - - - - - - - - - - - - - - - - - - - - - -" },
	{ 1, 0, 'c',
		"pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid dca sse4_1 sse4_2"
		" x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor" },
	{ 0x80000001, 0, 'c',
		"lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt -"
		" lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc perfctr_llc mwaitx - -" },
	{ 7, 0, 'b',
		"fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f avx512dq rdseed adx"
		" smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl" },
	{ 0xd, 1, 'a', "xsaveopt xsavec xgetbv1 xsaves - - - - - - - - - - - - - - - - - - - - - - - - - - - -" },
	{ 7, 1, 'a', "- - - - avx_vnni avx512_bf16 - - - - - - - - - - - - - - - - - - - - - - - - - -" },
	{ 0x80000008, 0, 'b',
		"clzero irperf xsaveerptr - rdpru - - - - wbnoinvd - - - - - - - - - - - - - amd_ppin - virt_ssbd - -"
		" cppc - - brs" },
	{ 6, 0, 'a',
		"dtherm ida arat - pln - pts hwp hwp_notify hwp_act_window hwp_epp hwp_pkg_req - - - - - - - hfi - - - - - - "
		"- -"
		" - - - -" },
	{ 0x8000000a, 0, 'd', "npt lbrv svm_lock nrip_save tsc_scale vmcb_clean flushbyasid decodeassists - - pausefilter -"
		" pfthreshold avic - v_vmsave_vmload vgif x2avic - - v_spec_ctrl - - - - - - - - - - -" },
	{ 7, 0, 'c', "- avx512vbmi umip pku - waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni avx512_bitalg tme"
		" avx512_vpopcntdq - la57 - - - - - rdpid - bus_lock_detect cldemote - movdiri movdir64b enqcmd - -" },
	{ 0x80000007, 0, 'b', "overflow_recov succor - smca - - - - - - - - - - - - - - - - - - - - - - - - - - - -" },
	{ 7, 0, 'd',
		"- - avx512_4vnniw avx512_4fmaps fsrm - - - avx512_vp2intersect - md_clear - - - serialize - tsxldtrk - pconfig"
		" arch_lbr ibt - amx_bf16 avx512_fp16 amx_tile amx_int8 - - flush_l1d arch_capabilities - -" },
};

static uint32_t word(const struct regs *r, char reg)
{
	switch (reg) {
	case 'a':
		return r->a;
	case 'b':
		return r->b;
	case 'c':
		return r->c;
	}
	return r->d;
}

static void say_flags(struct text *t)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		const struct regs r = leaf(flags[i].leaf, flags[i].part);
		uint32_t bits = word(&r, flags[i].reg);
		const char *name = flags[i].names;

		for (; *name; bits >>= 1) {
			const char *end = strchr(name, ' ');
			size_t n = end ? (size_t)(end - name) : strlen(name);

			if (bits & 1 && *name != '-') {
				say(t, " ");
				say_bytes(t, name, n);
			}
			name += end ? n + 1 : n;
		}
	}
}

/* ---- caches: leaf 4, or AMD's 0x8000001d, which says the same of itself */
static uint32_t cache_leaf(void) { return leaf(0x80000001, 0).c >> 22 & 1 && cpuid(0x80000000u, 0).a >= 0x8000001d
	? 0x8000001d : 4; }
static struct regs cache(unsigned i) { return leaf(cache_leaf(), i); }

unsigned cpu_caches(void)
{
	unsigned n = 0;

	while (n < 8 && cache(n).a & 31)
		n++;
	return n;
}

struct cache_facts { uint32_t type, level, line, parts, ways, sets; };

static struct cache_facts cache_facts(unsigned i)
{
	const struct regs r = cache(i);

	return (struct cache_facts){ r.a & 31, r.a >> 5 & 7, (r.b & 0xfff) + 1, (r.b >> 12 & 0x3ff) + 1, (r.b >> 22) + 1,
		r.c + 1 };
}

static unsigned long cache_kb(const struct cache_facts *c)
{
	return (unsigned long)c->line * c->parts * c->ways * c->sets / 1024;
}

static const char *const cache_names[] = { "", "Data", "Instruction", "Unified" };

void text_cache(struct text *t, const struct proc_node *of)
{
	const struct cache_facts c = cache_facts((unsigned)of->fd);
	const char *what = of->row->name;

	if (!strcmp(what, "level"))
		say(t, "%u\n", c.level);
	else if (!strcmp(what, "type"))
		say(t, "%s\n", cache_names[c.type & 3]);
	else if (!strcmp(what, "size"))
		say(t, "%luK\n", cache_kb(&c));
	else if (!strcmp(what, "coherency_line_size"))
		say(t, "%u\n", c.line);
	else if (!strcmp(what, "number_of_sets"))
		say(t, "%u\n", c.sets);
	else if (!strcmp(what, "ways_of_associativity"))
		say(t, "%u\n", c.ways);
	else
		say(t, "%u\n", c.parts);
}

static void say_model(struct text *t)
{
	char model[49] = "";

	for (uint32_t i = 0; cpuid(0x80000000u, 0).a >= 0x80000004u && i < 3; i++) {
		const struct regs r = cpuid(0x80000002u + i, 0);

		memcpy(model + 16 * i, &r, 16);
	}
	say(t, "model name\t: %s\n", model);
}

void text_cpuinfo(struct text *t, const struct proc_node *of)
{
	const struct regs first = cpuid(0, 0), one = cpuid(1, 0), sizes = leaf(0x80000008, 0);
	uint32_t vendor[4] = { first.b, first.d, first.c, 0 }, id = one.a, family = id >> 8 & 15;
	unsigned caches = cpu_caches();
	struct machine_facts m;
	unsigned mhz;

	(void)of;
	machine_facts(&m);
	mhz = (unsigned)(m.tsc_hz / 1000);
	family += family == 15 ? id >> 20 & 255 : 0;
	say(t, "processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n", (const char *)vendor, family,
		(id >> 4 & 15) | (id >> 12 & 0xf0));
	say_model(t);
	say(t, "stepping\t: %u\ncpu MHz\t\t: %u.%03u\n", id & 15, mhz / 1000, mhz % 1000);
	if (caches) {
		const struct cache_facts last = cache_facts(caches - 1);

		say(t, "cache size\t: %lu KB\n", cache_kb(&last));
	}
	say(t, "physical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\napicid\t\t: %u\ninitial apicid\t: %u\n",
		one.b >> 24,
		one.b >> 24);
	say(t, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\nflags\t\t:", first.a);
	say_flags(t);
	say(t, "\nbugs\t\t:\nbogomips\t: %u.%02u\nTLB size\t: 1024 4K pages\nclflush size\t: %u\ncache_alignment\t: %u\n",
		mhz / 500,
		mhz / 5 % 100, (one.b >> 8 & 255) * 8, (one.b >> 8 & 255) * 8);
	say(t, "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n", sizes.a & 255,
		sizes.a >> 8 & 255);
}
