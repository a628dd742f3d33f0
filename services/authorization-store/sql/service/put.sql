insert into service (service_id, name, name_key, scopes, revision)
values ($1, $2, $3, $4, $5)
on conflict (service_id) do update
   set name = excluded.name, name_key = excluded.name_key, scopes = excluded.scopes,
       revision = excluded.revision
