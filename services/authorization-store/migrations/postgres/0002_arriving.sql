-- Whether a move into this database is not finished: nobody may be served from it then.
alter table installation add column arriving boolean not null default false;
