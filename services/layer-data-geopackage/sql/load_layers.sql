select layer_id, definition, revision, create_time from _jmap_layer order by layer_id
