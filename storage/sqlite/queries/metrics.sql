-- Metrics. Reals are answered as text by quote(), which keeps all their digits (JSON of SQLite has 15).

-- part: point
json_array(stream_id, time, start_time, flags,
  iif(typeof(value) = 'real', quote(value), value), count,
  iif(typeof(sum) = 'real', quote(sum), sum),
  iif(typeof(min) = 'real', quote(min), min),
  iif(typeof(max) = 'real', quote(max), max), data)

-- name: metric_list
select json_group_array(json_array(name, type, unit, description, services, series, temporalities, monotonic)) from (
  select name, type, max(unit) as unit, max(description) as description, count(*) as series,
    json_group_array(distinct service_name) as services,
    json_group_array(distinct temporality) as temporalities,
    iif(min(monotonic) = max(monotonic), min(monotonic), null) as monotonic
  from metric_streams join resources on resources.id = metric_streams.resource_id
  where (:name_contains is null or instr(lower(name), :name_contains))
    and (:service is null or coalesce(service_name, '') = :service)
  group by name, type
);

-- name: streams_of_metric
select json_group_array(json_array(metric_streams.id, type, temporality, monotonic, resource_id, metric_streams.attributes))
from metric_streams join resources on resources.id = metric_streams.resource_id
where name = :name and (:service is null or coalesce(service_name, '') = :service);

-- name: points_of_streams
-- A page of the points of the streams :ids, by stream and time, behind :after_stream and :after_time.
select json_group_array({point}) from (
  select * from metric_points
  where stream_id in (select value from json_each(:ids)) and time >= :start and time < :end
    and (stream_id > :after_stream or time > :after_time)
  order by stream_id, time limit :count
);

-- name: points_before
-- Of each of the streams :ids, the last point with a value before :start.
select json_group_array({point}) from metric_points
where (stream_id, time) in (
  select wanted.value, (
    select max(earlier.time) from metric_points as earlier
    where earlier.stream_id = wanted.value and earlier.time < :start and earlier.flags & 1 = 0
  ) from json_each(:ids) as wanted
);
