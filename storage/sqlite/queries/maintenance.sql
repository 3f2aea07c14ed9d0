-- Statements of migrations, retention and upkeep.

-- name: table_names
select name from sqlite_schema where type = 'table' and name not like 'sqlite_%';

-- name: applied_migrations
select name from _sqlite_migrations where migration_set = ? order by id;

-- name: begin_writing
begin immediate;

-- name: commit_writing
commit;

-- name: roll_back_writing
rollback;

-- name: oldest_block
-- The block received first. A time of receipt that lies ahead of :now was taken from a wrong clock.
select id, first_id, last_id, coalesce(
    (select received_time from blocks as later where later.table_name = :table_name and later.last_id >= oldest.last_id
      and later.received_time <= :now order by later.last_id limit 1), :now)
from blocks as oldest where table_name = :table_name order by last_id limit 1;

-- name: delete_block
delete from blocks where id = ?;

-- name: delete_block_hashes
delete from block_hashes where block_id = ?;

-- name: traces_of_spans
select distinct trace_key from span_rows where id between ? and ?;

-- name: delete_spans
delete from span_rows where id between ? and ?;

-- name: traces_with_spans
-- Those of the traces (a JSON array of numbers) that have spans.
select value from json_each(?) where exists (select 1 from span_rows where trace_key = value);

-- name: traces_by_number
{trace_states} where key in (select value from json_each(?));

-- name: delete_trace
delete from traces where key = ?;

-- name: forget_log_text
insert into logs_text (logs_text, rowid, body) select 'delete', id, body from logs where id between ? and ? and body is not null;

-- name: delete_logs
delete from logs where id between ? and ?;

-- name: delete_log_requests
delete from log_requests where digest in (select digest from log_requests where received_time < ? limit ?);

-- name: delete_service_signals
delete from service_signals where received_time < ?;

-- name: streams_after
select id from metric_streams where id > ? order by id limit ?;

-- name: oldest_point
-- Among the next streams: the number of the last of them, and the time of the oldest point of any.
select max(id), min(oldest) from (
  select id, (select min(time) from metric_points where stream_id = metric_streams.id) as oldest
  from metric_streams where id > :after order by id limit :count
);

-- name: delete_points
delete from metric_points where (stream_id, time) in
  (select stream_id, time from metric_points where stream_id = ? and time < ? order by time limit ?);

-- name: delete_empty_stream
delete from metric_streams where id = ? and not exists (select 1 from metric_points where stream_id = metric_streams.id);

-- name: delete_minutes
delete from latency_minutes where minute < min(:before, (select min(minute) + 60 from latency_minutes));

-- name: delete_hours
delete from latency_hours where hour < min(:before, (select min(hour) + 24 from latency_hours));

-- name: delete_service_minutes
delete from service_minutes where minute < min(:before, (select min(minute) + 60 from service_minutes));

-- name: delete_service_hours
delete from service_hours where hour < min(:before, (select min(hour) + 24 from service_hours));

-- name: size_in_pages
select (select page_count from pragma_page_count), (select freelist_count from pragma_freelist_count),
  (select page_size from pragma_page_size);

-- name: free_pages
pragma incremental_vacuum(256);

-- name: checkpoint
pragma wal_checkpoint(passive);

-- name: optimize
pragma optimize;

-- name: contents
select (select rows from row_counts where signal = 'traces'), (select rows from row_counts where signal = 'logs'),
  (select rows from row_counts where signal = 'metrics'), coalesce((select max(key) from traces) - (select min(key) from traces) + 1, 0);
