-- Facts: what the writer reads and writes of them. Lists of keys are JSON arrays.

-- part: fact_columns
id, sources, trace_key, span_id, parent_span_id, parent_id, run_id, resource_id, service_name, counted, counts_usage,
  has_content, fact, kind, origin, name, is_part, is_open, via, time, duration, agent_key, agent_id, agent_version,
  parent_agent, workflow, session_key, session_source, turn_id, user_key, response_id, tool_call_id, event_sequence,
  pair_key, provider, model, request_model, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
  reasoning_tokens, total_tokens, reported_cost, computed_cost, cache_saving, price_version, credits, nano_units,
  time_to_first_token, finish_reasons, tool_name, tool_type, mcp_server, arguments_hash, decision, failed, error_type,
  error_message, status_code, attempt, tags, metadata, details, run_llm_calls, run_tool_calls, run_input_tokens,
  run_output_tokens, run_cost

-- name: insert_fact
insert or replace into facts ({fact_columns})
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: delete_facts
delete from facts where id in (select value from json_each(?));

-- name: facts_by_id
select {fact_columns} from facts where id in (select value from json_each(?));

-- name: facts_of_trace
-- Also those that another trace leads, but of which one of :sources tells.
select {fact_columns} from facts where trace_key = :trace_key
union
select {fact_columns} from facts where id in (
  select fact_id from fact_sources where source in (select value from json_each(:sources))
);

-- name: insert_fact_source
insert or replace into fact_sources (source, fact_id)
values (?, ?);

-- name: delete_fact_sources
delete from fact_sources where fact_id in (select value from json_each(?));

-- name: agents_keys
select json_group_array(json_array(name, key)) from agents where name in (select value from json_each(?));

-- name: insert_agents
insert into agents (key, name)
values (?, ?);

-- name: last_agents
select coalesce(max(key), 0) from agents;

-- name: users_keys
select json_group_array(json_array(name, key)) from users where name in (select value from json_each(?));

-- name: insert_users
insert into users (key, name)
values (?, ?);

-- name: last_users
select coalesce(max(key), 0) from users;

-- name: sessions_keys
select json_group_array(json_array(session_id, key)) from sessions where session_id in (select value from json_each(?));

-- name: insert_sessions
insert into sessions (key, session_id)
values (?, ?);

-- name: last_sessions
select coalesce(max(key), 0) from sessions;

-- name: fact_traces_keys
select json_group_array(json_array(trace_id, key)) from fact_traces where trace_id in (select value from json_each(?));

-- name: insert_fact_traces
insert into fact_traces (key, trace_id)
values (?, ?);

-- name: last_fact_traces
select coalesce(max(key), 0) from fact_traces;

-- name: spans_of_trace_for_facts
-- In the order of SPAN_COLUMNS behind their number, as facts are derived from them.
select json_group_array(json_array(span_rows.id, span_rows.resource_id, span_rows.scope_id, traces.trace_id, span_id, parent_span_id, span_rows.name, kind,
  span_rows.start_time, span_rows.end_time, status_code, status_message, trace_state, flags, attributes, events, links,
  dropped_attributes_count, dropped_events_count, dropped_links_count))
from traces join span_rows on trace_key = traces.key where trace_id = :trace_id;

-- part: logs_for_facts
select json_group_array(json_array(id, resource_id, scope_id, time, time_unix_nano, observed_time_unix_nano, severity_number, severity_text, body, body_type,
  event_name, trace_id, span_id, flags, attributes, dropped_attributes_count, record_uid))
from logs

-- name: logs_of_trace_for_facts
{logs_for_facts} where trace_id = :trace_id;

-- name: logs_by_id_for_facts
{logs_for_facts} where id in (select value from json_each(:ids));

-- name: resources_for_facts
select json_group_array(json_array(id, hash, service_name, service_namespace, service_version, service_instance_id, environment,
  host_name, attributes, dropped_attributes_count, entity_refs, schema_url))
from resources where id in (select value from json_each(:ids));

-- name: scopes_for_facts
select json_group_array(json_array(id, hash, name, version, attributes, dropped_attributes_count, schema_url))
from scopes where id in (select value from json_each(:ids));

