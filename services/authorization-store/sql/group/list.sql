select group_id, name, description, revision from user_group order by group_id
