-- Prompts, answers, arguments and results: kept once each, listed by record, and searched.

-- name: contents_by_hash
select hash, id, day from contents where hash in (select value from json_each(?));

-- name: use_contents
update contents set day = ? where id in (select value from json_each(?));

-- name: last_content
select coalesce(max(id), 0) from contents;

-- name: insert_content
insert into contents (id, hash, text, size, source, time, day)
values (?, ?, ?, ?, ?, ?, ?);

-- name: insert_fact_contents
insert or replace into fact_contents (source, parts)
values (?, ?);

-- name: index_contents
insert into contents_text (rowid, text) select id, text from contents where id between ? and ?;

-- name: contents_found
-- The texts that hold the words of :text, best first.
select json_group_array(json_array(id, snippet)) from (
  select rowid as id, snippet(contents_text, 0, '', '', '…', 24) as snippet from contents_text
  where contents_text match :text order by rank limit :count
);

-- name: contents_found_unindexed
-- The same among those that maintenance has not come to yet.
select json_group_array(json_array(id, substr(text, max(instr(lower(text), :word) - 60, 1), 160))) from (
  select id, text from contents where id > :indexed and lower(text) like :pattern limit :count
);

-- name: contents_whole
select json_group_array(json_array(id, text, size, source, time)) from contents where id in (select value from json_each(:ids));