-- name: traces_with_logs
select distinct trace_id from logs where trace_id in (select value from json_each(:trace_ids)) and id < :before;

-- name: traces_of_span_rows
select distinct trace_id from span_rows join traces on key = trace_key where span_rows.id in (select value from json_each(?));

-- name: traces_of_log_rows
select distinct trace_id from logs where id in (select value from json_each(?));

-- name: facts_with_response
-- Keys are [hour, response id].
select facts.id from json_each(?) as wanted cross join facts
where facts.time / 3600000000000 = wanted.value ->> 0 and facts.response_id = wanted.value ->> 1
  and facts.response_id is not null;

-- name: facts_with_pair_key
select id from facts where pair_key in (select value from json_each(?)) and pair_key is not null;

-- name: facts_with_call_id
-- Keys are [session, call id].
select facts.id from json_each(?) as wanted cross join facts
where facts.session_key = wanted.value ->> 0 and facts.tool_call_id = wanted.value ->> 1 and facts.tool_call_id is not null;

-- name: facts_with_sequence
-- Keys are [session, sequence].
select facts.id from json_each(?) as wanted cross join facts
where facts.session_key = wanted.value ->> 0 and facts.event_sequence = wanted.value ->> 1
  and facts.event_sequence is not null;

-- name: facts_of_turn
-- Keys are [session, fact, turn, agent id, from, to].
select facts.id from json_each(?) as wanted cross join facts
where facts.session_key = wanted.value ->> 0 and facts.fact = wanted.value ->> 1 and facts.fact in ('user_turn', 'agent_run')
  and (facts.turn_id = wanted.value ->> 2 or facts.agent_id = wanted.value ->> 3
    or (facts.fact = 'user_turn' and facts.time + coalesce(facts.duration, 0) between wanted.value ->> 4 and wanted.value ->> 5));

-- name: facts_with_figures
-- Keys are [session, model, input tokens, from, to].
select facts.id from json_each(?) as wanted cross join facts
where facts.session_key = wanted.value ->> 0 and facts.time between wanted.value ->> 3 and wanted.value ->> 4
  and facts.session_key is not null and facts.fact = 'llm_call' and facts.model = wanted.value ->> 1
  and facts.input_tokens = wanted.value ->> 2;

-- name: facts_of_tool
-- Keys are [session, tool, from, to].
select facts.id from json_each(?) as wanted cross join facts
where facts.session_key = wanted.value ->> 0 and facts.time between wanted.value ->> 2 and wanted.value ->> 3
  and facts.session_key is not null and facts.fact = 'tool_call' and facts.tool_name = wanted.value ->> 1;

-- name: sessions_with_logs
select key from sessions where key in (select value from json_each(?)) and logs > 0;

-- name: insert_turn
insert or ignore into turns (turn_id, session_id)
values (?, ?);

-- name: sessions_of_turns
select turn_id, session_id from turns where turn_id in (select value from json_each(?));

-- name: facts_of_turns_without_session
select id from facts where turn_id in (select value from json_each(?)) and turn_id is not null and session_source > 2;

-- name: insert_session_sums
-- Every session has its row by then; what is given is added to it.
insert into sessions (key, session_id, facts, first_time, last_time, turns, runs, llm_calls, tool_calls, failed, input_tokens, output_tokens,
  cache_read_tokens, cache_write_tokens, reasoning_tokens, reported_cost, computed_cost, unpriced, logs, stated)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict (key) do update set facts = facts + excluded.facts, first_time = min(first_time, excluded.first_time),
  last_time = max(last_time, excluded.last_time), turns = turns + excluded.turns, runs = runs + excluded.runs,
  llm_calls = llm_calls + excluded.llm_calls, tool_calls = tool_calls + excluded.tool_calls,
  failed = failed + excluded.failed, input_tokens = input_tokens + excluded.input_tokens,
  output_tokens = output_tokens + excluded.output_tokens,
  cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
  cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
  reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens, reported_cost = reported_cost + excluded.reported_cost,
  computed_cost = computed_cost + excluded.computed_cost, unpriced = unpriced + excluded.unpriced,
  logs = logs + excluded.logs, stated = stated + excluded.stated;

