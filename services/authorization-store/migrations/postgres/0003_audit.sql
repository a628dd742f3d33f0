-- The number of the last audit record.
alter table installation add column audit_mark bigint not null default 0;

-- Who did what (R122). Rows are added, and removed by age; never changed.
create table audit_record (
    record_id bigint primary key,
    -- One bit, as the core numbers the kinds.
    kind bigint not null,
    first_at bigint not null,
    last_at bigint not null,
    count bigint not null,
    caller_kind bigint not null,
    caller_user bigint,
    caller_session bigint,
    caller_service bigint,
    caller_name text,
    outcome bigint not null,
    reason text,
    act text,
    path bigint,
    path_group bigint,
    request_id text,
    revision bigint,
    concerns_in_all bigint not null
);
create index audit_record_last_at on audit_record (last_at);
create function audit_only_grows() returns trigger language plpgsql as
$$ begin raise exception 'audit records are never changed'; end $$;
create trigger audit_record_only_grows before update on audit_record
    for each row execute function audit_only_grows();

-- What the acts concern.
create table audit_concern (
    record_id bigint not null references audit_record on delete cascade,
    ordinal bigint not null,
    kind text not null,
    resource_id bigint,
    project_id bigint,
    name text,
    primary key (record_id, ordinal)
);
create trigger audit_concern_only_grows before update on audit_concern
    for each row execute function audit_only_grows();

-- Changes of before have no concerns: what they were about is in their history.
insert into audit_record
    (record_id, kind, first_at, last_at, count, caller_kind, caller_user, caller_session, caller_service,
     outcome, revision, concerns_in_all)
select revision, 1, decided_at, decided_at, 1,
       case when author_user is not null then 3 when author_service is not null then 4 else 0 end,
       author_user, author_session, author_service, 0, revision, 0
  from change_set;
update installation set audit_mark = revision;
