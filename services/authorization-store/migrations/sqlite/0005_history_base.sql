-- Where kept history begins: the state after the last change that was pruned. No row while nothing was.
create table history_base (
    revision integer primary key,
    decided_at integer not null,
    principal_mark integer not null,
    project_mark integer not null,
    layer_mark integer not null,
    service_mark integer not null,
    -- Whether all its records are written; until then it is none.
    complete integer not null
) strict;

create table history_base_record (
    revision integer not null references history_base,
    ordinal integer not null,
    -- JSON, as in history.
    content text not null,
    primary key (revision, ordinal)
) strict;

-- What the policy was at a time is asked for.
create index change_set_time on change_set (decided_at);
