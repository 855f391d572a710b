-- SPDX-License-Identifier: Apache-2.0
-- Documents that the API shows, and what several statements share. Runs at every migration.

create or replace function rfc3339(t timestamptz) returns text language sql immutable as $$
	select to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

create or replace function slot_base(id uuid) returns text language sql immutable as $$
	select 'ezcdc_' || substr(replace(id::text, '-', ''), 1, 12)
$$;

-- Tells every instance: one for event streams, the deployment's long polls with it.
create or replace function tell(kind text, document jsonb) returns void language plpgsql as $$
declare
	number bigint;
begin
	insert into events (type, data) values (kind, document) returning events.id into number;
	perform pg_notify('ezcdc_control', jsonb_build_object('id', number, 'type', kind, 'data', document)::text);
end $$;

-- Its poll has something to look at.
create or replace function wake_worker(w uuid) returns void language sql as $$
	select pg_notify('ezcdc_control', jsonb_build_object('type', 'wake', 'data', jsonb_build_object('worker_id', w))::text);
$$;

-- The set of jobs of a worker has changed: its poll is to be answered.
create or replace function touch_worker(w uuid) returns void language sql as $$
	update workers set set_version = set_version + 1 where id = w;
	select wake_worker(w) where w is not null;
$$;

-- There is something in the deployment that a worker may take.
create or replace function wake_deployment(d uuid) returns void language sql as $$
	select pg_notify('ezcdc_control', jsonb_build_object('type', 'wake', 'data', jsonb_build_object('deployment_id', d))::text);
$$;

-- Gives pending jobs to those of the workers that live, have room and the plugins. The row of a worker is locked first, in the order of
-- ids as everywhere, so that nobody else fills the same room; jobs that somebody else has locked are passed over.
create or replace function claim_jobs(wanted uuid[]) returns void language plpgsql as $$
declare
	candidate uuid;
	w workers;
	room bigint;
	sources text[];
	sinks text[];
	takes_all boolean;
	given int;
begin
	foreach candidate in array (select array_agg(distinct x order by x) from unnest(wanted) x) loop
		continue when not exists (select 1 from jobs j where j.status = 'pending'
			and j.deployment_id = (select deployment_id from workers where id = candidate)
			and (j.pinned_worker_id is null or j.pinned_worker_id = candidate));
		select * into w from workers where id = candidate and status = 'online' and not draining and not stopping
			and seen_at > now() - interval '60 seconds' for no key update;
		continue when not found;
		select w.max_jobs - count(*) into room from jobs where worker_id = w.id;
		continue when room <= 0;
		select array_agg(p.name) filter (where p.kind = 'source'), array_agg(p.name) filter (where p.kind = 'sink'), count(*) = 0
			into sources, sinks, takes_all from worker_plugins p where p.worker_id = w.id;
		with mine as materialized (select j.id from jobs j where j.status = 'pending' and j.deployment_id = w.deployment_id
				and (j.pinned_worker_id is null or j.pinned_worker_id = w.id)
				and (takes_all or exists (select 1 from datasources s where s.id = j.source_id and s.plugin = any (sources))
					and exists (select 1 from datasources s where s.id = j.sink_id and s.plugin = any (sinks)))
				order by j.status_at, j.id limit room for update of j skip locked),
			claimed as (update jobs set status = 'starting', status_at = now(), updated_at = now(), worker_id = w.id,
				epoch = epoch + 1, phase = 'init', report = null, report_sent_at = null, reported_at = null,
				running_since = null where id in (select id from mine) returning id, name, epoch, deployment_id),
			history as (insert into job_events (job_id, event, from_status, to_status, phase, actor, epoch, worker_id)
				select c.id, 'claim', 'pending', 'starting', 'init', 'worker ' || w.name, c.epoch, w.id from claimed c)
			select count(tell('job', jsonb_build_object('job_id', id, 'name', name, 'status', 'starting',
				'deployment_id', deployment_id))::text) into given from claimed;
		if given > 0 then
			perform touch_worker(w.id);
		end if;
	end loop;
