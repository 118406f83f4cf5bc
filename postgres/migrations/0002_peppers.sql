-- Which peppers hashes were made with is asked at every start. What is kept here
-- is the beginning of a hash, up to what stands behind the longest id, and
-- nothing at all for those without a pepper.
CREATE INDEX users_pepper ON users (substr(password_hash, 1, 25)) WHERE substr(password_hash, 1, 8) = '$pepper$';
