select session_id, user_id, for_servers, service_id, opened_at, expires_at, closed_at,
       refresh_family, refresh_current
  from session
 order by session_id
