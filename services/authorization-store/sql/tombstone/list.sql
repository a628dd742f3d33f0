select layer_id, deleted_at, deleted_by, revision, confirmed
  from tombstone
 order by revision, layer_id
