-- Sums over facts, from the cells per hour and day.

-- part: usage_sum_columns
count, failed, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, reported_cost,
  computed_cost, cache_saving, credits, reported, computed, unpriced, without_usage, without_session, without_content,
  retries, rate_limited, run_llm_calls, run_tool_calls, timed_output_tokens, timed_ns

-- part: chosen_groups
-- Before anything else of a cell is read.
(:groups is null or group_id in (select value from json_each(:groups)))

-- part: usage_cells_within
cells as (
  select period * 768 as hour, group_id, durations, first_tokens, {usage_sum_columns} from usage_months
    where cube = :cube and period >= :months_from and period < :months_to and {chosen_groups}
  union all
  select period * 24, group_id, durations, first_tokens, {usage_sum_columns} from usage_days
    where cube = :cube and period >= :days_from and period < :days_until and {chosen_groups}
  union all
  select period * 24, group_id, durations, first_tokens, {usage_sum_columns} from usage_days
    where cube = :cube and period >= :days_again and period < :days_to and {chosen_groups}
  union all
  select period, group_id, durations, first_tokens, {usage_sum_columns} from usage_hours
    where cube = :cube and period >= :hours_from and period < :hours_until and {chosen_groups}
  union all
  select period, group_id, durations, first_tokens, {usage_sum_columns} from usage_hours
    where cube = :cube and period >= :hours_again and period < :hours_to and {chosen_groups}
)

-- part: usage_sizes_within
-- The same, of which little is read.
cells as (
  select period * 768 as hour, group_id, count, failed, reported_cost + computed_cost as cost from usage_months
    where cube = :cube and period >= :months_from and period < :months_to and {chosen_groups}
  union all
  select period * 24, group_id, count, failed, reported_cost + computed_cost as cost from usage_days
    where cube = :cube and period >= :days_from and period < :days_until and {chosen_groups}
  union all
  select period * 24, group_id, count, failed, reported_cost + computed_cost as cost from usage_days
    where cube = :cube and period >= :days_again and period < :days_to and {chosen_groups}
  union all
  select period, group_id, count, failed, reported_cost + computed_cost as cost from usage_hours
    where cube = :cube and period >= :hours_from and period < :hours_until and {chosen_groups}
  union all
  select period, group_id, count, failed, reported_cost + computed_cost as cost from usage_hours
    where cube = :cube and period >= :hours_again and period < :hours_to and {chosen_groups}
)

-- part: usage_filters
usage_groups.cube = :cube
    and (:agent_key is null or usage_groups.agent_key = :agent_key)
    and (:parent_agent is null or usage_groups.parent_agent = :parent_agent)
    and (:agent_version is null or usage_groups.agent_version = :agent_version)
    and (:service is null or usage_groups.service = :service)
    and (:workflow is null or usage_groups.workflow = :workflow)
    and (:provider is null or usage_groups.provider = :provider)
    and (:model is null or usage_groups.model = :model)
    and (:tool is null or usage_groups.tool = :tool)
    and (:mcp_server is null or usage_groups.mcp_server = :mcp_server)
    and (:error_type is null or usage_groups.error_type = :error_type)
    and (:finish is null or usage_groups.finish = :finish)
    and (:decision is null or usage_groups.decision = :decision)
    and (:kind is null or usage_groups.kind = :kind)
    and (:user_key is null or usage_groups.user_key = :user_key)

