-- Traces. Lists come newest first, page by page: :after_time and :after_key are the start and key of the last trace seen.

-- part: trace_list
json_array(traces.start_time, traces.key, trace_id, root_name, root_service, services, end_time, span_count, error_count)

-- part: trace_conditions
span_count > 0
  and (:failed is null or (error_count > 0) = :failed)
  and (:min_duration is null or end_time - traces.start_time >= :min_duration)
  and (:max_duration is null or end_time - traces.start_time <= :max_duration)

-- name: traces_by_time
select json_group_array({trace_list}) from (
  select * from traces
  where start_time >= :start and start_time < :end and start_time <= :after_time
    and (start_time < :after_time or key < :after_key) and {trace_conditions}
  order by start_time desc, key desc limit :count
) as traces;

-- name: failed_traces_by_time
select json_group_array({trace_list}) from (
  select * from traces indexed by traces_failed
  where error_count > 0 and start_time >= :start and start_time < :end and start_time <= :after_time
    and (start_time < :after_time or key < :after_key) and {trace_conditions}
  order by start_time desc, key desc limit :count
) as traces;

-- name: traces_of_service
select json_group_array({trace_list}) from (
  select traces.* from trace_services as named cross join traces on traces.key = named.trace_key
  where named.service_name = :service and named.start_time >= :start and named.start_time < :end
    and named.start_time <= :after_time and (named.start_time < :after_time or named.trace_key < :after_key)
    and {trace_conditions}
  order by named.start_time desc, named.trace_key desc limit :count
) as traces;

-- name: traces_by_key
-- Those of the traces :keys that fit; :service_in_json is the service as it stands in the list of services.
select json_group_array({trace_list}) from traces
where key in (select value from json_each(:keys))
  and start_time >= :start and start_time < :end and start_time <= :after_time
  and (start_time < :after_time or key < :after_key)
  and (:service_in_json is null or instr(services, :service_in_json)) and {trace_conditions};

-- name: trace_by_id
select json_group_array({trace_list}) from traces where trace_id = :trace_id and span_count > 0;

-- name: traces_by_id
-- :trace_ids is a JSON array.
select json_group_array({trace_list}) from traces
where trace_id in (select value from json_each(:trace_ids)) and span_count > 0;

-- name: span_ids_of_trace
select json_group_array(id) from (
  select id from span_rows where trace_key = (select key from traces where trace_id = :trace_id)
  order by start_time, id limit :count
);

-- name: log_ids_of_trace
select json_group_array(id) from (
  select id from logs where trace_id = :trace_id order by time, id limit :count
);
