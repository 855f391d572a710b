-- SPDX-License-Identifier: Apache-2.0
-- Everything lives in the schema control, which migrate makes.

create table users (
	id uuid primary key default gen_random_uuid(),
	name text not null unique,
	role text not null check (role in ('viewer', 'operator', 'admin')),
	password text,
	disabled boolean not null default false,
	created_at timestamptz not null default now(),
	seen_at timestamptz
);

create table sessions (
	hash text primary key,
	user_id uuid not null references users on delete cascade,
	address text,
	created_at timestamptz not null default now(),
	seen_at timestamptz not null default now(),
	expires_at timestamptz not null
);
create index on sessions (user_id);

create table setup_tokens (
	hash text primary key,
	expires_at timestamptz not null
);

create table api_tokens (
	id uuid primary key default gen_random_uuid(),
	user_id uuid not null references users on delete cascade,
	name text not null default '',
	hash text not null unique,
	created_at timestamptz not null default now(),
	expires_at timestamptz,
	seen_at timestamptz,
	revoked_at timestamptz
);

create table deployments (
	id uuid primary key default gen_random_uuid(),
	name text not null unique,
	created_at timestamptz not null default now()
);

create table deployment_tokens (
	id uuid primary key default gen_random_uuid(),
	deployment_id uuid not null references deployments on delete cascade,
	hash text not null unique,
	created_by text,
	created_at timestamptz not null default now(),
	expires_at timestamptz,
	seen_at timestamptz,
	revoked_at timestamptz
);

create table workers (
	id uuid primary key default gen_random_uuid(),
	deployment_id uuid not null references deployments on delete cascade,
	instance uuid not null,
	name text not null,
	host text,
	version text,
	abi text,
	max_jobs int not null default 10,
	jobs int not null default 0,
	hash text not null unique,
	address text,
	started_at timestamptz,
	broken jsonb not null default '[]',
	status text not null default 'online' check (status in ('online', 'lost', 'gone')),
	draining boolean not null default false,
	stopping boolean not null default false,
	revoked_at timestamptz,
	-- Rises with every change of the set of jobs that this worker shall run.
	set_version bigint not null default 1,
	created_at timestamptz not null default now(),
	seen_at timestamptz not null default now(),
	unique (deployment_id, instance)
);

create table worker_plugins (
	worker_id uuid not null references workers on delete cascade,
	kind text not null,
	name text not null,
	version text,
	document jsonb not null,
	primary key (worker_id, kind, name)
);

create table datasources (
	id uuid primary key default gen_random_uuid(),
	deployment_id uuid not null references deployments,
	name text not null,
	kind text not null check (kind in ('source', 'sink')),
	plugin text not null,
	-- Secrets stand here as {"set": true} only; their values in secrets.
	config jsonb not null,
	revision bigint not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	unique (deployment_id, name)
);

create table secrets (
	owner uuid not null,
	name text not null,
	key_id text not null,
	sealed bytea not null,
	primary key (owner, name)
);
create index on secrets (key_id);

create table jobs (
	id uuid primary key default gen_random_uuid(),
	name text not null,
	deployment_id uuid not null references deployments,
	source_id uuid not null references datasources,
	sink_id uuid not null references datasources,
	pinned_worker_id uuid references workers on delete set null,
	spec jsonb not null,
	status text not null check (status in
		('created', 'pending', 'starting', 'running', 'paused', 'failed', 'stopped', 'deleted')),
	desired text not null default 'running' check (desired in ('running', 'paused', 'stopped')),
	phase text,
	worker_id uuid references workers on delete set null,
	epoch bigint not null default 0,
	revision bigint not null default 1,
	error text,
	exit_code int,
	tries int not null default 0,
	retry_at timestamptz,
	reported_at timestamptz,
	-- By the worker's clock: older messages are passed over.
	report_sent_at timestamptz,
	report jsonb,
	running_since timestamptz,
	created_by text,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	status_at timestamptz not null default now()
);
create unique index on jobs (deployment_id, name) where status <> 'deleted';
-- Slot, publication and labels carry these digits.
create unique index on jobs (substr(replace(id::text, '-', ''), 1, 12));
create index on jobs (worker_id);
create index on jobs (status);
create index on jobs (source_id);
create index on jobs (sink_id);

