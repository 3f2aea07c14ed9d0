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
