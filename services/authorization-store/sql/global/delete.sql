delete from global_grant where principal_id = $1
