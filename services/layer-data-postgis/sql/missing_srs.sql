-- Reference systems that the server knows and PostGIS does not.
select k.srid
from unnest($1::integer[]) as k (srid)
where not exists (select from spatial_ref_sys as s where s.srid = k.srid)
order by k.srid
