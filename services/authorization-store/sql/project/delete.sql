delete from project where project_id = $1
