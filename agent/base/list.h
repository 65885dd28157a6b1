/* list.h - an intrusive, circular, doubly linked list. A node that is in no list points at itself or is all zeros. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "agent/base/mem.h"

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == NULL || l->next == l;
}

static inline void list_add(struct list *head, struct list *node) /* at the end */
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

static inline void list_del(struct list *node) /* harmless for a node that is in no list */
{
	if (node->next == NULL)
		return;
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

static inline struct list *list_pop(struct list *head) /* the first, or NULL */
{
	struct list *node = head->next;

	if (list_empty(head))
		return NULL;
	list_del(node);
	return node;
}

/* Moves all of `from` to the end of `to`: for callbacks that may add to the list they are called from. */
static inline void list_move(struct list *to, struct list *from)
{
	struct list *n;

	while ((n = list_pop(from)) != NULL)
		list_add(to, n);
}

#define list_entry(node, type, member) container_of(node, type, member)
/* NOLINTBEGIN(bugprone-macro-parentheses): n is declared here */
#define list_each(n, head) for (struct list *n = (head)->next; n != (head); n = n->next)
#define list_each_safe(n, head)                                                                                                    \
	for (struct list *n = (head)->next, *n##_next = n->next; n != (head); n = n##_next, n##_next = n->next)
/* NOLINTEND(bugprone-macro-parentheses) */
