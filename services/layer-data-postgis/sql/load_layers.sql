select layer_id, definition, revision, next_element, create_time from jmap_catalogue.layer order by layer_id
