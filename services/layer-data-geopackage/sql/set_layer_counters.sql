update _jmap_layer set revision = ?2, next_element = ?3 where layer_id = ?1
