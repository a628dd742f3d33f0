select history_from from _jmap_layer where layer_id = ?1
