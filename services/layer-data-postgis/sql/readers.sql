-- The roles that read layers. One that was dropped since is left out.
select r.role_name from jmap_catalogue.reader as r join pg_roles as p on p.rolname = r.role_name order by r.role_name
