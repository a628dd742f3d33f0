insert into user_group (group_id, name, name_key, revision)
values ($1, $2, $3, $4)
on conflict (group_id) do update
   set name = excluded.name, name_key = excluded.name_key, revision = excluded.revision
