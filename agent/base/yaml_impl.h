/* yaml_impl.h - what the files of yaml share: yaml_read.c (events become a tree), yaml.c (the tree, typed). Nobody else includes
 * this. */
#pragma once
#include "agent/base/yaml.h"

/* A hole is a value that was refused while it was read. */
enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP, YAML_HOLE };

struct yaml_node {
	struct yaml *y;
	enum yaml_kind kind;
	unsigned line;
	const char *key;  /* in a mapping */
	const char *text; /* of a scalar */
	struct yaml_node *first, *last, *next;
	unsigned n;          /* members */
	unsigned keys;       /* of a mapping: those that were dropped too */
	unsigned again_line; /* a mapping whose key stands twice, while the second one is read into it: where that one begins */
	bool is_cut;
};

struct yaml {
	struct arena *arena;
	unsigned nodes;
	const char *file;
	struct yaml_node *root;
};
