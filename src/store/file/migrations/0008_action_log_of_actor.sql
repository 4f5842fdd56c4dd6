-- Admin reads the whole log, and nobody looks for the entries that admin made, so they need no place in this index.
DROP INDEX action_log_of_actor;
CREATE INDEX action_log_of_actor ON action_log (actor_id) WHERE actor_id > 0;
