insert into gpkg_extensions (table_name, column_name, extension_name, definition, scope)
values (?1, 'geom', 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')
