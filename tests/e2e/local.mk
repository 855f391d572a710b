# SPDX-License-Identifier: Apache-2.0
#
# Against real servers: each test starts its own and ends it.

E2E_TESTS = \
	tests/e2e/bad_input.sh \
	tests/e2e/barriers.sh \
	tests/e2e/chaos.sh \
	tests/e2e/compression_and_rotation.sh \
	tests/e2e/control_and_worker.sh \
	tests/e2e/csv_per_table.sh \
	tests/e2e/dead_letters.sh \
	tests/e2e/encodings.sh \
	tests/e2e/failover.sh \
	tests/e2e/failover_slots.sh \
	tests/e2e/fenced_workers.sh \
	tests/e2e/full_disk.sh \
	tests/e2e/huge_field.sh \
	tests/e2e/idle_cost.sh \
	tests/e2e/interleaved_transactions.sh \
	tests/e2e/keys_change.sh \
	tests/e2e/killed_at_points.sh \
	tests/e2e/killed_at_random.sh \
	tests/e2e/large_values_unchanged.sh \
	tests/e2e/latency.sh \
	tests/e2e/lost_slots.sh \
	tests/e2e/memory.sh \
	tests/e2e/messages.sh \
	tests/e2e/network_cuts.sh \
	tests/e2e/odd_names.sh \
	tests/e2e/partitions.sh \
	tests/e2e/pause_resume_stop.sh \
	tests/e2e/replica_identities.sh \
	tests/e2e/rewrite_during_snapshot.sh \
	tests/e2e/row_filters_and_column_lists.sh \
	tests/e2e/sample_sink.sh \
	tests/e2e/schema_changes.sh \
	tests/e2e/server_majors.sh \
	tests/e2e/server_restart.sh \
	tests/e2e/sigterm_drains.sh \
	tests/e2e/slow_commits.sh \
	tests/e2e/snapshot_then_stream.sh \
	tests/e2e/stalled_sink.sh \
	tests/e2e/starrocks_ddl.sh \
	tests/e2e/starrocks_bad_rows.sh \
	tests/e2e/starrocks_faults.sh \
	tests/e2e/starrocks_faults_labels.sh \
	tests/e2e/starrocks_https.sh \
	tests/e2e/starrocks_killed.sh \
	tests/e2e/starrocks_killed_labels.sh \
	tests/e2e/starrocks_mixed.sh \
	tests/e2e/starrocks_rights.sh \
	tests/e2e/starrocks_memory.sh \
	tests/e2e/starrocks_renames.sh \
	tests/e2e/starrocks_swaps.sh \
	tests/e2e/starrocks_tables.sh \
	tests/e2e/starrocks_traps.sh \
	tests/e2e/starrocks_types.sh \
	tests/e2e/starrocks_verify.sh \
	tests/e2e/starrocks_outage.sh \
	tests/e2e/store_postgres.sh \
	tests/e2e/streamed_transactions.sh \
	tests/e2e/table_widths.sh \
	tests/e2e/tools.sh \
	tests/e2e/transforms.sh \
	tests/e2e/truncates.sh \
	tests/e2e/types_are_exact.sh \
	tests/e2e/worker_adopts.sh \
	tests/e2e/worker_control_plane.sh \
	tests/e2e/worker_jobs.sh \
	tests/e2e/worker_outage.sh
TESTS += $(E2E_TESTS)
TRAPS = \
	tests/data/traps/columns.sql \
	tests/data/traps/encoding.sql \
	tests/data/traps/filters.sql \
	tests/data/traps/identities.sql \
	tests/data/traps/inserts_only.sql \
	tests/data/traps/keys.sql \
	tests/data/traps/large_values.sql \
	tests/data/traps/leaves.sql \
	tests/data/traps/many_rows.sql \
	tests/data/traps/messages.sql \
	tests/data/traps/names.sql \
	tests/data/traps/partitions.sql \
	tests/data/traps/prepared.sql \
	tests/data/traps/subtransactions.sql \
	tests/data/traps/table_names.sql \
	tests/data/traps/texts.sql \
	tests/data/traps/truncates.sql \
	tests/data/traps/widths.sql
EXTRA_DIST += $(TRAPS) tests/testkit/traps.py
EXTRA_DIST += $(E2E_TESTS) tests/e2e/.shellcheckrc tests/e2e/starrocks_types.py tests/e2e/types.tsv tests/e2e/types_check.py

# The demonstration belongs to nobody's tests, but into the tarball.
EXTRA_DIST += demo/run demo/file.sh demo/platform.sh demo/progress.py demo/shop.sql demo/starrocks.sh demo/traffic.sql
