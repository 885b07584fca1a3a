/* SPDX-License-Identifier: MIT */
/* kv: keys and values of a store that another library OS keeps in a box (`box --app kv`): apps/kv/client.h does it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <kv/client.h>

#define STATUS_NONE 1   /* there is no such key */
#define STATUS_OWN  125

static const char usage[] =
	"usage: kv BOX get KEY | kv BOX put KEY [VALUE] | kv BOX remove KEY | kv BOX list\n"
	"Of the store in the box of that name, which `box --name BOX --app kv &` starts. Without VALUE it is the input.\n"
	"The status is 1 when there is no such key; 125 is a failure.\n";

static void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void fail(const char *format, ...)
{
	va_list list;

	fputs("kv: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	exit(STATUS_OWN);
}

static size_t input(uint8_t *to)
{
	size_t n = fread(to, 1, KV_VALUE_MOST, stdin);

	if (ferror(stdin) || getchar() != EOF)
		fail("the input is no value of at most %u bytes", KV_VALUE_MOST);
	return n;
}

static int done(int error)
{
	if (error && error != -ENOENT)
		fail("%s", error == -EPIPE ? "the store has ended" : strerror(-error));
	return error ? STATUS_NONE : 0;
}

static int get(const struct kv *kv, const char *key)
{
	static uint8_t value[KV_VALUE_MOST];
	long n = kv_read(kv, key, strlen(key), value, sizeof value);

	if (n >= 0 && fwrite(value, 1, (size_t)n, stdout) != (size_t)n)
		fail("its value cannot be written: %s", strerror(errno));
	return done(n < 0 ? (int)n : 0);
}

static int put(const struct kv *kv, const char *key, const char *text)
{
	static uint8_t value[KV_VALUE_MOST];
	size_t n = text ? strlen(text) : input(value);

	return done(kv_put(kv, key, strlen(key), text ? (const void *)text : value, n));
}

static int list(const struct kv *kv)
{
	for (unsigned i = 0; i < KV_BUCKETS; i++)
		for (const struct kv_entry *e = kv->store->bucket[i]; e; e = e->next)
			printf("%.*s %u\n", (int)e->key_size, e->bytes, e->value_size);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	int is_list = argc == 3 && !strcmp(what, "list"), is_get = argc == 4 && !strcmp(what, "get");
	int is_remove = argc == 4 && !strcmp(what, "remove"), is_put = (argc == 4 || argc == 5) && !strcmp(what, "put");
	struct kv kv = { 0 };
	exo_name server;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (!is_list && !is_get && !is_remove && !is_put) {
		fputs(usage, stderr);
		return STATUS_OWN;
	}
	if (!is_list && (!*argv[3] || strlen(argv[3]) > KV_KEY_MOST))
		fail("a key has 1 to %u bytes", KV_KEY_MOST);
	server = kv_server(argv[1]);
	if (!server)
		fail("%s: there is no box of that name", argv[1]);
	(void)done(kv_open(&kv, server));
	if (is_list)
		return list(&kv);
	if (is_get)
		return get(&kv, argv[3]);
	if (is_put)
		return put(&kv, argv[3], argc == 5 ? argv[4] : NULL);
	return done(kv_remove(&kv, argv[3], strlen(argv[3])));
}
