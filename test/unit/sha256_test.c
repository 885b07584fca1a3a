/* SPDX-License-Identifier: MIT */
/* lib/base/sha256.c: the vectors of FIPS 180-4's examples, and every length around the block border, chained into one known digest. */
#include "check.h"
#include <base/sha256.h>

static void expect(const void *p, size_t n, const char *want)
{
	uint8_t digest[SHA256_SIZE];
	char text[2 * SHA256_SIZE + 1];

	sha256(digest, p, n);
	for (int i = 0; i < SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	CHECK_STR(text, want);
}

TEST(sha256_known)
{
	const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

	expect("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	expect(two, strlen(two), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(sha256_million)
{
	char *p = malloc(1000000);

	memset(p, 'a', 1000000);
	expect(p, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(p);
}

/* The digest of all digests of 0..200 bytes `n, n+1, ...`; the sum is sha256sum's. */
TEST(sha256_every_length)
{
	static uint8_t all[201 * SHA256_SIZE];

	for (size_t n = 0; n <= 200; n++) {
		uint8_t *p = guarded(n);

		for (size_t i = 0; i < n; i++)
			p[i] = (uint8_t)(n + i);
		sha256(all + n * SHA256_SIZE, p, n);
	}
	expect(all, sizeof all, "2f44ee4891cbb495d6a8810600e4831c9d74b2ddc56b6d64f13f7e44e85c4e2c");
}
