-- The next $3 after an actor and a request id.
select r.actor_id, r.request_id, r.content, r.layers, r.answer, r.create_time
from jmap_catalogue.request as r
where (r.actor_id, r.request_id) > ($1, $2)
order by r.actor_id, r.request_id
limit $3
