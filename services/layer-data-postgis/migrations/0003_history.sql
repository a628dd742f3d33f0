-- Beside each layer's table `l_<id>` there is one of the versions that were replaced, `h_<id>`; those of layers that are
-- older than this are made when the service opens the database: they are to be the service's own.

-- From which revision and time on history is kept; null as long as the table of versions is not made.
alter table layer add column history_from bigint;
alter table layer add column history_since timestamptz;
-- The time of the newest edit, because stamps never go back; milliseconds since 1970.
alter table counters add column edit_time bigint not null default 0;
