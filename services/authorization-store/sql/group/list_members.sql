select group_id, user_id, federated from membership order by group_id, user_id
