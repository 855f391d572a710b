/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "control/http/queue.h"
#include "control/http/request.h"

/* Requests between threads: lots, parked polls, and what wakes them. */
enum { MANY = 250, HERD = 64 };

static const struct route plain = { .method = "POST" },
			  polls = { .method = "POST", .lane = LANE_POLL },
			  beats = { .method = "POST", .lane = LANE_BEAT };

static struct request *make(const struct route *route, int worker, const char *topic)
{
	struct request *r = request_new(NULL, "POST", "/");

	r->route = route;
	r->who.kind = WORKER;
	ck_assert(str_format(r->who.id, sizeof(r->who.id), "worker-%d", worker));
	ck_assert(str_copy(r->topic, sizeof(r->topic), view_str(topic)));
	r->wait_until_us = mono_us() + 20 * US_PER_SEC;
	r->generation = 1;
	return r;
}

static int take(struct queue *q, struct request **all, enum lane want)
{
	enum lane lane = _LANE_MAX;
	int n = queue_take(q, all, &lane);

	ck_assert_int_eq(lane, want);
	return n;
}

static void free_all(struct request **all, int n)
{
	for (int i = 0; i < n; i++)
		request_free(all[i]);
}

/* What still waits is its owner's to answer. */
static void end(struct queue *q)
{
	struct request *all[LOT_MAX];
	enum lane lane;

	queue_close(q);
	for (int n = queue_take(q, all, &lane); n > 0; n = queue_take(q, all, &lane)) {
		free_all(all, n);
		queue_done(q, lane);
	}
	queue_free(q);
}

START_TEST(requests_of_a_lane_are_handed_out_together_and_in_order)
{
	struct queue *q = queue_new();
	struct request *all[LOT_MAX], *one[LOT_MAX];
	int seen = 0;

	for (int i = 0; i < MANY; i++)
		ck_assert(queue_push(q, make(&polls, i, "d")));
	while (seen < MANY) {
		int n = take(q, all, LANE_POLL);

		ck_assert_int_eq(n, MIN((int)LOT_MAX, MANY - seen));
		for (int i = 0; i < n; i++)
			ck_assert_int_eq(all[i]->who.id[7] - '0',
					 (seen + i) / (seen + i < 10    ? 1
						       : seen + i < 100 ? 10
									: 100));
		seen += n;
		/* While they are served nobody gets more of them; others are not kept. */
		ck_assert(queue_push(q, make(&plain, 0, "")));
		ck_assert_int_eq(take(q, one, LANE_PLAIN), 1);
		free_all(one, 1);
		queue_done(q, LANE_PLAIN);
		free_all(all, n);
		queue_done(q, LANE_POLL);
	}
	queue_free(q);
}
END_TEST

START_TEST(a_single_request_does_not_wait)
{
	struct queue *q = queue_new();
	struct request *all[LOT_MAX];
	int64_t begun = mono_us();

	sleep_us(100 * US_PER_MS);
	begun = mono_us();
	ck_assert(queue_push(q, make(&beats, 1, "d")));
	ck_assert_int_eq(take(q, all, LANE_BEAT), 1);
	ck_assert_int_lt(mono_us() - begun, 20 * US_PER_MS);
	free_all(all, 1);
	queue_done(q, LANE_BEAT);
	queue_free(q);
}
END_TEST

START_TEST(what_is_to_be_served_alone_is_in_no_lot)
{
	struct queue *q = queue_new();
	struct request *all[LOT_MAX];

	for (int i = 0; i < 2; i++) {
		struct request *r = make(&polls, i, "d");

		r->alone = true;
		ck_assert(queue_push(q, r));
	}
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(take(q, all, LANE_PLAIN), 1);
		free_all(all, 1);
		queue_done(q, LANE_PLAIN);
	}
	queue_free(q);
}
END_TEST

START_TEST(a_workers_news_wakes_its_poll_and_no_other)
{
	struct queue *q = queue_new();
	struct request *all[LOT_MAX];

	for (int i = 0; i < MANY; i++)
		queue_park(q, make(&polls, i, "d"));
	queue_wake(q, "worker-77");
	ck_assert_int_eq(take(q, all, LANE_POLL), 1);
	ck_assert_str_eq(all[0]->who.id, "worker-77");
	free_all(all, 1);
	queue_done(q, LANE_POLL);
	queue_close(q);
	for (int left = MANY - 1; left > 0;) {
		int n = take(q, all, LANE_POLL);

		left -= n;
		free_all(all, n);
		queue_done(q, LANE_POLL);
	}
	ck_assert_int_eq(queue_take(q, all, &(enum lane){ LANE_PLAIN }), 0);
	queue_free(q);
}
END_TEST

