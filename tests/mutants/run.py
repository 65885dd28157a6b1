#!/usr/bin/env python3
"""run.py [--places] [name...] - breaks the agent on purpose, one promise at a time, and demands that a named test turns red.

Each mutant is one change of one place, made in a copy of the tree under build/mutants. A place that is no longer there and a
mutant that no test kills are failures of this run. The shipped code knows nothing of this."""

import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path("build/mutants")
SIM = "build/tests/sim/sim --stop --jobs 1 --seeds 1000"


class Mutant:
    def __init__(self, name, path, old, new, *tests):
        self.name, self.path, self.old, self.new = name, path, old, new
        self.tests = tests or (SIM,)


IAM = "build/tests/unit/ops/test_iam"


def forgotten(name, when, row):
    """A condition of the IAM documents that no statement has any more."""
    return Mutant(name, "agent/ops/iam_table.c", f"	{{ {when}, {row}", f"	{{ 0, {row}", IAM)


def widened(name, resource, wide):
    """A resource of the IAM documents that no list narrows any more."""
    return Mutant(name, "agent/ops/iam_table.c", resource, wide, IAM)


MUTANTS = [
    Mutant(
        "a ClientToken that differs each time",
        "agent/ops/run.c",
        'mem_printf("%s|%s|%s|%s|%u", env->owner.installation, env->command, plan, step, generation)',
        'mem_printf("%s|%s|%s|%s|%u%p", env->owner.installation, env->command, plan, step, generation + '
        "(unsigned)world_now_ms(env->w), (const void *)env)",
    ),
    Mutant(
        "a call before its intent is recorded",
        "agent/ops/run.c",
        "	} else if (leave == RUN_GO) {\n		intent(r);",
        "	} else if (leave == RUN_GO) {\n		d->standing = INTENDED;\n		(void)intent;\n		run_call(r);",
    ),
    Mutant(
        "a change of mind that is not heard while the role is assumed",
        "agent/ops/run_call.c",
        "	if (run_may(r) != RUN_GO)\n		return false;",
        "	if (false && run_may(r) != RUN_GO)\n		return false;",
        "build/tests/unit/ops/test_op_run",
    ),
    Mutant(
        "a cancel that is forgotten before its command comes",
        "agent/control/inbox_command.c",
        "	if (inbox_head_calls_off(in, c->command_id.data)) {",
        "	if (false && inbox_head_calls_off(in, c->command_id.data)) {",
        "build/tests/unit/control/test_inbox_head",
    ),
    Mutant(
        "a cancel in a head that is not fresh left out",
        "agent/control/inbox_head.c",
        "	cancel(in, &h, &d);\n	stale = stale_because(in, &h);",
        "	stale = stale_because(in, &h);\n	if (stale == NULL)\n		cancel(in, &h, &d);",
        "build/tests/unit/control/test_inbox_head",
    ),
    Mutant(
        "an old command taken by a young agent",
        "agent/control/inbox.c",
        "	if (epoch == 0 && is_of_another_life(in, s, d, c))",
        "	if (epoch == 0 && is_of_another_life(in, s, d, c) && c->seq == 0)",
        "build/tests/unit/control/test_inbox",
    ),
    Mutant(
        "a changed policy believed at the first look",
        "agent/ops/ops_switches.c",
        "	} else if (has_settled(o, fresh)) {",
        "	} else if (has_settled(o, fresh) || o->cfg.w != NULL) {",
        "build/tests/unit/ops/test_ops_switches",
    ),
    Mutant(
        "a command denied by a policy that cannot be read",
        "agent/ops/op_consider.c",
        "	if (!ops_policy_waits(op->ops, &why))\n		return false;",
        "	if (!ops_policy_waits(op->ops, &why) || op->ops != NULL)\n		return false;",
        "build/tests/unit/ops/test_op_consider",
    ),
    Mutant(
        "a doubt that begins anew at each start",
        "agent/ops/run_journal.c",
        "	if (d == NULL || d->standing != INTENDED)\n		return;\n	json_decref(d->doubt);",
        "	if (d == NULL || d->standing != DONE)\n		return;\n	json_decref(d->doubt);",
        "build/tests/unit/ops/test_run_look",
    ),
    Mutant(
        "what an ignored filter shows taken for ours",
        "agent/ops/inventory_take.c",
        "	inv->instances.n = instances;\n",
        "",
        "build/tests/unit/ops/test_inventory_take",
    ),
    Mutant(
        "a segment forgotten although its file stays",
        "agent/io/journal_segment.c",
        "	if (rc == 0) {\n		memmove(j->sealed.v",
        "	if (rc == 0 || j->w != NULL) {\n		memmove(j->sealed.v",
        "build/tests/unit/io/test_journal_segment",
    ),
    Mutant(
        "a text that turns its direction taken as signed",
        "agent/base/pbguard.c",
        "	if (str_turns_direction(s, len))",
        "	if (len > (1u << 30))",
        "build/tests/unit/control/test_inbox",
    ),
    Mutant(
        "an id forgotten with its command",
        "agent/control/inbox.c",
        "	if (known_by_id(all, c->command_id.data) != NULL)\n		return",
        "	if (ops_find(in->ops, c->command_id.data) != NULL)\n		return",
        "build/tests/unit/control/test_inbox",
    ),
    Mutant(
        "a plan's hash that hangs on who asks",
        "agent/ops/planning.c",
        '	json_object_set_new(t, "reeve:warehouse",',
        '	json_object_set_new(t, "by", json_string(p->a->command));\n	json_object_set_new(t, "reeve:warehouse",',
        "build/tests/unit/ops/test_op",
    ),
    Mutant(
        "the sync removed",
        "agent/io/world_uv_disk.c",
        'return fdatasync(fd) == 0 ? 0 : err_errno(e, errno, "%s: fdatasync", path);',
        "return 0;",
        "build/tests/unit/io/test_world_uv_sync",
    ),
    Mutant(
        "a record that calls back before it is durable",
        "agent/io/journal.c",
        "	list_add(&j->queue, &a->link);\n	if (j->sm.now == J_IDLE && j->timer.cb == NULL)",
        '	list_add(&j->queue, &a->link);\n	if (strcmp(type, "step.intent") == 0) {\n		list_del(&a->link);\n'
        "		a->waiting = false;\n		json_decref(members);\n		cb(a);\n		return;\n	}\n"
        "	if (j->sm.now == J_IDLE && j->timer.cb == NULL)",
    ),
    Mutant(
        "a signature that always fits",
        "agent/control/trust.c",
        "sign_verify(&k->pub, domain, body, sig->sig.data);",
        "(domain != NULL || body != NULL);",
    ),
    Mutant(
        "a stranger's key",
        "agent/control/trust.c",
        "			if (t->keys[k].role == role && signed_by(&t->keys[k], domain, body, s->sigs[i], &tries[k]))",
        "			if (signed_by(&t->keys[k], domain, body, s->sigs[i], &tries[k]) || t->keys[k].role == role)",
    ),
    Mutant(
        "a refusal that is not recorded",
        "agent/ops/ops.c",
        '	if (refuse != 0)\n		json_object_set_new(m, "result"',
        '	if (refuse != 0 && reason == NULL)\n		json_object_set_new(m, "result"',
        "build/tests/unit/ops/test_ops",
    ),
    Mutant(
        "an acknowledgement for whatever epoch has come since",
        "agent/ops/ops_notes.c",
        "	if (o->acking_epoch != o->epoch)",
        "	if (o->acking_epoch > o->epoch)",
        "build/tests/unit/ops/test_ops_notes",
    ),
    Mutant(
        "refusals that are all recorded",
        "agent/ops/ops_notes.c",
        "	return o->hour_notes > NOTES_AN_HOUR;",
        "	return o->hour_notes == UINT_MAX;",
        "build/tests/unit/control/test_inbox_limits",
    ),
    Mutant(
        "the binding not looked at",
        "agent/control/inbox.c",
        "return b != NULL && str_eq(b->installation, in->binding.installation)",
        "return b != NULL && in != NULL && str_eq(b->installation, b->installation)",
    ),
    Mutant(
        "the sequence not looked at",
        "agent/control/inbox.c",
        "	} else if (c->seq == next && ops_has_room_for(",
        "	} else if (c->seq >= next && ops_has_room_for(",
    ),
    Mutant(
        "a command taken again",
        "agent/control/inbox.c",
        "	if (c->epoch == ops_epoch(in->ops) && c->seq <= ops_accepted(in->ops)) {",
        "	if (c->seq == 0 && c->epoch == ops_epoch(in->ops) && c->seq <= ops_accepted(in->ops)) {",
        "build/tests/unit/control/test_inbox",
    ),
    Mutant(
        "the expiry not looked at",
        "agent/ops/op*.c",
        "	else if (op->f.expires_ms != 0 && now > op->f.expires_ms)",
        "	else if (op->f.expires_ms != 0 && now > op->f.expires_ms + 86400000)",
    ),
    Mutant(
        "a policy that always allows",
        "agent/ops/op*.c",
        "	return p->verbs[op_is_delete(op) ? POLICY_DELETE : POLICY_APPLY];",
        "	return op_is_delete(op) || p != NULL ? POLICY_AUTO : POLICY_AUTO;",
    ),
    Mutant(
        "the bounds of the policy not looked at",
        "agent/ops/bounds.c",
        "	TRY(judge_names(b, d, e));",
        "	err_ignore(judge_names(b, d, e), NULL);",
    ),
    Mutant(
        "the hash of user data not asked for",
        "agent/ops/kinds_node.c",
        '	if (json_object_get(args, "user_data") != NULL)\n		demand_name',
        '	if (json_object_get(args, "user_date") != NULL)\n		demand_name',
        "build/tests/unit/ops/test_kinds_node",
    ),
    Mutant(
        "the key of a volume not asked for",
        "agent/ops/kinds_node.c",
        '	name_if(d, DEMAND_KEY, v, "kms_key_id");',
        '	name_if(d, DEMAND_KEY, v, "kms_key");',
        "build/tests/unit/ops/test_kinds_node",
    ),
    Mutant(
        "the instance profile not asked for",
        "agent/ops/kinds_node.c",
        '	name_if(d, DEMAND_PROFILE, args, "profile");',
        '	name_if(d, DEMAND_PROFILE, args, "profiles");',
        "build/tests/unit/ops/test_kinds_node",
    ),
    Mutant(
        "the image not asked for",
        "agent/ops/kinds_node.c",
        '	demand_image(d, &(struct demand_image){ json_str_or(args, "image_id", ""), json_str_or(args, "image_owner", ""),',
        '	(void)(&(struct demand_image){ json_str_or(args, "image_id", ""), json_str_or(args, "image_owner", ""),',
        "build/tests/unit/ops/test_kinds_node",
    ),
    Mutant(
        "a root volume that nobody says is encrypted",
        "agent/aws/ec2.c",
        "	add_root(f, a);",
        "	(void)add_root;",
        "build/tests/unit/aws/test_ec2",
    ),
    Mutant(
        "an image that maps more than its root",
        "agent/ops/planner_cluster.c",
        "	if (i->more != NULL)",
        "	if (false && i->more != NULL)",
        "build/tests/unit/ops/test_planner_cluster",
    ),
    Mutant(
        "every owner as good as the one in the policy",
        "agent/ops/bounds.c",
        "str_eq(t->v[i] + strlen(OWNER), owner))",
        "*owner != 0)",
        "build/tests/unit/ops/test_bounds",
    ),
    Mutant(
        "a subnet of another VPC",
        "agent/ops/planning.c",
        "	if (str_eq(s->vpc_id, p->spec->vpc_id))",
        "	if (true || str_eq(s->vpc_id, p->spec->vpc_id))",
        "build/tests/unit/ops/test_planner_cluster",
    ),
    Mutant(
        "disks of the host that count as no data",
        "agent/ops/kinds_node.c",
        '	       json_is_true(json_object_get(args, "disks")) ||',
        "	      ",
        "build/tests/unit/ops/test_planner_cluster",
    ),
    Mutant(
        "what AWS lets leave a new group left standing",
        "agent/ops/planner_group.c",
        "		take_birth_rules_out(p, want, id);",
        "		(void)take_birth_rules_out;",
    ),
    Mutant(
        "a way out that no bound is asked for",
        "agent/ops/planner_group.c",
        "	return r->is_egress && !is_outside(p, r) &&",
        "	return r->is_egress && p != NULL &&",
        "build/tests/unit/ops/test_planner_group",
    ),
    Mutant(
        "a wide rule that stands not asked for at a launch",
        "agent/ops/planner_cluster.c",
        "	add_rules(p, c, args);",
        "	(void)add_rules;",
        "build/tests/unit/ops/test_planner_group",
    ),
    Mutant(
        "an hour without end",
        "agent/ops/op_rates.c",
        "	return is_used_up(op, &hour, (struct want){ t->mutations, aside->mutations }) ||",
        "	(void)hour;\n	return",
        "build/tests/unit/ops/test_op_rates",
    ),
    Mutant(
        "rates by the clock on the wall",
        "agent/ops/ops.c",
        "	return steady_now(&o->rates_time, world_wall_ms(o->cfg.w), world_now_ms(o->cfg.w));",
        "	(void)steady_now;\n	return world_wall_ms(o->cfg.w);",
        "build/tests/unit/ops/test_op_rates",
    ),
    Mutant(
        "a restart that forgives what was spent",
        "agent/ops/run_journal.c",
        "	r->env->intent(r->env->ctx, &d->s, time_ms);",
        "",
        "build/tests/unit/ops/test_op_rates",
    ),
    Mutant(
        "deletions that no day counts",
        "agent/ops/op_rates.c",
        "	if (t.deletions > p->rates.deletions_per_day)",
        "	if (false && t.deletions > p->rates.deletions_per_day)",
        "build/tests/unit/ops/test_op_rates",
    ),
    Mutant(
        "what running commands want set aside for nobody",
        "agent/ops/op_rates.c",
        "	ops_each(op->ops, count_aside, &aside);",
        "	(void)count_aside;",
        "build/tests/unit/ops/test_op_rates",
    ),
    Mutant(
        "a cluster ended plan after plan",
        "agent/ops/op_rates.c",
        "	if (until_ms == now_ms)\n		return false;",
        "	if (until_ms >= now_ms)\n		return false;",
        "build/tests/unit/ops/test_op_rates",
    ),
    Mutant(
        "half a cluster ended at once",
        "agent/ops/op_rates.c",
        "n <= rates_ended_most(r, of))",
        "n <= of)",
        "build/tests/unit/ops/test_op_rates",
    ),
    Mutant(
        "a target that is an address",
        "agent/ops/kinds_elb_group.c",
        "	TRY(check_instances(ids, *ret_n, e));",
        "	(void)check_instances;",
        "build/tests/unit/ops/test_kinds_elb_group",
    ),
    Mutant(
        "strangers among the targets left alone",
        "agent/ops/planner_balancer.c",
        "		plan_strangers(p, want, have);",
        "		(void)plan_strangers;",
        "build/tests/unit/ops/test_planner_balancer",
    ),
    Mutant(
        "the subnet of a node not asked for",
        "agent/ops/kinds_node.c",
        '	demand_name(d, DEMAND_SUBNET, json_str_or(args, "subnet_id", ""));',
        "",
        "build/tests/unit/ops/test_kinds_node",
    ),
    Mutant(
        "the tags of a spec not asked for",
        "agent/ops/plan.c",
        '	tags_demand(json_object_get(s->args, "tags"), d);',
        '	tags_demand(json_object_get(s->args, "tag"), d);',
        "build/tests/unit/ops/test_planner_cluster",
    ),
    Mutant(
        "the warehouse not asked for",
        "agent/ops/plan.c",
        "	if (p->n > 0)\n		demand_name(d, DEMAND_WAREHOUSE",
        "	if (p->n > 1000)\n		demand_name(d, DEMAND_WAREHOUSE",
        "build/tests/unit/ops/test_plan",
    ),
    Mutant(
        "the number of load balancers not asked for",
        "agent/ops/kinds_elb_balancer.c",
        "	demand_count(d, DEMAND_BALANCERS,",
        "	demand_count(d, DEMAND_VOLUME_GIB, 0 *",
        "build/tests/unit/ops/test_planner_balancer",
    ),
    Mutant(
        "user data that only any allows starts with one key",
        "agent/ops/op_consider.c",
        "		return op_starts_unproved(op, p, text);",
        "		return op_starts_unproved(op, p, text) && false;",
        "build/tests/unit/ops/test_op_consider",
    ),
    Mutant(
        "user data counts as proved by any command that ended well",
        "agent/ops/op_run.c",
        "	if (states[worst] == STATE(SUCCEEDED) && op_is_release_signed(op))",
        "	if (states[worst] == STATE(SUCCEEDED))",
        "build/tests/unit/ops/test_op_consider",
    ),
    Mutant(
        "the second key not asked for again on the way",
        "agent/ops/op_run.c",
        "	if (!op_is_high(op, p, what) || op_is_release_signed(op))",
        "	if (p != NULL || !op_is_high(op, p, what) || op_is_release_signed(op))",
        "build/tests/unit/ops/test_op_run",
    ),
    Mutant(
        "proved user data left out of a checkpoint",
        "agent/ops/ops_journal.c",
        "	if (o->proved.n > 0)",
        "	if (o->proved.n > 1000)",
        "build/tests/unit/ops/test_ops_journal",
    ),
    Mutant(
        "the STOP file not looked at",
        "agent/ops/ops*.c",
        "	return o->cfg.w->disk_lstat(o->cfg.w, o->cfg.stop_path, &st, NULL) != -ERR_NOTFOUND;",
        "	return o->cfg.w->disk_lstat(o->cfg.w, o->cfg.stop_path, &st, NULL) == -ERR_CORRUPT;",
    ),
    Mutant(
        "the verb's mode not asked again on the way",
        "agent/ops/op_run.c",
        "	if (op_verb_mode(op, p) != POLICY_AUTO) {",
        "	if (op_verb_mode(op, p) != POLICY_AUTO && phase == RUN_BEHIND_PIVOT) {",
    ),
    Mutant(
        "nodes that a running operation has still to launch not counted",
        "agent/ops/op_plan.c",
        "	return planner_nodes(inv) + c.coming;",
        "	return planner_nodes(inv);",
        "build/tests/unit/ops/test_op_plan",
    ),
    Mutant(
        "a plan from before another operation's start",
        "agent/ops/op_plan.c",
        " || op->starts_seen != ops_starts(op->ops);",
        ";",
        "build/tests/unit/ops/test_op_plan",
    ),
    Mutant(
        "doubt forgotten when the repetition is refused",
        "agent/ops/run_call.c",
        "(r->in_doubt && (says_nothing || k->repeat != REPEAT_TOKEN))",
        "(r->in_doubt && says_nothing)",
        "build/tests/unit/ops/test_run_look",
    ),
    Mutant(
        "high risk with one key",
        "agent/ops/op_consider.c",
        "	if (high == NULL)\n		return op_starts_unproved(op, p, text);",
        "	if (high == NULL || high != NULL)\n		return op_starts_unproved(op, p, text);",
    ),
    Mutant(
        "a balancer never in use",
        "agent/ops/planner_rest.c",
        '"in_use", lb->listeners.n > 0)',
        '"in_use", lb->listeners.n > 1000)',
        "build/tests/unit/ops/test_planner_rest",
    ),
    Mutant(
        "the last listener taken with one key",
        "agent/ops/planner_balancer.c",
        '"leaves_none", of->left == 0)',
        '"leaves_none", of->left > 1000)',
        "build/tests/unit/ops/test_planner_balancer",
    ),
    Mutant(
        "the volumes of nodes not counted",
        "agent/ops/planner_cluster.c",
        "		volumes += have->v[i]->data_volumes;",
        "		volumes += have->v[i]->data_volumes / 1000;",
    ),
    Mutant(
        "no delete_hold",
        "agent/ops/op*.c",
        "	return (int64_t)p->delete_hold_ms - (age < lived ? age : lived);",
        "	return (p == NULL) - (age < lived ? age : lived);",
    ),
    Mutant(
        "a hold that a step of the clock ends",
        "agent/ops/op_consider.c",
        "(age < lived ? age : lived)",
        "(age > lived ? age : lived)",
        "build/tests/unit/ops/test_op_consider",
    ),
    Mutant(
        "a plan from an inventory that lags behind",
        "agent/ops/op_plan.c",
        "	if (!lags_behind(op, req->inv))",
        "	if (op->inv.inv == NULL || !lags_behind(op, req->inv) || rc == 0)",
        "build/tests/unit/ops/test_op_plan",
    ),
    Mutant(
        "what an earlier command made taken back",
        "agent/ops/run_look.c",
        "		if (maker != NULL && !str_eq(maker, r->env->command))\n			json_array_append_new",
        "		if (maker == NULL && d->standing == DONE && r->plan == NULL)\n			json_array_append_new",
        "build/tests/unit/ops/test_run_outcome",
    ),
    Mutant(
        "a look that is believed to be as young as its end",
        "agent/ops/run_look.c",
        "	x = run_ctx(r, token);\n	if (run_now(r)->s.kind->find(",
        "	r->asked_ms = world_now_ms(r->env->w);\n	x = run_ctx(r, token);\n	if (run_now(r)->s.kind->find(",
        "build/tests/unit/ops/test_run_look",
    ),
    Mutant(
        "changes with the keys of the instance role",
        "agent/ops/run_call.c",
        "mutates ? r->env->operate : r->env->reader",
        "r->env->reader",
    ),
    Mutant(
        "a result forgotten before it is acknowledged",
        "agent/ops/ops*.c",
        "f->state == OP_ENDED && f->epoch == o->epoch && f->seq <= o->acked_through;",
        "f->state == OP_ENDED;",
        "build/tests/unit/ops/test_ops_notes",
    ),
    Mutant(
        "an intent from before a crash repeated without a look, under another token",
        "agent/ops/run_journal.c",
        '	d->generation = (unsigned)json_int_or(record, "generation", 1);',
        '	d->generation = (unsigned)json_int_or(record, "generation", 1) + 1;\n	d->standing = FRESH;',
    ),
    Mutant(
        "what is older than the checkpoint forgotten",
        "agent/ops/ops*.c",
        "		op_records(o->v[i], records);",
        "		if (op_fields(o->v[i])->state == OP_ENDED)\n			op_records(o->v[i], records);",
    ),
    Mutant(
        "a torn last line taken for damage",
        "agent/io/journal_read.c",
        "		if (rc != 0 && last && (number > 1",
        "		if (rc != 0 && !last && (number > 1",
    ),
    Mutant(
        "a torn checkpoint believed",
        "agent/io/journal_open.c",
        '		more = json_is_true(json_object_get(line, "more"));',
        '		more = json_is_true(json_object_get(line, "even more"));',
        "build/tests/unit/io/test_journal_segment",
    ),
    Mutant(
        "a proof that does not cover the body",
        "agent/control/channel.c",
        "struct digest b = digest_of(r->send, r->send_len)",
        "struct digest b = digest_of(r->url, 0)",
    ),
    Mutant(
        "keys that are never renewed",
        "agent/aws/call.c",
        "	if (act != CODE_KEYS || c->attempt->renewed)",
        "	if (act == CODE_KEYS || c->attempt->renewed)",
    ),
    forgotten("tags beyond those that the policy names", "IAM_TO_BE_OWNED", '"ForAllValues:StringLike", "aws:TagKeys"'),
    forgotten("a node of any type", "IAM_AS_NODE", '"StringEquals", "ec2:InstanceType"'),
    forgotten("a node with any profile", "IAM_WITH_PROFILE", '"ArnEqualsIfExists", "ec2:InstanceProfile"'),
    forgotten("a node with a profile where none is named", "IAM_NO_PROFILE", '"Null", "ec2:InstanceProfile"'),
    forgotten("what stands in any VPC", "IAM_IN_VPC", '"ArnEquals", "ec2:Vpc"'),
    forgotten("an image of anybody", "IAM_BY_OWNER", '"StringEquals", "ec2:Owner"'),
    forgotten("tags on a node later", "IAM_EC2_RUNS", '"StringEquals", "ec2:CreateAction"'),
    forgotten("tags on a group later", "IAM_EC2_GROUPS", '"StringEquals", "ec2:CreateAction"'),
    forgotten("a balancer that faces the internet", "IAM_INTERNAL", '"StringEquals", "elasticloadbalancing:Scheme"'),
    forgotten(
        "a balancer in any subnet", "IAM_IN_SUBNETS", '"ForAllValues:StringEquals", "elasticloadbalancing:Subnet"'
    ),
    forgotten("a balancer in subnets not said", "IAM_IN_SUBNETS", '"Null", "elasticloadbalancing:Subnet"'),
    widened("any image", "image/%i", "image/*"),
    widened("any subnet", "subnet/%s", "subnet/*"),
    widened("a group in any VPC", 'LIST(EC2("vpc/%W"))', 'LIST(EC2("vpc/*"))'),
    widened("any role passed", "role/%p", "role/*"),
    widened("any key used", 'LIST("%k")', 'LIST("arn:%P:kms:%R:%A:key/*")'),
    Mutant(
        "an empty list of owners that stands for all of them",
        "agent/ops/iam.c",
        "of[IAM_OWNERS].n == 0)",
        "of[IAM_OWNERS].n == 999)",
        IAM,
    ),
    Mutant(
        "new balancers where the policy allows none",
        "agent/ops/iam.c",
        "	if ((s->when & IAM_INTERNAL) && !m->lists.may_balance)",
        "	if ((s->when & IAM_INTERNAL) && !m->lists.may_balance && m->a == NULL)",
        IAM,
    ),
    Mutant(
        "a document longer than may be",
        "agent/ops/iam.c",
        "	return n <= IAM_DOCUMENT_MAX ? 0",
        "	return n <= 2 * IAM_DOCUMENT_MAX ? 0",
        IAM,
    ),
    Mutant(
        "powers for a verb that does not run",
        "agent/ops/iam_lists.c",
        "	return p->verbs[verb] == POLICY_APPROVE ||",
        "	return p->verbs[verb] != POLICY_OFF ||",
        "build/tests/unit/ops/test_iam_lists",
    ),
    Mutant(
        "powers where no warehouse is named",
        "agent/ops/iam_lists.c",
        "	return p->bounds.warehouses.n == 0 ?",
        "	return p->bounds.warehouses.n == 999 ?",
        "build/tests/unit/ops/test_iam_lists",
    ),
    Mutant(
        "a launch where no subnet is named",
        "agent/ops/iam_lists.c",
        "	if (b->subnets.n == 0)",
        "	if (b->subnets.n == 999)",
        "build/tests/unit/ops/test_iam_lists",
    ),
]


