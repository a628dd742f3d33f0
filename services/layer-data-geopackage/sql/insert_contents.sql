-- The extent stays null: it would have to be written by every edit.
insert into gpkg_contents (table_name, data_type, identifier, srs_id) values (?1, 'features', ?2, ?3)
