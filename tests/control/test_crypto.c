/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/secret.h"
#include "control/crypto/digest.h"
#include "control/crypto/keyring.h"
#include "control/crypto/password.h"

static char dir[64];
static char *path;
static struct buf why;

static void setup(void)
{
	memcpy(dir, "/tmp/ez-keyring-XXXXXX", sizeof("/tmp/ez-keyring-XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	path = xasprintf("%s/keyring", dir);
	buf_init(&why, 1024);
}

static void teardown(void)
{
	unlink(path);
	rmdir(dir);
	free(path);
	buf_release(&why);
}

static struct keyring *open_ring(void)
{
	struct keyring *k = keyring_open(path, &why);

	ck_assert_msg(k != NULL, "%s", buf_cstr(&why));
	return k;
}

static bool unseals(struct keyring *k, const char *id, const char *aad,
		    const struct buf *sealed, const char *expected)
{
	struct secret text = SECRET_INIT;
	bool ok = keyring_unseal(k, id, view_str(aad), buf_view(sealed), &text);

	if (ok)
		ck_assert_str_eq(secret_cstr(&text), expected);
	else
		ck_assert(!secret_is_set(&text));
	secret_release(&text);
	return ok;
}

START_TEST(what_was_sealed_opens_in_its_place_only)
{
	struct keyring *k = open_ring();
	struct buf sealed = BUF_INIT(4096);
	struct key_id id =
		keyring_seal(k, VIEW("row 1 password"), VIEW("hunter2"), &sealed);

	ck_assert(unseals(k, id.text, "row 1 password", &sealed, "hunter2"));
	ck_assert(!unseals(k, id.text, "row 2 password", &sealed, ""));
	ck_assert(!unseals(k, id.text, "", &sealed, ""));
	ck_assert(!unseals(k, "unknown", "row 1 password", &sealed, ""));
	buf_release(&sealed);
	keyring_close(k);
}
END_TEST

START_TEST(any_changed_bit_is_noticed)
{
	struct keyring *k = open_ring();
	struct buf sealed = BUF_INIT(4096);
	struct key_id id = keyring_seal(k, VIEW("a"), VIEW("hunter2"), &sealed);

	for (size_t i = 0; i < sealed.len * 8; i++) {
		sealed.ptr[i / 8] = (char)(sealed.ptr[i / 8] ^ (1 << (i % 8)));
		ck_assert(!unseals(k, id.text, "a", &sealed, ""));
		sealed.ptr[i / 8] = (char)(sealed.ptr[i / 8] ^ (1 << (i % 8)));
	}
	ck_assert(unseals(k, id.text, "a", &sealed, "hunter2"));
	while (sealed.len > 0) {
		sealed.len--;
		ck_assert(!unseals(k, id.text, "a", &sealed, ""));
	}
	buf_release(&sealed);
	keyring_close(k);
}
END_TEST

START_TEST(the_same_text_is_never_sealed_alike)
{
	struct keyring *k = open_ring();
	struct buf a = BUF_INIT(4096), b = BUF_INIT(4096);

	keyring_seal(k, VIEW("x"), VIEW(""), &a);
	keyring_seal(k, VIEW("x"), VIEW(""), &b);
	ck_assert_uint_eq(a.len, 28);
	ck_assert(!view_eq(buf_view(&a), buf_view(&b)));
	buf_release(&a);
	buf_release(&b);
	keyring_close(k);
}
END_TEST

START_TEST(a_key_added_elsewhere_is_found_when_it_is_needed)
{
	struct keyring *ours = open_ring(), *theirs = open_ring();
	struct buf sealed = BUF_INIT(4096), old = BUF_INIT(4096), ids = BUF_INIT(256);
	struct key_id first = keyring_first(ours), added, used;

	keyring_seal(ours, VIEW("x"), VIEW("old"), &old);
	ck_assert(keyring_add(theirs, true, &added, &why));
	ck_assert_str_eq(keyring_first(theirs).text, added.text);
	used = keyring_seal(theirs, VIEW("x"), VIEW("new"), &sealed);
	ck_assert_str_eq(used.text, added.text);
	ck_assert(unseals(ours, used.text, "x", &sealed, "new"));
	ck_assert(unseals(theirs, first.text, "x", &old, "old"));
	keyring_ids(ours, &ids);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&ids), first.text));
	buf_release(&sealed);
	buf_release(&old);
	buf_release(&ids);
	keyring_close(ours);
	keyring_close(theirs);
}
END_TEST

