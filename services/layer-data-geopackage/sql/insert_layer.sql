insert into _jmap_layer (layer_id, definition, next_element, revision, create_time) values (?1, ?2, 1, 0, ?3)
