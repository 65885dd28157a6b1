/* codec.c - what the bytes alone cost: `codec FILE` reads a log, splits it, encodes it with the agent's own encoder and packs each
 * body with each compressor that was there when this was built. All in memory and in one thread, but for the reading.
 *
 * Prints one JSON object: CPU seconds a GB of the file for each step, and of each compressor also the size of its bodies against
 * the file's. Each step is timed apart, over a chunk or a body, so a limit is the sum: read + encode (it splits too) + pack.
 * The first body of each compressor is unpacked again and compared: one that does not come back ends this with 1. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#if __has_include(<isa-l/igzip_lib.h>)
#include <isa-l/igzip_lib.h>
#define HAS_ISAL 1
#endif
#if __has_include(<zstd.h>)
#include <zstd.h>
#define HAS_ZSTD 1
#endif

#include "agent/base/buf.h"
#include "agent/base/mem.h"
#include "shippers/batch.h"
#include "shippers/otlp.h"

#define CHUNK (1u << 20)
#define RECORD_FRAME 256 /* of attributes and tags, at most: a batch closes before it is too large */

/* Each returns the size of what it made of `from`, or 0: it failed. `to` has room for all. */
typedef size_t pack_fn(int level, const struct buf *from, struct buf *to);
typedef size_t unpack_fn(const struct buf *from, struct buf *to);

struct codec {
	const char *name;
	int level;
	pack_fn *pack;
	unpack_fn *unpack;
	double spent_s;
	size_t out;
};