-- name: usage_sums
-- By up to two names, interval and fact; the histograms come joined, as hexadecimal text, where they are wanted.
with {usage_cells_within}
select json_group_array(json_array(name_1, name_2, interval, fact, count, failed, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, reported_cost,
  computed_cost, cache_saving, credits, reported, computed, unpriced, without_usage, without_session, without_content,
  retries, rate_limited, run_llm_calls, run_tool_calls, timed_output_tokens, timed_ns, durations, first_tokens)) from (
  select case :group_1 when 'agent' then usage_groups.agent_key when 'parent_agent' then usage_groups.parent_agent
  when 'version' then usage_groups.agent_version when 'service' then usage_groups.service
  when 'workflow' then usage_groups.workflow when 'provider' then usage_groups.provider
  when 'model' then usage_groups.model when 'tool' then usage_groups.tool when 'mcp_server' then usage_groups.mcp_server
  when 'error_type' then usage_groups.error_type when 'finish_reason' then usage_groups.finish
  when 'decision' then usage_groups.decision when 'kind' then usage_groups.kind when 'fact' then usage_groups.fact
  when 'user' then usage_groups.user_key
    when 'metadata' then json_extract(label, :metadata_path) end as name_1,
    case :group_2 when 'agent' then usage_groups.agent_key when 'parent_agent' then usage_groups.parent_agent
  when 'version' then usage_groups.agent_version when 'service' then usage_groups.service
  when 'workflow' then usage_groups.workflow when 'provider' then usage_groups.provider
  when 'model' then usage_groups.model when 'tool' then usage_groups.tool when 'mcp_server' then usage_groups.mcp_server
  when 'error_type' then usage_groups.error_type when 'finish_reason' then usage_groups.finish
  when 'decision' then usage_groups.decision when 'kind' then usage_groups.kind when 'fact' then usage_groups.fact
  when 'user' then usage_groups.user_key
    when 'metadata' then json_extract(label, :metadata_path) end as name_2,
    case when :interval_hours is null then null else hour / :interval_hours * :interval_hours end as interval,
    usage_groups.fact, sum(count) as count, sum(failed) as failed, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
  sum(cache_read_tokens) as cache_read_tokens, sum(cache_write_tokens) as cache_write_tokens,
  sum(reasoning_tokens) as reasoning_tokens, sum(reported_cost) as reported_cost, sum(computed_cost) as computed_cost,
  sum(cache_saving) as cache_saving, sum(credits) as credits, sum(reported) as reported, sum(computed) as computed,
  sum(unpriced) as unpriced, sum(without_usage) as without_usage, sum(without_session) as without_session,
  sum(without_content) as without_content, sum(retries) as retries, sum(rate_limited) as rate_limited,
  sum(run_llm_calls) as run_llm_calls, sum(run_tool_calls) as run_tool_calls,
  sum(timed_output_tokens) as timed_output_tokens, sum(timed_ns) as timed_ns,
    case when :percentiles_of = usage_groups.fact then group_concat(hex(durations), '') end as durations,
    case when :percentiles_of = usage_groups.fact then group_concat(hex(first_tokens), '') end as first_tokens
  from cells join usage_groups on usage_groups.id = group_id
  where {usage_filters}
  group by 1, 2, 3, usage_groups.fact
);

-- name: groups_of_filters
select json_group_array(id) from usage_groups where {usage_filters};

-- name: groups_of_users
select json_group_array(id) from usage_groups where cube = 'user' and user_key in (select value from json_each(:keys));

-- name: greatest_users
-- By cost, then by what they did; 0 stands for those without a name.
with {usage_sizes_within}, sums as (select group_id, sum(cost) as cost, sum(count) as count from cells group by group_id)
select json_group_array(user_key) from (
  select user_key from sums join usage_groups on usage_groups.id = group_id left join users on users.key = user_key
  where user_key > 0
  group by user_key
  order by round(sum(cost), 10) desc, sum(case when usage_groups.fact = 'user_turn' then 0 else count end) desc, users.name
  limit :count
);

-- part: edge_facts
time >= :start and time < :end

-- part: summed_columns
-- The columns of facts that sums are made of, each in its place among all of them.
null, null, null, null, null, null, null, null, service_name, counted, counts_usage, has_content, fact, kind, null,
  null, null, is_open, null, time, duration, agent_key, null, agent_version, parent_agent, workflow, session_key,
  session_source, null, user_key, null, null, null, null, provider, model, null, input_tokens, output_tokens,
  cache_read_tokens, cache_write_tokens, reasoning_tokens, null, reported_cost, computed_cost, cache_saving, null,
  credits, null, time_to_first_token, finish_reasons, tool_name, null, mcp_server, null, decision, failed, error_type,
  null, status_code, attempt, null, metadata, null, run_llm_calls, run_tool_calls, null, null, null

-- name: facts_within
-- The facts of the ends of a range, which no whole hour covers.
select {summed_columns} from facts where fact = 'llm_call' and counted = 1 and {edge_facts}
union all select {summed_columns} from facts where fact = 'tool_call' and counted = 1 and {edge_facts}
union all select {summed_columns} from facts where fact = 'agent_run' and counted = 1 and {edge_facts}
union all select {summed_columns} from facts where fact in ('user_turn', 'step', 'event') and {edge_facts};

-- name: usage_extent
-- The first and last hour that has anything.
select coalesce((select min(period) from usage_hours where cube = 'service'), 0),
  coalesce((select max(period) + 1 from usage_hours where cube = 'service'), 0);

-- name: hour_counts
-- How many facts these hours have.
select json_group_array(json_array(period, count)) from (
  select period, sum(count) as count from usage_hours where cube = 'service' and period in (select value from json_each(:hours))
  group by period
);

