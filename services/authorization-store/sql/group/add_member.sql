insert into membership (group_id, user_id) values ($1, $2)
on conflict (group_id, user_id) do nothing
