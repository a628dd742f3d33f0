delete from gpkg_geometry_columns where table_name = ?1
