-- Agents, calls, tools, errors: the facts as they are asked for.

-- part: named_fact
json_object('id', facts.id, 'sources', facts.sources, 'fact', facts.fact, 'kind', facts.kind, 'origin', facts.origin,
  'name', facts.name, 'counted', facts.counted, 'counts_usage', facts.counts_usage, 'has_content', facts.has_content,
  'is_part', facts.is_part, 'is_open', facts.is_open, 'via', facts.via, 'trace_id', fact_traces.trace_id,
  'span_id', facts.span_id, 'parent_span_id', facts.parent_span_id, 'parent_id', facts.parent_id, 'run_id', facts.run_id,
  'service_name', facts.service_name, 'time', facts.time, 'duration', facts.duration, 'agent_name', agents.name,
  'agent_id', facts.agent_id, 'agent_version', facts.agent_version, 'parent_agent', facts.parent_agent,
  'workflow', facts.workflow, 'session_id', sessions.session_id, 'session_source', facts.session_source,
  'turn_id', facts.turn_id, 'user_id', users.name, 'response_id', facts.response_id, 'tool_call_id', facts.tool_call_id,
  'provider', facts.provider, 'model', facts.model, 'request_model', facts.request_model,
  'input_tokens', facts.input_tokens, 'output_tokens', facts.output_tokens, 'cache_read_tokens', facts.cache_read_tokens,
  'cache_write_tokens', facts.cache_write_tokens, 'reasoning_tokens', facts.reasoning_tokens,
  'total_tokens', facts.total_tokens, 'reported_cost', facts.reported_cost, 'computed_cost', facts.computed_cost,
  'cache_saving', facts.cache_saving, 'price_version', facts.price_version, 'credits', facts.credits,
  'nano_units', facts.nano_units, 'time_to_first_token', facts.time_to_first_token, 'finish_reasons', facts.finish_reasons)

-- part: named_fact_rest
json_object('tool_name', facts.tool_name, 'tool_type', facts.tool_type, 'mcp_server', facts.mcp_server,
  'arguments_hash', facts.arguments_hash, 'decision', facts.decision, 'failed', facts.failed, 'error_type', facts.error_type,
  'error_message', facts.error_message, 'status_code', facts.status_code, 'attempt', facts.attempt, 'tags', facts.tags,
  'metadata', facts.metadata, 'details', facts.details, 'run_llm_calls', facts.run_llm_calls,
  'run_tool_calls', facts.run_tool_calls, 'run_input_tokens', facts.run_input_tokens,
  'run_output_tokens', facts.run_output_tokens, 'run_cost', facts.run_cost)

-- part: with_names
left join fact_traces on fact_traces.key = facts.trace_key left join agents on agents.key = facts.agent_key
  left join sessions on sessions.key = facts.session_key left join users on users.key = facts.user_key

-- name: named_facts_by_id
select json_group_array(json_array({named_fact}, {named_fact_rest}))
from facts {with_names} where facts.id in (select value from json_each(:ids));

-- part: fact_conditions
facts.time >= :start and facts.time < :end
  and (:after_time is null or facts.time < :after_time or (facts.time = :after_time and facts.id < :after_key))
  and (:agent_key is null or facts.agent_key = :agent_key)
  and (:user_key is null or facts.user_key = :user_key)
  and (:session_key is null or facts.session_key = :session_key)
  and (:trace_key is null or facts.trace_key = :trace_key)
  and (:parent_agent is null or facts.parent_agent = :parent_agent)
  and (:version is null or facts.agent_version = :version)
  and (:service is null or facts.service_name = :service)
  and (:workflow is null or facts.workflow = :workflow)
  and (:provider is null or facts.provider = :provider)
  and (:model is null or facts.model = :model)
  and (:tool is null or facts.tool_name = :tool)
  and (:mcp_server is null or facts.mcp_server = :mcp_server)
  and (:error_type is null or (facts.failed = 1 and coalesce(facts.error_type, '_OTHER') = :error_type))
  and (:finish_reason is null or facts.finish_reasons like '%"' || :finish_reason || '"%')
  and (:decision is null or facts.decision = :decision)
  and (:kind is null or facts.kind = :kind)
  and (:failed is null or facts.failed = :failed)
  and (:min_cost is null or facts.cost_usd >= :min_cost)

