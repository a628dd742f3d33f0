-- The layers whose feed can be searched already.
select (regexp_match(indexname, '^h_(\d+)_first$'))[1]::bigint
from pg_catalog.pg_indexes
where schemaname like 'jmap\_layers\_%' and indexname like 'h\_%\_first'
