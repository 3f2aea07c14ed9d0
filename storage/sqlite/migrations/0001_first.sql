-- The first schema. A migration that has been released is never edited; schema.sql is the present whole.

create table meta (
  key text primary key,
  value text not null
) strict, without rowid;

-- How many rows of each signal are kept (traces: spans; metrics: points), so that nobody has to count them.
create table row_counts (
  signal text primary key,
  rows integer not null
) strict, without rowid;
insert into row_counts values ('traces', 0), ('logs', 0), ('metrics', 0);

-- One row for each distinct resource (attributes in any order are the same resource). attributes is null where the sender
-- sent no resource at all.
create table resources (
  id integer primary key,
  hash text not null unique,
  service_name text,
  service_namespace text,
  service_version text,
  service_instance_id text,
  environment text,
  host_name text,
  attributes text,
  dropped_attributes_count integer not null default 0,
  entity_refs text,
  schema_url text
) strict;
create index resources_service_name on resources (service_name);

create table scopes (
  id integer primary key,
  hash text not null unique,
  name text,
  version text,
  attributes text,
  dropped_attributes_count integer not null default 0,
  schema_url text
) strict;

-- One row a trace, kept up to date as spans arrive in any order. key is dense and grows with time, so that spans are found
-- and kept unique by (key, span_id): appending to that index costs a tenth of what random trace ids would.
create table traces (
  key integer primary key,
  trace_id text not null unique,
  start_time integer not null,
  end_time integer not null,
  span_count integer not null,
  error_count integer not null,
  root_span_id text,
  root_name text,
  root_service text,
  services text not null
) strict;
create index traces_start_time on traces (start_time);
create index traces_failed on traces (start_time) where error_count > 0;

create table trace_services (
  service_name text not null,
  start_time integer not null,
  trace_key integer not null,
  primary key (service_name, start_time, trace_key)
) strict, without rowid;

-- The trace id is not repeated in every row (33 of 650 bytes): the view `spans` has it.
create table span_rows (
  id integer primary key,
  trace_key integer not null,
  resource_id integer not null,
  scope_id integer not null,
  span_id text not null,
  parent_span_id text,
  name text not null,
  kind integer not null,
  start_time integer not null,
  end_time integer not null,
  status_code integer,
  status_message text,
  trace_state text,
  flags integer not null,
  attributes text not null,
  events text,
  links text,
  dropped_attributes_count integer not null,
  dropped_events_count integer not null,
  dropped_links_count integer not null,
  duration integer generated always as (max(end_time - start_time, 0)) virtual
) strict;
create unique index span_rows_identity on span_rows (trace_key, span_id);

create view spans as
  select span_rows.id, traces.trace_id, span_rows.span_id, span_rows.parent_span_id, span_rows.name, span_rows.kind,
    span_rows.start_time, span_rows.end_time, span_rows.duration, span_rows.status_code, span_rows.status_message,
    span_rows.trace_state, span_rows.flags, span_rows.attributes, span_rows.events, span_rows.links,
    span_rows.dropped_attributes_count, span_rows.dropped_events_count, span_rows.dropped_links_count,
    span_rows.trace_key, span_rows.resource_id, span_rows.scope_id
  from span_rows join traces on traces.key = span_rows.trace_key;

create table logs (
  id integer primary key,
  resource_id integer not null,
  scope_id integer not null,
  time integer not null,
  time_unix_nano integer not null,
  observed_time_unix_nano integer not null,
  severity_number integer not null,
  severity_text text,
  body text,
  body_type text,
  event_name text,
  trace_id text,
  span_id text,
  flags integer not null,
  attributes text not null,
  dropped_attributes_count integer not null,
  record_uid text
) strict;
create index logs_trace on logs (trace_id) where trace_id is not null;
create unique index logs_record_uid on logs (record_uid) where record_uid is not null;

create virtual table logs_text using fts5 (body, content = 'logs', content_rowid = 'id', tokenize = 'unicode61');

-- Digests of log requests already kept, so that a request sent again is recognised.
create table log_requests (
  digest text primary key,
  received_time integer not null
) strict, without rowid;
create index log_requests_received on log_requests (received_time);

-- Rows of a table that were stored one after the other (id from first_id to last_id), with the time they cover and the
-- hashes of what can be searched in them. A search skips the blocks that cannot hold an answer.
create table blocks (
  id integer primary key,
  table_name text not null,
  first_id integer not null,
  last_id integer not null,
  min_time integer not null,
  max_time integer not null,
  received_time integer not null
) strict;
create index blocks_max_time on blocks (table_name, max_time, min_time, first_id, last_id);
create unique index blocks_rows on blocks (table_name, last_id);
create table block_hashes (
  block_id integer primary key,
  hashes blob not null
) strict;

create table operations (
  id integer primary key,
  service_name text not null,
  name text not null,
  kind integer not null,
  unique (service_name, name, kind)
) strict;

-- Latency of an operation within a minute and an hour of span start: times in ns, buckets as storage/histogram.py packs them.
create table latency_minutes (
  minute integer not null,
  operation_id integer not null,
  count integer not null,
  error_count integer not null,
  sum real not null,
  min integer not null,
  max integer not null,
  buckets blob not null,
  primary key (minute, operation_id)
) strict, without rowid;
create table latency_hours (
  hour integer not null,
  operation_id integer not null,
  count integer not null,
  error_count integer not null,
  sum real not null,
  min integer not null,
  max integer not null,
  buckets blob not null,
  primary key (hour, operation_id)
) strict, without rowid;

-- The same of a service as a whole, under its operation without a name of kind -1: a day of percentiles by service reads some
-- hundred cells here instead of ten thousand there.
create table service_minutes (
  minute integer not null,
  operation_id integer not null,
  count integer not null,
  error_count integer not null,
  sum real not null,
  min integer not null,
  max integer not null,
  buckets blob not null,
  primary key (minute, operation_id)
) strict, without rowid;
create table service_hours (
  hour integer not null,
  operation_id integer not null,
  count integer not null,
  error_count integer not null,
  sum real not null,
  min integer not null,
  max integer not null,
  buckets blob not null,
  primary key (hour, operation_id)
) strict, without rowid;

create table metric_streams (
  id integer primary key,
  resource_id integer not null,
  scope_id integer not null,
  hash text not null unique,
  name text not null,
  description text,
  unit text,
  type text not null,
  temporality integer,
  monotonic integer,
  metadata text,
  attributes text not null
) strict;
create index metric_streams_name on metric_streams (name);

create table metric_points (
  stream_id integer not null,
  time integer not null,
  start_time integer not null,
  flags integer not null,
  value any,
  count any,
  sum any,
  min any,
  max any,
  data text,
  exemplars text,
  primary key (stream_id, time)
) strict, without rowid;

create view span_attributes (span_id, trace_id, key, value, type) as
  select spans.span_id, spans.trace_id, entry.key, entry.value, entry.type
  from spans, json_each(spans.attributes) as entry;

create view log_attributes (log_id, key, value, type) as
  select logs.id, entry.key, entry.value, entry.type
  from logs, json_each(logs.attributes) as entry;

-- Everything that happened at a moment and has a name: log records with an event name, and the events of spans.
create view events (time, name, trace_id, span_id, attributes, body, source) as
  select time, event_name, trace_id, span_id, attributes, body, 'log' from logs where event_name is not null
  union all
  select entry.value ->> 'time', entry.value ->> 'name', spans.trace_id, spans.span_id, entry.value -> 'attributes', null, 'span'
  from spans, json_each(spans.events) as entry where spans.events is not null;
