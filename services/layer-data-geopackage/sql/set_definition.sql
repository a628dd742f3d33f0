update _jmap_layer set definition = ?2 where layer_id = ?1
