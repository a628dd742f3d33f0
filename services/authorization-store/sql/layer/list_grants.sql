select layer_id, principal_id, permissions, own_only
  from layer_grant
 order by layer_id, principal_id
