insert into federated_identity (user_id, issuer, subject) values ($1, $2, $3)
on conflict (user_id) do nothing
