delete from project_grant where project_id = $1 and principal_id = $2
