-- Where kept history begins: the state after the last change that was pruned. No row while nothing was.
create table history_base (
    revision bigint primary key,
    decided_at bigint not null,
    principal_mark bigint not null,
    project_mark bigint not null,
    layer_mark bigint not null,
    service_mark bigint not null,
    -- Whether all its records are written; until then it is none.
    complete boolean not null
);

create table history_base_record (
    revision bigint not null references history_base,
    ordinal bigint not null,
    -- JSON, as in history.
    content text not null,
    primary key (revision, ordinal)
);

-- What the policy was at a time is asked for.
create index change_set_time on change_set (decided_at);
