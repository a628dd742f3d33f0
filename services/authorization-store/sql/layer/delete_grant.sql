delete from layer_grant where layer_id = $1 and principal_id = $2
