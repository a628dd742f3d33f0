insert into _jmap_request (actor_id, request_id, content, layers, answer, create_time)
values (?1, ?2, ?3, ?4, ?5, ?6)