-- part: newest_facts
{fact_conditions} order by facts.time desc, facts.id desc limit :count

-- name: llm_calls_newest
select json_group_array(json_array(time, id)) from (
  select time, id from facts where fact = 'llm_call' and counted = 1 and {newest_facts}
);

-- name: tool_calls_newest
select json_group_array(json_array(time, id)) from (
  select time, id from facts where fact = 'tool_call' and counted = 1 and {newest_facts}
);

-- name: agent_runs_newest
select json_group_array(json_array(time, id)) from (
  select time, id from facts where fact = 'agent_run' and counted = 1 and {newest_facts}
);

-- name: others_newest
select json_group_array(json_array(time, id)) from (
  select time, id from facts where fact = :fact and fact in ('user_turn', 'step', 'event') and counted = 1 and {newest_facts}
);

-- name: facts_of_agent_newest
select json_group_array(json_array(time, id)) from (
  select time, id from facts indexed by facts_agent
  where facts.agent_key = :agent_key and fact = :fact and counted = 1 and {newest_facts}
);

-- name: facts_of_user_newest
select json_group_array(json_array(time, id)) from (
  select time, id from facts indexed by facts_user
  where facts.user_key = :user_key and facts.user_key is not null and counted = 1 and fact = :fact and {newest_facts}
);

-- name: facts_of_session_newest
select json_group_array(json_array(time, id)) from (
  select time, id from facts indexed by facts_session
  where facts.session_key = :session_key and facts.session_key is not null and counted = 1 and fact = :fact and {newest_facts}
);

-- name: facts_of_trace_newest
select json_group_array(json_array(time, id)) from (
  select time, id from facts indexed by facts_trace
  where facts.trace_key = :trace_key and facts.trace_key is not null and counted = 1 and fact = :fact and {newest_facts}
);

-- name: failed_newest
select json_group_array(json_array(time, id)) from (
  select time, id from facts indexed by facts_failed
  where failed = 1 and counted = 1 and fact = :fact and {newest_facts}
);

-- name: hours_with
-- The hours, latest first, in which something fits what is asked.
select json_group_array(period) from (
  select distinct period from usage_hours join usage_groups on usage_groups.id = group_id
  where usage_hours.cube = :cube and usage_hours.count > 0 and period >= :hours_from and period < :hours_to
    and usage_groups.fact = :fact and {usage_filters}
  order by period desc
);

-- name: greatest_facts
-- Of calls in the range those that are greatest by :by.
select json_group_array(json_array(value, id)) from (
  select case :by when 'duration' then duration when 'input_tokens' then input_tokens when 'output_tokens' then output_tokens
    else cost_usd end as value, id
  from facts where fact = :fact and fact in ('llm_call', 'tool_call', 'agent_run') and counted = 1 and {fact_conditions}
    and value is not null order by 1 desc, id desc limit :count
);

-- name: session_key_of
select key from sessions where session_id = :name and facts > 0;

-- name: trace_key_of
select key from fact_traces where trace_id = :name;

-- name: fact_id_of_source
select fact_id from fact_sources where source = :source;

-- name: source_attributes
-- The attributes of the records that tell of a fact: spans, then logs.
select json_group_array(attributes) from (
  select attributes from span_rows where id in (select value / 2 from json_each(:sources) where value % 2 = 0)
  union all
  select attributes from logs where id in (select value / 2 from json_each(:sources) where value % 2 = 1)
);

-- name: contents_of_sources
select json_group_array(json_array(source, parts)) from fact_contents where source in (select value from json_each(:sources));

-- name: contents_by_id
select json_group_array(json_array(id, text, size)) from contents where id in (select value from json_each(:ids));

-- part: agent_facts
select agents.key, fact.value as fact from agents, json_each('["llm_call", "tool_call", "agent_run", "user_turn", "step", "event"]') as fact

