/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "protocol.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/common.h"
#include "samples.h"

/*
 * The agent's messages against docs/worker-protocol.md: every test vector's request is what
 * the encoder makes of its facts, every response is what the decoder understands.
 */
enum { TEXT_MAX = 1024 * 1024 };

static const char worker[] = "7d9f2f0e-0f44-4a3c-8a39-1f2e3d4c5b6a";
static const char instance[] = "6b0f0a0e-5b1c-4c58-9a55-0d7d6f1c8a11";
static const char job[] = "0f3a9c51-77aa-4b0e-9d65-2b1c3d4e5f60";
static const int64_t at_us = 1795363200000000; /* 2026-11-22T16:00:00Z */

static json_t *vector(const char *name)
{
	char *path = xasprintf("%s/tests/data/worker-protocol/%s.json", getenv("EZ_SRC"), name);
	json_error_t e;
	json_t *t = json_load_file(path, 0, &e);

	ck_assert_msg(t != NULL, "%s: %s", path, e.text);
	free(path);
	return t;
}

static json_t *request_of(json_t *v)
{
	return json_object_get(json_object_get(v, "request"), "body");
}

static char *response_of(const char *name)
{
	json_t *v = vector(name);
	json_t *body = json_object_get(json_object_get(v, "response"), "body");
	char *text = json_dumps(body, 0);

	ck_assert_ptr_nonnull(text);
	json_decref(v);
	return text;
}

/* The text is the vector's request. */
static void same(const char *name, struct buf *text)
{
	json_t *v = vector(name), *made = json_loads(buf_cstr(text), 0, NULL);
	char *want = json_dumps(request_of(v), JSON_SORT_KEYS);
	char *have = made ? json_dumps(made, JSON_SORT_KEYS) : NULL;

	ck_assert_msg(have != NULL, "%s: not JSON: %s", name, buf_cstr(text));
	ck_assert_str_eq(have, want);
	ck_assert(buf_ok(text));
	free(want);
	free(have);
	json_decref(v);
	json_decref(made);
	buf_release(text);
}

static struct registration registration(void)
{
	return (struct registration){
		.instance = instance, .name = "worker-1", .host = "db-edge-1",
		.version = "0.1.0", .max_jobs = 10, .started_us = at_us,
		.plugins = VIEW("{\"plugins\":[{\"name\":\"file\",\"kind\":\"sink\",\"version\":"
				"\"0.1.0\",\"options\":[]}],\"broken\":[]}\n"),
	};
}

START_TEST(registrations_are_those_of_the_document)
{
	struct registration r = registration();
	struct buf text = BUF_INIT(TEXT_MAX);

	protocol_register(&r, &text);
	same("register-first", &text);
	r.worker_id = worker;
	protocol_register(&r, &text);
	same("register-again", &text);
}
END_TEST

START_TEST(option_tables_that_are_not_known_are_null)
{
	struct registration r = registration();
	struct buf text = BUF_INIT(TEXT_MAX);

	r.plugins = view_of(NULL, 0);
	protocol_register(&r, &text);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "\"plugins\":null"));
	buf_release(&text);
}
END_TEST

START_TEST(answers_to_registrations_are_understood)
{
	char *first = response_of("register-first"), *again = response_of("register-again");
	struct registered r;

	ck_assert(protocol_registered(view_str(first), &r));
	ck_assert_str_eq(r.worker_id, worker);
	ck_assert_str_eq(r.secret, "ezw_5yJ0c2VjcmV0LW9mLXdvcmtlcg");
	ck_assert_int_eq(r.heartbeat_s, 10);
	ck_assert_int_eq(r.poll_s, 30);
	registered_release(&r);
	ck_assert(protocol_registered(view_str(again), &r));
	ck_assert_ptr_null(r.secret);
	registered_release(&r);
	free(first);
	free(again);
}
END_TEST

