-- One element of the lists for each request and layer would not do, so the layers come as text: `{1,2}`.
insert into jmap_catalogue.request (actor_id, request_id, content, layers, answer, create_time)
select k.actor_id, k.request_id, k.content, k.layers::bigint[], k.answer, k.create_time
from unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::text[], $5::text[], $6::timestamptz[])
  as k (actor_id, request_id, content, layers, answer, create_time)
order by k.actor_id, k.request_id
on conflict (actor_id, request_id) do nothing
