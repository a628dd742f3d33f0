select revision, next_element from jmap_catalogue.layer where layer_id = $1
