#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
#	build-fixtures.sh FOLDER
#
# Builds the plugins that tests/engine/test_loader.c loads, good and bad, with $CC. They are not linked with -z now and
# -z defs as our own are: others' plugins may not be either, and the loader has to cope.

set -eu
src=${EZ_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
out=$1
mkdir -p "$out"

build() { # NAME FLAG...
	local name=$1
	shift
	# shellcheck disable=SC2086
	${CC:-cc} -std=gnu17 -g -fPIC -fvisibility=hidden -Wall -Wno-unused -I"$src/core/include" -I"$src/tests/abi" \
		-DNAME="$name" "$src/tests/abi/fixture.c" -shared -Wl,-z,lazy -o "$out/$name.so" "$@" ${FIXTURE_LDFLAGS:-}
}

build good
build frozen -DFROZEN
build short_ops -DSHORT_OPS
build long_ops -DLONG_OPS
build long_desc -DLONG_DESC
build newer_minor -DMINOR=99
build newer_hint '-DCAPS=EZ_CAP_DURABLE_WRITE|(UINT64_C(1)<<31)'
build a_source -DA_SOURCE -DKIND=EZ_SOURCE
build load_fails -DLOAD_RESULT=EZ_E_CONFIG

build wrong_magic -DMAGIC=0x12345678
build wrong_major -DMAJOR=2
build must_know '-DCAPS=UINT64_C(1)<<40'
build short_desc '-DDESC_SIZE=offsetof(struct ez_plugin,load)'
build huge_desc -DDESC_SIZE=100000
build unknown_kind -DKIND=77
build no_name -DNO_NAME
build no_ops -DNO_OPS
build no_write -DNO_WRITE
build tiny_ops -DTINY_OPS
build bad_options -DBAD_OPTIONS
build clashing_options -DCLASHING_OPTIONS '-DCAPS=EZ_CAP_SNAPSHOT'
build no_symbol -DNO_SYMBOL
build function_symbol -DFUNCTION_SYMBOL
build small_symbol -DSMALL_SYMBOL
build undefined_symbol -DUNDEFINED
cp "$out/good.so" "$out/other_name.so"

# A library that is there when the plugin is linked and gone when it is loaded.
printf 'int library_answer(void); int library_answer(void) { return 42; }\n' >"$out/library.c"
${CC:-cc} -fPIC -shared "$out/library.c" -Wl,-soname,libgone-for-good.so.1 -o "$out/libgone-for-good.so.1"
build missing_library -DNEEDS_LIBRARY "$out/libgone-for-good.so.1"
rm "$out/library.c" "$out/libgone-for-good.so.1"
