insert into service_key (service_id, hash) values ($1, $2)
on conflict (service_id) do update set hash = excluded.hash
