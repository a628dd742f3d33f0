update _jmap_layer set revision = ?2, next_element = ?3, edit_time = ?4 where layer_id = ?1
