insert into jmap_catalogue.layer (layer_id, definition, next_element, revision, create_time)
values ($1, $2, 1, 0, $3)
on conflict (layer_id) do nothing
