insert into project_grant (project_id, principal_id, rights) values ($1, $2, $3)
on conflict (project_id, principal_id) do update set rights = excluded.rights
