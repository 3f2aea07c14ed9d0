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
  and (:severity is null or severity_text = :severity)
  and (:scopes is null or scope_id in (select value from json_each(:scopes)))
  and (:is_event is null or (event_name is not null) = :is_event)
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

-- name: scopes_named
select json_group_array(id) from scopes where name in (select value from json_each(:names));

-- part: group_1
case :group_1 when '' then null when 'event' then event_name when 'service' then service_name
  when 'severity' then severity_text when 'scope' then scopes.name else cast(logs.attributes ->> :group_1 as text) end

-- part: group_2
case :group_2 when '' then null when 'event' then event_name when 'service' then service_name
  when 'severity' then severity_text when 'scope' then scopes.name else cast(logs.attributes ->> :group_2 as text) end

-- part: group_3
case :group_3 when '' then null when 'event' then event_name when 'service' then service_name
  when 'severity' then severity_text when 'scope' then scopes.name else cast(logs.attributes ->> :group_3 as text) end

-- name: last_log_number
select coalesce(max(id), 0) from logs;

-- name: count_logs
-- Groups are words of our own or paths into the attributes; "" stands for none. Every path is bound.
select json_group_array(json_array(name_1, name_2, name_3, slot, count, first_time, last_time, sum_1, sum_2, sum_3, sum_4,
  iif("values" is null, null, json("values"))))
from (
  select {group_1} as name_1, {group_2} as name_2, {group_3} as name_3,
    iif(:interval is null, null, time / :interval * :interval) as slot,
    count(*) as count, min(time) as first_time, max(time) as last_time,
    iif(:sum_1 is null, null, sum(logs.attributes ->> :sum_1)) as sum_1,
    iif(:sum_2 is null, null, sum(logs.attributes ->> :sum_2)) as sum_2,
    iif(:sum_3 is null, null, sum(logs.attributes ->> :sum_3)) as sum_3,
    iif(:sum_4 is null, null, sum(logs.attributes ->> :sum_4)) as sum_4,
    iif(:number is null, null, json_group_array(logs.attributes ->> :number)
      filter (where json_type(logs.attributes, :number) in ('integer', 'real'))) as "values"
  from logs join resources on resources.id = logs.resource_id join scopes on scopes.id = logs.scope_id
  where logs.id >= :first_id and logs.id <= coalesce(:last_id, 9223372036854775807) and time >= :start and time < :end
    and (:services is null or resource_id in (select value from json_each(:services)))
    and (:event is null or event_name = :event)
    and (:severity is null or severity_text = :severity)
    and (:scopes is null or scope_id in (select value from json_each(:scopes)))
    and (:is_event is null or (event_name is not null) = :is_event)
    and (:key_1 is null or cast(logs.attributes ->> :key_1 as text) = :value_1)
    and (:key_2 is null or cast(logs.attributes ->> :key_2 as text) = :value_2)
    and (:key_3 is null or cast(logs.attributes ->> :key_3 as text) = :value_3)
  group by 1, 2, 3, 4
  order by count desc, slot, 1, 2, 3
  limit :limit
);