START_TEST(odd_answers_to_registrations_are_refused)
{
	const char *const texts[] = {
		"", "[]", "{}", "{\"worker_id\":\"../../x\"}",
		"{\"worker_id\":\"7d9f2f0e-0f44-4a3c-8a39-1f2e3d4c5b6a\",\"secret\":\"\"}",
		"{\"worker_id\":\"7d9f2f0e-0f44-4a3c-8a39-1f2e3d4c5b6a\",\"secret\":\"a\\r\\nX: y\"}",
	};
	struct registered r;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		ck_assert_msg(!protocol_registered(view_str(texts[i]), &r), "%s", texts[i]);
}
END_TEST

START_TEST(an_identity_comes_back_as_it_was)
{
	struct identity id = { (char[]){ "6b0f0a0e-5b1c-4c58-9a55-0d7d6f1c8a11" },
			       (char[]){ "7d9f2f0e-0f44-4a3c-8a39-1f2e3d4c5b6a" },
			       (char[]){ "s3cret" }, (char[]){ "https://x" } };
	struct buf text = BUF_INIT(TEXT_MAX);
	struct identity back;

	identity_format(&id, &text);
	ck_assert(identity_parse(buf_view(&text), &back));
	ck_assert_str_eq(back.instance, id.instance);
	ck_assert_str_eq(back.worker_id, id.worker_id);
	ck_assert_str_eq(back.secret, "s3cret");
	ck_assert_str_eq(back.url, "https://x");
	identity_release(&back);
	id.secret = id.worker_id = NULL;
	buf_reset(&text);
	identity_format(&id, &text);
	ck_assert(identity_parse(buf_view(&text), &back));
	ck_assert_ptr_null(back.secret);
	identity_release(&back);
	ck_assert(!identity_parse(VIEW("{\"instance\":\"x\"}"), &back));
	buf_release(&text);
}
END_TEST

START_TEST(heartbeats_and_farewells_are_those_of_the_document)
{
	const struct heartbeat h = { worker, at_us, 3600, 3, 10, false };
	struct buf text = BUF_INIT(TEXT_MAX);

	protocol_heartbeat(&h, &text);
	same("heartbeat", &text);
	protocol_deregister(worker, at_us, &text);
	same("deregister", &text);
}
END_TEST

START_TEST(a_set_is_understood_and_asked_for_again)
{
	char *body = response_of("poll-task");
	struct buf text = BUF_INIT(TEXT_MAX);
	struct poll_question q = { .worker_id = worker, .seen = "", .wait_s = 30 };
	const char *const task[] = { "51d2a6c4-8e0b-4f7d-b3a9-6c5b4a392817" };
	struct desired d;

	protocol_poll(&q, &text);
	same("poll-first", &text);
	ck_assert(protocol_desired(view_str(body), &d));
	ck_assert_str_eq(d.version, "42");
	ck_assert_uint_eq(d.n_jobs, 2);
	ck_assert_str_eq(d.jobs[0].id, job);
	ck_assert_str_eq(d.jobs[0].name, "shop");
	ck_assert_uint_eq(d.jobs[0].state, 1);
	ck_assert_uint_eq(d.jobs[0].epoch, 8);
	ck_assert_uint_eq(d.jobs[0].revision, 4);
	ck_assert_ptr_nonnull(strstr(d.jobs[0].config, "password = \"s3cr\\\"et\";"));
	ck_assert_uint_eq(d.jobs[1].state, 2);
	ck_assert_uint_eq(d.n_tasks, 1);
	ck_assert_str_eq(d.tasks[0].kind, "check-source");
	q.seen = d.version;
	q.jobs = d.jobs;
	q.n_jobs = d.n_jobs;
	protocol_poll(&q, &text);
	same("poll-nothing", &text);
	q.tasks = task;
	q.n_tasks = 1;
	protocol_poll(&q, &text);
	same("poll-empty", &text);
	desired_release(&d);
	free(body);
}
END_TEST

START_TEST(an_empty_set_is_a_set)
{
	char *body = response_of("poll-empty");
	struct desired d;

	ck_assert(protocol_desired(view_str(body), &d));
	ck_assert_uint_eq(d.n_jobs, 0);
	desired_release(&d);
	free(body);
}
END_TEST

