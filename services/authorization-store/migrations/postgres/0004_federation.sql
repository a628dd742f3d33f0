-- Whom an account was made for at a first federated sign-in; names of accounts mean nothing to a provider.
create table federated_identity (
    user_id bigint primary key references user_account on delete cascade,
    issuer text not null,
    -- As the issuer numbers people.
    subject text not null,
    unique (issuer, subject)
);

-- Whether the account's OpenID provider gave the membership, and may take it back.
alter table membership add column federated boolean not null default false;

-- Tokens that open one session, once; kept until they would be refused anyway.
create table spent_token (
    -- SHA-256 of what the provider signed.
    hash bytea primary key,
    kept_until bigint not null
);

alter table user_group add column description text not null default '';
