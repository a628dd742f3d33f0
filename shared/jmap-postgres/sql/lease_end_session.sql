-- Ends a session of our own that still holds the lock, because the database has not noticed that it is cut off.
-- $1 process, $2 when it began
select pg_terminate_backend(pid) from pg_stat_activity where pid = $1 and backend_start::text = $2
