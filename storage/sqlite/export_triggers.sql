-- Temporary triggers, made on the writer's connection while there is an exporter; blank lines separate them.

create temp trigger if not exists note_point after insert on metric_points begin
  insert into export_points (stream_id, time) values (new.stream_id, new.time);
end;

create temp trigger if not exists note_changed_span after update on span_rows begin
  insert into export_changes (span_row_id) values (new.id);
end;

create temp trigger if not exists count_lost_span after delete on span_rows begin
  update export_positions set lost = lost + 1 where queue = 'spans' and acknowledged < old.id;
end;

create temp trigger if not exists count_lost_log after delete on logs begin
  update export_positions set lost = lost + 1 where queue = 'logs' and acknowledged < old.id;
end;
