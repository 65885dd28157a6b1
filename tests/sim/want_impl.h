/* want_impl.h - the names and values that a want has by number. */
#pragma once
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "tests/sim/want.h"

extern const char *const want_group_names[WANT_GROUPS], *const want_cluster_names[WANT_CLUSTERS], *const want_tg_names[WANT_TGS];
extern const char *const want_types[2], *const want_images[2], *const want_subnets[3], *const want_profiles[3];
extern const char *const want_datas[3], *const want_datas64[3]; /* user data, and as EC2 has it */
extern const char *const want_teams[3];                         /* the value of the tag "team" */
extern const unsigned want_sizes[4];
int want_filler_port(unsigned r);
