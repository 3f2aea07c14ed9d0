-- Walking through all facts, to derive them again.

-- name: fact_traces_after
select key, trace_id from fact_traces where key > :after order by key limit :count;

-- name: loose_facts_after
-- Facts that no trace tells of: log records alone.
select id, null from facts where id > :after and id % 2 = 1 and trace_key is null order by id limit :count;

-- name: extent_of_facts
select coalesce((select max(key) from fact_traces), 0), coalesce((select max(id) from facts where trace_key is null), 0);

-- name: costs_of_facts
select count(*), coalesce(sum(case when reported_cost is null then computed_cost end), 0.0), coalesce(sum(reported_cost), 0.0),
  coalesce(sum(cost_usd is null and counts_usage), 0)
from facts where fact = 'llm_call' and counted = 1;
