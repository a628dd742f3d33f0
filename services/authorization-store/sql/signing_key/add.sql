insert into signing_key (kid, private_pem, created_at) values ($1, $2, $3)
