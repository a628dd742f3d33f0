select group_id, name, revision from user_group order by group_id
