#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Users over HTTP: passwords, the right to INSERT, and what each kind of node says without it.

# shellcheck source=tests/starrocks-server/lib.sh
. "$(dirname "$0")/lib.sh"

sr_start --fe=2 --be=1
table t
table u
sr_sql "create user 'cdc'@'%' identified by 'pw'" >/dev/null
cdc=(-u cdc:pw)

load fe0 shop t a '1,x,1\n' "${cdc[@]}"
code 401
says msg "Access denied for user 'cdc'@'%'. Please ask the admin to grant permission(s)"
load fe0 shop t a '1,x,1\n' -u cdc:wrong
code 401
says msg 'Access denied for user@'
load fe0 shop t a '1,x,1\n' -u nobody:pw
code 401
load be0 shop t a '1,x,1\n' "${cdc[@]}"
is Status Fail Message 'Access denied; you need (at least one of) the INSERT privilege(s) for this operation'
load be0 shop t a '1,x,1\n' -u cdc:wrong
is Status Fail
says Message 'Access denied for user@'
ok "without the right to INSERT there is no Stream Load"

txn begin fe0 b -H 'table: t' "${cdc[@]}"
code 401
txn begin be0 b -H 'table: t' "${cdc[@]}"
is Status ANALYSIS_ERROR
says Message 'INSERT privilege(s)'
txn begin fe0 m -H 'transaction_type: multi' "${cdc[@]}"
is Status OK
txn_load fe0 m t '1,x,1\n' -H 'transaction_type: multi' "${cdc[@]}"
code 401
txn_load be0 m t '1,x,1\n' -H 'transaction_type: multi' "${cdc[@]}"
says Message 'INSERT privilege(s)'
ok "nor a transaction"

sr_sql "grant insert on table shop.t to user 'cdc'@'%'" >/dev/null
load fe0 shop t a '1,x,1\n' "${cdc[@]}"
code 307
load be0 shop t a '1,x,1\n' "${cdc[@]}"
is Status Success
load fe0 shop u a '1,x,1\n' "${cdc[@]}"
code 401
sr_sql "revoke insert on table shop.t from user 'cdc'@'%'" >/dev/null
load be0 shop t c '2,x,1\n' "${cdc[@]}"
is Status Fail
sr_sql "create role loader" "grant insert on all tables in database shop to role loader" "grant loader to user 'cdc'@'%'" >/dev/null
load fe0 shop u d '1,x,1\n' "${cdc[@]}"
code 401
says msg 'Inactivated role(s): loader'
sr_sql "set default role all to 'cdc'@'%'" >/dev/null
load fe0 shop u d '1,x,1\n' "${cdc[@]}"
code 307
ok "rights come and go, by themselves and by roles"

sr_violations
sr_stop
