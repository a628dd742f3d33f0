select u.user_id, u.name, u.display_name, u.for_servers, u.enabled, i.issuer, i.subject, u.revision
  from user_account u
  left join federated_identity i on i.user_id = u.user_id
 order by u.user_id
