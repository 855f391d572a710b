/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONFIG_GRAMMAR_H
#define ENGINE_CONFIG_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/view.h"
#include "engine/cfg.h"
#include "engine/config_lex.h"
#include "engine/config_scan.h"

struct problems;

/*
 * Follows the grammar of libconfig over the tokens of one or more files and writes the
 * plain text of config_scan.h. What it accepts libconfig accepts too; an error is named
 * here, with the setting it belongs to, because libconfig names only a line (and loses
 * memory).
 */
/* What the grammar allows next. Lists and groups share a state where they can. */
enum expect {
	EXPECT_SETTING, /* a name, or what closes the group */
	EXPECT_ASSIGN,  /* = or : */
	EXPECT_VALUE,
	EXPECT_VALUE_OR_CLOSE, /* just behind ( or [ */
	EXPECT_MORE,           /* behind a value */
};

/* An open bracket; the first frame is the file itself. */
struct frame {
	char open; /* '{', '(' or '[' */
	unsigned line;
	const char *file;
	size_t first_name; /* index of its first name in `names` */
	bool has_items;
	enum token_kind item_kind; /* of an array */
	bool item_is_wide;
};

/* A name in the plain text. */
struct place {
	size_t at, len;
};

struct grammar {
	struct scan *out;
	struct problems *problems;
	const char *file;   /* being read; the pointer tells files apart */
	unsigned out_line;  /* line of the plain text */
	unsigned file_line; /* the line of the file that it is */
	struct frame frames[CFG_NESTING_MAX + 1];
	size_t depth;
	enum expect expect;
	bool after_string;  /* one more string would be appended */
	struct ez_view key; /* the setting at hand, for messages */
	size_t n_values;
	struct place *names; /* of all open groups */
	size_t n_names;
};

void grammar_init(struct grammar *g, struct scan *out, struct problems *p);
void grammar_release(struct grammar *g);

/* From here on the plain text is made from line `line` of file number `file`. */
void grammar_begin_span(struct grammar *g, size_t file, unsigned line);

/* Takes the next token, the text of a string included. False after adding a problem. */
_must_check_ bool grammar_step(struct grammar *g, struct token *t);

/* Whether a setting may begin here; if so, the plain text is made ready for that. */
_must_check_ bool grammar_begin_settings(struct grammar *g, unsigned line);

/* The file ends, which began at `depth`. */
_must_check_ bool grammar_end_file(struct grammar *g, const struct token *t,
				   size_t depth);

#endif
