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
-- The block that retention would remove next: the one received first.
select id, first_id, last_id, received_time from blocks where table_name = ? order by last_id limit 1;

-- name: delete_block
delete from blocks where id = ?;

-- name: delete_block_hashes
delete from block_hashes where block_id = ?;

-- name: traces_of_spans
select distinct trace_key from span_rows where id between ? and ?;

-- name: delete_spans
delete from span_rows where id between ? and ?;

-- name: trace_after_expiry
-- What is left of a trace.
select min(coalesce(nullif(start_time, 0), end_time)), max(end_time), count(*), coalesce(sum(status_code = 2), 0)
from span_rows where trace_key = ?;

-- name: trace_by_key
select start_time, services from traces where key = ?;

-- name: delete_trace
delete from traces where key = ?;

-- name: shrink_trace
update traces set span_count = ?, error_count = ? where key = ?;

-- name: forget_log_text
insert into logs_text (logs_text, rowid, body) select 'delete', id, body from logs where id between ? and ? and body is not null;

-- name: delete_logs
delete from logs where id between ? and ?;

-- name: delete_log_requests
delete from log_requests where digest in (select digest from log_requests where received_time < ? limit ?);

-- name: streams_after
select id from metric_streams where id > ? order by id limit ?;

-- name: delete_points
delete from metric_points where stream_id = ? and time < ?;

-- name: delete_empty_stream
delete from metric_streams where id = ? and not exists (select 1 from metric_points where stream_id = metric_streams.id);

-- name: delete_minutes
delete from latency_minutes where minute < ?;

-- name: delete_hours
delete from latency_hours where hour < ?;

-- name: delete_service_minutes
delete from service_minutes where minute < ?;

-- name: delete_service_hours
delete from service_hours where hour < ?;

-- name: size_in_pages
select (select page_count from pragma_page_count), (select freelist_count from pragma_freelist_count),
  (select page_size from pragma_page_size);

-- name: free_pages
pragma incremental_vacuum(256);

-- name: optimize
pragma optimize;

-- name: contents
select (select rows from row_counts where signal = 'traces'), (select rows from row_counts where signal = 'logs'),
  (select rows from row_counts where signal = 'metrics'), (select coalesce(max(key) - min(key) + 1, 0) from traces);
