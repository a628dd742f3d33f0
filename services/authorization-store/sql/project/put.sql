-- The last two are alike: the permission table of a new project counts from the project's revision.
insert into project (project_id, name, name_key, description, position, revision, grants_revision)
values ($1, $2, $3, $4, $5, $6, $6)
on conflict (project_id) do update
   set name = excluded.name, name_key = excluded.name_key, description = excluded.description,
       position = excluded.position, revision = excluded.revision
