/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of lwps that wait for a host thread: a ring under one mutex.
 * Host threads take and put back whole batches, so the mutex is asked for
 * seldom.
 */
#include <pthread.h>
#include <stdlib.h>

#include "tenants.h"

struct queue {
	pthread_mutex_t q_lock;	 /* of all below */
	pthread_cond_t q_change; /* tasks came, or the last one is done */
	struct task **q_ring;
	size_t q_size; /* of the ring: every task has room */
	size_t q_head;
	size_t q_count; /* tasks in the ring */
	size_t q_alive; /* tasks in the ring or being run */
	unsigned q_threads;
};

struct queue *
queue_alloc(struct task *tasks, size_t ntasks, unsigned nthreads)
{
	struct queue *q = need(calloc(1, sizeof(*q)));

	pthread_mutex_init(&q->q_lock, NULL);
	pthread_cond_init(&q->q_change, NULL);
	q->q_ring = need(calloc(ntasks + 1, sizeof(*q->q_ring)));
	q->q_size = q->q_count = q->q_alive = ntasks;
	q->q_threads = nthreads;
	for (size_t i = 0; i < ntasks; i++)
		q->q_ring[i] = &tasks[i];
	return q;
}

void
queue_free(struct queue *q)
{
	pthread_cond_destroy(&q->q_change);
	pthread_mutex_destroy(&q->q_lock);
	free(q->q_ring);
	free(q);
}

size_t
queue_take(struct queue *q, struct task **batch, size_t max)
{
	size_t n;

	pthread_mutex_lock(&q->q_lock);
	while (q->q_count == 0 && q->q_alive > 0)
		pthread_cond_wait(&q->q_change, &q->q_lock);
	/* Leave something for the others when there is little. */
	n = (q->q_count + q->q_threads - 1) / q->q_threads;
	if (n > max)
		n = max;
	for (size_t i = 0; i < n; i++) {
		batch[i] = q->q_ring[q->q_head];
		q->q_head = (q->q_head + 1) % q->q_size;
	}
	q->q_count -= n;
	pthread_mutex_unlock(&q->q_lock);
	return n;
}

void
queue_put(struct queue *q, struct task *const *batch, size_t n, size_t ndone)
{
	pthread_mutex_lock(&q->q_lock);
	for (size_t i = 0; i < n; i++)
		q->q_ring[(q->q_head + q->q_count++) % q->q_size] = batch[i];
	q->q_alive -= ndone;
	if (n > 0 || q->q_alive == 0)
		pthread_cond_broadcast(&q->q_change);
	pthread_mutex_unlock(&q->q_lock);
}
