select hash from user_password where user_id = $1
