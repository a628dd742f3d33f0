select revision, next_element from jmap_catalogue.counters where layer_id = $1