#define JOB(id, state, epoch)                                                            \
 "{\"version\":\"1\",\"jobs\":[{\"job_id\":\"" id "\",\"name\":\"x\",\"state\":\"" state \
 "\",\"revision\":1,\"epoch\":" epoch ",\"config\":\"\"}]}"
#define TASK(id)                                                             \
 "{\"version\":\"1\",\"jobs\":[],\"tasks\":[{\"task_id\":\"" id "\",\"kind\":\"log\"," \
 "\"config\":\"\"}]}"
#define ID "0f3a9c51-77aa-4b0e-9d65-2b1c3d4e5f60"

START_TEST(half_a_set_is_none)
{
	const char *const texts[] = {
		"", "{}", "{\"version\":\"1\"}", "{\"jobs\":[]}", "{\"version\":1,\"jobs\":[]}",
		"{\"version\":\"1\",\"jobs\":{}}", "{\"version\":\"1\",\"jobs\":[1]}",
		JOB("x", "running", "1"), JOB(ID, "walking", "1"), JOB(ID, "running", "0"),
		JOB(ID, "running", "-1"), JOB(ID, "running", "\"1\""), JOB(ID, "running", "1.5"),
		TASK("../x"),
	};
	struct desired d;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		ck_assert_msg(!protocol_desired(view_str(texts[i]), &d), "%s", texts[i]);
	ck_assert(protocol_desired(VIEW(JOB(ID, "running", "9223372036854775807")), &d));
	ck_assert_uint_eq(d.jobs[0].epoch, INT64_MAX);
	desired_release(&d);
}
END_TEST

START_TEST(a_removal_brings_what_it_needs)
{
	struct desired d;

	ck_assert(protocol_desired(
		VIEW("{\"version\":\"1\",\"jobs\":[],\"tasks\":[{\"task_id\":\"" ID
		     "\",\"kind\":\"drop\",\"job_id\":\"" ID "\",\"epoch\":7,\"config\":\"a\\nb\"}]}"),
		&d));
	ck_assert_str_eq(d.tasks[0].config,
			 "{\"job_id\":\"" ID "\",\"epoch\":7,\"config\":\"a\\nb\"}");
	desired_release(&d);
}
END_TEST

static struct ez_job_status status(char **document)
{
	json_t *v = vector("status-running");

	*document = json_dumps(json_object_get(request_of(v), "status"), 0);
	json_decref(v);
	return (struct ez_job_status){
		.size = sizeof(struct ez_job_status), .id = view_str(job),
		.status = view_str(*document), .revision = 4, .epoch = 8, .exit_code = -1,
		.state = 1,
	};
}

START_TEST(statuses_are_those_of_the_document)
{
	char *document;
	struct ez_job_status s = status(&document);
	struct buf text = BUF_INIT(TEXT_MAX), unsigned_text = BUF_INIT(TEXT_MAX);

	protocol_status(worker, at_us, &s, &text);
	same("status-running", &text);
	protocol_status(NULL, at_us, &s, &unsigned_text);
	protocol_sign(worker, buf_view(&unsigned_text), &text);
	same("status-running", &text);
	s.status = view_of(NULL, 0);
	s.state = 3;
	s.exit_code = 78;
	s.error = VIEW("the publication \"ezcdc_0f3a9c5177aa\" does not exist");
	protocol_status(worker, at_us, &s, &text);
	same("status-failed", &text);
	buf_release(&unsigned_text);
	free(document);
}
END_TEST

START_TEST(measurements_are_those_of_the_document)
{
	char *document;
	struct ez_job_status s = status(&document);
	struct buf sample = BUF_INIT(TEXT_MAX), text = BUF_INIT(TEXT_MAX);

	ck_assert(protocol_sample(&s, at_us, &sample));
	protocol_metrics(worker, 0, buf_view(&sample), &text);
	same("metrics", &text);
	buf_release(&sample);
	s.status = VIEW("{}");
	ck_assert(protocol_sample(&s, at_us, &sample));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&sample), "\"lag_ms\":null"));
	s.status = VIEW("");
	ck_assert(!protocol_sample(&s, at_us, &sample));
	buf_release(&sample);
	free(document);
}
END_TEST

