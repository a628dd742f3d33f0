insert into jmap_catalogue.layer (layer_id, definition, next_element, revision, create_time)
values ($1, $2, $3, $4, $5)
on conflict (layer_id) do nothing
