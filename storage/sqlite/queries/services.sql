-- Services and their operations, counted from the roll-ups: the work grows with hours and operations, not with spans.

-- part: counted_services
cells (minute, operation_id, count, error_count) as (
  select minute, operation_id, count, error_count from service_minutes
    where minute >= :minutes_from and minute < :hours_from
  union all
  select hour * 60, operation_id, count, error_count from service_hours
    where hour >= :hours_from / 60 and hour < :hours_to / 60
  union all
  select minute, operation_id, count, error_count from service_minutes
    where minute >= :hours_to and minute < :minutes_to
)

-- part: counted_cells
cells (minute, operation_id, count, error_count) as (
  select minute, operation_id, count, error_count from latency_minutes
    where minute >= :minutes_from and minute < :hours_from
  union all
  select hour * 60, operation_id, count, error_count from latency_hours
    where hour >= :hours_from / 60 and hour < :hours_to / 60
  union all
  select minute, operation_id, count, error_count from latency_minutes
    where minute >= :hours_to and minute < :minutes_to
)

-- name: service_counts
-- First and last seen are the starts of the first and last trace with the service; where there is none, the hour of the cell.
with {counted_services}
select json_group_array(json_array(service_name, count, error_count,
  coalesce((select min(start_time) from trace_services as named where named.service_name = counted.service_name
    and start_time >= :start and start_time < :end), first_minute * 60000000000),
  coalesce((select max(start_time) from trace_services as named where named.service_name = counted.service_name
    and start_time >= :start and start_time < :end), last_minute * 60000000000)))
from (
  select service_name, sum(cells.count) as count, sum(cells.error_count) as error_count, min(minute) as first_minute,
    max(minute) as last_minute
  from cells join operations on operations.id = cells.operation_id
  where cells.count > 0 group by service_name
) as counted;

-- name: services_of_signals
-- Services whose logs or metrics reach into the range, and what of their time lies in it.
select json_group_array(json_array(service_name, first, last)) from (
  select service_name, max(min(first_seen), :start) as first, min(max(last_seen), :end - 1) as last
  from service_signals where first_seen < :end and last_seen >= :start group by service_name
);

-- name: operation_counts
with {counted_cells}
select json_group_array(json_array(service_name, name, kind, count, error_count)) from (
  select service_name, name, kind, sum(cells.count) as count, sum(cells.error_count) as error_count
  from cells join operations on operations.id = cells.operation_id
  where cells.count > 0 and (:service is null or service_name = :service)
  group by service_name, name, kind
);
