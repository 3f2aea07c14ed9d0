-- Statements of the writer. Those whose name begins with insert_ are also run for many rows at once: the writer repeats the
-- parenthesis after `values`.

-- name: insert_resource
-- A resource not seen before.
insert into resources (hash, service_name, service_namespace, service_version, service_instance_id, environment, host_name,
  attributes, dropped_attributes_count, entity_refs, schema_url)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: resource_by_hash
select id from resources where hash = ?;

-- name: insert_scope
insert into scopes (hash, name, version, attributes, dropped_attributes_count, schema_url)
values (?, ?, ?, ?, ?, ?);

-- name: scope_by_hash
select id from scopes where hash = ?;

-- name: insert_operation
insert into operations (service_name, name, kind)
values (?, ?, ?);

-- name: operation_by_identity
select id from operations where service_name = ? and name = ? and kind = ?;

-- name: insert_stream
insert into metric_streams (resource_id, scope_id, hash, name, description, unit, type, temporality, monotonic, metadata,
  attributes)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: stream_by_hash
select id from metric_streams where hash = ?;

-- name: update_stream_description
-- A changed description is no new series.
update metric_streams set description = :description, metadata = :metadata
where id = :id and (description is not :description or metadata is not :metadata);

-- part: trace_states
select json_group_array(json_array(key, trace_id, start_time, end_time, span_count, error_count, root_span_id, root_name,
  root_service, services)) from traces

-- name: known_traces
-- The traces of a group that are there already; :trace_ids is a JSON array.
{trace_states} where trace_id in (select value from json_each(:trace_ids));

-- name: insert_trace
-- A trace, or what has become of it.
insert into traces (key, trace_id, start_time, end_time, span_count, error_count, root_span_id, root_name, root_service, services)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict (key) do update set start_time = excluded.start_time, end_time = excluded.end_time, span_count = excluded.span_count,
  error_count = excluded.error_count, root_span_id = excluded.root_span_id, root_name = excluded.root_name,
  root_service = excluded.root_service, services = excluded.services;

-- name: insert_trace_service
insert or ignore into trace_services (service_name, start_time, trace_key)
values (?, ?, ?);

-- name: delete_trace_service
delete from trace_services where service_name = ? and start_time = ? and trace_key = ?;

-- name: insert_span
insert or ignore into span_rows (id, trace_key, resource_id, scope_id, span_id, parent_span_id, name, kind, start_time, end_time,
  status_code, status_message, trace_state, flags, attributes, events, links, dropped_attributes_count, dropped_events_count,
  dropped_links_count)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: spans_between
-- Which of the numbers handed out were taken: the others met a span that was there.
select id from span_rows where id between ? and ?;

-- name: span_by_identity
select id, trace_key, resource_id, scope_id, span_id, parent_span_id, name, kind, start_time, end_time, status_code,
  status_message, trace_state, flags, attributes, events, links, dropped_attributes_count, dropped_events_count,
  dropped_links_count
from span_rows where trace_key = ? and span_id = ?;

-- name: update_span
update span_rows set resource_id = ?, scope_id = ?, parent_span_id = ?, name = ?, kind = ?, start_time = ?, end_time = ?,
  status_code = ?, status_message = ?, trace_state = ?, flags = ?, attributes = ?, events = ?, links = ?,
  dropped_attributes_count = ?, dropped_events_count = ?, dropped_links_count = ?
where id = ?;

-- name: services_of_resources
-- :ids is a JSON array.
select id, service_name from resources where id in (select value from json_each(:ids));

-- name: trace_figures
-- A trace counted anew from its spans; :otherwise stands in for a time where no span has one.
select coalesce(min(nullif(start_time, 0)), :otherwise), coalesce(max(nullif(max(end_time, start_time), 0)), :otherwise),
  count(*), coalesce(sum(status_code = 2), 0),
  json_group_array(distinct service_name) filter (where service_name <> '')
from span_rows join resources on resources.id = resource_id where trace_key = :trace_key;

-- part: roots
select span_id, span_rows.name, service_name from span_rows join resources on resources.id = resource_id
where trace_key = :trace_key and (parent_span_id is null or parent_span_id = '0000000000000000')

-- part: earliest
order by start_time = 0, start_time, span_id limit 1

-- name: root_of_trace
{roots} {earliest};

-- name: earliest_of_roots
{roots} and span_id in (select value from json_each(:span_ids)) {earliest};