def places(m, folder):
    return [p for p in sorted(folder.glob(m.path)) for _ in range(p.read_text().count(m.old))]


def breaks(m, folder):
    """Applies the change; False when its place is not there exactly once in the files that the pattern names."""
    found = places(m, folder)
    if len(found) != 1:
        return False
    found[0].write_text(found[0].read_text().replace(m.old, m.new))
    return True


def copy(folder):
    """The tree with its objects and their times, so that make builds what was changed alone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True
    ).stdout
    for name in names.split("\n"):
        if name and pathlib.Path(name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, folder / name)
    for part in ("gen", "agent", "collectors", "shippers", "llhttp", "tests/sim"):
        if (pathlib.Path("build") / part).exists():
            shutil.copytree(pathlib.Path("build") / part, folder / "build" / part, copy_function=shutil.copy2)


def why(output):
    """The sentence by which a test says what is broken."""
    for pattern in (
        r"FAILED (seed \d+: .*)",
        r"\[  FAILED  \] \S+: \d+ .*\n\[  FAILED  \] (\w+)",
        r"\[  FAILED  \] (\w+)",
        r"(.*[Aa]ssert.*)",
    ):
        found = re.search(pattern, output)
        if found:
            return found[1][:150]
    return "it did not even end well"


def kill(m):
    """(killed, sentence)"""
    folder = ROOT / re.sub(r"[^a-z0-9]+", "-", m.name.lower())
    copy(folder)
    if not breaks(m, folder):
        return False, f"{m.path} no longer has the place that it changes"
    for test in m.tests:
        program = test.split()[0]
        built = subprocess.run(["make", "-s", program], cwd=folder, check=False, capture_output=True, text=True)
        if built.returncode != 0:
            return False, "it does not build: " + (built.stderr or built.stdout).strip()[-300:]
        ran = subprocess.run(test.split(), cwd=folder, check=False, capture_output=True, text=True, errors="replace")
        if ran.returncode != 0:
            name = pathlib.Path(program).name
            shutil.rmtree(folder, ignore_errors=True)
            return True, f"{name}: {why(ran.stdout + ran.stderr)}"
    return False, "SURVIVED: no test turned red"


def missing():
    """What make lint asks: does every mutant still have its place?"""
    bad = [m for m in MUTANTS if len(places(m, pathlib.Path())) != 1]
    for m in bad:
        print(f"tests/mutants/run.py: {m.path} no longer has the place that this mutant changes: {m.name}")
    return 1 if bad else 0


def main():
    if sys.argv[1:] == ["--places"]:
        return missing()
    chosen = [m for m in MUTANTS if not sys.argv[1:] or any(a in m.name for a in sys.argv[1:])]
    start, bad = time.monotonic(), 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for m, (killed, text) in zip(chosen, pool.map(kill, chosen), strict=True):
            bad += not killed
            print(f"{'red  ' if killed else 'GREEN'} {m.name} -> {text}", flush=True)
    print(f"{len(chosen) - bad} passed, {bad} failed in {time.monotonic() - start:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
