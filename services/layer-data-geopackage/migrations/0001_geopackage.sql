-- An empty GeoPackage (OGC 12-128r18, version 1.3) with the server's own tables beside it.

pragma application_id = 1196444487; -- 'GPKG'
pragma user_version = 10300;

create table gpkg_spatial_ref_sys (
  srs_name text not null,
  srs_id integer primary key,
  organization text not null,
  organization_coordsys_id integer not null,
  definition text not null,
  description text
);

insert into gpkg_spatial_ref_sys values
  ('Undefined Cartesian SRS', -1, 'NONE', -1, 'undefined', null),
  ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', null);

create table gpkg_contents (
  table_name text not null primary key,
  data_type text not null,
  identifier text unique,
  description text default '',
  last_change datetime not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  min_x double,
  min_y double,
  max_x double,
  max_y double,
  srs_id integer,
  foreign key (srs_id) references gpkg_spatial_ref_sys (srs_id)
);

create table gpkg_geometry_columns (
  table_name text not null,
  column_name text not null,
  geometry_type_name text not null,
  srs_id integer not null,
  z tinyint not null,
  m tinyint not null,
  primary key (table_name, column_name),
  unique (table_name),
  foreign key (table_name) references gpkg_contents (table_name),
  foreign key (srs_id) references gpkg_spatial_ref_sys (srs_id)
);

create table gpkg_extensions (
  table_name text,
  column_name text,
  extension_name text not null,
  definition text not null,
  scope text not null,
  unique (table_name, column_name, extension_name)
);

-- Readers list every table of a file that does not use this extension, the server's own included.
insert into gpkg_extensions values
  (null, null, 'gdal_aspatial', 'http://gdal.org/geopackage_aspatial.html', 'read-write'),
  ('_jmap_store', null, 'jmap_server', 'tables of a map server, of no use to others', 'read-write'),
  ('_jmap_layer', null, 'jmap_server', 'tables of a map server, of no use to others', 'read-write'),
  ('_jmap_request', null, 'jmap_server', 'tables of a map server, of no use to others', 'read-write');

-- The store itself: one row.
create table _jmap_store (
  one integer primary key check (one = 1),
  -- The installation that the store belongs to; null until it is bound.
  installation text,
  -- Counts the processes that opened the store. A process that finds another number has lost it.
  epoch integer not null
);

insert into _jmap_store values (1, null, 0);

create table _jmap_layer (
  layer_id integer primary key,
  -- The definition as JSON.
  definition text not null,
  -- The id of the next element: data, because ids are never reused.
  next_element integer not null,
  -- The revision of the newest edit.
  revision integer not null,
  -- Milliseconds since 1970.
  create_time integer not null
);

-- Answers to requests that may be retried.
create table _jmap_request (
  actor_id integer not null,
  request_id blob not null,
  content blob not null,
  -- The layers of the request as a JSON array.
  layers text not null,
  -- The answer as JSON.
  answer text not null,
  -- Milliseconds since 1970.
  create_time integer not null,
  primary key (actor_id, request_id)
) without rowid;

create index _jmap_request_age on _jmap_request (create_time);
