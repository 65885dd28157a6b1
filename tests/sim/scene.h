/* scene.h - one seed: a vendor that wants something, a customer, an AWS, a machine that dies, and the agent among them. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "agent/base/digest.h"

struct scene_result {
	bool ok;
	char why[1024];
	char digest[DIGEST_HEX_LEN]; /* of everything that happened */
	uint64_t virtual_ms;
};

/* verbose: the story of the run to stderr. */
void scene_run(uint64_t seed, bool verbose, struct scene_result *ret);
