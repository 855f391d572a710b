#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The sample plugin is built outside of our tree: header and .pc file are installed into an empty root, pkg-config is all
# that the sample knows of, and the loader must accept what comes out.

set -eu
src=${EZ_SRC:?} build=${EZ_BUILD:?}
for tool in pkg-config make nm; do
	command -v "$tool" >/dev/null || { echo "skip: $tool is not installed"; exit 77; }
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset MAKEFLAGS MFLAGS MAKEOVERRIDES CFLAGS LDFLAGS

make -s -C "$build" DESTDIR="$tmp/root" install-dist_ezincludeHEADERS install-pkgconfigDATA >"$tmp/log" 2>&1 ||
	{ cat "$tmp/log"; exit 1; }
pc=$(find "$tmp/root" -name ezcdc-plugin.pc)
[ -n "$pc" ] || { echo "no ezcdc-plugin.pc was installed"; exit 1; }
# The root stands for /; so every absolute folder in the file lies below it.
sed -i -E "s#^([a-z_]+)=/#\1=$tmp/root/#" "$pc"
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH

[ "$(pkg-config --variable=abi_major ezcdc-plugin)" = 1 ] || { echo "the .pc file does not state the ABI"; exit 1; }
[ -z "$(pkg-config --libs ezcdc-plugin)" ] || { echo "a plugin links with nothing of ours, but the .pc file says so"; exit 1; }

cp -r "$src/examples/null-sink" "$tmp/sample"
chmod -R u+w "$tmp/sample"
lines=$(cat "$tmp/sample/null.c" "$tmp/sample/Makefile" | wc -l)
[ "$lines" -lt 60 ] || { echo "the sample has $lines lines, it promises less than 60"; exit 1; }
make -s -C "$tmp/sample" CC="${CC:-cc}" CFLAGS="-O2 -Wall -Wextra -Werror" install
dir=$(pkg-config --variable=plugindir ezcdc-plugin)
[ "$(nm -D --defined-only "$dir/null.so" | awk '{ print $NF }')" = ez_plugin ] || { echo "exports more than ez_plugin"; exit 1; }

"$build/tests/abi/list_plugins" "$dir" null >"$tmp/out"
if ! grep -q '^null, sink, version 1.0' "$tmp/out" || ! grep -q '^  verbose  (bool)  default: false' "$tmp/out"; then
	cat "$tmp/out"
	exit 1
fi
echo "ok - built, installed and loaded"
