-- The one row of the database itself.
create table installation (
    singleton bigint primary key check (singleton = 1),
    -- The installation's id, a UUID; the same for all its services, for ever.
    installation_id text not null,
    -- The life of the database: a restore begins another one.
    epoch bigint not null,
    -- Counts the processes that have held the database. A change of an earlier one is refused.
    tenure bigint not null,
    -- The number of the last change of the policy, without gaps.
    revision bigint not null,
    -- The highest ids given out; ids are never reused.
    principal_mark bigint not null,
    project_mark bigint not null,
    layer_mark bigint not null,
    service_mark bigint not null,
    session_mark bigint not null
);

-- Users and groups draw from one sequence, so that a grant names either by one number.
create table principal (
    principal_id bigint primary key
);

create table user_account (
    user_id bigint primary key references principal on delete cascade,
    name text not null,
    name_key text not null unique,
    display_name text,
    for_servers boolean not null,
    enabled boolean not null,
    revision bigint not null
);

create table user_password (
    user_id bigint primary key references user_account on delete cascade,
    -- argon2id, as a PHC string.
    hash text not null
);

create table user_group (
    group_id bigint primary key references principal on delete cascade,
    name text not null,
    name_key text not null unique,
    revision bigint not null
);

create table membership (
    group_id bigint not null references user_group on delete cascade,
    user_id bigint not null references user_account on delete cascade,
    primary key (group_id, user_id)
);
create index membership_user on membership (user_id);

create table global_grant (
    principal_id bigint primary key references principal on delete cascade,
    permissions bigint not null
);

create table service (
    service_id bigint primary key,
    name text not null,
    name_key text not null unique,
    scopes bigint not null,
    revision bigint not null
);

create table service_key (
    service_id bigint primary key references service on delete cascade,
    -- SHA-256.
    hash bytea not null
);

create table project (
    project_id bigint primary key,
    name text not null,
    name_key text not null unique,
    description text not null,
    position bigint not null,
    revision bigint not null,
    grants_revision bigint not null
);

create table project_grant (
    project_id bigint not null references project on delete cascade,
    principal_id bigint not null references principal on delete cascade,
    rights bigint not null,
    primary key (project_id, principal_id)
);
create index project_grant_principal on project_grant (principal_id);

create table layer (
    layer_id bigint primary key,
    name text not null,
    name_key text not null,
    -- Either in a project or somebody's own. A project's layers go in the same transaction as the project.
    project_id bigint references project deferrable initially deferred,
    position bigint,
    owner_id bigint,
    editing boolean not null,
    connection_id bigint,
    -- Milliseconds since 1970; null for a layer that exists.
    pending_until bigint,
    request_by bigint not null,
    request_id bytea not null,
    request_fingerprint bytea not null,
    revision bigint not null,
    grants_revision bigint not null,
    check ((project_id is null) <> (owner_id is null)),
    check ((project_id is null) = (position is null)),
    unique (project_id, name_key),
    unique (owner_id, name_key),
    unique (request_by, request_id)
);

create table layer_grant (
    layer_id bigint not null references layer on delete cascade,
    principal_id bigint not null references principal on delete cascade,
    permissions bigint not null,
    own_only boolean not null,
    primary key (layer_id, principal_id)
);
create index layer_grant_principal on layer_grant (principal_id);

create table tombstone (
    layer_id bigint primary key,
    deleted_at bigint not null,
    deleted_by bigint,
    revision bigint not null,
    confirmed boolean not null
);

-- History: who changed what, when. Nothing in it is ever rewritten.
create table change_set (
    revision bigint primary key,
    decided_at bigint not null,
    author_user bigint,
    author_session bigint,
    author_service bigint,
    principal_mark bigint not null,
    project_mark bigint not null,
    layer_mark bigint not null,
    service_mark bigint not null
);

create table change (
    revision bigint not null references change_set,
    ordinal bigint not null,
    -- JSON; secrets are never in it.
    content text not null,
    primary key (revision, ordinal)
);

create table session (
    session_id bigint primary key,
    user_id bigint,
    for_servers boolean not null,
    service_id bigint,
    opened_at bigint not null,
    expires_at bigint not null,
    closed_at bigint,
    -- SHA-256 of the parts of the refresh token.
    refresh_family bytea,
    refresh_current bytea,
    check ((user_id is null) <> (service_id is null)),
    check ((refresh_family is null) = (refresh_current is null))
);
create index session_expiry on session (expires_at);

create table signing_key (
    kid text collate "C" primary key,
    -- Ed25519, PKCS #8 in PEM.
    private_pem text not null,
    created_at bigint not null
);
