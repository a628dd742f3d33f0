insert into user_group (group_id, name, name_key, description, revision)
values ($1, $2, $3, $4, $5)
on conflict (group_id) do update
   set name = excluded.name, name_key = excluded.name_key, description = excluded.description,
       revision = excluded.revision
