-- SPDX-License-Identifier: Apache-2.0
-- Rows that change every few seconds leave room in their pages: the new version then stands beside the old one, and no index is touched.

alter table workers set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 500);
alter table jobs set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 500);

-- What there is to claim, the oldest first.
create index jobs_pending on jobs (deployment_id, status_at, id) where status = 'pending';
-- What is to be tried again.
create index jobs_retry on jobs (retry_at) where status = 'failed';

-- Set when no instance could be heard for a while: no worker is taken for lost before.
alter table instances add column patient_until timestamptz;
