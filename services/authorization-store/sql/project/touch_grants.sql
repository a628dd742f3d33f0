update project set grants_revision = $2 where project_id = $1
