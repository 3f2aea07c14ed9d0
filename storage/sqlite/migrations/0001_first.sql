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

-- Who sent log records and metric points, and the first and last time these tell of. Spans are known from the roll-ups.
create table service_signals (
  service_name text not null,
  signal text not null,
  first_seen integer not null,
  last_seen integer not null,
  received_time integer not null,
  primary key (service_name, signal)
) strict, without rowid;

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

-- What agents did: one row an event, however many spans and log records tell of it. Rows are a function of the spans and logs
-- that are kept; the views llm_calls, tool_calls, agent_runs and user_turns show them with their names instead of numbers.
create table agents (
  key integer primary key,
  name text not null unique
) strict;

create table users (
  key integer primary key,
  name text not null unique
) strict;

-- A trace that names no session is a session of its own, with no facts stated. Sums are of the events that count.
create table sessions (
  key integer primary key,
  session_id text not null unique,
  facts integer not null default 0,
  first_time integer not null default 9223372036854775807,
  last_time integer not null default 0,
  turns integer not null default 0,
  runs integer not null default 0,
  llm_calls integer not null default 0,
  tool_calls integer not null default 0,
  failed integer not null default 0,
  input_tokens integer not null default 0,
  output_tokens integer not null default 0,
  cache_read_tokens integer not null default 0,
  cache_write_tokens integer not null default 0,
  reasoning_tokens integer not null default 0,
  reported_cost real not null default 0,
  computed_cost real not null default 0,
  unpriced integer not null default 0,
  logs integer not null default 0,
  stated integer not null default 0,
  cost_usd real generated always as (reported_cost + computed_cost) virtual
) strict;
create index sessions_last_time on sessions (last_time) where facts > 0;
create index sessions_cost on sessions (cost_usd) where facts > 0;
create index sessions_expired on sessions (key) where facts <= 0;

-- Which agents and users a session has, with the number of facts. kind: agent, user.
create table session_links (
  kind text not null,
  key integer not null,
  session_key integer not null,
  facts integer not null,
  primary key (kind, key, session_key)
) strict, without rowid;
create index session_links_session on session_links (session_key, kind);
create index session_links_expired on session_links (kind) where facts <= 0;

create table session_days (
  day integer not null,
  session_key integer not null,
  facts integer not null,
  primary key (day, session_key)
) strict, without rowid;
create index session_days_expired on session_days (day) where facts <= 0;

-- Traces with facts; a trace of services alone is not here.
create table fact_traces (
  key integer primary key,
  trace_id text not null unique
) strict;

