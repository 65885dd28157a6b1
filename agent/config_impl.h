/* config_impl.h - what the parts of reeve.yaml's reader share. */
#pragma once
#include "agent/base/faults.h"
#include "agent/base/yaml.h"
#include "agent/config.h"

/* A node that is not there leaves *ret as it is. */
int config_get_text(struct yaml_node *n, const struct config *c, const char **ret, struct err *e);
int config_get_path(struct yaml_node *n, const struct config *c, const char **ret, struct err *e); /* an absolute one */
int config_get_duration(struct yaml_node *n, uint64_t least_ms, const char *expected, uint64_t *ret_ms, struct err *e);
bool config_is_list(struct yaml_node *n, size_t most, struct faults *f);

/* config_logs.c */
void config_read_logs(struct yaml_node *list, struct config *c, struct faults *f);
