#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The types of the public header as a compiler has them, against those of the frozen header, by libabigail: what a plugin of ABI
# 1.0 may touch is as it was, and structs have grown at their ends only. tests/abi/layout.sh asks the same of sizes and offsets;
# this also sees what stands behind pointers, such as the arguments of callbacks. Only with --long.

# shellcheck source=tests/checks/lib.sh
. "$(dirname "$0")/lib.sh"

[ -n "${EZ_TEST_LONG:-}" ] || { echo "skip: only with --long"; exit 77; }
need abidiff || finish
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# library HEADER NAME: a plugin that reaches every type of the header from what it exports.
library() {
	mkdir -p "$tmp/$2/ezcdc" && cp "$1" "$tmp/$2/ezcdc/plugin.h" && cat >"$tmp/$2/probe.c" <<-'C' || return 1
		#include <ezcdc/plugin.h>
		static int load(const struct ez_host *host) { return host ? EZ_OK : EZ_E_FATAL; }
		const struct ez_plugin ez_plugin = { EZ_PLUGIN_HEAD, .kind = EZ_SOURCE, .name = "probe", .load = load };
		/* Enumerations that members hold as plain numbers. */
		#define SHOW(tag) EZ_EXPORT enum tag show_##tag(enum tag v); enum tag show_##tag(enum tag v) { return v; }
		SHOW(ez_result) SHOW(ez_type) SHOW(ez_cell_kind) SHOW(ez_column_flag) SHOW(ez_table_flag) SHOW(ez_op) SHOW(ez_event_flag)
		SHOW(ez_batch_flag) SHOW(ez_option_type) SHOW(ez_option_flag) SHOW(ez_role) SHOW(ez_finding) SHOW(ez_slot_state)
		SHOW(ez_prepare_flag) SHOW(ez_kind)
	C
	# Without -Os and its kin: everything that is declared is to be described.
	${CC:-cc} -std=gnu17 -w -g -O0 -fno-eliminate-unused-debug-types -fPIC -shared -I"$tmp/$2" -o "$tmp/$2.so" "$tmp/$2/probe.c"
}

# broken: what abidiff says on standard input, less what a plugin of before does not notice: members behind a struct's end, new
# enumerators. (A suppression for the first would hide all other changes of that struct.)
broken() {
	awk '
		/^$/ || /^Leaf changes summary:/ || /^Changed leaf types summary:/ || /summary: 0 Removed, 0 Changed, / { next }
		/^.(struct|enum) .* changed:$/ { where = $0; next }
		/^  type size changed from / { size = $5; next }
		/^  type size hasn.t changed$/ { size = 0; next }
		/^  [0-9]+ data member insertions?:$/ || /^  [0-9]+ enumerator insertions?:$/ { inserted = 1; next }
		/^    .*, at offset [0-9]+ \(in bits\)/ && inserted && size > 0 {
			at = $0; sub(/.*, at offset /, "", at)
			if (at + 0 >= size) next
		}
		/^    .* value .-?[0-9]+.$/ && inserted { next }
		!/^    / { inserted = 0 }
		{ print where; print; bad = 1 }
		END { exit !bad }'
}

# differs HEADER: true, and $tmp/said says how, when a plugin made with the frozen header would be broken by this one.
differs() {
	library "$1" now || { echo "the header does not compile" >"$tmp/said"; return 0; }
	abidiff --no-added-syms --leaf-changes-only "$tmp/frozen.so" "$tmp/now.so" 2>&1 | broken >"$tmp/said"
}

library tests/abi/plugin-1.0.h frozen || { complain "the frozen header does not compile"; finish; }
if differs core/include/ezcdc/plugin.h; then
	complain_each "" <"$tmp/said"
fi

# What it is there for, and what it must let pass.
changed() { # SED-EXPRESSION
	sed -E "$1" tests/abi/plugin-1.0.h >"$tmp/changed.h"
	if cmp -s tests/abi/plugin-1.0.h "$tmp/changed.h"; then complain "nothing was changed by $1"; fi
	library "$tmp/changed.h" now || complain "does not compile: $1"
	differs "$tmp/changed.h"
}
must_notice() { changed "$2" || complain "not noticed: $1"; }
must_notice "a callback's argument" 's/(\*durable\)\(void \*, )uint32_t/\1uint64_t/'
must_notice "a callback's result" 's/int \(\*flush\)/long (*flush)/'
must_notice "another type" 's/int64_t \(\*num\)/int32_t (*num)/'
must_notice "a member in the middle" 's/^(\tuint32_t op;.*enum ez_op.*)$/\1\n\tuint64_t inserted;/'
must_notice "a removed member" '/^\tuint32_t held;$/d; /^\tuint32_t connected, held;/s/, held//'
must_notice "another value" 's/EZ_E_BUSY = -8/EZ_E_BUSY = -18/'
must_pass() {
	! changed "$2" || { complain "refused: $1"; complain_each "  " <"$tmp/said"; }
}
must_pass "a member at the end" '/^struct ez_source_status/,/^};/s/^(\tuint64_t reconnects;)$/\1\n\tuint64_t appended;/'
must_pass "a callback at the end" '/^struct ez_sink \{/,/^};/s/^(\tvoid \(\*interrupt.*)$/\1\n\tint (*later)(void *);/'
must_pass "a new enumerator" 's/EZ_E_BUSY = -8/EZ_E_NEW = -10, EZ_E_BUSY = -8/'
finish