-- id is twice the number of the span row, or twice the number of the log record and one, that told of the event first; sources
-- is null where nothing else told of it. counted is 0 for what only repeats or adds to another event.
create table facts (
  id integer primary key,
  sources text,
  trace_key integer,
  span_id text,
  parent_span_id text,
  parent_id integer,
  run_id integer,
  resource_id integer not null,
  service_name text,
  counted integer not null,
  counts_usage integer not null,
  has_content integer not null,
  fact text not null,
  kind text not null,
  origin text not null,
  name text not null,
  is_part integer not null,
  is_open integer not null,
  via text,
  time integer not null,
  duration integer,
  agent_key integer,
  agent_id text,
  agent_version text,
  parent_agent text,
  workflow text,
  session_key integer,
  session_source integer not null,
  turn_id text,
  user_key integer,
  response_id text,
  tool_call_id text,
  event_sequence integer,
  pair_key text,
  provider text,
  model text,
  request_model text,
  input_tokens integer,
  output_tokens integer,
  cache_read_tokens integer,
  cache_write_tokens integer,
  reasoning_tokens integer,
  total_tokens integer,
  reported_cost real,
  computed_cost real,
  cache_saving real,
  price_version text,
  credits real,
  nano_units integer,
  time_to_first_token real,
  finish_reasons text,
  tool_name text,
  tool_type text,
  mcp_server text,
  arguments_hash text,
  decision text,
  failed integer not null,
  error_type text,
  error_message text,
  status_code integer,
  attempt integer,
  tags text,
  metadata text,
  details text,
  run_llm_calls integer,
  run_tool_calls integer,
  run_input_tokens integer,
  run_output_tokens integer,
  run_cost real,
  cost_usd real generated always as (coalesce(reported_cost, computed_cost)) virtual
) strict;
create index facts_session on facts (session_key, time) where session_key is not null;
create index facts_trace on facts (trace_key) where trace_key is not null;
create index facts_llm_calls on facts (time) where fact = 'llm_call' and counted = 1;
create index facts_tool_calls on facts (time) where fact = 'tool_call' and counted = 1;
create index facts_agent_runs on facts (time) where fact = 'agent_run' and counted = 1;
create index facts_others on facts (fact, time) where fact in ('user_turn', 'step', 'event');
create index facts_agent on facts (agent_key, fact, time) where counted = 1;
create index facts_user on facts (user_key, time) where user_key is not null and counted = 1;
create index facts_failed on facts (time) where failed = 1 and counted = 1;
create index facts_errors on facts (
  fact, substr(coalesce(error_type, '_OTHER'), 1, 200), coalesce(agent_key, 0), substr(coalesce(model, ''), 1, 200),
  substr(coalesce(tool_name, ''), 1, 200), time
) where failed = 1 and counted = 1;
create index facts_uncounted on facts (time, fact, is_part) where counted = 0;
create index facts_open on facts (time) where is_open = 1 and counted = 1;
-- By hour first, so that new entries land on few pages.
create index facts_response on facts (time / 3600000000000, response_id) where response_id is not null;
create index facts_tool_call_id on facts (session_key, tool_call_id) where tool_call_id is not null;
create index facts_sequence on facts (session_key, event_sequence) where event_sequence is not null;
create index facts_turns on facts (session_key, fact) where fact in ('user_turn', 'agent_run');
create index facts_pairs on facts (pair_key) where pair_key is not null;
create index facts_turn_without_session on facts (turn_id) where turn_id is not null and session_source > 2;

-- Of events that several records tell of: which record belongs to which.
create table fact_sources (
  source integer primary key,
  fact_id integer not null
) strict;
create index fact_sources_fact on fact_sources (fact_id);

-- Which session a turn belongs to, for records that name only the turn.
create table turns (
  turn_id text primary key,
  session_id text not null
) strict, without rowid;
create index turns_session on turns (session_id);

-- Rows whose facts are still to be worked out: span_rows (signal traces) or logs numbered from first_id to last_id.
create table facts_owed (
  id integer primary key,
  signal text not null,
  first_id integer not null,
  last_id integer not null
) strict;

-- What is counted together, by cube (storage/sqlite/facts/cubes.py): each has some of these names, the others are 0 or ''.
create table usage_groups (
  id integer primary key,
  cube text not null,
  fact text not null,
  kind text not null,
  agent_key integer not null,
  agent_version text not null,
  service text not null,
  parent_agent text not null,
  workflow text not null,
  provider text not null,
  model text not null,
  tool text not null,
  mcp_server text not null,
  error_type text not null,
  finish text not null,
  decision text not null,
  user_key integer not null,
  label text not null,
  unique (cube, fact, kind, agent_key, agent_version, service, parent_agent, workflow, provider, model, tool, mcp_server, error_type,
    finish, decision, user_key, label)
) strict;

create table usage_hours (
  cube text not null,
  period integer not null,
  group_id integer not null,
  count integer not null,
  failed integer not null,
  input_tokens integer not null,
  output_tokens integer not null,
  cache_read_tokens integer not null,
  cache_write_tokens integer not null,
  reasoning_tokens integer not null,
  reported_cost real not null,
  computed_cost real not null,
  cache_saving real not null,
  credits real not null,
  reported integer not null,
  computed integer not null,
  unpriced integer not null,
  without_usage integer not null,
  without_session integer not null,
  without_content integer not null,
  retries integer not null,
  rate_limited integer not null,
  run_llm_calls integer not null,
  run_tool_calls integer not null,
  timed_output_tokens integer not null,
  timed_ns integer not null,
  durations blob not null,
  first_tokens blob not null,
  primary key (cube, period, group_id)
) strict, without rowid;

