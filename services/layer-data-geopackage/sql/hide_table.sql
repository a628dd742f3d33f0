insert into gpkg_extensions (table_name, column_name, extension_name, definition, scope)
values (?1, null, 'jmap_server', 'tables of a map server, of no use to others', 'read-write')
