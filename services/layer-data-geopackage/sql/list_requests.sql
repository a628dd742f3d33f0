-- The next ?3 after an actor and a request id.
select actor_id, request_id, content, layers, answer, create_time
from _jmap_request
where (actor_id, request_id) > (?1, ?2)
order by actor_id, request_id
limit ?3
