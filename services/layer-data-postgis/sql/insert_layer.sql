with inserted as (
  insert into jmap_catalogue.layer (layer_id, definition, create_time)
  values ($1, $2, $5)
  on conflict (layer_id) do nothing
  returning layer_id
)
insert into jmap_catalogue.counters (layer_id, next_element, revision)
select layer_id, $3, $4 from inserted
