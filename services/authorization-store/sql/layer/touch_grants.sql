update layer set grants_revision = $2 where layer_id = $1
