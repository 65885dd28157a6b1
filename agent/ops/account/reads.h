/* reads.h - every read that the agent makes with the role of its instance: the inventory, and the steps that only wait. */
#pragma once

extern const char *const reads_all[]; /* IAM actions, sorted, ended by NULL */