START_TEST(two_steps_add_first_and_activate_then)
{
	struct keyring *k = open_ring();
	struct key_id first = keyring_first(k), added, active;

	ck_assert(keyring_add(k, false, &added, &why));
	ck_assert_str_eq(keyring_first(k).text, first.text);
	ck_assert_str_eq(keyring_last(k).text, added.text);
	ck_assert(keyring_activate(k, &active, &why));
	ck_assert_str_eq(active.text, added.text);
	ck_assert_str_eq(keyring_first(k).text, added.text);
	keyring_close(k);
}
END_TEST

START_TEST(the_file_is_private)
{
	struct stat st;

	keyring_close(open_ring());
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_ptr_null(keyring_open(path, &why));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&why), "chmod 600"));
}
END_TEST

#define ONE_KEY "k1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"

START_TEST(a_broken_file_is_refused_with_its_line)
{
	static const char *const broken[] = {
		"",
		"\n# nothing\n",
		"k1 00\n",
		"k 1\n",
		"k1 zz00\n",
		"nospace\n",
		ONE_KEY ONE_KEY,
		"k/1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
	};

	ck_assert_int_eq(fs_write_atomic(path, broken[_i], strlen(broken[_i]), 0600), 0);
	ck_assert_ptr_null(keyring_open(path, &why));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&why), path));
}
END_TEST

START_TEST(passwords_are_told_apart)
{
	char *hash = password_hash(VIEW("correct horse"));

	ck_assert_ptr_null(strstr(hash, "horse"));
	ck_assert(password_is(hash, VIEW("correct horse")));
	ck_assert(!password_is(hash, VIEW("correct horsf")));
	ck_assert(!password_is(hash, VIEW("")));
	ck_assert(!password_is(NULL, VIEW("correct horse")));
	ck_assert(!password_is("scrypt$99$8$3$00$00", VIEW("x")));
	free(hash);
}
END_TEST

START_TEST(digests_are_the_known_ones)
{
	ck_assert_str_eq(
		digest_sha256(VIEW("abc")).hex,
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	ck_assert_str_eq(
		digest_hmac(VIEW("Jefe"), VIEW("what do ya want for nothing?")).hex,
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	ck_assert(crypto_equal(VIEW("abc"), VIEW("abc")));
	ck_assert(!crypto_equal(VIEW("abc"), VIEW("abd")));
	ck_assert(!crypto_equal(VIEW("abc"), VIEW("ab")));
}
END_TEST

START_TEST(tokens_are_random_and_say_what_they_open)
{
	struct token a = token_make("ezt_"), b = token_make("ezt_");

	ck_assert_uint_eq(strlen(a.text), 68);
	ck_assert(strncmp(a.text, "ezt_", 4) == 0);
	ck_assert_str_ne(a.text, b.text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crypto");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int n;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, what_was_sealed_opens_in_its_place_only);
	tcase_add_test(tc, any_changed_bit_is_noticed);
	tcase_add_test(tc, the_same_text_is_never_sealed_alike);
	tcase_add_test(tc, a_key_added_elsewhere_is_found_when_it_is_needed);
	tcase_add_test(tc, two_steps_add_first_and_activate_then);
	tcase_add_test(tc, the_file_is_private);
	tcase_add_loop_test(tc, a_broken_file_is_refused_with_its_line, 0, 8);
	tcase_add_test(tc, passwords_are_told_apart);
	tcase_add_test(tc, digests_are_the_known_ones);
	tcase_add_test(tc, tokens_are_random_and_say_what_they_open);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	n = srunner_ntests_failed(sr);
	srunner_free(sr);
	return n == 0 ? 0 : 1;
}