end $$;

create or replace function user_doc(u users) returns json language sql stable as $$
	select json_build_object('user_id', u.id, 'name', u.name, 'role', u.role, 'disabled', u.disabled,
		'has_password', u.password is not null, 'created_at', rfc3339(u.created_at), 'last_seen', rfc3339(u.seen_at))
$$;

create or replace function api_token_doc(t api_tokens) returns json language sql stable as $$
	select json_build_object('token_id', t.id, 'name', t.name, 'user_id', t.user_id,
		'user', (select name from users where id = t.user_id), 'created_at', rfc3339(t.created_at),
		'expires_at', rfc3339(t.expires_at), 'last_seen', rfc3339(t.seen_at), 'revoked_at', rfc3339(t.revoked_at))
$$;

create or replace function deployment_doc(d deployments) returns json language sql stable as $$
	select json_build_object('deployment_id', d.id, 'name', d.name, 'created_at', rfc3339(d.created_at),
		'workers', (select count(*) from workers w where w.deployment_id = d.id and w.status <> 'gone'),
		'workers_online', (select count(*) from workers w where w.deployment_id = d.id and w.status = 'online'),
		'jobs', (select count(*) from jobs j where j.deployment_id = d.id and j.status <> 'deleted'))
$$;

create or replace function deployment_token_doc(t deployment_tokens) returns json language sql stable as $$
	select json_build_object('token_id', t.id, 'deployment_id', t.deployment_id, 'created_by', t.created_by,
		'created_at', rfc3339(t.created_at), 'expires_at', rfc3339(t.expires_at), 'last_seen', rfc3339(t.seen_at),
		'revoked_at', rfc3339(t.revoked_at))
$$;

create or replace function worker_doc(w workers) returns json language sql stable as $$
	select json_build_object('worker_id', w.id, 'deployment_id', w.deployment_id,
		'deployment', (select name from deployments where id = w.deployment_id),
		'name', w.name, 'host', w.host, 'version', w.version, 'abi', w.abi, 'status', w.status,
		'draining', w.draining or w.stopping, 'max_jobs', w.max_jobs,
		'jobs', (select count(*) from jobs j where j.worker_id = w.id),
		'plugins', (select coalesce(json_agg(json_build_object('kind', p.kind, 'name', p.name, 'version', p.version) order by p.kind, p.name), '[]')
			from worker_plugins p where p.worker_id = w.id),
		'broken', w.broken, 'address', w.address, 'started_at', rfc3339(w.started_at),
		'created_at', rfc3339(w.created_at), 'last_seen', rfc3339(w.seen_at), 'revoked_at', rfc3339(w.revoked_at))
$$;

create or replace function datasource_doc(s datasources) returns json language sql stable as $$
	select json_build_object('datasource_id', s.id, 'deployment_id', s.deployment_id, 'name', s.name, 'kind', s.kind,
		'plugin', s.plugin, 'config', s.config, 'revision', s.revision,
		'jobs', (select count(*) from jobs j where (j.source_id = s.id or j.sink_id = s.id) and j.status <> 'deleted'),
		'last_test', (select json_build_object('task_id', t.id, 'status', t.status, 'at', rfc3339(coalesce(t.finished_at, t.created_at)),
			'ok', t.result -> 'ok', 'error', t.error,
			-- Failed checks but for those of single tables, which matter only to jobs that take them.
			'failed', (select count(*) from jsonb_array_elements(case jsonb_typeof(t.result -> 'findings') when 'array' then t.result -> 'findings' else '[]' end) f
				where f ->> 'status' = 'failed' and f ->> 'what' <> 'table'))
			from tasks t where t.datasource_id = s.id and t.kind in ('check-source', 'check-sink') order by t.created_at desc limit 1),
		'created_at', rfc3339(s.created_at), 'updated_at', rfc3339(s.updated_at))
$$;

