insert into layer_grant (layer_id, principal_id, permissions, own_only) values ($1, $2, $3, $4)
on conflict (layer_id, principal_id) do update
   set permissions = excluded.permissions, own_only = excluded.own_only
