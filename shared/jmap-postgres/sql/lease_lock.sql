-- $1 number of the lock
select pg_try_advisory_lock($1)
