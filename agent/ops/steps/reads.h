/* reads.h - every read that the agent makes with the role of its instance. With AssumeRole on the operate role it is all that this
 * role may do. Derived: from the table of a taking's reads, the step kinds that only read, and the looks of the others. */
#pragma once

/* IAM actions, each once, sorted, ended by NULL. */
const char *const *reads_all(void);
