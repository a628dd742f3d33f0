update _jmap_layer set history_from = ?2, history_since = ?3, edit_time = max(edit_time, ?3) where layer_id = ?1