START_TEST(a_deployments_news_wake_all_of_it_a_herd_at_a_time)
{
	struct queue *q = queue_new();
	struct request *all[LOT_MAX];
	int woken = 0, first;

	for (int i = 0; i < MANY; i++) {
		queue_park(q, make(&polls, i, "here"));
		queue_park(q, make(&polls, MANY + i, "there"));
	}
	queue_wake(q, "here");
	first = take(q, all, LANE_POLL);
	ck_assert_int_eq(first, HERD);
	for (int n = first; n > 0; n = woken < MANY ? take(q, all, LANE_POLL) : 0) {
		for (int i = 0; i < n; i++)
			ck_assert_str_eq(all[i]->topic, "here");
		woken += n;
		free_all(all, n);
		queue_done(q, LANE_POLL);
		sleep_us(30 * US_PER_MS);
		queue_wake_due(q);
	}
	ck_assert_int_eq(woken, MANY);
	end(q);
}
END_TEST

START_TEST(the_end_of_a_wait_wakes_it_and_not_before)
{
	struct queue *q = queue_new();
	struct request *all[LOT_MAX], *r = make(&polls, 1, "d");
	int64_t until = mono_us() + 200 * US_PER_MS;

	r->wait_until_us = until;
	queue_park(q, r);
	queue_park(q, make(&polls, 2, "d"));
	while (mono_us() < until + 100 * US_PER_MS) {
		queue_wake_due(q);
		sleep_us(5 * US_PER_MS);
	}
	ck_assert_int_eq(take(q, all, LANE_POLL), 1);
	ck_assert_ptr_eq(all[0], r);
	free_all(all, 1);
	queue_done(q, LANE_POLL);
	end(q);
}
END_TEST

START_TEST(what_happens_before_it_is_parked_is_not_lost)
{
	struct queue *q = queue_new();
	struct request *all[LOT_MAX], *own = make(&polls, 1, "d"),
				      *other = make(&polls, 2, "e");

	own->generation = other->generation = queue_generation(q);
	queue_wake(q, "worker-1");
	queue_park(q, other);
	queue_park(q, own);
	ck_assert_int_eq(take(q, all, LANE_POLL), 1);
	ck_assert_ptr_eq(all[0], own);
	free_all(all, 1);
	queue_done(q, LANE_POLL);
	queue_wake(q, NULL);
	ck_assert_int_eq(take(q, all, LANE_POLL), 1);
	ck_assert_ptr_eq(all[0], other);
	free_all(all, 1);
	queue_free(q);
}
END_TEST

static void *drain(void *arg)
{
	struct request *all[LOT_MAX];
	enum lane lane;
	long n, sum = 0;

	while ((n = queue_take(arg, all, &lane)) > 0) {
		for (int i = 0; i < n; i++) {
			if (all[i]->wait_until_us > 0) {
				all[i]->wait_until_us = 0;
				queue_park(arg, all[i]);
			} else {
				request_free(all[i]);
				sum++;
			}
		}
		queue_done(arg, lane);
	}
	return (void *)sum;
}

/* Each once parks itself, is due at once, and must come out once. */
START_TEST(many_threads_lose_nothing_and_end)
{
	static const struct route *const routes_of[] = { &plain, &polls, &beats };
	struct queue *q = queue_new();
	pthread_t threads[4];
	void *served;
	long sum = 0;

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, drain, q), 0);
	for (int i = 0; i < 3000; i++) {
		ck_assert(queue_push(q, make(routes_of[i % 3], i, "d")));
		if (i % 50 == 0)
			queue_wake_due(q);
		if (i % 70 == 0)
			queue_wake(q, "d");
	}
	queue_close(q);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &served);
		sum += (long)served;
	}
	ck_assert_int_eq(sum, 3000);
	queue_free(q);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("queue");
	TCase *c = tcase_create("queue");
	SRunner *r;
	int failed;

	suite_add_tcase(s, c);
	tcase_add_test(c, requests_of_a_lane_are_handed_out_together_and_in_order);
	tcase_add_test(c, a_single_request_does_not_wait);
	tcase_add_test(c, what_is_to_be_served_alone_is_in_no_lot);
	tcase_add_test(c, a_workers_news_wakes_its_poll_and_no_other);
	tcase_add_test(c, a_deployments_news_wake_all_of_it_a_herd_at_a_time);
	tcase_add_test(c, the_end_of_a_wait_wakes_it_and_not_before);
	tcase_add_test(c, what_happens_before_it_is_parked_is_not_lost);
	tcase_add_test(c, many_threads_lose_nothing_and_end);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
