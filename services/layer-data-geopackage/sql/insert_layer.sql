insert into _jmap_layer
  (layer_id, definition, next_element, revision, create_time, history_from, history_since, edit_time, restored)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?4)