-- name: agents_seen
-- When each agent was first and last seen, by the facts that are kept.
select json_group_array(json_array(key, first, last)) from (
  select key, min((select time from facts where agent_key = key and facts.fact = kinds.fact and counted = 1
      order by time limit 1)) as first,
    max((select time from facts where agent_key = key and facts.fact = kinds.fact and counted = 1
      order by time desc limit 1)) as last
  from ({agent_facts}) as kinds group by key
) where last is not null;

-- name: users_seen
select json_group_array(json_array(key, name, first, last)) from (
  select key, name,
    (select min(time) from facts where user_key = users.key and user_key is not null and counted = 1) as first,
    (select max(time) from facts where user_key = users.key and user_key is not null and counted = 1) as last
  from users where key in (select value from json_each(:keys))
);

-- name: newest_of_agents
-- The newest fact of each agent, for what it says of version, service and environment.
select json_group_array(json_array(agent_key, agent_version, facts.service_name, environment)) from facts
left join resources on resources.id = resource_id
where facts.id in (
  select (select id from facts where agent_key = agents.key and fact = kinds.fact and counted = 1 order by time desc limit 1)
  from agents, (select column1 as fact from (values ('llm_call'), ('tool_call'), ('agent_run'))) as kinds
) order by facts.time;

-- name: error_example
-- Names as the sums have them: cut to 200 characters.
select id from facts indexed by facts_errors
where failed = 1 and counted = 1 and fact = :fact
  and substr(coalesce(error_type, '_OTHER'), 1, 200) = :error_type and coalesce(agent_key, 0) = :agent_key
  and substr(coalesce(model, ''), 1, 200) = :model and substr(coalesce(tool_name, ''), 1, 200) = :tool and time >= :start and time < :end
order by time desc, id desc limit 1;

-- name: open_facts
select json_group_array(json_array(time, id)) from (
  select time, id from facts where is_open = 1 and counted = 1 and time >= :since order by time desc limit :count
);

-- name: latest_of_sessions
-- Of sessions in which something happened lately, the latest fact.
select json_group_array(json_array(time, id)) from (
  select last_time as time, (select id from facts where session_key = sessions.key order by time desc limit 1) as id
  from sessions where facts > 0 and last_time >= :since order by last_time desc limit :count
) where id is not null;

-- name: tool_loops
select json_group_array(json_array(session_id, run_id, agent_name, tool_name, arguments_hash, count, first, last, example)) from (
  select sessions.session_id, run_id, agents.name as agent_name, tool_name, arguments_hash, count(*) as count, min(time) as first,
    max(time) as last, max(facts.id) as example
  from facts left join sessions on sessions.key = session_key left join agents on agents.key = agent_key
  where fact = 'tool_call' and counted = 1 and arguments_hash is not null and tool_name is not null
    and time >= :start and time < :end and (:agent_key is null or agent_key = :agent_key)
    and (:session_key is null or session_key = :session_key) and (:tool is null or tool_name = :tool)
  group by session_key, run_id, tool_name, arguments_hash having count(*) >= :at_least
  order by count desc, last desc limit :count
);

-- name: facts_of_trace_by_time
select json_group_array(json_array(time, id)) from (
  select time, id from facts where trace_key = (select key from fact_traces where trace_id = :trace_id) and trace_key is not null
    and is_part = 0 order by time, id limit :count
);

-- name: agents_of_users
-- Those with the most sessions first.
select json_group_array(json_array(user_key, name)) from (
  select of_user.key as user_key, agents.name as name, count(*) as sessions
  from session_links as of_user
  cross join session_links as of_agent indexed by session_links_session
    on of_agent.session_key = of_user.session_key and of_agent.kind = 'agent' and of_agent.facts > 0
  join agents on agents.key = of_agent.key
  where of_user.kind = 'user' and of_user.key in (select value from json_each(:keys)) and of_user.facts > 0
  group by of_user.key, of_agent.key order by sessions desc, name
);
