/* fault.h - what AWS and people may do to a plan beside losing and delaying calls, and what is promised of it: one table, with
 * the odds of each and its switch.
 *
 * A row that is off is a fault that the agent does not cope with yet, or a promise that it does not keep yet. It stays out of
 * every run until somebody switches it on by its name in tally.h (sim --with AWS_PROTECTED); then it is in every run. */
#pragma once
#include "tests/sim/odds.h"

/* "all" is all of them. false: there is none of that name. */
bool fault_switch(const char *name, bool on);
bool fault_is_on(enum tally_kind kind);
/* Gives each that is on its odds, or none, and takes them from those that are off. */
void fault_deal(struct odds *o);
void fault_tell(void); /* tells the tally which are off */