create table job_events (
	id bigserial primary key,
	job_id uuid not null references jobs on delete cascade,
	at timestamptz not null default now(),
	event text not null,
	from_status text,
	to_status text,
	phase text,
	actor text not null,
	epoch bigint,
	worker_id uuid,
	message text
);
create index on job_events (job_id, id);
create index on job_events (at);

-- step: seconds that a row stands for; 10 as reported, then 60 and 3600.
create table job_metrics (
	job_id uuid not null references jobs on delete cascade,
	step int not null,
	at timestamptz not null,
	rows_total bigint,
	rows_per_second double precision,
	bytes_per_second double precision,
	lag_bytes double precision,
	lag_ms double precision,
	queue_bytes double precision,
	retained_bytes double precision,
	safe_bytes double precision,
	dead_letters double precision,
	rss_bytes double precision,
	cpu_percent double precision,
	flush_p99_ms double precision,
	primary key (job_id, step, at)
);
create index on job_metrics (step, at);

create table tasks (
	id uuid primary key default gen_random_uuid(),
	deployment_id uuid not null references deployments on delete cascade,
	kind text not null,
	status text not null default 'pending' check (status in ('pending', 'running', 'succeeded', 'failed')),
	datasource_id uuid references datasources on delete cascade,
	job_id uuid references jobs on delete cascade,
	-- Only this worker may take it.
	wanted_worker_id uuid references workers on delete cascade,
	worker_id uuid references workers on delete set null,
	spec jsonb not null default '{}',
	timeout_seconds int not null default 60,
	result jsonb,
	error text,
	created_by text,
	created_at timestamptz not null default now(),
	claimed_at timestamptz,
	finished_at timestamptz
);
create index on tasks (deployment_id) where status in ('pending', 'running');
create index on tasks (datasource_id, created_at);
create index on tasks (created_at);

create table events (
	id bigserial primary key,
	at timestamptz not null default now(),
	type text not null,
	data jsonb not null
);
create index on events (at);

create table audit (
	id bigserial primary key,
	at timestamptz not null default now(),
	actor text not null,
	actor_id uuid,
	address text,
	action text not null,
	object_type text,
	object_id text,
	object_name text,
	details jsonb not null default '{}'
);
create index on audit (at);

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
	raise exception 'the audit log is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete or truncate on audit
	for each statement execute function audit_is_append_only();

create table alert_channels (
	id uuid primary key default gen_random_uuid(),
	name text not null unique,
	kind text not null check (kind in ('webhook')),
	-- The address and the key that signs may hold secrets: both stand in secrets.
	host text not null,
	created_at timestamptz not null default now()
);

create table alert_rules (
	id uuid primary key default gen_random_uuid(),
	name text not null unique,
	kind text not null check (kind in
		('job_failed', 'lag_ms', 'lag_bytes', 'retained_percent', 'dead_letters', 'worker_lost', 'no_progress')),
	threshold double precision not null default 0,
	for_seconds int not null default 0,
	job_id uuid references jobs on delete cascade,
	channel_id uuid references alert_channels on delete set null,
	enabled boolean not null default true,
	created_at timestamptz not null default now()
);

create table alerts (
	id uuid primary key default gen_random_uuid(),
	rule_id uuid references alert_rules on delete cascade,
	subject uuid not null,
	subject_name text not null,
	message text not null,
	value double precision,
	-- pending until it has lasted as long as its rule says
	status text not null check (status in ('pending', 'firing', 'resolved')),
	since timestamptz not null default now(),
	fired_at timestamptz,
	resolved_at timestamptz,
	created_at timestamptz not null default now()
);
create unique index on alerts (rule_id, subject) where status <> 'resolved';
create index on alerts (created_at);

create table deliveries (
	id bigserial primary key,
	alert_id uuid not null references alerts on delete cascade,
	channel_id uuid not null references alert_channels on delete cascade,
	body text not null,
	tries int not null default 0,
	next_at timestamptz not null default now(),
	done_at timestamptz,
	error text
);
create index on deliveries (next_at) where done_at is null;

create table instances (
	id uuid primary key,
	address text,
	version text,
	key_ids text[] not null,
	started_at timestamptz not null default now(),
	seen_at timestamptz not null default now()
);
