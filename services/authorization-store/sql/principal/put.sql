insert into principal (principal_id) values ($1)
on conflict (principal_id) do nothing
