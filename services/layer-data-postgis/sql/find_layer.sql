select layer_id, definition, revision, next_element, create_time from jmap_catalogue.layer where layer_id = $1
