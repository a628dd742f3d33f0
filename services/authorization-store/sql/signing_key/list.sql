select kid, private_pem, created_at from signing_key order by created_at desc, kid