struct run {
	double read_s, split_s, encode_s;
	size_t in, lines, bodies;
	struct otlp_logs *logs;
	struct spare spare;
	struct otlp_row *row;
	uint32_t records;
	struct buf body, packed, again;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void give_up(const char *what)
{
	fprintf(stderr, "codec: %s\n", what);
	exit(1);
}

/* ---- compressors --------------------------------------------------------------------------------------------------------- */

static size_t zlib_pack(int level, const struct buf *from, struct buf *to)
{
	z_stream z = { 0 };
	size_t made = 0;

	if (deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	z.next_in = (Bytef *)from->data;
	z.avail_in = (uInt)from->len;
	z.next_out = (Bytef *)to->data;
	z.avail_out = (uInt)to->cap;
	if (deflate(&z, Z_FINISH) == Z_STREAM_END)
		made = z.total_out;
	deflateEnd(&z);
	return made;
}

static size_t zlib_unpack(const struct buf *from, struct buf *to)
{
	z_stream z = { .next_in = (Bytef *)from->data, .avail_in = (uInt)from->len };
	size_t made = 0;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return 0;
	z.next_out = (Bytef *)to->data;
	z.avail_out = (uInt)to->cap;
	if (inflate(&z, Z_FINISH) == Z_STREAM_END)
		made = z.total_out;
	inflateEnd(&z);
	return made;
}

#ifdef HAS_ISAL
static uint8_t isal_room[ISAL_DEF_LVL3_DEFAULT]; /* the largest of the levels */

static size_t isal_pack(int level, const struct buf *from, struct buf *to)
{
	static const uint32_t room[] = { 0, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT };
	struct isal_zstream z;

	isal_deflate_stateless_init(&z);
	z.level = (uint32_t)level;
	z.level_buf = isal_room;
	z.level_buf_size = room[level];
	z.gzip_flag = IGZIP_GZIP;
	z.end_of_stream = 1;
	z.next_in = (uint8_t *)from->data;
	z.avail_in = (uint32_t)from->len;
	z.next_out = (uint8_t *)to->data;
	z.avail_out = (uint32_t)to->cap;
	return isal_deflate_stateless(&z) == COMP_OK ? z.total_out : 0;
}
#endif

#ifdef HAS_ZSTD
static size_t zstd_pack(int level, const struct buf *from, struct buf *to)
{
	static ZSTD_CCtx *context;
	size_t made;

	if (context == NULL)
		context = ZSTD_createCCtx();
	made = ZSTD_compressCCtx(context, to->data, to->cap, from->data, from->len, level);
	return ZSTD_isError(made) ? 0 : made;
}

static size_t zstd_unpack(const struct buf *from, struct buf *to)
{
	size_t made = ZSTD_decompress(to->data, to->cap, from->data, from->len);

	return ZSTD_isError(made) ? 0 : made;
}
#endif

static struct codec codecs[] = {
	{ .name = "zlib-1", .level = 1, .pack = zlib_pack, .unpack = zlib_unpack },
#ifdef HAS_ISAL
	{ .name = "isal-1", .level = 1, .pack = isal_pack, .unpack = zlib_unpack },
	{ .name = "isal-2", .level = 2, .pack = isal_pack, .unpack = zlib_unpack },
	{ .name = "isal-3", .level = 3, .pack = isal_pack, .unpack = zlib_unpack },
#endif
#ifdef HAS_ZSTD
	{ .name = "zstd-1", .level = 1, .pack = zstd_pack, .unpack = zstd_unpack },
#endif
};

#define CODECS (sizeof(codecs) / sizeof(codecs[0]))

/* ---- the way of a line ------------------------------------------------------------------------------------------------------ */

static void make_room(struct buf *b, size_t n)
{
	buf_reset(b);
	if (buf_room(b, n) == NULL)
		give_up("a body is larger than any should be");
}

static void check(const struct codec *c, struct run *r)
{
	make_room(&r->again, r->body.len);
	if (c->unpack(&r->packed, &r->again) != r->body.len || memcmp(r->again.data, r->body.data, r->body.len) != 0)
		give_up("a body did not come back as it was");
}

static void pack_all(struct run *r)
{
	for (size_t i = 0; i < CODECS; i++) {
		struct codec *c = &codecs[i];
		double start = now_s();

		make_room(&r->packed, r->body.len + CHUNK);
		r->packed.len = c->pack(c->level, &r->body, &r->packed);
		c->spent_s += now_s() - start;
		c->out += r->packed.len;
		if (r->bodies == 0 || r->packed.len == 0)
			check(c, r);
	}
	r->bodies++;
}

static void finish_body(struct run *r)
{
	struct pieces pieces = { 0 };
	double start = now_s();

	if (otlp_logs_finish(r->logs, &pieces) != 0)
		give_up("a body does not fit");
	r->encode_s += now_s() - start;
	/* The agent packs the pieces where they lie; the compressors here want one. */
	buf_reset(&r->body);
	for (size_t i = 0; i < pieces.n; i++)
		buf_add(&r->body, pieces.v[i].data, pieces.v[i].len);
	pieces_give(&pieces, &r->spare);
	r->records = 0;
	pack_all(r);
}

/* A line as the tail hands it over. */
static void encode(struct run *r, const char *line, size_t len)
{
	static const struct telemetry_attr attrs[] = { { "log.file.name", "app.log" },
						       { "log.file.path", "/var/log/doris/app.log" } };
	struct telemetry_line l = { .body = line, .len = len };

	/* A batch begins with a row, as a file's first line of it does. */
	if (r->records == 0)
		r->row = otlp_logs_row(r->logs, "doris-fe", attrs, sizeof(attrs) / sizeof(attrs[0]));
	otlp_logs_add(r->logs, r->row, &l, 1772323200000);
	r->records++;
	r->lines++;
}

static bool is_full(const struct run *r, size_t len)
{
	return r->records >= BATCH_RECORDS || otlp_logs_size(r->logs) + len + RECORD_FRAME > BATCH_BYTES;
}

static size_t count_lines(const char *at, size_t len)
{
	const char *end = at + len, *lf;
	size_t n = 0;

	while ((lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		at = lf + 1;
		n++;
	}
	return n;
}

/* All whole lines; how many bytes they were. */
static size_t take_lines(struct run *r, const char *from, size_t len)
{
	const char *at = from, *end = from + len, *lf;
	double start = now_s();

	while ((lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		if (is_full(r, (size_t)(lf - at))) {
			r->encode_s += now_s() - start;
			finish_body(r);
			start = now_s();
		}
		encode(r, at, (size_t)(lf - at));
		at = lf + 1;
	}
	r->encode_s += now_s() - start;
	return (size_t)(at - from);
}

static void take_file(struct run *r, int fd)
{
	char *chunk = mem_grow(NULL, CHUNK, 1);
	size_t had = 0;

	for (;;) {
		double start = now_s(), split;
		ssize_t n = read(fd, chunk + had, CHUNK - had);
		size_t lines, took;

		split = now_s();
		r->read_s += split - start;
		if (n <= 0)
			break;
		lines = count_lines(chunk, had + (size_t)n);
		r->split_s += now_s() - split;
		took = take_lines(r, chunk, had + (size_t)n);
		if (lines == 0 || took == 0)
			give_up("a line is longer than a chunk");
		r->in += (size_t)n;
		had += (size_t)n - took;
		memmove(chunk, chunk + took, had);
	}
	mem_free(chunk);
	if (r->records > 0)
		finish_body(r);
}

static void tell(const struct run *r)
{
	double gb = (double)r->in / 1e9;

	printf("{\"bytes\": %zu, \"lines\": %zu, \"bodies\": %zu, \"read\": %.4f, \"split\": %.4f, \"encode\": %.4f, \"codecs\": {",
	       r->in, r->lines, r->bodies, r->read_s / gb, r->split_s / gb, r->encode_s / gb);
	for (size_t i = 0; i < CODECS; i++)
		printf("%s\"%s\": {\"pack\": %.4f, \"limit\": %.4f, \"ratio\": %.4f}", i > 0 ? ", " : "", codecs[i].name,
		       codecs[i].spent_s / gb, (r->read_s + r->encode_s + codecs[i].spent_s) / gb,
		       (double)codecs[i].out / (double)r->in);
	puts("}}");
}

int main(int argc, char **argv)
{
	const struct telemetry_attr attrs[] = { { "service.name", "reeve" }, { "host.id", "i-0123456789abcdef0" } };
	struct otlp_resource *resource = otlp_resource_new(attrs, sizeof(attrs) / sizeof(attrs[0]));
	struct run r = { .body = BUF_MAX(BATCH_BYTES_MAX),
			 .packed = BUF_MAX(BATCH_BYTES_MAX + CHUNK),
			 .again = BUF_MAX(BATCH_BYTES_MAX) };
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0) {
		fprintf(stderr, "usage: codec FILE\n");
		return 2;
	}
	r.logs = otlp_logs_new(resource, &r.spare);
	take_file(&r, fd);
	if (r.lines == 0)
		give_up("no line");
	tell(&r);
	close(fd);
	otlp_logs_free(r.logs);
	spare_close(&r.spare);
	otlp_resource_free(resource);
	buf_close(&r.body);
	buf_close(&r.packed);
	buf_close(&r.again);
	return 0;
}
