/* SPDX-License-Identifier: MIT */
/* The firmware's memory map: whatever it says, the kernel's is sorted, disjoint, merged, and within bounds. */
#include "../../efi/memmap.h"
#include "fuzz.h"

static void good(const struct boot_range *map, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		PROMISE(map[i].count && map[i].pfn + map[i].count > map[i].pfn && map[i].pfn + map[i].count <= 1ul << 40);
		PROMISE(!i || map[i - 1].pfn + map[i - 1].count <= map[i].pfn);
		PROMISE(!i || map[i - 1].type != map[i].type || map[i - 1].pfn + map[i - 1].count < map[i].pfn);
	}
	PROMISE(!n || map[0].pfn || map[0].type != BOOT_FREE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t stride, descriptors, max;
	struct memmap_raw raw;
	struct boot_range *out;
	uint8_t *copy;
	long n;

	if (size < 4)
		return 0;
	stride = data[0];
	copy = exact_copy(data + 4, size - 4);
	raw = (struct memmap_raw){ copy, size - 4, stride, data[1] };
	descriptors = stride ? (size - 4) / stride : 0;
	max = data[2] & 1 ? 2 * descriptors + 2 : data[3]; /* enough, or perhaps not */
	out = malloc((max + 2) * sizeof *out);
	if (!out)
		abort();
	n = memmap_clean(&raw, out, max);
	PROMISE(n >= -2 && (n < 0 || (size_t)n <= max) && !(n == -2 && data[2] & 1));
	if (n >= 0) {
		int marked;

		good(out, (size_t)n);
		marked = memmap_mark(out, (size_t)n, (size_t)n + 2, 1 + data[3] * 7ul, 1 + data[1] * 5ul, data[0] & 3);
		PROMISE(marked >= 0);
		good(out, (size_t)marked);
	}
	free(out);
	free(copy);
	return 0;
}
