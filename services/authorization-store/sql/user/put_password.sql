insert into user_password (user_id, hash) values ($1, $2)
on conflict (user_id) do update set hash = excluded.hash
