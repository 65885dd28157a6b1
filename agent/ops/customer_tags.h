/* customer_tags.h - the customer's own tags, `customer_tags:` of the policy: put on everything that the agent makes, and kept
 * there, for cost reports and access rules. They are stronger than the vendor's of the same key.
 *
 *     customer_tags:
 *       - {key: cost-center, value: "4711"} */
#pragma once
#include <jansson.h>

struct faults;
struct yaml_node;

#define CUSTOMER_TAGS_MAX 10

/* Key to value, as AWS keeps them: without blanks at their ends. NULL: there are none. The list may be NULL, and so may not be what
 * was not written as one: that was heard. */
json_t *customer_tags_read(struct yaml_node *list, struct faults *f);
