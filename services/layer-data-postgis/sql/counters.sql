select revision, next_element, edit_time, restored from jmap_catalogue.counters where layer_id = $1
