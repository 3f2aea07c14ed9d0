-- What every connection is told once, right after it opens, and how a reader opens and closes its snapshot.

-- name: configure_writer
-- Page size and vacuum mode take effect only before the first table exists. secure_delete = fast: some builds of SQLite
-- overwrite what is deleted, at the price of reading and writing pages that retention would only unlink.
pragma busy_timeout = 2000;
pragma page_size = 8192;
pragma auto_vacuum = incremental;
pragma journal_mode = wal;
pragma synchronous = full;
pragma cache_size = -65536;
pragma mmap_size = 0;
pragma secure_delete = fast;
pragma journal_size_limit = 67108864;

-- name: configure_reader
-- A reader's cache is emptied by every commit of the writer: 8 MiB hold one question, more would only cost memory.
pragma busy_timeout = 1000;
pragma query_only = on;
pragma cache_size = -8192;
pragma mmap_size = 0;
pragma temp_store = file;

-- name: journal_mode
pragma journal_mode;

-- name: begin_reading
begin;

-- name: end_reading
rollback;

-- name: database_file
select file from pragma_database_list where name = 'main';
