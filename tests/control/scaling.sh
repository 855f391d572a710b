#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# How many workers are wanted, and Auto Scaling groups that follow: two instances, of which one has credentials in a file, the
# other a role.

. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/control/lib.sh
. "$EZ_SRC/tests/control/lib.sh"

control_catalog
AWS_PORT=$(pg_free_port)
export AWS_PORT
url=http://127.0.0.1:$AWS_PORT
groups="headroom = 1;
scaling = ({ deployment = \"a \\\"b\\\"\"; group = \"workers/a b&c\"; region = \"eu-test-1\"; endpoint = \"$url\"; min = 1; max = 4; cooldown = 1; });"

step "settings that are wrong"
# refused TEXT SETTINGS
refused() {
	local rc=0
	printf 'catalog = "x";\n%s\n' "$2" >"$T/wrong.conf"
	"$EZ_BUILD/ezcdc-control" --config="$T/wrong.conf" >"$T/out" 2>&1 || rc=$?
	[ "$rc" = 78 ] || fail "it took: $2"
	grep -qF -- "$1" "$T/out" || fail "no '$1' for $2: $(cat "$T/out")"
}
refused "must be a list" 'scaling = { group = "g"; };'
refused "needs deployment, group and region" 'scaling = ({ deployment = "d"; group = "g"; });'
refused "is not a region's name" 'scaling = ({ deployment = "d"; group = "g"; region = "x.example.com/"; });'
refused "max is below min" 'scaling = ({ deployment = "d"; group = "g"; region = "r"; min = 3; max = 2; });'
refused "must be an https URL" 'scaling = ({ deployment = "d"; group = "g"; region = "r"; endpoint = "http://example.com"; });'
refused "is not known here" 'scaling = ({ deployment = "d"; nonsense = 1; });'
refused "range" 'headroom = -1;'

step "groups follow"
printf '[other]\naws_access_key_id = AKOTHER\n[default]\naws_access_key_id = AKFILE\naws_secret_access_key = file/secret+1\n' >"$T/credentials"
control_config main "$groups aws = { credentials_file = \"$T/credentials\"; };"
control_config second "$groups aws = { metadata = \"$url\"; };"
control_start main
control_admin
control_start second
export SECOND_PID=${CONTROL_PID[second]}
python3 "$EZ_SRC/tests/control/scaling.py"
control_stop second
