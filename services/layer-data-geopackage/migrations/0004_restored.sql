-- The newest revision that brought back what was deleted, or a later one.
alter table _jmap_layer add column restored integer not null default 0;
