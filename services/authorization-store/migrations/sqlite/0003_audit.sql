-- The number of the last audit record.
alter table installation add column audit_mark integer not null default 0;

-- Who did what (R122). Rows are added, and removed by age; never changed.
create table audit_record (
    record_id integer primary key,
    -- One bit, as the core numbers the kinds.
    kind integer not null,
    first_at integer not null,
    last_at integer not null,
    count integer not null,
    caller_kind integer not null,
    caller_user integer,
    caller_session integer,
    caller_service integer,
    caller_name text,
    outcome integer not null,
    reason text,
    act text,
    path integer,
    path_group integer,
    request_id text,
    revision integer,
    concerns_in_all integer not null
) strict;
create index audit_record_last_at on audit_record (last_at);
create trigger audit_record_only_grows before update on audit_record
begin
    select raise(abort, 'audit records are never changed');
end;

-- What the acts concern.
create table audit_concern (
    record_id integer not null references audit_record on delete cascade,
    ordinal integer not null,
    kind text not null,
    resource_id integer,
    project_id integer,
    name text,
    primary key (record_id, ordinal)
) strict;
create trigger audit_concern_only_grows before update on audit_concern
begin
    select raise(abort, 'audit records are never changed');
end;

-- Changes of before have no concerns: what they were about is in their history.
insert into audit_record
    (record_id, kind, first_at, last_at, count, caller_kind, caller_user, caller_session, caller_service,
     outcome, revision, concerns_in_all)
select revision, 1, decided_at, decided_at, 1,
       case when author_user is not null then 3 when author_service is not null then 4 else 0 end,
       author_user, author_session, author_service, 0, revision, 0
  from change_set;
update installation set audit_mark = revision;
