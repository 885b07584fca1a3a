/* SPDX-License-Identifier: MIT */
/* efi/clocks.c: which of three clocks is believed. */
#include "check.h"
#include "../../efi/clocks.h"

/* A clock by which the TSC has that many MHz; 0 = it stands still. */
static struct clock says(uint64_t mhz)
{
	return (struct clock){ .rate = 3579545, .passed = mhz ? 17897 : 0, .tsc_passed = mhz * 5000 };
}

static int choose(uint64_t a, uint64_t b, uint64_t c)
{
	struct clock clock[3] = { says(a), says(b), says(c) };

	return clocks_choose(clock, 3);
}

TEST(clocks_rate)
{
	struct clock c = says(2400);

	CHECK(clocks_agree(clock_tsc_hz(&c), 2400000000));
	c.tsc_passed = 1ul << 50; /* the product needs more than 64 bits */
	CHECK_EQ(clock_tsc_hz(&c), 225189103315582529);
	c.tsc_passed = ~0ul; /* and so does the quotient */
	CHECK_EQ(clock_tsc_hz(&c), 0);
	c.passed = 0;
	CHECK_EQ(clock_tsc_hz(&c), 0);
}

TEST(clocks_choice)
{
	CHECK_EQ(choose(2400, 2410, 2390), 0);
	CHECK_EQ(choose(2400, 2600, 2401), 0);
	CHECK_EQ(choose(1200, 2400, 2401), 1); /* the first alone is wrong */
	CHECK_EQ(choose(0, 2400, 2401), 1);
	CHECK_EQ(choose(0, 0, 2401), 2);
	CHECK_EQ(choose(1000, 2000, 3000), 0); /* nobody confirms anybody */
	CHECK_EQ(choose(0, 2000, 3000), 1);
	CHECK_EQ(choose(0, 0, 0), -1);
}

TEST(clocks_agreement)
{
	CHECK(clocks_agree(6400, 6500));
	CHECK(clocks_agree(6400, 6300));
	CHECK(!clocks_agree(6400, 6501));
	CHECK(!clocks_agree(6400, 6299));
}
