insert into spatial_ref_sys (srid, auth_name, auth_srid, srtext) values ($1, 'EPSG', $1, $2)
on conflict (srid) do nothing
