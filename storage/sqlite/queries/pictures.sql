-- What pictures are drawn from.

-- name: scan_durations
-- Spans as the heat map counts them; the attributes only where they have to be looked at.
select json_group_array(json_array(start_time, duration, coalesce(status_code = 2, 0), resource_id,
  iif(:needle_1_1 is null, null, attributes)))
from span_rows where id between :first_id and :last_id and end_time > 0 and start_time > 0 and {span_conditions};

-- name: calls_between_services
-- Spans whose parent is of another resource, by both.
select json_group_array(json_array(source, target, count, error_count, sum, max)) from (
  select parent.resource_id as source, child.resource_id as target, count(*) as count,
    coalesce(sum(child.status_code = 2), 0) as error_count, sum(child.duration) as sum, max(child.duration) as max
  from span_rows as child
  join span_rows as parent on parent.trace_key = child.trace_key and parent.span_id = child.parent_span_id
  where child.id between :first_id and :last_id and child.start_time >= :start and child.start_time < :end
    and parent.resource_id <> child.resource_id
  group by parent.resource_id, child.resource_id
);

-- name: calls_to_others
-- Client and producer spans (3, 4) that say what they call and that no telemetry need come from.
select json_group_array(json_array(source, kind, target, count, error_count, sum, max)) from (
  select resource_id as source, kind, target, count(*) as count, coalesce(sum(failed), 0) as error_count,
    sum(duration) as sum, max(duration) as max
  from (
    select resource_id, duration, status_code = 2 as failed,
      case when database is not null then 'database' when queue is not null then 'queue' when model is not null then 'model'
        else 'peer' end as kind,
      coalesce(database, queue, model, peer) as target
    from (
      select resource_id, duration, status_code,
        coalesce(attributes ->> '$."db.system.name"', attributes ->> '$."db.system"') as database,
        attributes ->> '$."messaging.system"' as queue,
        coalesce(attributes ->> '$."gen_ai.provider.name"', attributes ->> '$."gen_ai.system"') as model,
        coalesce(attributes ->> '$."service.peer.name"', attributes ->> '$."peer.service"') as peer
      from span_rows
      where id between :first_id and :last_id and kind in (3, 4) and start_time >= :start and start_time < :end
    )
  )
  where target is not null
  group by resource_id, kind, target
);
