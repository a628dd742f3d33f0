insert into session
    (session_id, user_id, for_servers, service_id, opened_at, expires_at, closed_at,
     refresh_family, refresh_current)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (session_id) do update
   set expires_at = excluded.expires_at, closed_at = excluded.closed_at,
       refresh_family = excluded.refresh_family, refresh_current = excluded.refresh_current
