-- What was taken out of content, by what was done and the day: keys of meta such as 'content_removed 2026-03-01'.

-- name: count_content
insert into meta (key, value)
values (?, ?)
on conflict (key) do update set value = cast(cast(value as integer) + cast(excluded.value as integer) as text);

-- name: content_counts
select coalesce(sum(cast(value as integer)), 0) from meta where key between ? and ?;
