/* kinds_volume.c - volumes, and the step kinds that change them where they stand. */
#include "agent/ops/steps/kinds_impl.h"
#include "agent/ops/steps/volumes.h"

/* A data volume is made with its node, and goes with it unless it is kept. */
const struct resource resource_volume = {
	.kind = "volume",
	.reads = volumes_reads,
	.unknown = { "InvalidVolume.NotFound" },
	.args = { "volume" },
};
