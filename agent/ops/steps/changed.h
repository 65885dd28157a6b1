/* changed.h - which volumes we have changed in the last day, and when.
 *
 * EC2 takes four changes of a volume in a rolling day, and shows the newest one alone (EC2 API Reference,
 * DescribeVolumesModifications). So each that EC2 has taken from us is counted here when its outcome is recorded, and read back
 * from the journal, as with spent.h. What somebody else has changed is not here, and beyond its newest change nobody can know it:
 * there EC2's own refusal is the answer. So it is where more volumes were changed in a day than fit. */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define CHANGED_A_DAY 4 /* of one volume (EC2 API Reference, ModifyVolume) */
#define CHANGED_MAX 1024
#define CHANGED_ID_LEN 64

struct changed_volume {
	char id[CHANGED_ID_LEN];
	int64_t at_ms[CHANGED_A_DAY]; /* Unix ms, the newest first; 0: none */
};

/* Zero at birth. */
struct changed {
	struct changed_volume *v; /* the one that was changed last is the last */
	size_t n;
};

void changed_add(struct changed *c, int64_t at_ms, const char *volume);
/* What is older than a day goes; what lies ahead was counted by a clock that was ahead, and is of now. */
void changed_keep_time(struct changed *c, int64_t now_ms);
const struct changed_volume *changed_of(const struct changed *c, const char *volume); /* NULL: not by us */
void changed_close(struct changed *c);                                                /* empty again: it may be used as before */

/* For a checkpoint: [[volume, at_ms, ...], ...]; what is read back stands for all that was known. */
json_t *changed_list(const struct changed *c);
void changed_replay(struct changed *c, const json_t *list);
