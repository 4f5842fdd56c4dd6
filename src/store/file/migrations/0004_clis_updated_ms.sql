-- When a CLI was last changed, for the lists that tell it. NULL: not since it was made.
ALTER TABLE clis ADD COLUMN updated_ms INTEGER;
