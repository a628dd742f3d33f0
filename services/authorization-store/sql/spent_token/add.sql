insert into spent_token (hash, kept_until) values ($1, $2) on conflict (hash) do nothing
