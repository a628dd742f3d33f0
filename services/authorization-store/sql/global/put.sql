insert into global_grant (principal_id, permissions) values ($1, $2)
on conflict (principal_id) do update set permissions = excluded.permissions
