-- Copies of the whole file, and the search for damage in it.

-- name: hold_snapshot
-- The first reading of a transaction fixes what it sees.
select count(*) from sqlite_schema;

-- name: integrity
pragma integrity_check(20);

-- name: single_file
-- A copy must not need a second file beside it.
pragma journal_mode = delete;

-- name: drain_log
pragma wal_checkpoint(truncate);

-- name: span_ids_after
select id from span_rows where id > ? order by id limit ?;

-- name: log_ids_after
select id from logs where id > ? order by id limit ?;

-- name: streams_by_content
-- In an order that does not depend on the numbers that this file happens to have.
select metric_streams.id from metric_streams
  join resources on resources.id = metric_streams.resource_id join scopes on scopes.id = metric_streams.scope_id
order by resources.hash, scopes.hash, metric_streams.hash;

-- name: stream_by_number
select id, name, description, unit, type, temporality, monotonic, metadata, attributes, resource_id, scope_id
from metric_streams where id = ?;

-- name: points_of_stream
select time, start_time, flags, value, count, sum, min, max, data, exemplars
from metric_points where stream_id = ? and time > ? order by time limit ?;
