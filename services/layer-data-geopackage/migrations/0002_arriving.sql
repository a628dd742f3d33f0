-- Whether a move into this store is not finished: nobody may be served from it then.
alter table _jmap_store add column arriving integer not null default 0;
