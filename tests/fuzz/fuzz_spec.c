/* fuzz_spec.c - a warehouse's specification: one that is legal is still so when it was packed and read again, and its texts are
 * UTF-8 that could stand in a tag; one that is not gets a sentence. */
#include "agent/base/str.h"
#include "agent/ops/plan/spec.h"
#include "tests/fuzz/fuzz.h"

static spec_t *unpack(const void *s, size_t len)
{
	return reeve__control__v1__warehouse_spec__unpack(NULL, len, s);
}

static void must_stay_legal(const spec_t *s)
{
	size_t len = reeve__control__v1__warehouse_spec__get_packed_size(s);
	CLEANUP(mem_close) uint8_t *bytes = mem_alloc(len + 1);
	spec_t *again;

	FUZZ_MUST(reeve__control__v1__warehouse_spec__pack(s, bytes) == len);
	again = unpack(bytes, len);
	FUZZ_MUST(again != NULL && spec_check(again, NULL) == 0);
	FUZZ_MUST(strcmp(again->warehouse, s->warehouse) == 0 && again->n_clusters == s->n_clusters);
	reeve__control__v1__warehouse_spec__free_unpacked(again, NULL);
}

void fuzz_one(const char *s, size_t len)
{
	spec_t *spec = unpack(s, len);
	struct err e = { 0 };

	if (spec == NULL)
		return;
	if (spec_check(spec, &e) != 0) {
		FUZZ_MUST(e.text[0] != '\0' && str_is_utf8(e.text, strlen(e.text)) && strpbrk(e.text, "\r\n") == NULL);
	} else {
		FUZZ_MUST(str_is_utf8(spec->warehouse, strlen(spec->warehouse)) && spec->warehouse[0] != '\0');
		must_stay_legal(spec);
	}
	reeve__control__v1__warehouse_spec__free_unpacked(spec, NULL);
}