create or replace function job_tables(j jobs) returns json language sql stable as $$
	select coalesce(json_agg(json_build_object('name', t ->> 'name', 'state', t ->> 'state', 'rows', t -> 'rows',
		'estimate', t -> 'estimate', 'estimate_bytes', t -> 'estimate_bytes', 'parts', t -> 'parts', 'parts_done', t -> 'parts_done',
		'changes', t -> 'changes', 'last_change', t -> 'last_change')), '[]')
	from jsonb_array_elements(case jsonb_typeof(j.report -> 'tables') when 'array' then j.report -> 'tables' else '[]' end) t
$$;

create or replace function job_metrics_doc(j jobs) returns json language sql stable as $$
	select coalesce((select json_build_object('at', rfc3339(m.at), 'rows_total', m.rows_total, 'rows_per_second', m.rows_per_second,
			'bytes_per_second', m.bytes_per_second, 'lag_bytes', m.lag_bytes, 'lag_ms', m.lag_ms, 'queue_bytes', m.queue_bytes,
			'retained_bytes', m.retained_bytes, 'safe_bytes', m.safe_bytes, 'dead_letters', m.dead_letters,
			'rss_bytes', m.rss_bytes, 'cpu_percent', m.cpu_percent, 'flush_p99_ms', m.flush_p99_ms)
		from job_metrics m where m.job_id = j.id and m.step = 10 order by m.at desc limit 1),
		'{"rows_total":null,"rows_per_second":null,"lag_bytes":null,"lag_ms":null}'::json)
$$;

-- Why nobody has taken a pending job yet; null when it is not pending or somebody could.
create or replace function job_waits_for(j jobs) returns text language sql stable as $$
	with w as (select *, (select count(*) from jobs o where o.worker_id = workers.id) as busy from workers
			where deployment_id = j.deployment_id and status = 'online' and not draining and not stopping
			and (j.pinned_worker_id is null or id = j.pinned_worker_id)),
		able as (select * from w where not exists (select 1 from datasources s where s.id in (j.source_id, j.sink_id)
			and not exists (select 1 from worker_plugins p where p.worker_id = w.id and p.kind = s.kind and p.name = s.plugin)))
	select case when j.status <> 'pending' then null
		when not exists (select 1 from w) and j.pinned_worker_id is not null then 'the worker that the job is pinned to is not online'
		when not exists (select 1 from w) then 'no worker of the deployment is online'
		when not exists (select 1 from able) then 'no worker that is online has the plugins'
		when not exists (select 1 from able where busy < max_jobs) then 'all workers are full' end
$$;

-- What a list shows.
create or replace function job_line(j jobs) returns jsonb language sql stable as $$
	select jsonb_build_object('job_id', j.id, 'name', j.name, 'status', j.status, 'desired', j.desired, 'phase', j.phase,
		'deployment_id', j.deployment_id, 'worker_id', j.worker_id,
		'worker', (select name from workers where id = j.worker_id),
		'source_id', j.source_id, 'source', (select name from datasources where id = j.source_id),
		'sink_id', j.sink_id, 'sink', (select name from datasources where id = j.sink_id),
		'epoch', j.epoch, 'revision', j.revision, 'error', j.error, 'exit_code', j.exit_code, 'tries', j.tries,
		'retry_at', rfc3339(j.retry_at), 'waits_for', job_waits_for(j), 'metrics', job_metrics_doc(j), 'slot', slot_base(j.id),
		'status_since', rfc3339(j.status_at), 'created_by', j.created_by,
		'created_at', rfc3339(j.created_at), 'updated_at', rfc3339(j.updated_at))
$$;

create or replace function job_doc(j jobs) returns json language sql stable as $$
	select (job_line(j) || jsonb_build_object('pinned_worker_id', j.pinned_worker_id, 'spec', j.spec, 'tables', job_tables(j)::jsonb,
		'positions', j.report -> 'positions', 'reported_at', rfc3339(j.reported_at)))::json
$$;

create or replace function job_event_doc(e job_events) returns json language sql stable as $$
	select json_build_object('id', e.id, 'at', rfc3339(e.at), 'event', e.event, 'from', e.from_status, 'to', e.to_status,
		'phase', e.phase, 'actor', e.actor, 'epoch', e.epoch, 'worker_id', e.worker_id, 'message', e.message)
