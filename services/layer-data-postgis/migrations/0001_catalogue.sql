-- The catalogue of the layers, beside the schemas that hold their tables. No statement ever joins two layers, so the
-- schemas of layers can be spread over several machines one day.

create extension if not exists postgis with schema public;

do $$
begin
  for bucket in 0..63 loop
    execute format('create schema if not exists jmap_layers_%s', lpad(bucket::text, 2, '0'));
  end loop;
end
$$;

-- The store itself: one row.
create table store (
  one boolean primary key default true check (one),
  -- The installation that the store belongs to; null until it is bound.
  installation text,
  -- Counts the processes that had the store. A process that finds another number has lost it.
  tenure bigint not null
);

insert into store (installation, tenure) values (null, 0);

create table layer (
  layer_id bigint primary key,
  -- The definition as JSON.
  definition text not null,
  create_time timestamptz not null
);

-- What every edit of a layer raises. Apart from the definitions, which would be copied each time; and the pages leave
-- room for the new rows.
create table counters (
  layer_id bigint primary key references layer on delete cascade,
  -- The id of the next element: data, because ids are never reused.
  next_element bigint not null,
  -- The revision of the newest edit.
  revision bigint not null
) with (fillfactor = 50);

-- Answers to requests that may be retried.
create table request (
  actor_id bigint not null,
  request_id bytea not null,
  content bytea not null,
  -- The layers of the request.
  layers bigint[] not null,
  -- The answer as JSON.
  answer text not null,
  create_time timestamptz not null,
  primary key (actor_id, request_id)
);

create index request_age on request (create_time);

-- Roles of other programs, which may read every layer's table.
create table reader (
  role_name text primary key
);

comment on table store is 'The store as a whole: its installation, and the process that has it';
comment on table layer is 'The layers, each with its definition';
comment on table counters is 'How far the revisions and the ids of each layer have come';
comment on table request is 'Answers that a retried request gets again';
comment on table reader is 'Roles that may read the tables of layers, present and future ones';
