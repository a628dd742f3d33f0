-- The answers that these requests were given before, by their places in the lists.
select k.place, r.content, r.answer
from unnest($1::bigint[], $2::bytea[]) with ordinality as k (actor_id, request_id, place)
join jmap_catalogue.request as r on r.actor_id = k.actor_id and r.request_id = k.request_id
