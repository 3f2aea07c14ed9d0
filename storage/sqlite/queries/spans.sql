-- Spans. A search first finds rows (number, time, trace, and the attributes where they have to be looked at), then reads the
-- few that are answered.

-- part: found_spans
json_group_array(json_array(id, start_time, trace_key, resource_id, iif(:needle_1_1 is null, null, attributes)))

-- part: span_conditions
-- lower() knows ASCII only: text with other letters comes in three spellings.
start_time >= :start and start_time < :end
  and (:after_time is null or start_time < :after_time or (start_time = :after_time and id < :after_key))
  and (:services is null or resource_id in (select value from json_each(:services)))
  and (:operation is null or name = :operation)
  and (:kind is null or kind = :kind)
  and (:status is null or coalesce(status_code, 0) = :status)
  and (:min_duration is null or duration >= :min_duration)
  and (:max_duration is null or duration <= :max_duration)
  and (:text_1 is null
    or instr(lower(name), :text_1) or instr(lower(status_message), :text_1) or instr(lower(attributes), :json_1)
    or (:text_2 is not null and (
      instr(lower(name), :text_2) or instr(lower(status_message), :text_2) or instr(lower(attributes), :json_2)
      or instr(lower(name), :text_3) or instr(lower(status_message), :text_3) or instr(lower(attributes), :json_3))))
  and {attribute_conditions}

-- name: scan_spans
select {found_spans} from span_rows where id between :first_id and :last_id and {span_conditions};

-- name: scan_spans_of_trace
select {found_spans} from span_rows where trace_key = (select key from traces where trace_id = :trace_id) and {span_conditions};

-- name: scan_spans_beyond
-- Spans that start at :beyond or later, of traces that start within [:traces_from, :traces_to) before it.
select {found_spans} from (
  select span_rows.* from traces cross join span_rows on span_rows.trace_key = traces.key
  where traces.start_time >= :traces_from and traces.start_time < :traces_to and traces.end_time >= :beyond
    and span_rows.start_time >= :beyond
) where {span_conditions};

-- name: spans_by_id
select json_group_array(json_array(resource_id, scope_id, id, trace_id, span_id, parent_span_id, name, kind,
  start_time, end_time, status_code, status_message, trace_state, flags, attributes, events, links,
  dropped_attributes_count, dropped_events_count, dropped_links_count))
from spans where id in (select value from json_each(:ids));

-- name: scan_latency
-- What the latency of a span counts by: the value of an attribute as JSON text (|| '' keeps json_array from taking it apart),
-- or nothing where the span has none.
select json_group_array(json_array(iif(instr(attributes, :key_needle), (attributes -> :path) || '', null),
  resource_id, start_time, duration, coalesce(status_code = 2, 0)))
from span_rows where id between :first_id and :last_id and end_time > 0 and start_time > 0 and {span_conditions};

-- name: tail_starts_beyond
select 1 from span_rows where id >= :first_id and start_time >= :beyond limit 1;
