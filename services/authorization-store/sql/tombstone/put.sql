insert into tombstone (layer_id, deleted_at, deleted_by, revision, confirmed)
values ($1, $2, $3, $4, $5)
on conflict (layer_id) do update
   set deleted_at = excluded.deleted_at, deleted_by = excluded.deleted_by,
       revision = excluded.revision, confirmed = excluded.confirmed
