-- Beside each layer's table `l_<id>` there is one of the versions that were replaced, `h_<id>`; those of layers that are
-- older than this are made when the file is opened.

-- From which revision on history is kept; null as long as the table of versions is not made.
alter table _jmap_layer add column history_from integer;
-- From when on; milliseconds since 1970.
alter table _jmap_layer add column history_since integer;
-- The time of the newest edit, because stamps never go back; milliseconds since 1970.
alter table _jmap_layer add column edit_time integer not null default 0;
