delete from layer where layer_id = $1
