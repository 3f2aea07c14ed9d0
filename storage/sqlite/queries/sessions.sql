-- Sessions and their timelines.

-- part: session_columns
sessions.key, session_id, stated = 0, first_time, last_time, turns, runs, llm_calls, tool_calls, failed, input_tokens,
  output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, reported_cost, computed_cost, unpriced

-- part: session_conditions
sessions.facts > 0 and last_time >= :start and first_time < :end
  and (:failed is null or (failed > 0) = :failed) and (:min_cost is null or cost_usd >= :min_cost)
  and (:agent_key is null or exists (select 1 from session_links as agent_link where agent_link.session_key = sessions.key
    and agent_link.kind = 'agent' and agent_link.key = :agent_key and agent_link.facts > 0))
  and (:user_key is null or exists (select 1 from session_links as user_link where user_link.session_key = sessions.key
    and user_link.kind = 'user' and user_link.key = :user_key and user_link.facts > 0))

-- name: sessions_newest
select json_group_array(json_array({session_columns})) from (
  select * from sessions where {session_conditions}
    and (:after_time is null or last_time < :after_time or (last_time = :after_time and key < :after_key))
  order by last_time desc, key desc limit :count
) as sessions;

-- name: sessions_linked
-- The same by an agent or a user, of which a session is asked first.
select json_group_array(json_array({session_columns})) from (
  select sessions.* from session_links join sessions on sessions.key = session_key
  where session_links.kind = :kind and session_links.key = :linked and session_links.facts > 0 and {session_conditions}
    and (:after_time is null or last_time < :after_time or (last_time = :after_time and sessions.key < :after_key))
  order by last_time desc, sessions.key desc limit :count
) as sessions;

-- name: sessions_dearest
select json_group_array(json_array({session_columns})) from (
  select * from sessions where {session_conditions} order by cost_usd desc, key desc limit :count
) as sessions;

-- name: dearest_session_names
select json_group_array(json_array(key, session_id)) from (
  select key, session_id from sessions where {session_conditions} order by cost_usd desc, llm_calls desc, key desc limit :count
);

-- name: facts_of_sessions
select {summed_columns} from facts
where session_key in (select value from json_each(:keys)) and session_key is not null and is_part = 0
  and time >= :start and time < :end;

-- name: session_by_id
select json_group_array(json_array({session_columns})) from sessions where session_id = :session_id and facts > 0;

-- name: links_of_sessions
select json_group_array(json_array(session_key, kind, name, facts)) from (
  select session_key, 'agent' as kind, name, facts from session_links join agents on agents.key = session_links.key
    where kind = 'agent' and facts > 0 and session_key in (select value from json_each(:keys))
  union all
  select session_key, 'user', name, facts from session_links join users on users.key = session_links.key
    where kind = 'user' and facts > 0 and session_key in (select value from json_each(:keys))
  order by session_key, kind, facts desc, name
);

-- name: traces_of_sessions
select json_group_array(json_array(session_key, traces)) from (
  select session_key, count(distinct trace_key) as traces from facts
  where session_key in (select value from json_each(:keys)) group by session_key
);

-- name: timeline
-- A session in the order in which it happened.
select json_group_array(json_array(time, id)) from (
  select time, id from facts where session_key = :session_key and session_key is not null and is_part = 0
    and (:after_time is null or time > :after_time or (time = :after_time and id > :after_key))
  order by time, id limit :count
);
