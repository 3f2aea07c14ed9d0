-- Statements of retention for facts. Expired are those numbered from :first to :last that a record of one signal told of first.

-- part: expired
-- What is inferred from a record is numbered after it: storage/sqlite/facts/told.py.
((id between :first and :last or id between (1 << 50) + :first * 1024 and (1 << 50) + :last * 1024 + 1023) and id % 2 = :parity)

-- name: unlink_agents_of_expired
insert into session_links (kind, key, session_key, facts)
select 'agent', agent_key, session_key, -count(*) from facts
where {expired} and session_key is not null and agent_key is not null group by agent_key, session_key
on conflict (kind, key, session_key) do update set facts = facts + excluded.facts;

-- name: unlink_users_of_expired
insert into session_links (kind, key, session_key, facts)
select 'user', user_key, session_key, -count(*) from facts
where {expired} and session_key is not null and user_key is not null group by user_key, session_key
on conflict (kind, key, session_key) do update set facts = facts + excluded.facts;

-- name: undate_expired
insert into session_days (day, session_key, facts)
select time / 86400000000000, session_key, -count(*) from facts
where {expired} and session_key is not null group by 1, 2
on conflict (day, session_key) do update set facts = facts + excluded.facts;

-- name: shrink_sessions_of_expired
update sessions set facts = sessions.facts - gone.facts
from (select session_key, count(*) as facts from facts where {expired} and session_key is not null group by session_key) as gone
where sessions.key = gone.session_key;

-- name: delete_contents_of_expired
delete from fact_contents where source between :first and :last and source % 2 = :parity;

-- name: delete_sources_of_expired
delete from fact_sources where (source between :first and :last and source % 2 = :parity)
  or fact_id in (select id from facts where {expired} and sources is not null);

-- name: delete_expired_facts
delete from facts where {expired};

-- name: traces_of_expired
select distinct trace_key from facts where {expired} and trace_key is not null;

-- name: delete_traces_without_facts
delete from fact_traces where key in (select value from json_each(?))
  and not exists (select 1 from facts where trace_key = fact_traces.key);

-- name: delete_turns_of_expired
delete from turns where session_id in (select session_id from sessions where facts <= 0);

-- name: delete_sessions_without_facts
delete from sessions where facts <= 0;

-- name: delete_links_without_facts
delete from session_links where facts <= 0;

-- name: delete_days_without_facts
delete from session_days where facts <= 0;

-- name: forget_expired_texts
insert into contents_text (contents_text, rowid, text)
select 'delete', id, text from (select id, text from contents where day < :day order by day, id limit :count) where id <= :indexed;

-- name: delete_expired_contents
delete from contents where id in (select id from contents where day < :day order by day, id limit :count);

-- name: delete_usage_hours
delete from usage_hours where cube in (select distinct cube from usage_groups) and period < :before;

-- name: delete_usage_days
delete from usage_days where cube in (select distinct cube from usage_groups) and period < :before / 24;

-- name: delete_usage_months
delete from usage_months where cube in (select distinct cube from usage_groups) and period < :before / 768;

-- name: delete_usage_of_no_stream
delete from usage_streams where stream_id not in (select id from metric_streams);