$$;

create or replace function task_doc(t tasks) returns json language sql stable as $$
	select json_build_object('task_id', t.id, 'kind', t.kind, 'status', t.status, 'datasource_id', t.datasource_id, 'job_id', t.job_id,
		'worker_id', t.worker_id, 'result', t.result, 'error', t.error, 'created_at', rfc3339(t.created_at),
		'finished_at', rfc3339(t.finished_at))
$$;

-- What the audit log calls a thing that its action does not name.
create or replace function object_name(kind text, key text) returns text language sql stable as $$
	select case kind when 'datasource' then (select s.name from datasources s where s.id::text = key) when 'job' then (select j.name from jobs j where j.id::text = key)
		when 'deployment' then (select d.name from deployments d where d.id::text = key) when 'worker' then (select w.name from workers w where w.id::text = key) end
$$;

create or replace function audit_doc(a audit) returns json language sql stable as $$
	select json_build_object('id', a.id, 'at', rfc3339(a.at), 'actor', a.actor, 'actor_id', a.actor_id, 'address', a.address,
		'action', a.action, 'object_type', a.object_type, 'object_id', a.object_id, 'object_name', a.object_name, 'details', a.details)
$$;

create or replace function alert_channel_doc(c alert_channels) returns json language sql stable as $$
	select json_build_object('channel_id', c.id, 'name', c.name, 'kind', c.kind, 'host', c.host, 'created_at', rfc3339(c.created_at),
		'last_delivery', (select json_build_object('at', rfc3339(d.done_at), 'tries', d.tries, 'error', d.error)
			from deliveries d where d.channel_id = c.id order by d.id desc limit 1))
$$;

create or replace function alert_rule_doc(r alert_rules) returns json language sql stable as $$
	select json_build_object('rule_id', r.id, 'name', r.name, 'kind', r.kind, 'threshold', r.threshold, 'for_seconds', r.for_seconds,
		'job_id', r.job_id, 'channel_id', r.channel_id, 'enabled', r.enabled, 'created_at', rfc3339(r.created_at))
$$;

create or replace function alert_doc(a alerts) returns json language sql stable as $$
	select json_build_object('alert_id', a.id, 'rule_id', a.rule_id, 'rule', (select name from alert_rules where id = a.rule_id),
		'subject', a.subject, 'subject_name', a.subject_name, 'message', a.message, 'value', a.value, 'status', a.status,
		'since', rfc3339(a.since), 'fired_at', rfc3339(a.fired_at), 'resolved_at', rfc3339(a.resolved_at))
$$;

-- A length of time for people.
create or replace function span_text(ms double precision) returns text language sql immutable as $$
	select case when ms < 1000 then round(ms) || ' ms' when ms < 60000 then round(ms / 1000) || ' s'
		when ms < 3600000 then round(ms / 60000) || ' min' else round(ms::numeric / 3600000, 1) || ' h' end
$$;

