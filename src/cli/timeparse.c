/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/timeparse.h"

#include <sys/stat.h>

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

/* Exactly `digits` digits at *p, from `low` to `high`. */
static bool
number(const char **p, int digits, int low, int high, int *ret)
{
	int n = 0;

	for (int i = 0; i < digits; i++, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return false;
		n = n * 10 + (**p - '0');
	}
	*ret = n;
	return n >= low && n <= high;
}

static bool
skip(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static int
month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
	    31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month] + (month == 1 && leap);
}

static bool
parse_date(const char **p, struct tm *tm)
{
	int year;

	if (!number(p, 4, 1, 9999, &year) || !skip(p, '-'))
		return false;
	tm->tm_year = year - 1900;
	/* A day of the year is three digits and the end. */
	if (strlen(*p) == 3) {
		tm->tm_mon = 0;
		return number(p, 3, 1, 337 + month_days(year, 1), &tm->tm_mday);
	}
	if (!number(p, 2, 1, 12, &tm->tm_mon) || !skip(p, '-'))
		return false;
	tm->tm_mon--;
	return number(p, 2, 1, month_days(year, tm->tm_mon), &tm->tm_mday);
}

static bool
parse_clock(const char **p, struct tm *tm, uint32_t *ns)
{
	if (!number(p, 2, 0, 23, &tm->tm_hour) || !skip(p, ':') ||
	    !number(p, 2, 0, 59, &tm->tm_min))
		return false;
	if (!skip(p, ':'))
		return true;
	if (!number(p, 2, 0, 60, &tm->tm_sec))
		return false;
	if (!skip(p, '.'))
		return true;
	if (!isdigit((unsigned char)**p))
		return false;
	for (uint32_t unit = 100000000; isdigit((unsigned char)**p);
	     unit /= 10, (*p)++)
		*ns += (uint32_t)(**p - '0') * unit;
	return true;
}

/* Z or an offset, which must end the text; *ret_local if there is none. */
static bool
parse_zone(const char *p, int *ret_offset, bool *ret_local)
{
	int hours, minutes, sign;

	*ret_offset = 0;
	*ret_local = *p == '\0';
	if (*ret_local || strcmp(p, "Z") == 0)
		return true;
	if (*p != '+' && *p != '-')
		return false;
	sign = *p++ == '-' ? -1 : 1;
	if (!number(&p, 2, 0, 23, &hours))
		return false;
	skip(&p, ':');
	if (!number(&p, 2, 0, 59, &minutes) || *p != '\0')
		return false;
	*ret_offset = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool
parse(const char *p, struct varve_time *ret)
{
	struct tm tm = {.tm_isdst = -1};
	uint32_t ns = 0;
	int offset;
	bool local;

	if (!parse_date(&p, &tm))
		return false;
	if ((*p == 'T' || *p == ' ') && (p++, !parse_clock(&p, &tm, &ns)))
		return false;
	if (!parse_zone(p, &offset, &local))
		return false;
	time_t s = local ? mktime(&tm) : timegm(&tm) - offset;
	*ret = (struct varve_time){s, ns};
	return true;
}

int
vrv_time_parse(const char *text, struct varve_time *ret, struct varve_err *err)
{
	struct stat st;

	if (stat(text, &st) == 0) {
		*ret = (struct varve_time){st.st_mtim.tv_sec,
		    (uint32_t)st.st_mtim.tv_nsec};
		return 0;
	}
	if (!parse(text, ret))
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' is neither a time like 2026-11-22T00:11:28+01:00 nor "
		    "a file",
		    text);
	return 0;
}

static bool
parse_span(const char *p, int64_t *ret)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = {{'S', 1}, {'M', 60}, {'H', 3600}, {'d', 86400},
	    {'w', 7 * 86400}, {'m', 31 * 86400}, {'y', 365 * 86400}};
	int64_t n = 0;

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		n = n * 10 + (*p - '0');
		if (n > INT32_MAX)
			return false;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (p[0] == units[i].letter && p[1] == '\0') {
			*ret = n * units[i].seconds;
			return true;
		}
	}
	return false;
}

int
vrv_time_or_span(const char *text, struct varve_time now,
    struct varve_time *ret, struct varve_err *err)
{
	struct stat st;
	int64_t seconds;

	if (stat(text, &st) != 0 && parse_span(text, &seconds)) {
		*ret = (struct varve_time){now.s - seconds, now.ns};
		return 0;
	}
	int rc = vrv_time_parse(text, ret, err);
	if (rc == VARVE_USAGE)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' is neither a time like 2026-11-22T00:11:28+01:00 nor "
		    "a span like 7d nor a file",
		    text);
	return rc;
}
