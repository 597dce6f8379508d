CREATE TABLE shifted (list int, pos int, item text, PRIMARY KEY (list, pos) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO shifted SELECT l, p, 'i'||l||'-'||p FROM generate_series(1,3) l, generate_series(1,5) p;
CREATE TABLE ids (id int PRIMARY KEY DEFERRABLE, v text);
INSERT INTO ids SELECT g, 'v'||g FROM generate_series(1,6) g;
CREATE TABLE swapped (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text);
INSERT INTO swapped SELECT g, 's'||g FROM generate_series(1,6) g;
CREATE TABLE full_ids (id int PRIMARY KEY DEFERRABLE, v text);
ALTER TABLE full_ids REPLICA IDENTITY FULL;
INSERT INTO full_ids SELECT g, 'f'||g FROM generate_series(1,6) g;
CREATE TABLE reloaded (id int PRIMARY KEY, v text);
INSERT INTO reloaded SELECT g, 'r'||g FROM generate_series(1,8) g;
CREATE TABLE phoenix (id serial PRIMARY KEY, v text);
INSERT INTO phoenix(v) SELECT 'p'||g FROM generate_series(1,8) g;
CREATE TABLE indexed (id int PRIMARY KEY, code text NOT NULL UNIQUE, v text);
ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_code_key;
INSERT INTO indexed SELECT g, 'c'||g, 'x'||g FROM generate_series(1,8) g;
ALTER TABLE shifted REPLICA IDENTITY FULL; ALTER TABLE ids REPLICA IDENTITY FULL; ALTER TABLE swapped REPLICA IDENTITY FULL;

UPDATE shifted SET item = item || '!';
UPDATE ids SET v = v || '!'; UPDATE swapped SET v = v || '!'; UPDATE full_ids SET v = v||'!';
INSERT INTO reloaded SELECT g, 'r'||g FROM generate_series(9,14) g;
INSERT INTO phoenix(v) SELECT 'p'||g FROM generate_series(9,14) g;
UPDATE indexed SET v = v || '!' WHERE id < 4;

UPDATE shifted SET pos = pos + 1 WHERE list = 1;
UPDATE shifted SET pos = pos - 1 WHERE list = 2;
BEGIN; DELETE FROM shifted WHERE list = 3 AND pos = 2; UPDATE shifted SET pos = pos - 1 WHERE list = 3 AND pos > 2; COMMIT;
UPDATE ids SET id = id + 1;
UPDATE full_ids SET id = id + 1;
BEGIN; UPDATE swapped SET id = 99 WHERE id = 1; UPDATE swapped SET id = 1 WHERE id = 2; UPDATE swapped SET id = 2 WHERE id = 99; COMMIT;
UPDATE swapped SET id = 9 - id WHERE id > 2;
TRUNCATE reloaded; INSERT INTO reloaded SELECT g, 'n'||g FROM generate_series(5,11) g;
DROP TABLE phoenix; CREATE TABLE phoenix (id serial PRIMARY KEY, v text); INSERT INTO phoenix(v) SELECT 'q'||g FROM generate_series(1,10) g;
DELETE FROM indexed WHERE id = 2; UPDATE indexed SET code = 'c33' WHERE id = 3; UPDATE indexed SET id = 44 WHERE id = 4;
UPDATE indexed SET v = v || '?' WHERE id < 9;

UPDATE shifted SET item = item || '.' WHERE list = 1 AND pos IN (2,3);
UPDATE ids SET id = id - 1;
DELETE FROM ids WHERE id = 3;

