select history_from from jmap_catalogue.layer where layer_id = $1 for update
