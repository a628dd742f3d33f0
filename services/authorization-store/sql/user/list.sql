select user_id, name, display_name, for_servers, enabled, revision
  from user_account
 order by user_id
