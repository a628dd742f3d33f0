select layer_id, definition, revision, create_time, history_from, history_since, next_element, restored from _jmap_layer order by layer_id
