select pid, backend_start::text from pg_stat_activity where pid = pg_backend_pid()
