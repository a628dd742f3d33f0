with inserted as (
  insert into jmap_catalogue.layer (layer_id, definition, create_time, history_from, history_since)
  values ($1, $2, $5, $6, $7)
  on conflict (layer_id) do nothing
  returning layer_id
)
insert into jmap_catalogue.counters (layer_id, next_element, revision, edit_time, restored)
select layer_id, $3, $4, $8, $4 from inserted
