-- Statements of exporters.

-- name: register_exporter
insert or ignore into export_positions (exporter, queue, acknowledged, announced)
values
  (:exporter, 'spans', :last_span, :last_span),
  (:exporter, 'logs', :last_log, :last_log),
  (:exporter, 'points', (select coalesce(max(seq), 0) from sqlite_sequence where name = 'export_points'),
    (select coalesce(max(seq), 0) from sqlite_sequence where name = 'export_points')),
  (:exporter, 'changes', (select coalesce(max(seq), 0) from sqlite_sequence where name = 'export_changes'),
    (select coalesce(max(seq), 0) from sqlite_sequence where name = 'export_changes'));

-- name: has_exporters
select exists (select 1 from export_positions);

-- name: export_positions
select json_group_array(json_array(exporter, queue, acknowledged, announced, sent, rejected, lost, max(newest - acknowledged, 0)))
from (
  select *, case queue
    when 'spans' then (select coalesce(max(id), 0) from span_rows)
    when 'logs' then (select coalesce(max(id), 0) from logs)
    when 'points' then (select coalesce(max(id), 0) from export_points)
    else (select coalesce(max(id), 0) from export_changes) end as newest
  from export_positions
);

-- name: move_exporter
update export_positions set acknowledged = :acknowledged, announced = :announced, sent = sent + :sent,
  rejected = rejected + :rejected, lost = lost + :lost
where exporter = :exporter and queue = :queue;

-- name: forget_exported_points
delete from export_points where id <= (select min(acknowledged) from export_positions where queue = 'points');

-- name: forget_exported_changes
delete from export_changes where id <= (select min(acknowledged) from export_positions where queue = 'changes');

-- name: spans_to_export
select json_group_array(id) from (
  select id from span_rows where id > :after and id <= :up_to order by id limit :limit
);

-- name: logs_to_export
select json_group_array(id) from (
  select id from logs where id > :after and id <= :up_to order by id limit :limit
);

-- name: changes_to_export
select json_group_array(json_array(id, span_row_id)) from (
  select id, span_row_id from export_changes where id > :after and id <= :up_to order by id limit :limit
);

-- name: points_to_export
-- In plain rows, because JSON would cut the digits of reals. A point that was replaced comes once, as it is now.
select queue.last, point.time, point.start_time, point.flags, point.value, point.count, point.sum, point.min, point.max,
  point.data, point.exemplars, point.stream_id is null, queue.stream_id
from (
  select min(id) as first, max(id) as last, stream_id, time from (
    select id, stream_id, time from export_points where id > :after and id <= :up_to order by id limit :limit
  ) group by stream_id, time
) as queue
left join metric_points as point on point.stream_id = queue.stream_id and point.time = queue.time
order by queue.first;

-- name: streams_to_export
select json_group_array(json_array(resource_id, scope_id, id, name, description, unit, type, temporality, monotonic, metadata,
  attributes))
from metric_streams where id in (select value from json_each(:ids));

-- name: spans_there
select json_group_array(id) from span_rows where id in (select value from json_each(:ids));
