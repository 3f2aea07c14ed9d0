-- Log records, found and read in two steps like spans.

-- part: found_logs
json_group_array(json_array(id, time, null, resource_id, iif(:needle_1_1 is null, null, attributes)))

-- part: log_conditions
time >= :start and time < :end
  and (:after_time is null or time < :after_time or (time = :after_time and id < :after_key))
  and (:services is null or resource_id in (select value from json_each(:services)))
  and (:event is null or event_name = :event)
  and (:trace_id is null or trace_id = :trace_id)
  and (:span_id is null or span_id = :span_id)
  and (:text is null or instr(lower(body), :text))
  and (:min_severity is null or {severity} >= :min_severity)
  and {attribute_conditions}

-- part: severity
-- By number, or by the usual words of loggers where no number was sent.
iif(severity_number > 0, severity_number, case
  when severity_text is null then 0
  when severity_text like 'trace%' then 1
  when severity_text like 'debug%' then 5
  when severity_text like 'info%' or severity_text like 'notice%' then 9
  when severity_text like 'warn%' then 13
  when severity_text like 'err%' or severity_text like 'severe%' then 17
  when severity_text like 'fatal%' or severity_text like 'crit%' or severity_text like 'alert%'
    or severity_text like 'emerg%' or severity_text like 'panic%' then 21
  else 0 end)

-- name: scan_logs
select {found_logs} from logs where id between :first_id and :last_id and {log_conditions};

-- name: scan_logs_of_trace
select {found_logs} from logs where trace_id = :trace_id and {log_conditions};

-- name: scan_logs_with_words
select {found_logs} from logs
where id in (select rowid from logs_text where logs_text match :words and rowid between :first_id and :last_id)
  and {log_conditions};

-- name: count_logs_with_words
-- At most :count.
select count(*) from (
  select rowid from logs_text where logs_text match :words and rowid between :first_id and :last_id limit :count
);

-- name: logs_by_id
select json_group_array(json_array(resource_id, scope_id, id, time, time_unix_nano, observed_time_unix_nano,
  severity_number, severity_text, body, body_type, event_name, trace_id, span_id, flags, attributes,
  dropped_attributes_count, record_uid))
from logs where id in (select value from json_each(:ids));

-- name: log_numbers
-- :record_uids is a JSON array. "$" follows "#": what lies between begins with the uid.
select json_group_array(json_array(uid, id)) from (
  select entry.value as uid, (select min(id) from logs where record_uid between entry.value
    and iif(entry.value like '%#', substr(entry.value, 1, length(entry.value) - 1) || '$', entry.value)) as id
  from json_each(:record_uids) as entry
) where id is not null;