-- What each rule finds wrong right now.
create or replace function breaches() returns table (rule_id uuid, subject uuid, subject_name text, value double precision, message text)
language sql stable as $$
	with j as (select j.*, m.lag_ms, m.lag_bytes, m.retained_bytes, m.safe_bytes, m.dead_letters,
			m.at > now() - interval '2 minutes' as fresh
		from jobs j left join lateral (select * from job_metrics x where x.job_id = j.id and x.step = 10 order by x.at desc limit 1) m on true
		where j.status <> 'deleted'),
	found as (
		select r.id, j.id as subject, j.name, 1::double precision as value, 'the job ' || j.name || ' has failed: ' || coalesce(left(j.error, 500), 'no reason given') as message
			from alert_rules r join j on r.kind = 'job_failed' and j.status = 'failed' and (r.job_id is null or r.job_id = j.id) where r.enabled
		union all select r.id, j.id, j.name, j.lag_ms, 'the job ' || j.name || ' is ' || span_text(j.lag_ms) || ' behind its source'
			from alert_rules r join j on r.kind = 'lag_ms' and j.fresh and j.lag_ms > r.threshold and (r.job_id is null or r.job_id = j.id) where r.enabled
		union all select r.id, j.id, j.name, j.lag_bytes, 'the job ' || j.name || ' is ' || pg_size_pretty(round(j.lag_bytes)::bigint) || ' behind its source'
			from alert_rules r join j on r.kind = 'lag_bytes' and j.fresh and j.lag_bytes > r.threshold and (r.job_id is null or r.job_id = j.id) where r.enabled
		union all select r.id, j.id, j.name, 100 * j.retained_bytes / (j.retained_bytes + j.safe_bytes),
				'the source keeps ' || pg_size_pretty(round(j.retained_bytes)::bigint) || ' of WAL for the job ' || j.name || ', ' || round(100 * j.retained_bytes / (j.retained_bytes + j.safe_bytes))::int || ' % of its limit'
			from alert_rules r join j on r.kind = 'retained_percent' and j.safe_bytes >= 0 and j.retained_bytes + j.safe_bytes > 0
				and 100 * j.retained_bytes / (j.retained_bytes + j.safe_bytes) > r.threshold and (r.job_id is null or r.job_id = j.id) where r.enabled
		union all select r.id, j.id, j.name, j.dead_letters, 'the job ' || j.name || ' has put ' || round(j.dead_letters)::bigint || ' rows aside'
			from alert_rules r join j on r.kind = 'dead_letters' and j.dead_letters > r.threshold and (r.job_id is null or r.job_id = j.id) where r.enabled
		union all select r.id, j.id, j.name, extract(epoch from now() - greatest(j.reported_at, j.status_at)),
				'nothing was heard of the job ' || j.name || ' since ' || rfc3339(greatest(j.reported_at, j.status_at))
			from alert_rules r join j on r.kind = 'no_progress' and j.status in ('pending', 'starting', 'running')
				and greatest(j.reported_at, j.status_at) < now() - make_interval(secs => greatest(r.threshold, 60)) and (r.job_id is null or r.job_id = j.id) where r.enabled
		union all select r.id, w.id, w.name, 1, 'the worker ' || w.name || ' was lost, last heard of at ' || rfc3339(w.seen_at)
			from alert_rules r join workers w on r.kind = 'worker_lost' and w.status = 'lost' and w.revoked_at is null where r.enabled)
	select id, found.subject, name, found.value, found.message from found
$$;

-- How many workers each deployment has and should have. Jobs that are pinned wait for their own worker, which no other replaces; an open
-- task needs one worker. Workers are alike: what they hold on average now, or the last one held. `must` is what the jobs need that are held.
create or replace function deployment_scale(headroom int)
returns table (deployment_id uuid, name text, serving int, draining int, wanted int, must int) language sql stable as $$
	with w as (select d.id, d.name, (select count(*) from workers x where x.deployment_id = d.id and x.status = 'online' and x.draining and not x.stopping) as draining,
			s.n as serving, coalesce(s.room, (select greatest(x.max_jobs, 1) from workers x where x.deployment_id = d.id order by x.seen_at desc limit 1), 10) as room
		from deployments d cross join lateral (select count(*) as n, avg(greatest(x.max_jobs, 1)) as room from workers x
			where x.deployment_id = d.id and x.status = 'online' and not x.draining and not x.stopping) s),
	j as (select w.id, count(j.worker_id) as held, count(j.id) filter (where j.worker_id is not null or j.pinned_worker_id is null) as load,
			exists (select 1 from tasks t where t.deployment_id = w.id and t.status in ('pending', 'running')) as asked
		from w left join jobs j on j.deployment_id = w.id and (j.status in ('pending', 'starting', 'running', 'paused')
			or j.status = 'failed' and j.retry_at is not null and j.desired <> 'stopped') group by w.id)
	select w.id, w.name, w.serving::int, w.draining::int, greatest(ceil((j.load + headroom) / w.room::numeric), j.asked::int)::int, ceil(j.held / w.room::numeric)::int
	from w join j using (id)
$$;