create table usage_days (
  cube text not null,
  period integer not null,
  group_id integer not null,
  count integer not null,
  failed integer not null,
  input_tokens integer not null,
  output_tokens integer not null,
  cache_read_tokens integer not null,
  cache_write_tokens integer not null,
  reasoning_tokens integer not null,
  reported_cost real not null,
  computed_cost real not null,
  cache_saving real not null,
  credits real not null,
  reported integer not null,
  computed integer not null,
  unpriced integer not null,
  without_usage integer not null,
  without_session integer not null,
  without_content integer not null,
  retries integer not null,
  rate_limited integer not null,
  run_llm_calls integer not null,
  run_tool_calls integer not null,
  timed_output_tokens integer not null,
  timed_ns integer not null,
  durations blob not null,
  first_tokens blob not null,
  primary key (cube, period, group_id)
) strict, without rowid;

-- Months of 32 days.
create table usage_months (
  cube text not null,
  period integer not null,
  group_id integer not null,
  count integer not null,
  failed integer not null,
  input_tokens integer not null,
  output_tokens integer not null,
  cache_read_tokens integer not null,
  cache_write_tokens integer not null,
  reasoning_tokens integer not null,
  reported_cost real not null,
  computed_cost real not null,
  cache_saving real not null,
  credits real not null,
  reported integer not null,
  computed integer not null,
  unpriced integer not null,
  without_usage integer not null,
  without_session integer not null,
  without_content integer not null,
  retries integer not null,
  rate_limited integer not null,
  run_llm_calls integer not null,
  run_tool_calls integer not null,
  timed_output_tokens integer not null,
  timed_ns integer not null,
  durations blob not null,
  first_tokens blob not null,
  primary key (cube, period, group_id)
) strict, without rowid;

-- Prompts, answers, arguments, results: each text once, whatever number of records repeat it. source and time: where it came
-- first. day: when it was last referred to.
create table contents (
  id integer primary key,
  hash integer not null unique,
  text text not null,
  size integer not null,
  source integer not null,
  time integer not null,
  day integer not null
) strict;
create index contents_day on contents (day);

-- The content of one record: a JSON array of [direction, message, part, role, kind, name, call_id, content_id].
create table fact_contents (
  source integer primary key,
  parts text not null
) strict;

create virtual table contents_text using fts5 (text, content = 'contents', content_rowid = 'id', tokenize = 'unicode61');

-- Metric streams that count what agents used; their values are in metric_points.
create table usage_streams (
  stream_id integer primary key,
  family text not null,
  metric text not null,
  measure text not null,
  type text,
  temporality text not null,
  agent text,
  session_id text,
  user text,
  provider text,
  model text,
  tool text,
  service text,
  label text
) strict;

create view named_facts as
  select facts.*, fact_traces.trace_id, agents.name as agent_name, sessions.session_id, users.name as user_id,
    case when facts.reported_cost is not null then 'reported' when facts.computed_cost is not null then 'computed' else 'unpriced' end
      as cost_source
  from facts left join fact_traces on fact_traces.key = facts.trace_key left join agents on agents.key = facts.agent_key
    left join sessions on sessions.key = facts.session_key left join users on users.key = facts.user_key;
create view llm_calls as select * from named_facts where fact = 'llm_call' and counted = 1;
create view tool_calls as select * from named_facts where fact = 'tool_call' and counted = 1;
create view agent_runs as select * from named_facts where fact = 'agent_run' and counted = 1;
create view user_turns as select * from named_facts where fact = 'user_turn' and counted = 1;

-- How far an exporter has come in each queue: sent and acknowledged up to one number, announced to be sent up to another.
-- `lost` were removed before they could be sent, `rejected` were refused for good by the receiver.
create table export_positions (
  exporter text not null,
  queue text not null,
  acknowledged integer not null,
  announced integer not null,
  sent integer not null default 0,
  rejected integer not null default 0,
  lost integer not null default 0,
  primary key (exporter, queue)
) strict, without rowid;

-- Spans and log records are sent in the order of their numbers. Points have none, and spans that are told again keep theirs:
-- while there is an exporter, both are noted here in the order in which they came. No number is ever given twice.
create table export_points (
  id integer primary key autoincrement,
  stream_id integer not null,
  time integer not null
) strict;
create table export_changes (
  id integer primary key autoincrement,
  span_row_id integer not null
) strict;