-- name: insert_session_link
insert into session_links (kind, key, session_key, facts)
values (?, ?, ?, ?)
on conflict (kind, key, session_key) do update set facts = facts + excluded.facts;

-- name: insert_session_day
insert into session_days (day, session_key, facts)
values (?, ?, ?)
on conflict (day, session_key) do update set facts = facts + excluded.facts;

-- name: delete_empty_links
delete from session_links where session_key in (select value from json_each(?)) and facts <= 0;

-- name: delete_empty_days
delete from session_days where session_key in (select value from json_each(?)) and facts <= 0;

-- name: measure_sessions
-- Of sessions that lost facts, when the first began and the last ended.
update sessions set
  first_time = coalesce((select min(time) from facts where session_key = sessions.key), 9223372036854775807),
  last_time = coalesce((select max(time + coalesce(duration, 0)) from facts where session_key = sessions.key), 0)
where key in (select value from json_each(?));

-- name: usage_group
select id from usage_groups where cube = ? and fact = ? and kind = ? and agent_key = ? and agent_version = ? and service = ? and parent_agent = ? and workflow = ? and provider = ? and
  model = ? and tool = ? and mcp_server = ? and error_type = ? and finish = ? and decision = ? and user_key = ? and label = ?;

-- name: last_usage_group
select coalesce(max(id), 0) from usage_groups;

-- name: insert_usage_group
insert into usage_groups (cube, fact, kind, agent_key, agent_version, service, parent_agent, workflow, provider, model, tool, mcp_server, error_type,
  finish, decision, user_key, label)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- part: usage_cell
cube, period, group_id, count, failed, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
  reasoning_tokens, reported_cost, computed_cost, cache_saving, credits, reported, computed, unpriced, without_usage,
  without_session, without_content, retries, rate_limited, run_llm_calls, run_tool_calls, timed_output_tokens, timed_ns,
  durations, first_tokens

-- name: usage_cells_hour
-- Keys are [cube, period, group].
select {usage_cell} from json_each(?) as wanted cross join usage_hours
where cube = wanted.value ->> 0 and period = wanted.value ->> 1 and group_id = wanted.value ->> 2;

-- name: insert_usage_hour_cell
insert or replace into usage_hours ({usage_cell})
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: usage_cells_day
-- Keys are [cube, period, group].
select {usage_cell} from json_each(?) as wanted cross join usage_days
where cube = wanted.value ->> 0 and period = wanted.value ->> 1 and group_id = wanted.value ->> 2;

-- name: insert_usage_day_cell
insert or replace into usage_days ({usage_cell})
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: usage_cells_month
-- Keys are [cube, period, group].
select {usage_cell} from json_each(?) as wanted cross join usage_months
where cube = wanted.value ->> 0 and period = wanted.value ->> 1 and group_id = wanted.value ->> 2;

-- name: insert_usage_month_cell
insert or replace into usage_months ({usage_cell})
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: insert_usage_stream
insert or replace into usage_streams (stream_id, family, metric, measure, type, temporality, agent, session_id, user, provider,
  model, tool, service, label)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: owe_facts
insert into facts_owed (signal, first_id, last_id) values (?, ?, ?);

-- name: oldest_owed
select id, signal, first_id, last_id from facts_owed order by id limit ?;

-- name: delete_owed
delete from facts_owed where id = ?;

-- name: count_owed
select count(*) from facts_owed;

-- name: spans_between_for_facts
-- As spans_of_trace_for_facts; some of the numbers may not be in use.
select json_group_array(json_array(span_rows.id, span_rows.resource_id, span_rows.scope_id, traces.trace_id, span_id, parent_span_id, span_rows.name, kind,
  span_rows.start_time, span_rows.end_time, status_code, status_message, trace_state, flags, attributes, events, links,
  dropped_attributes_count, dropped_events_count, dropped_links_count))
from span_rows join traces on traces.key = trace_key where span_rows.id between :first_id and :last_id;

-- name: logs_between_for_facts
{logs_for_facts} where id between :first_id and :last_id;

-- name: span_counts_of_traces
-- :trace_ids is a JSON array.
select trace_id, span_count from traces where trace_id in (select value from json_each(:trace_ids));