START_TEST(results_are_those_of_the_document)
{
	struct buf text = BUF_INIT(TEXT_MAX);

	protocol_result(worker, EZ_OK,
			VIEW("{\"exit_code\":0,\"result\":{\"ok\":true,\"findings\":[]},\"error\":null}"),
			&text);
	same("task-succeeded", &text);
	protocol_result(worker, EZ_E_CONFIG,
			VIEW("{\"exit_code\":null,\"result\":null,\"error\":\"the task took longer than "
			     "60 s\"}"),
			&text);
	same("task-gone", &text);
}
END_TEST

START_TEST(errors_give_code_and_message)
{
	char *body = response_of("status-stale"), code[32];
	char *message = protocol_error(view_str(body), code, sizeof(code));

	ck_assert_str_eq(code, "stale_epoch");
	ck_assert_str_eq(message, "the job is held under epoch 8");
	free(message);
	free(body);
	ck_assert_ptr_null(protocol_error(VIEW("<html>"), code, sizeof(code)));
	ck_assert_str_eq(code, "");
}
END_TEST

/* ----------------------------------------------------------------------------- samples */

static void add_number(struct samples *s, int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	samples_add(s, view_of(text, (size_t)len));
}

START_TEST(what_does_not_arrive_is_sent_again)
{
	struct samples s;
	struct buf out = BUF_INIT(TEXT_MAX);

	samples_init(&s);
	for (int i = 0; i < 3; i++)
		add_number(&s, i);
	samples_take(&s, &out, TEXT_MAX);
	ck_assert_str_eq(buf_cstr(&out), "0,1,2");
	samples_again(&s);
	add_number(&s, 3);
	buf_reset(&out);
	samples_take(&s, &out, 6);
	ck_assert_str_eq(buf_cstr(&out), "0,1,2");
	samples_sent(&s);
	buf_reset(&out);
	samples_take(&s, &out, TEXT_MAX);
	ck_assert_str_eq(buf_cstr(&out), "3");
	samples_sent(&s);
	ck_assert_uint_eq(samples_count(&s), 0);
	samples_release(&s);
	buf_release(&out);
}
END_TEST

START_TEST(days_without_the_control_plane_keep_the_newest)
{
	struct samples s;
	struct buf out = BUF_INIT(TEXT_MAX);

	samples_init(&s);
	for (int i = 0; i < SAMPLES_MAX + 7; i++)
		add_number(&s, i);
	ck_assert_uint_eq(samples_count(&s), SAMPLES_MAX);
	ck_assert_uint_eq(s.dropped, 7);
	samples_take(&s, &out, TEXT_MAX);
	ck_assert_int_eq(strncmp(buf_cstr(&out), "7,8,", 4), 0);
	ck_assert_uint_eq(s.told, 7);
	/* What is under way is pushed out by what comes meanwhile: it arrived, so it is not lost. */
	for (int i = 0; i < SAMPLES_PER_REQUEST + 2; i++)
		add_number(&s, i);
	samples_sent(&s);
	ck_assert_uint_eq(s.dropped, 2);
	ck_assert_uint_eq(samples_count(&s), SAMPLES_MAX);
	samples_release(&s);
	buf_release(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("protocol");

	if (!getenv("EZ_SRC")) {
		puts("skip: EZ_SRC is not set");
		return 77;
	}
	ADD_CASE(s, "register", registrations_are_those_of_the_document,
		 option_tables_that_are_not_known_are_null, answers_to_registrations_are_understood,
		 odd_answers_to_registrations_are_refused, an_identity_comes_back_as_it_was);
	ADD_CASE(s, "poll", heartbeats_and_farewells_are_those_of_the_document,
		 a_set_is_understood_and_asked_for_again, an_empty_set_is_a_set, half_a_set_is_none,
		 a_removal_brings_what_it_needs);
	ADD_CASE(s, "reports", statuses_are_those_of_the_document,
		 measurements_are_those_of_the_document, results_are_those_of_the_document,
		 errors_give_code_and_message);
	ADD_CASE(s, "samples", what_does_not_arrive_is_sent_again,
		 days_without_the_control_plane_keep_the_newest);
	return run_suite(s);
}
