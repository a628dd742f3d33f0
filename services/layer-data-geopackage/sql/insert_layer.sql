insert into _jmap_layer (layer_id, definition, next_element, revision, create_time) values (?1, ?2, ?3, ?4, ?5)
