select format('%I.%I', schemaname, tablename)
from pg_catalog.pg_tables
where schemaname = any ($1) and tablename like 'h\_%'
