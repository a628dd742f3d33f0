select content, answer from _jmap_request where actor_id = ?1 and request_id = ?2
