/* aws_hosts.c - at which hosts the agent asks AWS in these regions: for tests that compare with what AWS publishes.
 *
 *     aws_hosts REGION...     a line a region and service: region, partition, service, usual host, dual-stack host */
#include <stdio.h>

#include "agent/aws/call.h"
#include "agent/aws/region.h"
#include "agent/base/mem.h"
#include "agent/ops/steps/catalogue.h"

/* No step asks S3 yet, and its dual-stack names follow a rule of their own. */
static const struct aws_service s3 = { .name = "s3", .dual_label = "dualstack" };

static void print_host(const struct aws_config *cfg, const struct aws_service *s)
{
	CLEANUP(buf_close) struct buf host = BUF_MAX(256);
	struct aws *a = aws_new(NULL, cfg);

	aws_host(a, s, &host);
	printf(" %s", buf_str(&host));
	aws_free(a);
}

static void print_hosts(const char *region, const struct aws_service *s)
{
	const struct region_partition *p = region_partition(region);
	const struct aws_config usual = { .region = region, .suffix = p->suffix, .version = "0" };
	struct aws_config dual = usual;

	dual.dual_suffix = p->dual_suffix;
	printf("%s %s %s", region, p->name, s->name);
	print_host(&usual, s);
	print_host(&dual, s);
	printf("\n");
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		for (const struct aws_service *const *s = catalogue_services(); *s != NULL; s++)
			print_hosts(argv[i], *s);
		print_hosts(argv[i], &s3);
	}
	return 0;
}
