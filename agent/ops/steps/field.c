/* field.c - see field.h. The sources: the API references of EC2 (CreateSecurityGroup, IpRange, Tag, EbsBlockDevice,
 * IpPermission), ELB (Tag) and IAM (CreateInstanceProfile); of the user guides "Device names", "Volume types" and "Tag a Network
 * Load Balancer". A tag is put on things of both services, so it must please both. */
#include "agent/ops/steps/field.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agent/base/pattern.h"
#include "agent/base/str.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define DESCRIPTION_MAX 255
#define TAG_KEY_MAX 127   /* EC2; the API of ELB says one more, its user guide as many */
#define TAG_VALUE_MAX 255 /* ELB; EC2 has one more */
#define GP3_IOPS_LEAST 3000
#define GP3_IOPS_MOST 80000
#define GP3_IOPS_A_GIB 500
#define GP3_THROUGHPUT_LEAST 125
#define GP3_THROUGHPUT_MOST 2000
#define GP3_IOPS_A_MIB 4

/* ---- any text ---------------------------------------------------------------------------------------------------------------- */

const char *field_trim(const char *s, size_t *ret_len)
{
	size_t n;

	s += strspn(s, " ");
	n = strlen(s);
	while (n > 0 && s[n - 1] == ' ')
		n--;
	*ret_len = n;
	return s;
}

int field_text(const char *s, size_t max, const char *what, struct err *e)
{
	size_t n;

	s = field_trim(s, &n);
	if (n == 0 || n > max || !str_is_utf8(s, n))
		return err_set(e, ERR_INVALID, "%s: expected a text of 1 to %zu bytes of UTF-8", what, max);
	if (s[0] == '@')
		return err_set(e, ERR_INVALID, "%s: a leading @ is a plan's own sign for a fact", what);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return err_set(e, ERR_INVALID, "%s: control characters are not allowed", what);
	return 0;
}

