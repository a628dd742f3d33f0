-- The one row of the database itself.
create table installation (
    singleton integer primary key check (singleton = 1),
    -- The installation's id, a UUID; the same for all its services, for ever.
    installation_id text not null,
    -- The life of the database: a restore begins another one.
    epoch integer not null,
    -- Counts the processes that have held the database. A change of an earlier one is refused.
    tenure integer not null,
    -- The number of the last change of the policy, without gaps.
    revision integer not null,
    -- The highest ids given out; ids are never reused.
    principal_mark integer not null,
    project_mark integer not null,
    layer_mark integer not null,
    service_mark integer not null,
    session_mark integer not null
) strict;

-- Users and groups draw from one sequence, so that a grant names either by one number.
create table principal (
    principal_id integer primary key
) strict;

create table user_account (
    user_id integer primary key references principal on delete cascade,
    name text not null,
    name_key text not null unique,
    display_name text,
    for_servers integer not null,
    enabled integer not null,
    revision integer not null
) strict;

create table user_password (
    user_id integer primary key references user_account on delete cascade,
    -- argon2id, as a PHC string.
    hash text not null
) strict;

create table user_group (
    group_id integer primary key references principal on delete cascade,
    name text not null,
    name_key text not null unique,
    revision integer not null
) strict;

create table membership (
    group_id integer not null references user_group on delete cascade,
    user_id integer not null references user_account on delete cascade,
    primary key (group_id, user_id)
) strict;
create index membership_user on membership (user_id);

create table global_grant (
    principal_id integer primary key references principal on delete cascade,
    permissions integer not null
) strict;

create table service (
    service_id integer primary key,
    name text not null,
    name_key text not null unique,
    scopes integer not null,
    revision integer not null
) strict;

create table service_key (
    service_id integer primary key references service on delete cascade,
    -- SHA-256.
    hash blob not null
) strict;

create table project (
    project_id integer primary key,
    name text not null,
    name_key text not null unique,
    description text not null,
    position integer not null,
    revision integer not null,
    grants_revision integer not null
) strict;

create table project_grant (
    project_id integer not null references project on delete cascade,
    principal_id integer not null references principal on delete cascade,
    rights integer not null,
    primary key (project_id, principal_id)
) strict;
create index project_grant_principal on project_grant (principal_id);

create table layer (
    layer_id integer primary key,
    name text not null,
    name_key text not null,
    -- Either in a project or somebody's own. A project's layers go in the same transaction as the project.
    project_id integer references project deferrable initially deferred,
    position integer,
    owner_id integer,
    editing integer not null,
    connection_id integer,
    -- Milliseconds since 1970; null for a layer that exists.
    pending_until integer,
    request_by integer not null,
    request_id blob not null,
    request_fingerprint blob not null,
    revision integer not null,
    grants_revision integer not null,
    check ((project_id is null) <> (owner_id is null)),
    check ((project_id is null) = (position is null)),
    unique (project_id, name_key),
    unique (owner_id, name_key),
    unique (request_by, request_id)
) strict;

create table layer_grant (
    layer_id integer not null references layer on delete cascade,
    principal_id integer not null references principal on delete cascade,
    permissions integer not null,
    own_only integer not null,
    primary key (layer_id, principal_id)
) strict;
create index layer_grant_principal on layer_grant (principal_id);

create table tombstone (
    layer_id integer primary key,
    deleted_at integer not null,
    deleted_by integer,
    revision integer not null,
    confirmed integer not null
) strict;

-- History: who changed what, when. Nothing in it is ever rewritten.
create table change_set (
    revision integer primary key,
    decided_at integer not null,
    author_user integer,
    author_session integer,
    author_service integer,
    principal_mark integer not null,
    project_mark integer not null,
    layer_mark integer not null,
    service_mark integer not null
) strict;

create table change (
    revision integer not null references change_set,
    ordinal integer not null,
    -- JSON; secrets are never in it.
    content text not null,
    primary key (revision, ordinal)
) strict;

create table session (
    session_id integer primary key,
    user_id integer,
    for_servers integer not null,
    service_id integer,
    opened_at integer not null,
    expires_at integer not null,
    closed_at integer,
    -- SHA-256 of the parts of the refresh token.
    refresh_family blob,
    refresh_current blob,
    check ((user_id is null) <> (service_id is null)),
    check ((refresh_family is null) = (refresh_current is null))
) strict;
create index session_expiry on session (expires_at);

create table signing_key (
    kid text primary key,
    -- Ed25519, PKCS #8 in PEM.
    private_pem text not null,
    created_at integer not null
) strict;
