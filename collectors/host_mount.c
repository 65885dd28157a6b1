/* host_mount.c - which file systems there are, from /proc/self/mountinfo:
 *
 *     45 44 259:4 /root /point rw,noatime shared:31 - xfs /dev/nvme2n1 rw,attr2
 *     id parent dev root point options [optional ...] - type source super-options
 *
 * Types that hold no files of anybody are known by name; all others are told, also those of a type that this file does not know: a
 * list of the types to tell would leave out every new one. A mount can be reached unless something is mounted over it, or over a
 * folder on the way to it: a question to its point would be answered by that. */
#include <stdlib.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "collectors/host_parse.h"

#define NODES_MAX 16384 /* mounts of all kinds that are looked at: more than a text of 1 MiB has */
#define DEPTH_MAX 64

/* A mount as a place in the tree: its point is a piece of the text, as it is escaped there. */
struct node {
	unsigned long id, parent;
	const char *point, *line;
	size_t len;
};

/* ---- types ------------------------------------------------------------------------------------------------------------------- */

static bool is_pseudo(const char *type)
{
	static const char *const pseudo[] = {
		"anon_inodefs",
		"autofs", /* to ask it would mount what it stands for */
		"bdev",
		"binder",
		"binfmt_misc",
		"bpf",
		"cgroup",
		"cgroup2",
		"configfs",
		"cpuset",
		"cramfs",
		"dax",
		"debugfs",
		"devfs",
		"devpts",
		"devtmpfs",
		"dmabuf",
		"drm",
		"efivarfs",
		"erofs",
		"functionfs",
		"fusectl",
		"hugetlbfs",
		"inotifyfs",
		"iso9660",
		"mqueue",
		"nfsd",
		"none",
		"nsfs",
		"pidfs",
		"pipefs",
		"proc",
		"pstore",
		"ramfs",
		"resctrl",
		"romfs",
		"rootfs",
		"rpc_pipefs",
		"secretmem",
		"securityfs",
		"selinuxfs",
		"smackfs",
		"sockfs",
		"squashfs", /* an image, and always full */
		"sysfs",
		"tmpfs",
		"tracefs",
		"usbdevfs",
		"usbfs",
		"zonefs",
		"fuse.gvfsd-fuse",
		"fuse.lxcfs",
		"fuse.portal",
		"fuse.snapfuse",
		"fuse.squashfuse",
		"fuse.archivemount",
		"fuse.vmware-vmblock",
	};

	for (size_t i = 0; i < ARRAY_LEN(pseudo); i++)
		if (str_eq(type, pseudo[i]))
			return true;
	return false;
}

/* An overlay repeats what lies below it; a container's root is one, and all that it has. */
static bool is_real(const struct host_mount *m)
{
	return !is_pseudo(m->type) && (!str_eq(m->type, "overlay") || str_eq(m->point, "/"));
}

/* ---- a row ------------------------------------------------------------------------------------------------------------------- */

/* The character that stands as \ooo, 0: none does. */
static char octal(const char *s)
{
	for (size_t i = 1; i < 4; i++)
		if (s[i] < '0' || s[i] > (i == 1 ? '3' : '7'))
			return 0;
	return (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
}

/* Blanks, tabs, line feeds and backslashes stand as \040, \011, \012, \134. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		char c = *s == '\\' ? octal(s) : 0;

		*to++ = c != 0 ? c : *s;
		s += c != 0 ? 3 : 0;
	}
	*to = '\0';
}

/* Among options that commas part: is it one of them, to the letter? "errors=remount-ro" is not. */
static bool has_option(const char *at, const char *end, const char *option)
{
	size_t len = strlen(option);

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at)), *stop = comma != NULL ? comma : end;

		if ((size_t)(stop - at) == len && memcmp(at, option, len) == 0)
			return true;
		at = stop + 1;
	}
	return false;
}

/* Read-only for this point alone, or as a whole: then it is told behind the source. Those options may be very long. */
static bool is_read_only(const char *options, const char *super)
{
	super += strspn(super, " \t");
	return has_option(options, options + strlen(options), "ro") || has_option(super, super + strcspn(super, " \t\n"), "ro");
}

/* One that was given as nothing stands there as nothing, between two blanks. */
static bool parse_source(const char **at, char *to, size_t size)
{
	if (str_starts(*at, "  ")) {
		*to = '\0';
		return true;
	}
	return host_word(at, to, size);
}

static bool parse_row(const char *line, struct host_mount *m)
{
	const char *at = line;
	char skip[1024], options[1024];

	if (!host_word(&at, skip, sizeof(skip)) || !host_word(&at, skip, sizeof(skip)) || !host_word(&at, m->id, sizeof(m->id)))
		return false;
	if (!host_word(&at, skip, sizeof(skip)) || !host_word(&at, m->point, sizeof(m->point)) ||
	    !host_word(&at, options, sizeof(options)))
		return false;
	/* Any number of optional fields stand here, none as well; the dash ends them (proc(5)). */
	do
		if (!host_word(&at, skip, sizeof(skip)))
			return false;
	while (!str_eq(skip, "-"));
	if (!host_word(&at, m->type, sizeof(m->type)) || !parse_source(&at, m->device, sizeof(m->device)))
		return false;
	m->read_only = is_read_only(options, at);
	unescape(m->point);
	unescape(m->device);
	return true;
}

