update _jmap_layer set revision = ?2, next_element = ?3, edit_time = ?4, restored = max(restored, ?5) where layer_id = ?1
