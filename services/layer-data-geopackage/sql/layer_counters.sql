select revision, next_element, edit_time from _jmap_layer where layer_id = ?1