/* ---- the tree ---------------------------------------------------------------------------------------------------------------- */

static const char *skip_word(const char *at)
{
	at += strcspn(at, " \t\n");
	return at + strspn(at, " \t");
}

static bool parse_node(const char *line, struct node *n)
{
	const char *at;
	char *end;

	n->line = line;
	n->id = strtoul(line, &end, 10);
	if (end == line || *end != ' ')
		return false;
	at = end + 1;
	n->parent = strtoul(at, &end, 10);
	if (end == at || *end != ' ')
		return false;
	n->point = skip_word(skip_word(end + 1)); /* behind device and root */
	n->len = strcspn(n->point, " \t\n");
	return n->len > 0;
}

static bool is_same_point(const struct node *a, const struct node *b)
{
	return a->len == b->len && memcmp(a->point, b->point, a->len) == 0;
}

/* Is b's point a's, or below it? */
static bool is_at_or_below(const struct node *a, const struct node *b)
{
	if (b->len < a->len || memcmp(a->point, b->point, a->len) != 0)
		return false;
	return b->len == a->len || a->point[a->len - 1] == '/' || b->point[a->len] == '/';
}

/* Does `over` lie on the way to n? It is mounted on n itself, or beside it on a folder above. Of two on one folder, which
 * propagation can bring about, the later one is on top. */
static bool covers(const struct node *over, const struct node *n)
{
	if (over == n)
		return false;
	if (over->parent == n->id)
		return is_same_point(over, n) && over->id != n->id;
	return over->parent == n->parent && is_at_or_below(over, n) && (!is_same_point(over, n) || over > n);
}

static const struct node *find(const struct node *nodes, size_t n, unsigned long id)
{
	for (size_t i = 0; i < n; i++)
		if (nodes[i].id == id)
			return &nodes[i];
	return NULL;
}

/* The mount that its folder lies in. Those that it was itself mounted over are not on its way. */
static const struct node *above(const struct node *nodes, size_t n, const struct node *at)
{
	const struct node *up = find(nodes, n, at->parent);

	for (unsigned depth = 0; up != NULL && is_same_point(up, at) && depth < DEPTH_MAX; depth++)
		up = up->parent != up->id ? find(nodes, n, up->parent) : NULL;
	return up;
}

static bool is_reachable(const struct node *nodes, size_t n, const struct node *at)
{
	for (unsigned depth = 0; at != NULL && depth < DEPTH_MAX; depth++) {
		const struct node *up = above(nodes, n, at);

		for (size_t i = 0; i < n; i++)
			if (covers(&nodes[i], at))
				return false;
		at = up;
	}
	return true;
}

/* ---- the table --------------------------------------------------------------------------------------------------------------- */

/* One file system under several points has one number; one of btrfs has a number for each subvolume, and one source. */
static bool is_repeated(const struct host_mount *rows, size_t n, const struct host_mount *m)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(rows[i].id, m->id) ||
		    (str_eq(m->type, "btrfs") && str_eq(rows[i].type, "btrfs") && str_eq(rows[i].device, m->device)))
			return true;
	return false;
}

/* What containers mount, beside what the machine has. */
static bool is_minor(const struct host_mount *m)
{
	static const char *const below[] = { "/var/lib/kubelet/",   "/var/lib/docker/", "/var/lib/containers/", "/run/", "/snap/",
					     "/var/lib/containerd/" };

	for (size_t i = 0; i < ARRAY_LEN(below); i++)
		if (str_starts(m->point, below[i]))
			return true;
	return false;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	while ((text = strchr(text, '\n')) != NULL && n < NODES_MAX) {
		n++;
		text++;
	}
	return n;
}

static size_t read_nodes(const char *text, struct node *nodes, size_t most, struct host_left *left)
{
	size_t n = 0;

	for (const char *line = text; *line != '\0'; line = host_next_line(line)) {
		struct node node;

		if (*line == '\n' || strchr(line, '\n') == NULL) /* cut */
			continue;
		if (!parse_node(line, &node))
			left->odd++;
		else if (n == most)
			left->over++;
		else
			nodes[n++] = node;
	}
	return n;
}

size_t host_parse_mounts(const char *text, struct host_mount *rows, size_t most, struct host_left *left)
{
	size_t lines = count_lines(text), nodes_n, n = 0;
	struct node *nodes = mem_alloc(lines * sizeof(*nodes));
	struct host_mount *m = mem_new(struct host_mount);

	nodes_n = read_nodes(text, nodes, lines, left);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < nodes_n; i++) {
			if (!parse_row(nodes[i].line, m)) {
				left->odd += round == 0;
				continue;
			}
			if (!is_real(m) || is_minor(m) != (round > 0) || is_repeated(rows, n, m))
				continue;
			left->over += n == most; /* whether it can be reached, which takes long to say, is not asked then */
			if (n < most && is_reachable(nodes, nodes_n, &nodes[i]))
				rows[n++] = *m;
		}
	mem_free(m);
	mem_free(nodes);
	return n;
}
