/* SPDX-License-Identifier: MIT */
/* Formatted text: one pass over the format, one sink that counts what does not fit. */
#include "fmt.h"
#include "string.h"
#include <limits.h>
#include <stdint.h>

enum { FLAG_LEFT = 1, FLAG_ZERO = 2, FLAG_PLUS = 4, FLAG_SPACE = 8, FLAG_ALT = 16, FLAG_UPPER = 32 };

struct sink { char *to; size_t room, length; };
struct spec { unsigned flags; int width, precision; /* -1 = none */ int size; /* -2 hh, -1 h, 0, 1 l and wider */ };

static void sink_copy(struct sink *s, const char *text, size_t n)
{
	if (s->length < s->room) {
		size_t left = s->room - s->length;
		memcpy(s->to + s->length, text, n < left ? n : left);
	}
	s->length += n;
}

static void sink_fill(struct sink *s, char c, long n)
{
	if (n <= 0)
		return;
	if (s->length < s->room) {
		size_t left = s->room - s->length;
		memset(s->to + s->length, c, (size_t)n < left ? (size_t)n : left);
	}
	s->length += (size_t)n;
}

static void put_text(struct sink *s, const struct spec *p, const char *text, size_t n)
{
	long pad = (long)p->width - (long)n;

	if (!(p->flags & FLAG_LEFT))
		sink_fill(s, ' ', pad);
	sink_copy(s, text, n);
	if (p->flags & FLAG_LEFT)
		sink_fill(s, ' ', pad);
}

/* As "%lu" has it. */
static void put_plain(struct sink *s, uint64_t value, const char *sign)
{
	char digits[24], *at = digits + sizeof digits;

	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	if (*sign)
		*--at = *sign;
	sink_copy(s, at, (size_t)(digits + sizeof digits - at));
}

static void put_number(struct sink *s, const struct spec *p, uint64_t value, unsigned base, const char *sign)
{
	const char *figures = p->flags & FLAG_UPPER ? "0123456789ABCDEF" : "0123456789abcdef";
	char digits[24], *at = digits + sizeof digits;
	uint64_t rest = value;
	long n, zeros, pad;

	if (base == 10 && !p->flags && !p->width && p->precision < 0) {
		put_plain(s, value, sign);
		return;
	}
	for (; rest; rest /= base)
		*--at = figures[rest % base];
	n = digits + sizeof digits - at;
	zeros = (p->precision < 0 ? 1 : p->precision) - n;
	if (p->flags & FLAG_ALT) {
		if (base == 8 && zeros <= 0)
			zeros = 1;
		if (base == 16 && value)
			sign = p->flags & FLAG_UPPER ? "0X" : "0x";
	}
	if (base == 8 && p->flags & FLAG_ALT && !value && p->precision < 0)
		zeros = 1;
	if (zeros < 0)
		zeros = 0;
	pad = (long)p->width - n - zeros - (long)strlen(sign);
	if ((p->flags & (FLAG_ZERO | FLAG_LEFT)) == FLAG_ZERO && p->precision < 0 && pad > 0)
		zeros += pad, pad = 0;
	if (!(p->flags & FLAG_LEFT))
		sink_fill(s, ' ', pad);
	sink_copy(s, sign, strlen(sign));
	sink_fill(s, '0', zeros);
	sink_copy(s, at, (size_t)n);
	if (p->flags & FLAG_LEFT)
		sink_fill(s, ' ', pad);
}

static int take_int(const char **f)
{
	long n = 0;

	for (; **f >= '0' && **f <= '9'; (*f)++)
		if (n < INT_MAX)
			n = n * 10 + (**f - '0');
	return n < INT_MAX ? (int)n : INT_MAX;
}

static unsigned take_flags(const char **f)
{
	static const char names[] = "-0+ #";
	unsigned flags = 0;
	const char *name;

	while (**f && **f <= '0' && (name = strchr(names, **f)))
		flags |= 1u << (name - names), (*f)++;
	return flags;
}

static int take_size(const char **f)
{
	switch (**f) {
	case 'h':
		if (*++*f != 'h')
			return -1;
		++*f;
		return -2;
	case 'l':
		if (*++*f == 'l')
			++*f;
		return 1;
	case 'z': case 'j': case 't':
		++*f;
		return 1;
	}
	return 0;
}

int vfmt(char *to, size_t max, const char *format, va_list args_in)
{
	struct sink s = { to, max ? max - 1 : 0, 0 };
	va_list args;

	va_copy(args, args_in);
	while (*format) {
		struct spec p = { .precision = -1 };
		const char *start = format;
		const char *text, *sign = "";
		uint64_t value;
		int64_t number;
		char c;

		while (*format && *format != '%')
			format++;
		sink_copy(&s, start, (size_t)(format - start));
		if (!*format)
			break;
		start = format++;
		p.flags = take_flags(&format);
		if (*format == '*') {
			format++;
			p.width = va_arg(args, int);
			if (p.width < 0)
				p.flags |= FLAG_LEFT, p.width = p.width == INT_MIN ? INT_MAX : -p.width;
		} else {
			p.width = take_int(&format);
		}
		if (*format == '.') {
			if (*++format == '*')
				format++, p.precision = va_arg(args, int);
			else
				p.precision = take_int(&format);
			if (p.precision < 0)
				p.precision = -1;
		}
		p.size = take_size(&format);
		switch (c = *format++) {
		case 'd': case 'i':
			number = p.size > 0 ? va_arg(args, long) : va_arg(args, int);
			number = p.size == -1 ? (short)number : p.size == -2 ? (signed char)number : number;
			sign = number < 0 ? "-" : p.flags & FLAG_PLUS ? "+" : p.flags & FLAG_SPACE ? " " : "";
			p.flags &= ~(unsigned)FLAG_ALT;
			put_number(&s, &p, number < 0 ? -(uint64_t)number : (uint64_t)number, 10, sign);
			break;
		case 'u': case 'x': case 'X': case 'o':
			value = p.size > 0 ? va_arg(args, unsigned long) : va_arg(args, unsigned);
			value = p.size == -1 ? (unsigned short)value : p.size == -2 ? (unsigned char)value : value;
			p.flags |= c == 'X' ? FLAG_UPPER : 0;
			put_number(&s, &p, value, c == 'u' ? 10 : c == 'o' ? 8 : 16, "");
			break;
		case 'p':
			p.flags &= ~(unsigned)FLAG_ALT;
			put_number(&s, &p, (uintptr_t)va_arg(args, void *), 16, "0x");
			break;
		case 'c':
			c = (char)va_arg(args, int);
			put_text(&s, &p, &c, 1);
			break;
		case 's':
			text = va_arg(args, const char *);
			text = text ? text : "(null)";
			put_text(&s, &p, text, p.precision < 0 ? strlen(text) : strnlen(text, (size_t)p.precision));
			break;
		case '%':
			sink_copy(&s, "%", 1);
			break;
		default: /* also the end of the text */
			format -= c == 0;
			sink_copy(&s, start, (size_t)(format - start));
		}
	}
	va_end(args);
	if (max)
		to[s.length < s.room ? s.length : s.room] = 0;
	return s.length > INT_MAX ? -1 : (int)s.length;
}

int fmt(char *to, size_t max, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vfmt(to, max, format, args);
	va_end(args);
	return length;
}
