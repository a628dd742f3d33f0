select group_id, user_id from membership order by group_id, user_id
