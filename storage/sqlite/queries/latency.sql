-- Latency from the roll-ups: sums over the cells of a time, [:cells_from, :cells_to) in minutes or hours, by label and period.
-- The histograms of a sum are strung together as hexadecimal text.

-- part: cell_sums
json_group_array(json_array(label, period, count, error_count, sum, min, max, buckets))

-- part: cell_columns
iif(:by_service, service_name, name) as label, sum(cells.count) as count, sum(cells.error_count) as error_count,
  sum(cells.sum) as sum, min(cells.min) as min, max(cells.max) as max, group_concat(hex(cells.buckets), '') as buckets

-- part: cell_conditions
cells.count > 0 and (:service is null or service_name = :service) and (:operation is null or name = :operation)

-- name: minute_latencies
select {cell_sums} from (
  select minute / :minutes_per_period as period, {cell_columns}
  from latency_minutes as cells join operations on operations.id = operation_id
  where minute >= :cells_from and minute < :cells_to and {cell_conditions}
  group by label, period
);

-- name: hour_latencies
select {cell_sums} from (
  select hour * 60 / :minutes_per_period as period, {cell_columns}
  from latency_hours as cells join operations on operations.id = operation_id
  where hour >= :cells_from and hour < :cells_to and {cell_conditions}
  group by label, period
);

-- name: service_minute_latencies
select {cell_sums} from (
  select minute / :minutes_per_period as period, {cell_columns}
  from service_minutes as cells join operations on operations.id = operation_id
  where minute >= :cells_from and minute < :cells_to and {cell_conditions}
  group by label, period
);

-- name: service_hour_latencies
select {cell_sums} from (
  select hour * 60 / :minutes_per_period as period, {cell_columns}
  from service_hours as cells join operations on operations.id = operation_id
  where hour >= :cells_from and hour < :cells_to and {cell_conditions}
  group by label, period
);

-- name: span_of_minutes
-- The minutes that the roll-ups cover: from the first hour to the end of the last. Asked for both at once, SQLite would read
-- every cell.
select coalesce((select min(hour) * 60 from latency_hours), 0), coalesce((select max(hour) * 60 + 60 from latency_hours), 0);