static size_t count_characters(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

static int check_length(const char *s, size_t max, const char *what, struct err *e)
{
	size_t len, n;

	s = field_trim(s, &len);
	n = count_characters(s, len);
	return n <= max ? 0 : err_set(e, ERR_INVALID, "%s: %zu characters, AWS takes %zu", what, n, max);
}

/* The character at s, for a sentence: what is not plain ASCII by its number, since it may be invisible, or turn the line around. */
static const char *tell(const char *s, char to[16])
{
	const unsigned char *c = (const unsigned char *)s;
	size_t n = str_utf8_len(s, strlen(s));
	unsigned v = n == 2 ? c[0] & 0x1fu : n == 3 ? c[0] & 0x0fu : c[0] & 0x07u;

	for (size_t i = 1; i < n; i++)
		v = v << 6 | (c[i] & 0x3fu);
	if (n < 2)
		snprintf(to, 16, "%c", *s);
	else
		snprintf(to, 16, "U+%04X", v);
	return to;
}

static int only(const char *s, const char *allowed, const char *what, const char *taken, struct err *e)
{
	size_t len, n;
	char one[16];

	s = field_trim(s, &len);
	n = strspn(s, allowed);
	return n >= len ? 0 : err_set(e, ERR_INVALID, "%s: found %s, AWS takes only %s there", what, tell(s + n, one), taken);
}

/* ---- security groups --------------------------------------------------------------------------------------------------------- */

int field_description(const char *s, const char *what, struct err *e)
{
	TRY(field_text(s, 4ul * DESCRIPTION_MAX, what, e));
	TRY(only(s, LETTERS CAPITALS DIGITS " ._-:/()#,@[]+=&;{}!$*", what, "a-z, A-Z, 0-9, blanks and ._-:/()#,@[]+=&;{}!$*", e));
	return check_length(s, DESCRIPTION_MAX, what, e);
}

int field_icmp(int32_t type, int32_t code, struct err *e)
{
	if (type < -1 || type > 255 || code < -1 || code > 255)
		return err_set(e, ERR_INVALID,
			       "icmp: from_port is the type and to_port the code, 0 to 255, or -1 for all: found %d and %d", type,
			       code);
	if (type == -1 && code > 0)
		return err_set(e, ERR_INVALID, "icmp: all types (-1) have no code %d: to_port must be -1 too", code);
	return 0;
}

/* ---- tags -------------------------------------------------------------------------------------------------------------------- */

static size_t tag_span(const char *s, size_t len)
{
	pcre2_code *p = NULL;
	pcre2_match_data *m;
	size_t n = len;

	if (pattern_compile("^[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*", &p, NULL) != 0)
		return len; /* AWS looks at it again */
	m = pcre2_match_data_create_from_pattern(p, NULL);
	if (m != NULL && pcre2_match(p, (PCRE2_SPTR)s, len, 0, 0, m, NULL) > 0)
		n = pcre2_get_ovector_pointer(m)[1];
	pcre2_match_data_free(m);
	pcre2_code_free(p);
	return n;
}

static int check_tag(const char *s, size_t max, const char *what, struct err *e)
{
	size_t len, n;
	char one[16];

	TRY(field_text(s, 4 * max, what, e));
	TRY(check_length(s, max, what, e));
	s = field_trim(s, &len);
	n = tag_span(s, len);
	return n == len
		   ? 0
		   : err_set(e, ERR_INVALID, "%s: found %s, AWS takes only letters, digits, blanks and + - = . _ : / @ in a tag",
			     what, tell(s + n, one));
}

/* AWS tells keys apart by case and people do not: "Reeve:Installation" would only mislead them. */
static bool is_reserved(const char *key, size_t len)
{
	static const char *const begin[] = { "aws:", "reeve:", NULL };
	static const char whole[] = "resource-created-by";

	for (size_t i = 0; begin[i] != NULL; i++)
		if (strncasecmp(key, begin[i], strlen(begin[i])) == 0)
			return true;
	return len == sizeof(whole) - 1 && strncasecmp(key, whole, len) == 0;
}

int field_tag_key(const char *s, const char *what, struct err *e)
{
	size_t len;

	TRY(check_tag(s, TAG_KEY_MAX, what, e));
	s = field_trim(s, &len);
	return is_reserved(s, len) ? err_set(e, ERR_INVALID, "%s \"%.*s\" is not the vendor's to set", what, (int)len, s) : 0;
}

int field_tag_value(const char *s, const char *what, struct err *e)
{
	size_t len;

	s = field_trim(s, &len);
	if (len == 0)
		return 0;
	TRY(check_tag(s, TAG_VALUE_MAX, what, e));
	return strncasecmp(s, "aws:", 4) != 0
		   ? 0
		   : err_set(e, ERR_INVALID, "%s: values that begin with aws: are AWS's own, found \"%.40s\"", what, s);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------------------- */

int field_instance_type(const char *s, const char *what, struct err *e)
{
	const char *dot = strchr(s, '.');

	TRY(field_text(s, 64, what, e));
	if (strspn(s, LETTERS DIGITS "-.") != strlen(s) || dot == NULL || dot == s || dot[1] == '\0' ||
	    strchr(dot + 1, '.') != NULL)
		return err_set(e, ERR_INVALID, "%s: \"%.64s\" is not the name of an instance type, such as r6i.xlarge", what, s);
	return 0;
}

int field_profile(const char *s, const char *what, struct err *e)
{
	TRY(field_text(s, 128, what, e));
	if (strspn(s, LETTERS CAPITALS DIGITS "_+=,.@-") != strlen(s))
		return err_set(
		    e, ERR_INVALID,
		    "%s: \"%.128s\" is not the name of an instance profile (letters, digits and _+=,.@-; no path, no ARN)", what,
		    s);
	return 0;
}

int field_kms_key(const char *s, const char *what, struct err *e)
{
	TRY(field_text(s, 256, what, e));
	if (strspn(s, LETTERS CAPITALS DIGITS ":/_-") != strlen(s))
		return err_set(e, ERR_INVALID, "%s: \"%.100s\" is not the ARN of a key", what, s);
	return 0;
}

/* ---- volumes ----------------------------------------------------------------------------------------------------------------- */

const char *field_device_letters(const char *device)
{
	static const char *const begin[] = { "/dev/sd", "/dev/xvd" };

	for (size_t i = 0; i < 2; i++)
		if (str_starts(device, begin[i]))
			return device + strlen(begin[i]);
	return "";
}

bool field_is_one_device(const char *a, const char *b)
{
	const char *letters = field_device_letters(a);

	return str_eq(a, b) || (*letters != '\0' && str_eq(letters, field_device_letters(b)));
}

/* "sd[b-z]", "xvd[b-z]", "xvd[a-d][a-z]": what HVM instances may have beside their root. */
int field_device(const char *s, const char *what, struct err *e)
{
	const char *letters = field_device_letters(s);
	size_t n = strlen(letters);
	bool is_good = n > 0 && strspn(letters, LETTERS) == n;

	TRY(field_text(s, 32, what, e));
	if (str_eq(s, "/dev/sda1") || (n == 1 && letters[0] == 'a'))
		return err_set(e, ERR_INVALID, "%s: %s is the root's: a data volume has one from /dev/sdf to /dev/sdp", what, s);
	if (n == 2)
		is_good = is_good && letters[0] <= 'd' && str_starts(s, "/dev/xvd");
	if (!is_good || n > 2)
		return err_set(e, ERR_INVALID, "%s: \"%.32s\" is no device that EC2 has: /dev/sdf to /dev/sdp are usual", what, s);
	return 0;
}

static int between(uint32_t v, uint32_t least, uint32_t most, const char *what, struct err *e)
{
	if (v != 0 && (v < least || v > most))
		return err_set(e, ERR_INVALID, "%s: %u is not %u to %u, which gp3 has (0: AWS's default)", what, v, least, most);
	return 0;
}

int field_gp3(uint32_t size_gib, uint32_t iops, uint32_t throughput, struct err *e)
{
	uint32_t has = iops > GP3_IOPS_LEAST ? iops : GP3_IOPS_LEAST;

	TRY(between(iops, GP3_IOPS_LEAST, GP3_IOPS_MOST, "iops", e));
	TRY(between(throughput, GP3_THROUGHPUT_LEAST, GP3_THROUGHPUT_MOST, "throughput", e));
	if (iops > GP3_IOPS_LEAST && (uint64_t)size_gib * GP3_IOPS_A_GIB < iops)
		return err_set(e, ERR_INVALID, "iops: gp3 has at most %d a GiB, that is %llu for size_gib %u, found %u",
			       GP3_IOPS_A_GIB, (unsigned long long)size_gib * GP3_IOPS_A_GIB, size_gib, iops);
	if (throughput * GP3_IOPS_A_MIB > has)
		return err_set(e, ERR_INVALID, "throughput: gp3 has at most 1 MiB/s for %d iops, that is %u, found %u",
			       GP3_IOPS_A_MIB, has / GP3_IOPS_A_MIB, throughput);
	return 0;
}

/* What is signed is what is asked, byte by byte: nothing that one reader folds and another does not. */
int field_node_path(const char *s, const char *what, struct err *e)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-._~?=&%";
	size_t n = strlen(s);

	if (s[0] != '/' || n > NODE_PATH_MAX || strspn(s, good) != n || strstr(s, "..") != NULL || strstr(s, "//") != NULL)
		return err_set(e, ERR_INVALID,
			       "%s: expected a path of at most %d letters, digits and /-._~?=&%% that begins with /, without .. "
			       "and //, found \"%.60s\"",
			       what, NODE_PATH_MAX, s);
	return 0;
}