-- name: insert_log_request
insert or ignore into log_requests (digest, received_time)
values (?, ?);

-- name: insert_log
insert or ignore into logs (id, resource_id, scope_id, time, time_unix_nano, observed_time_unix_nano, severity_number,
  severity_text, body, body_type, event_name, trace_id, span_id, flags, attributes, dropped_attributes_count, record_uid)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: logs_between
select id from logs where id between ? and ?;

-- name: index_log_text
insert into logs_text (rowid, body) select id, body from logs where id between ? and ? and body is not null;

-- name: count_rows
update row_counts set rows = rows + ? where signal = ?;

-- name: note_service
insert into service_signals (service_name, signal, first_seen, last_seen, received_time)
values (?, ?, ?, ?, ?)
on conflict do update set first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen),
  received_time = max(received_time, excluded.received_time);

-- name: insert_point
insert or ignore into metric_points (stream_id, time, start_time, flags, value, count, sum, min, max, data, exemplars)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: insert_or_replace_point
insert or replace into metric_points (stream_id, time, start_time, flags, value, count, sum, min, max, data, exemplars)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: minute_cell
select count, error_count, sum, min, max, buckets from latency_minutes where minute = ? and operation_id = ?;

-- name: insert_minute_cell
insert or replace into latency_minutes (minute, operation_id, count, error_count, sum, min, max, buckets)
values (?, ?, ?, ?, ?, ?, ?, ?);

-- name: hour_cell
select count, error_count, sum, min, max, buckets from latency_hours where hour = ? and operation_id = ?;

-- name: insert_hour_cell
insert or replace into latency_hours (hour, operation_id, count, error_count, sum, min, max, buckets)
values (?, ?, ?, ?, ?, ?, ?, ?);

-- name: service_minute_cell
select count, error_count, sum, min, max, buckets from service_minutes where minute = ? and operation_id = ?;

-- name: insert_service_minute_cell
insert or replace into service_minutes (minute, operation_id, count, error_count, sum, min, max, buckets)
values (?, ?, ?, ?, ?, ?, ?, ?);

-- name: service_hour_cell
select count, error_count, sum, min, max, buckets from service_hours where hour = ? and operation_id = ?;

-- name: insert_service_hour_cell
insert or replace into service_hours (hour, operation_id, count, error_count, sum, min, max, buckets)
values (?, ?, ?, ?, ?, ?, ?, ?);

-- name: insert_block
insert into blocks (id, table_name, first_id, last_id, min_time, max_time, received_time)
values (?, ?, ?, ?, ?, ?, ?);

-- name: insert_block_hashes
insert into block_hashes (block_id, hashes)
values (?, ?);

-- name: last_block
select last_id from blocks where table_name = ? order by last_id desc limit 1;

-- name: block_of_row
select id, last_id, hashes from blocks join block_hashes on block_id = id
where table_name = :table_name and last_id >= :row_id and first_id <= :row_id order by last_id limit 1;

-- name: widen_block
update blocks set min_time = min(min_time, ?), max_time = max(max_time, ?) where id = ?;

-- name: replace_block_hashes
update block_hashes set hashes = ? where block_id = ?;

-- name: last_block_number
select coalesce(max(id), 0) from blocks;

-- name: span_tail
-- The spans behind the last block, to describe them again after a start.
select span_rows.id, span_rows.start_time, span_rows.name, span_rows.status_code, span_rows.attributes, resources.service_name
from span_rows join resources on resources.id = span_rows.resource_id where span_rows.id > ? order by span_rows.id;

-- name: log_tail
select logs.id, logs.time, logs.event_name, 0, logs.attributes, resources.service_name
from logs join resources on resources.id = logs.resource_id where logs.id > ? order by logs.id;

-- name: last_span
-- The greatest number in use. A block may end behind the last row: numbers that met a span that was there are not used.
select max(coalesce((select max(id) from span_rows), 0),
  coalesce((select max(last_id) from blocks where table_name = 'spans'), 0));

-- name: last_log
select max(coalesce((select max(id) from logs), 0), coalesce((select max(last_id) from blocks where table_name = 'logs'), 0));

-- name: last_trace
select coalesce(max(key), 0) from traces;

-- name: meta_value
select value from meta where key = ?;

-- name: set_meta
insert or replace into meta (key, value)
values (?, ?);
