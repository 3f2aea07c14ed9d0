-- The block index, as searches of spans and logs read it. Rows are answered as one JSON array (see connect.py).

-- name: last_sealed
select coalesce(max(last_id), 0) from blocks where table_name = :table_name;

-- name: newest_block_time
select coalesce(max(max_time), -1) from blocks where table_name = :table_name;

-- name: block_page
-- The next blocks, latest first, that overlap the time asked for. Each group of hash_ parameters is one thing wanted, in the
-- forms that it can have; a block that has none of the forms cannot answer. A hash met across two others only costs a read.
select json_group_array(json_array(max_time, min_time, first_id, last_id)) from (
  select blocks.max_time, blocks.min_time, blocks.first_id, blocks.last_id
  from blocks join block_hashes on block_hashes.block_id = blocks.id
  where table_name = :table_name and max_time >= :start and min_time < :end
    and (max_time, min_time, first_id) < (:after_max_time, :after_min_time, :after_first_id)
    and (:hash_1_1 is null or instr(hashes, :hash_1_1) or instr(hashes, :hash_1_2) or instr(hashes, :hash_1_3))
    and (:hash_2_1 is null or instr(hashes, :hash_2_1) or instr(hashes, :hash_2_2) or instr(hashes, :hash_2_3))
    and (:hash_3_1 is null or instr(hashes, :hash_3_1) or instr(hashes, :hash_3_2) or instr(hashes, :hash_3_3))
    and (:hash_4_1 is null or instr(hashes, :hash_4_1) or instr(hashes, :hash_4_2) or instr(hashes, :hash_4_3))
  order by max_time desc, min_time desc, first_id desc
  limit :count
);

-- name: lowest_row_since
-- No row with a lower number lies in the time asked for. The tail begins behind the last block.
select coalesce(
  (select min(first_id) from blocks where table_name = :table_name and max_time >= :start and min_time < :end),
  (select max(last_id) + 1 from blocks where table_name = :table_name), 0);

-- name: resources_of_service
select json_group_array(id) from resources where coalesce(service_name, '') = :service;

-- name: resources_with
-- Resources whose attributes may have a value: :needle_1 to :needle_3 are the forms that it can have.
select json_group_array(json_array(id, attributes)) from resources
where instr(attributes, :needle_1) or instr(attributes, :needle_2) or instr(attributes, :needle_3);

-- name: resources
select json_group_array(json_array(id, service_name, attributes, dropped_attributes_count, entity_refs, schema_url))
from resources where id in (select value from json_each(:ids));

-- name: scopes
select json_group_array(json_array(id, name, version, attributes, dropped_attributes_count, schema_url))
from scopes where id in (select value from json_each(:ids));

-- part: attribute_conditions
-- The first two attributes wanted, roughly: by the text that an object with the value contains, or by the resource.
(:needle_1_1 is null or instr(attributes, :needle_1_1) or instr(attributes, :needle_1_2) or instr(attributes, :needle_1_3)
    or resource_id in (select value from json_each(:resources_1)))
  and (:needle_2_1 is null or instr(attributes, :needle_2_1) or instr(attributes, :needle_2_2) or instr(attributes, :needle_2_3)
    or resource_id in (select value from json_each(:resources_2)))
