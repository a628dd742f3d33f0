-- The newest revision that brought back what was deleted, or a later one.
alter table counters add column restored bigint not null default 0;
