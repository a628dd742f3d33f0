insert into jmap_catalogue.reader (role_name) values ($1) on conflict (role_name) do nothing