-- name: names_of_agents
select json_group_array(json_array(key, name)) from agents where key in (select value from json_each(:keys));

-- name: names_of_users
select json_group_array(json_array(key, name)) from users where key in (select value from json_each(:keys));

-- name: agent_key_of
select key from agents where name = :name;

-- name: user_key_of
select key from users where name = :name;

-- name: sessions_of_agents
-- How many sessions with activity in the range each agent (or user) has.
select json_group_array(json_array(key, sessions)) from (
  select session_links.key, count(*) as sessions from session_links join sessions on sessions.key = session_key
  where kind = :kind and session_links.facts > 0 and (:start is null or last_time >= :start)
    and (:end is null or first_time < :end)
  group by session_links.key
);

-- name: all_sessions_of_agents
-- The same without a range, for which no session need be read.
select json_group_array(json_array(key, sessions)) from (
  select key, count(*) as sessions from session_links where kind = :kind and facts > 0 group by key
);

-- name: sessions_of_users
-- The same of some users.
select json_group_array(json_array(key, sessions)) from (
  select session_links.key, count(*) as sessions from session_links join sessions on sessions.key = session_key
  where kind = 'user' and session_links.key in (select value from json_each(:keys)) and session_links.facts > 0
    and (:start is null or last_time >= :start) and (:end is null or first_time < :end)
  group by session_links.key
);

-- name: sessions_of_days
select json_group_array(json_array(period, sessions)) from (
  select day / :days * :days as period, count(distinct session_key) as sessions from session_days
  where day >= :days_from and day < :days_to and facts > 0 group by 1
);

-- name: users_of_days
-- And how many of them were never seen before.
with seen as (
  select user_key, period as day from usage_days join usage_groups on usage_groups.id = group_id
  where usage_days.cube = 'user' and count > 0 and period < :days_to group by user_key, period
), firsts as (select user_key, min(day) as day from seen group by user_key)
select json_group_array(json_array(period, users, new)) from (
  select seen.day / :days * :days as period, count(distinct seen.user_key) as users,
    count(distinct case when firsts.day / :days = seen.day / :days then seen.user_key end) as new
  from seen join firsts using (user_key) where seen.day >= :days_from group by 1
);

-- name: failures
-- What failed, by kind of fact, error, agent and place.
with {usage_sizes_within}, counts as (select group_id, sum(failed) as failed from cells group by group_id)
select json_group_array(json_array(fact, error_type, agent_key, model, tool, failed)) from (
  select usage_groups.fact, error_type, agent_key, model, tool, sum(counts.failed) as failed
  from counts join usage_groups on usage_groups.id = group_id
  where {usage_filters}
  group by usage_groups.fact, error_type, agent_key, model, tool having sum(counts.failed) > 0
);

-- name: metric_usage
-- What each stream counted in the range: a histogram counts its sum, or how many it saw where that is what the metric measures.
with points as (
  select usage_streams.stream_id, start_time, time, temporality,
    cast(coalesce(value, case when measure in ('tokens', 'cost_usd') then sum else count end, 0) as real) as value
  from usage_streams join metric_points on metric_points.stream_id = usage_streams.stream_id
  where time < :end and (:agent is null or agent = :agent) and (:user is null or user = :user)
    and (:session is null or session_id = :session) and (:model is null or model = :model)
    and (:service is null or service = :service)
), steps as (
  select stream_id, time, case when temporality = 'delta' then value
    else value - coalesce(lag(value) over (partition by stream_id, start_time order by time), 0) end as value
  from points
), counted as (
  select stream_id, sum(value) as value, min(time) as first, max(time) as last from steps where time >= :start group by stream_id
)
select json_group_array(json_array(family, metric, measure, type, agent, session_id, user, provider, model, tool, service, label,
  counted.value, first, last))
from counted join usage_streams using (stream_id) where counted.value > 0;

-- name: completeness_counts
select (select count(*) from sessions where facts > 0 and last_time >= :start and first_time < :end),
  (select count(*) from sessions where facts > 0 and stated = 0 and last_time >= :start and first_time < :end),
  (select count(*) from (select 1 from fact_sources group by fact_id)),
  (select count(*) from facts indexed by facts_uncounted where counted = 0 and is_part = 0 and time >= :start and time < :end
    and fact in ('llm_call', 'tool_call')),
  (select count(*) from facts indexed by facts_uncounted where counted = 0 and is_part = 1 and time >= :start and time < :end),
  (select count(*) from facts indexed by facts_open where is_open = 1 and counted = 1 and time >= :start and time < :end);
