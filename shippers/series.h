/* series.h - how many series a metric has, a series being a name and its attributes as they leave: those of the last hour.
 *
 *     series_take(s, &point, most, now_ms)      false: it is one too many, and is counted under the metric's name
 *
 * In a set of fixed size: SERIES_ALL of all metrics together, SERIES_NAMES names; what comes beyond these is one too many, too.
 * Nothing of it is kept on the disk: after a restart the first that come are let out again, so a metric whose series change may
 * have others than before, and never more at a time. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/telemetry.h"

#define SERIES_ALL 24576
#define SERIES_NAMES 1024
#define SERIES_NAME_MAX 95 /* bytes of a name that are told; longer ones are cut */
#define SERIES_TOLD 32     /* names of which the first points too many are counted one by one; the rest as "others" */

struct series;

struct series_over {
	char name[SERIES_NAME_MAX + 1];
	uint64_t dropped; /* points */
};

struct series *series_new(void);
void series_free(struct series *s);
bool series_take(struct series *s, const struct telemetry_point *p, uint64_t most, uint64_t now_ms);
size_t series_over(const struct series *s, const struct series_over **ret); /* the metrics that had too many */
