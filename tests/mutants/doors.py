"""doors.py - mutants of what a person reads: why a login failed, what is wrong with a file, whose command was meant."""

from mutant import Mutant

MUTANTS = [
    Mutant(
        "the reason of a failed login forgotten at the next try",
        "agent/control/channel.c",
        "	c->asked = (struct backoff_ask){ 0 }; /* what was wrong",
        "	c->trouble = (struct trouble){ 0 };\n	c->asked = (struct backoff_ask){ 0 }; /* what was wrong",
        "build/tests/unit/control/test_session",
    ),
    Mutant(
        "a refused poll told without the vendor's words",
        "agent/control/session.c",
        "	if (unzip(s, &body, NULL) == 0)",
        "	if (unzip(s, &body, NULL) != 0)",
        "build/tests/unit/control/test_session",
    ),
    Mutant(
        "the second fault of a file kept to itself",
        "agent/base/faults.c",
        "	if (is_new && f->n < FAULTS_MAX)",
        "	if (is_new && f->n < 1)",
        "build/tests/unit/agent/test_config",
    ),
    Mutant(
        "a key that stands twice hides what follows",
        "agent/base/yaml_read.c",
        "	if (first != NULL && first->line >= map->again_line)\n		refuse_twice(b, &ev->start_mark, first);",
        "	if (first != NULL && first->line >= map->again_line) {\n		refuse_twice(b, &ev->start_mark, first);\n		b->is_over = true;\n	}",
        "build/tests/unit/base/test_yaml_read",
    ),
    Mutant(
        "a value that was refused counted as one that was read",
        "agent/base/faults.c",
        "	f->missed += rc != 0;",
        "	f->missed += is_new;",
        "build/tests/unit/base/test_faults",
    ),
    Mutant(
        "a path in the vendor's URL taken",
        "agent/config.c",
        "	if (strchr(strstr(c->vendor_url, \"://\") + 3, '/') != NULL)",
        "	if (strchr(strstr(c->vendor_url, \"://\") + 3, '\\n') != NULL)",
        "build/tests/unit/agent/test_config",
    ),
    Mutant(
        "a number taken for the beginning of an id",
        "agent/base/handle.c",
        "	if (h->is_number)\n		return",
        "	if (h->is_number && h->number == 0)\n		return",
        "build/tests/unit/base/test_handle",
    ),
    Mutant(
        "columns as wide as the last name",
        "agent/ops/plan/plan_print.c",
        "			c.name = name > c.name ? name : c.name;",
        "			c.name = name;",
        "build/tests/unit/ops/plan/test_plan",
    ),
    Mutant(
        "a loss of telemetry told for ever",
        "agent/daemon/telemetry_status.c",
        "	if (lost > t->lost)",
        "	if (lost > 0)",
        "build/tests/unit/daemon/test_telemetry_path",
    ),
    Mutant(
        "a node asked at any address",
        "agent/aws/call.c",
        "		c->http.reach = c->aws->insecure ? HTTP_INSIDE_OR_US : HTTP_INSIDE;",
        "		c->http.reach = HTTP_ANYWHERE;",
        "build/tests/unit/aws/test_call_node",
    ),
    Mutant(
        "the metadata service taken for a node",
        "agent/base/url.c",
        '"fd00:ec2::/32", "2001::/32"',
        '"2001::/32"',
        "build/tests/unit/base/test_url",
    ),
    Mutant(
        "a way round the address of a node",
        "agent/io/world.c",
        "(!goes_round && url_is_inside(",
        "((goes_round || !goes_round) && url_is_inside(",
        "build/tests/unit/io/test_world_uv_http_rules",
    ),
]
