-- Whether a move into this store is not finished: nobody may be served from it then.
alter table store add column arriving boolean not null default false;
