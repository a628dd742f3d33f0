insert into membership (group_id, user_id, federated) values ($1, $2, $3)
on conflict (group_id, user_id) do update set federated = membership.federated or excluded.federated
