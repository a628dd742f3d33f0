delete from jmap_catalogue.layer where layer_id = $1
