insert into user_account (user_id, name, name_key, display_name, for_servers, enabled, revision)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (user_id) do update
   set name = excluded.name, name_key = excluded.name_key, display_name = excluded.display_name,
       for_servers = excluded.for_servers, enabled = excluded.enabled, revision = excluded.revision
